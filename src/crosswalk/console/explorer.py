"""The explorer: any unified or proxied call of an account, tried out, its answer beside Insightly's own.

A session opens neither `/unified` nor `/proxy`. The page gets a token of its own for that: one account, an hour, and
reading alone unless asked otherwise. It stands in the list of tokens as any other, and is revoked there.
"""

from collections.abc import Sequence
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Struct, to_builtins

from crosswalk.console.flow import answer, desk_of
from crosswalk.console.frame import ConsoleRequest, show
from crosswalk.console.passes import make_pass
from crosswalk.contract import load
from crosswalk.unified.mapping import verbs
from crosswalk.unified.nouns import CRM

READING = ("unified:read", "proxy:read")
WRITING = ("unified:*", "proxy:*")


class Known(Struct, frozen=True):
    """A path that may be called, and with which methods."""

    path: str
    methods: Sequence[str]


class Routes(Struct, frozen=True):
    """What the explorer completes: paths below `/unified/` and below `/proxy/`."""

    unified: Sequence[Known]
    proxy: Sequence[Known]


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose data is to be explored; `write` to make, change and delete, too."""

    account: str
    write: bool = False


@get("/explorer")
async def show_explorer(*, request: ConsoleRequest) -> Response[Any]:
    """The page, with the paths that there are."""
    accounts = [{"id": each.id, "name": each.name} for each in await desk_of(request).accounts.list()]
    data = {"accounts": accounts, "routes": to_builtins(list_routes())}
    return await show(request, "explorer.html", {"data": data}, here="Explorer")


@post("/explorer/tokens", status_code=201)
async def make_token(*, request: ConsoleRequest, data: JSONBody[Asked]) -> Response[bytes]:
    """Make the page's token."""
    scopes = WRITING if data.write else READING
    return answer(await make_pass(desk_of(request), "explorer", data.account, scopes), status=201)


def list_routes() -> Routes:
    """Every collection of the unified API and of Insightly, with the methods that it takes."""
    methods = {"list": "GET", "create": "POST", "update": "PATCH", "delete": "DELETE"}
    unified = [
        Known(f"crm/{noun.name}", [method for verb, method in methods.items() if verb in verbs(noun)])
        for noun in CRM.values()
    ]
    proxy = [
        Known(resource.path.strip("/"), sorted({each.verb for each in resource.operations}))
        for resource in load().resources.values()
        if "{" not in resource.path
    ]
    return Routes(unified, sorted(proxy, key=lambda known: known.path))


PAGES: tuple[HTTPRouteHandler, ...] = (show_explorer, make_token)
