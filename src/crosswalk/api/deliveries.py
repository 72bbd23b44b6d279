"""Deliveries and dead letters over HTTP: every row's journey, and what cannot be delivered as it is."""

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, PathParameter, QueryParameter, SkipValidation

from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.history import (
    DeadGroup,
    Delivery,
    DeliveryFilter,
    Place,
    Rank,
    WholeDelivery,
    find_delivery,
    group_dead,
    list_deliveries,
    rank,
)
from crosswalk.store.database import Database
from crosswalk.store.deliveries import RecordState

READ = needs("delivery.deliveries:read")
READ_DEAD = needs("delivery.dead-letters:read")
State = Annotated[RecordState | None, QueryParameter(name="state")]  # the framework keeps `state` for itself
Reason = Annotated[str | None, QueryParameter(max_length=500, description="Text that occurs in the reason.")]
Status = Annotated[int | None, QueryParameter(ge=100, le=599, description="Status of the latest answer.")]


@get("/", summary="List deliveries", security=READ, responses=problems())
async def show_deliveries(
    *,
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
    run: FromQuery[str | None] = None,
    account: FromQuery[str | None] = None,
    record_state: State = None,
    status: Status = None,
    reason: Reason = None,
    key: FromQuery[str | None] = None,
    remote_id: FromQuery[str | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Delivery]:
    """Deliveries without their calls: the newest run first, in it the last row first."""
    wanted = DeliveryFilter(
        account=account,
        reach=caller.accounts,
        run=run,
        state=record_state,
        status=status,
        reason=reason,
        key=key,
        remote_id=remote_id,
        before=read_cursor(next_cursor, Place),
    )
    return cut(await list_deliveries(database, wanted, most=limit + 1), limit, place_of)


@get("/{run_id:str}/{number:int}", summary="Show a delivery", security=READ, responses=problems(404))
async def show_delivery(
    *,
    run_id: FromPath[str],
    number: Annotated[int, PathParameter(ge=1, le=2**31 - 1)],
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> WholeDelivery:
    """One row's biography: the call that it became, and every attempt with what came back."""
    return await find_delivery(database, Place(run_id, number), reach=caller.accounts)


@get("/", summary="List dead letters", security=READ_DEAD, responses=problems())
async def show_dead_letters(
    *,
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
    run: FromQuery[str | None] = None,
    account: FromQuery[str | None] = None,
    reason: Reason = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Delivery]:
    """Rows that cannot be delivered as they are, each with its reason, newest first."""
    wanted = DeliveryFilter(
        account=account,
        reach=caller.accounts,
        run=run,
        state="dead",
        reason=reason,
        before=read_cursor(next_cursor, Place),
    )
    return cut(await list_deliveries(database, wanted, most=limit + 1), limit, place_of)


@get("/groups", summary="Count dead letters by reason", security=READ_DEAD, responses=problems())
async def show_dead_groups(
    *,
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
    run: FromQuery[str | None] = None,
    account: FromQuery[str | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[DeadGroup]:
    """Dead letters counted by what they say, ids, numbers and quoted values aside; the most frequent first."""
    after = read_cursor(next_cursor, Rank)
    groups = await group_dead(database, DeliveryFilter(account=account, reach=caller.accounts, run=run))
    rest = [group for group in groups if after is None or rank(group) > after]
    return cut(rest, limit, rank)


def place_of(delivery: Delivery) -> Place:
    """Where a delivery stands in its list."""
    return Place(delivery.run_id, delivery.number)


DELIVERIES = Router("/deliveries", route_handlers=[show_deliveries, show_delivery], tags=["deliveries"])
DEAD_LETTERS = Router("/dead-letters", route_handlers=[show_dead_letters, show_dead_groups], tags=["dead letters"])
