"""The request log over HTTP: searched, shown with both legs, and a read made again."""

from typing import Annotated

from litestar import Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation
from msgspec import Struct

from crosswalk.accounts.pool import Pool
from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.gate.requests import (
    NoReplay,
    Replayed,
    Request,
    UnknownRequest,
    Wanted,
    find_request,
    list_requests,
    replay,
    replayable,
)
from crosswalk.store.database import Database
from crosswalk.store.requests import Leg

READ = needs("admin.requests:read")
Data = NamedDependency[SkipValidation[Database]]
Who = NamedDependency[SkipValidation[Caller]]
Status = Annotated[int | None, QueryParameter(ge=100, le=599, description="Status of the answer.")]
Find = Annotated[str | None, QueryParameter(max_length=500, description="Text in the path.")]


class Legs(Struct, frozen=True):
    """One call as it came, and the calls to Insightly that it became."""

    result: list[Request]


@get("/", summary="List requests", security=READ, responses=problems())
async def show_requests(
    *,
    database: Data,
    caller: Who,
    account: FromQuery[str | None] = None,
    actor: FromQuery[str | None] = None,
    method: FromQuery[str | None] = None,
    leg: FromQuery[Leg | None] = None,
    status: Status = None,
    text: Find = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Request]:
    """Calls about the accounts that the token reaches, newest first, without their content."""
    wanted = Wanted(
        account=account,
        actor=actor,
        method=method,
        leg=leg,
        status=status,
        text=text,
        before=read_cursor(next_cursor, int),
        reach=caller.accounts,
    )
    return cut(await list_requests(database, wanted, most=limit + 1), limit, lambda row: row.number)


@get("/{request_id:str}", summary="Show a request", security=READ, responses=problems(404))
async def show_request(*, request_id: FromPath[str], database: Data, caller: Who) -> Legs:
    """One call, and the calls to Insightly that it became."""
    return Legs(await _find(database, request_id, caller))


@post("/{request_id:str}/replay", summary="Replay a read", status_code=200, security=READ,
      responses=problems(404, 409))  # fmt: skip
async def replay_request(*, request_id: FromPath[str], database: Data, caller: Who, state: State) -> Replayed:
    """Make a read to Insightly again, once, and tell what it answered then and answers now."""
    legs = await _find(database, request_id, caller)
    try:
        leg = replayable(legs)
    except NoReplay as exc:
        raise ClientException(str(exc), status_code=409) from exc
    pool: Pool = state.pool
    async with pool.client(leg.account_id or "") as crm:
        return await replay(leg, crm)


async def _find(database: Database, request_id: str, caller: Caller) -> list[Request]:
    try:
        return await find_request(database, request_id, reach=caller.accounts)
    except UnknownRequest as exc:
        raise ClientException(str(exc), status_code=404) from exc


ROUTES = Router("/requests", route_handlers=[show_requests, show_request, replay_request], tags=["requests"])
