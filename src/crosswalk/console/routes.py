"""The console's routes: what anybody may see, and what only those who are signed in."""

from collections.abc import Sequence

from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler

from crosswalk.console import (
    accounts,
    dead_letters,
    deliveries,
    destinations,
    explorer,
    flow,
    home,
    logs,
    mapper,
    notices,
    runs,
    settings,
    sources,
)
from crosswalk.console.desk import Desk
from crosswalk.console.errors import PAGE_HANDLERS
from crosswalk.console.frame import ConsoleRequest, require_session
from crosswalk.console.link_page import make_link_routes
from crosswalk.console.pages import show_asset
from crosswalk.console.sign_in import enter, leave, show_sign_in
from crosswalk.console.widgets import show_widgets
from crosswalk.console.witness import witnessed

OPEN = (show_asset, show_sign_in, enter, show_widgets)
CLOSED: Sequence[HTTPRouteHandler] = (
    leave,
    *home.PAGES,
    *flow.PAGES,
    *explorer.PAGES,
    *mapper.PAGES,
    *runs.PAGES,
    *deliveries.PAGES,
    *dead_letters.PAGES,
    *sources.PAGES,
    *destinations.PAGES,
    *accounts.PAGES,
    *logs.PAGES,
    *notices.PAGES,
    *settings.PAGES,
)
"""Pages of those who are signed in, each room's own list."""


def add_console(api: Litestar, desk: Desk) -> None:
    """Serve the console beside the API."""
    api.state.desk = desk
    api.register(make_link_routes(desk.database, desk.accounts))
    api.register(Router("/", route_handlers=[*OPEN], exception_handlers=PAGE_HANDLERS))
    api.register(
        Router(
            "/",
            route_handlers=[*CLOSED],
            before_request=require_session,
            middleware=[witnessed],
            request_class=ConsoleRequest,
            exception_handlers=PAGE_HANDLERS,
            include_in_schema=False,
        )
    )
