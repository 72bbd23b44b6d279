"""Notices: what happened that a person should know, and where they go."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from crosswalk.api.page import cut, read_cursor
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.console.runs import name_accounts
from crosswalk.delivery.notices import SORTS

HERE = "Notices"
PAGE = 50


@get("/notices")
async def show_notices(
    *, request: ConsoleRequest, unread: FromQuery[bool] = False, next_cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """Notices, newest first."""
    desk = desk_of(request)
    before = read_cursor(next_cursor, str)
    page = cut(await desk.notices.list(unread=unread, before=before, most=PAGE + 1), PAGE, lambda each: each.id)
    data = {
        "notices": page.result,
        "titles": {kind: sort.title for kind, sort in SORTS.items()},
        "names": await name_accounts(desk),
        "channels": await desk.notices.channels(),
        "emails": list(desk.office.emails),
        "unread": unread,
    }
    return await show(request, "notices.html", data | {"older": older(request, page.next_cursor)}, here=HERE)


@post("/notices/read")
async def read_all(*, request: ConsoleRequest) -> Response[Any]:
    """Mark every notice as read."""
    await desk_of(request).notices.mark_read()
    return go("/notices")


@post("/notices/{notice:str}/read")
async def read_notice(*, request: ConsoleRequest, notice: FromPath[str]) -> Response[Any]:
    """Mark one notice as read."""
    await desk_of(request).notices.mark_read(notice)
    return go("/notices")


PAGES: tuple[HTTPRouteHandler, ...] = (show_notices, read_all, read_notice)
