"""Logs: an account's requests with both legs of each, and the audit log of who changed what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from msgspec import Struct
from sqlalchemy import Row

from crosswalk.accounts import audit
from crosswalk.api.page import cut, read_cursor
from crosswalk.console.desk import Desk
from crosswalk.console.frame import ConsoleRequest, desk_of, older, show
from crosswalk.store.requests import FIND_REQUESTS, LIST_REQUESTS

PAGE = 50
LAST = 2**62
ANY: Mapping[str, Any] = {"actor": None, "method": None, "leg": "ours", "status": None, "sees_all": 1, "reach": []}


class Leg(Struct, frozen=True):
    """One call: one that came, or one to Insightly that it became."""

    number: int
    request: str
    at: datetime
    actor: str | None
    method: str
    path: str
    query: str
    status: int | None
    trouble: str | None
    ms: float
    body: str | None
    answer: str | None


class Asked(Struct, frozen=True):
    """A call that came, with the calls to Insightly that it became."""

    own: Leg
    became: list[Leg]


@get("/accounts/{place:str}/requests")
async def show_requests(
    *,
    request: ConsoleRequest,
    place: FromPath[str],
    text: FromQuery[str] = "",
    next_cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """An account's requests, newest first; `text` occurs in the path."""
    desk = desk_of(request)
    account = await desk.accounts.find(place)
    before = read_cursor(next_cursor, int) or LAST
    page = cut(await _list_asked(desk, account.id, text, before), PAGE, lambda asked: asked.own.number)
    data = {"account": account, "requests": page.result, "text": text}
    return await show(request, "requests.html", data | {"older": older(request, page.next_cursor)}, here="Accounts")


async def _list_asked(desk: Desk, account: str, text: str, before: int) -> list[Asked]:
    shown = text.lower().replace("/", "//").replace("%", "/%").replace("_", "/_")
    wanted = {**ANY, "account": account, "before": before, "text": f"%{shown}%" if text else None, "most": PAGE + 1}
    async with desk.database.read() as connection:
        own = [_leg(row) for row in await connection.execute(LIST_REQUESTS, wanted)]
        asked = {"requests": [each.request for each in own]}
        became = [_leg(row) for row in await connection.execute(FIND_REQUESTS, asked)] if own else []
    return [Asked(each, [leg for leg in became if leg.request == each.request]) for each in own]


def _leg(row: Row[Any]) -> Leg:
    return Leg(**{name: getattr(row, name) for name in Leg.__struct_fields__})


@get("/audit")
async def show_audit(
    *, request: ConsoleRequest, actor: FromQuery[str] = "", next_cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """Who changed what, newest first."""
    wanted = audit.Wanted(actor=actor or None, before=read_cursor(next_cursor, int))
    found = await audit.list_lines(desk_of(request).database, wanted, most=PAGE + 1)
    page = cut(found, PAGE, lambda line: line.number)
    data = {"lines": page.result, "actor": actor, "older": older(request, page.next_cursor)}
    return await show(request, "audit.html", data, here="Settings")


PAGES: tuple[HTTPRouteHandler, ...] = (show_requests, show_audit)
