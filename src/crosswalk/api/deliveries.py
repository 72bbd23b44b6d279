"""Deliveries over HTTP: every row's journey."""

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, PathParameter, QueryParameter, SkipValidation

from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.history import (
    Delivery,
    DeliveryFilter,
    Place,
    WholeDelivery,
    find_delivery,
    list_deliveries,
)
from crosswalk.store.database import Database
from crosswalk.store.deliveries import RecordState

READ = needs("delivery.deliveries:read")
State = Annotated[RecordState | None, QueryParameter(name="state")]  # the framework keeps `state` for itself
Reason = Annotated[str | None, QueryParameter(max_length=500, description="Text that occurs in the reason.")]
Find = Annotated[
    str | None,
    QueryParameter(max_length=500, description="Text in the reason, the row, the call, its key or its match."),
]
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
    destination: FromQuery[str | None] = None,
    reason: Reason = None,
    text: Find = None,
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
        destination=destination,
        reason=reason,
        text=text,
        key=key,
        remote_id=remote_id,
        before=read_cursor(next_cursor, Place),
    )
    return cut(await list_deliveries(database, wanted, most=limit + 1), limit, place_of)


@get("/{run_id:str}/{number:int}", summary="Show a delivery", security=READ, responses=problems(404))
async def show_delivery(
    *,
    run_id: FromPath[str],
    number: Annotated[int, PathParameter(ge=-(2**31), le=2**31 - 1)],
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> WholeDelivery:
    """One row's biography: as it was read, the call that it became, every attempt, every person's decision."""
    return await find_delivery(database, Place(run_id, number), reach=caller.accounts)


def place_of(delivery: Delivery) -> Place:
    """Where a delivery stands in its list."""
    return Place(delivery.run_id, delivery.number)


ROUTES = Router("/deliveries", route_handlers=[show_deliveries, show_delivery], tags=["deliveries"])
