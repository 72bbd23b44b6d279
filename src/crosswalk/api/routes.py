"""The Litestar application: its routes, its one error body, its OpenAPI document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from litestar import Litestar, Router
from litestar.di import NamedDependency, Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import SkipValidation

from crosswalk.accounts.callers import open_callers
from crosswalk.accounts.tokens import Caller, Tokens
from crosswalk.api import deliveries, destinations, runs, tokens
from crosswalk.api.body import ApiRequest
from crosswalk.api.docs import show_docs, show_style
from crosswalk.api.errors import HANDLERS
from crosswalk.api.guard import SCHEME, provide_caller, require_token
from crosswalk.api.health import show_live, show_ready
from crosswalk.api.ping import ping, welcome
from crosswalk.api.query import refuse_unknown
from crosswalk.delivery.destinations import Destinations
from crosswalk.store.database import Database

DOCUMENT = OpenAPIConfig(
    title="Crosswalk",
    version=version("crosswalk"),
    description="The integration hub for Insightly CRM.",
    components=SCHEME,
    use_handler_docstrings=True,
    path="/openapi.json",
    render_plugins=[JsonRenderPlugin(path="/")],
)
GUARDED = (tokens.ROUTES, destinations.ROUTES, runs.ROUTES, deliveries.DELIVERIES, deliveries.DEAD_LETTERS)


def provide_destinations(
    database: NamedDependency[SkipValidation[Database]], caller: NamedDependency[SkipValidation[Caller]]
) -> Destinations:
    """The destinations of the accounts that the token reaches."""
    return Destinations(database=database, who=f"token {caller.name}", reach=caller.accounts)


def make_api(database: Database) -> Litestar:
    """Build the API over an open database."""

    @asynccontextmanager
    async def know_callers(app: Litestar) -> AsyncIterator[None]:
        async with open_callers(database) as callers:
            app.state.callers = callers
            yield

    guarded = Router(
        "/v1",
        route_handlers=GUARDED,
        guards=[require_token],
        dependencies={
            "caller": Provide(provide_caller, sync_to_thread=False),
            "destinations": Provide(provide_destinations, sync_to_thread=False),
            "tokens": Provide(lambda: Tokens(database=database), sync_to_thread=False),
        },
    )
    return Litestar(
        [welcome, ping, show_live, show_ready, show_docs, show_style, guarded],
        dependencies={"database": Provide(lambda: database, sync_to_thread=False)},
        before_request=refuse_unknown,
        request_class=ApiRequest,
        exception_handlers=HANDLERS,
        lifespan=[know_callers],
        openapi_config=DOCUMENT,
        logging_config=None,
    )
