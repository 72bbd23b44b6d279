"""The Litestar application: its routes, its one error body, its OpenAPI document."""

from importlib.metadata import version

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from crosswalk.api.errors import HANDLERS
from crosswalk.api.health import show_live, show_ready
from crosswalk.api.ping import ping, welcome
from crosswalk.store.database import Database

DOCUMENT = OpenAPIConfig(
    title="Crosswalk",
    version=version("crosswalk"),
    description="The integration hub for Insightly CRM.",
    use_handler_docstrings=True,
    path="/openapi.json",
    render_plugins=[JsonRenderPlugin(path="/")],
)


def make_api(database: Database) -> Litestar:
    """Build the API over an open database."""
    return Litestar(
        [welcome, ping, show_live, show_ready],
        dependencies={"database": Provide(lambda: database, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        openapi_config=DOCUMENT,
        logging_config=None,
    )
