"""The field mapper: what the unified fields of an account are made of, changed, tried, saved and rolled back.

The page shows the same element that other sites embed; it reads and writes with a pass of its own.
"""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody
from msgspec import Struct

from crosswalk.accounts.widgets import scopes_of
from crosswalk.console.flow import answer
from crosswalk.console.frame import ConsoleRequest, desk_of, show
from crosswalk.console.passes import make_pass


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose fields are to be mapped."""

    account: str


@get("/mapper")
async def show_mapper(*, request: ConsoleRequest, account: FromQuery[str] = "") -> Response[Any]:
    """The page; `account` is the one that it begins with, by name or id."""
    accounts = [{"id": each.id, "name": each.name} for each in await desk_of(request).accounts.list()]
    chosen = next((each for each in accounts if account in each.values()), accounts[0] if accounts else None)
    return await show(request, "mapper.html", {"accounts": accounts, "chosen": chosen}, here="Field mapper")


@post("/mapper/tokens", status_code=201)
async def make_token(*, request: ConsoleRequest, data: JSONBody[Asked]) -> Response[bytes]:
    """Make the page's pass."""
    scopes = [str(each) for each in scopes_of("field-mapper", write=True)]
    return answer(await make_pass(desk_of(request), "mapper", data.account, scopes), status=201)


PAGES: tuple[HTTPRouteHandler, ...] = (show_mapper, make_token)
