"""Dead letters and held rows over HTTP: found, counted, edited, previewed, replayed, discarded, decided on."""

from typing import Annotated, Literal

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter, QueryParameter, SkipValidation
from msgspec import Meta, Struct

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.tokens import Caller
from crosswalk.api.deliveries import Find, Reason, Status, place_of
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.edit import Edit
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
from crosswalk.delivery.workbench import (
    MOST_PREVIEWED,
    Changed,
    Decision,
    RunPreview,
    Selection,
    Workbench,
    look_for,
)
from crosswalk.store.database import Database

READ = needs("delivery.dead-letters:read")
UPDATE = needs("delivery.dead-letters:update")
Data = NamedDependency[SkipValidation[Database]]
Who = NamedDependency[SkipValidation[Caller]]
Linked = NamedDependency[SkipValidation[Accounts | None]]
Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
State = Annotated[
    Literal["dead", "held"], QueryParameter(name="state", description="`held` rows may have arrived: nobody knows.")
]
Group = Annotated[str | None, QueryParameter(description="Id of a group of dead letters.")]


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows, and what to change in them."""

    rows: Selection
    edit: Edit | None = None


class Sample(Change, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows, what to change in them, and how many to show."""

    most: Annotated[int, Meta(ge=1, le=MOST_PREVIEWED)] = 10


class Discard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows, and why they are given up."""

    rows: Selection
    reason: Annotated[str, Meta(min_length=1, max_length=2000)]


class Previews(Struct, frozen=True):
    """What rows would become, run by run."""

    result: list[RunPreview]


@get("/", summary="List dead letters", security=READ, responses=problems())
async def show_dead_letters(
    *,
    database: Data,
    caller: Who,
    run: FromQuery[str | None] = None,
    account: FromQuery[str | None] = None,
    destination: FromQuery[str | None] = None,
    record_state: State = "dead",
    group: Group = None,
    status: Status = None,
    reason: Reason = None,
    text: Find = None,
    key: FromQuery[str | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Delivery]:
    """Rows that cannot be delivered as they are, each with its reason, newest first."""
    wanted = DeliveryFilter(
        account=account,
        reach=caller.accounts,
        run=run,
        destination=destination,
        state=record_state,
        group=group,
        status=status,
        reason=reason,
        text=text,
        key=key,
        before=read_cursor(next_cursor, Place),
    )
    return cut(await list_deliveries(database, wanted, most=limit + 1), limit, place_of)


@get("/groups", summary="Count dead letters by reason", security=READ, responses=problems())
async def show_dead_groups(
    *,
    database: Data,
    caller: Who,
    run: FromQuery[str | None] = None,
    account: FromQuery[str | None] = None,
    destination: FromQuery[str | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[DeadGroup]:
    """Dead letters counted by what they say, ids, numbers and quoted values aside; the most frequent first."""
    after = read_cursor(next_cursor, Rank)
    wanted = DeliveryFilter(account=account, reach=caller.accounts, run=run, destination=destination)
    rest = [group for group in await group_dead(database, wanted) if after is None or rank(group) > after]
    return cut(rest, limit, rank)


@get("/{run_id:str}/{number:int}", summary="Show a dead letter", security=READ, responses=problems(404))
async def show_dead_letter(*, run_id: FromPath[str], number: Number, database: Data, caller: Who) -> WholeDelivery:
    """One row with all that is known of it: as it was read and edited, its attempts, hits and decisions."""
    return await find_delivery(database, Place(run_id, number), reach=caller.accounts)


@post("/preview", summary="Preview edited rows", status_code=200, security=READ, responses=problems(404, 409, 422))
async def preview_rows(*, data: JSONBody[Sample], database: Data, caller: Who) -> Previews:
    """The exact calls that rows would become, the credential masked, or why they stay dead. Nothing is called."""
    return Previews(await bench(database, caller).preview(data.rows, data.edit or Edit(), most=data.most))


@post("/edit", summary="Edit rows", status_code=200, security=UPDATE, responses=problems(404, 409, 422))
async def edit_rows(*, data: JSONBody[Change], database: Data, caller: Who) -> Changed:
    """Change rows; they stay dead until they are replayed."""
    return await bench(database, caller).edit(data.rows, data.edit or Edit())


@post("/replay", summary="Replay rows", status_code=200, security=UPDATE, responses=problems(404, 409, 422))
async def replay_rows(*, data: JSONBody[Change], database: Data, caller: Who) -> Changed:
    """Let rows go again as they were edited, with one more edit if given; their runs go back to the queue."""
    return await bench(database, caller).replay(data.rows, data.edit)


@post("/discard", summary="Discard rows", status_code=200, security=UPDATE, responses=problems(404, 409, 422))
async def discard_rows(*, data: JSONBody[Discard], database: Data, caller: Who) -> Changed:
    """Give dead rows up for a reason: they are cancelled."""
    return await bench(database, caller).discard(data.rows, data.reason)


@post("/{run_id:str}/{number:int}/decide", summary="Decide on a held row", status_code=200, security=UPDATE,
      responses=problems(404, 409, 422))  # fmt: skip
async def decide_row(
    *, run_id: FromPath[str], number: Number, data: JSONBody[Decision], database: Data, caller: Who, accounts: Linked
) -> Changed:
    """Send a row again whose outcome is unknown, say which record is its own, or give it up."""

    async def exists(account: str, path: str) -> bool:
        if accounts is None:
            raise ServiceUnavailableException("Insightly cannot be asked from here; send `unchecked`")
        return await look_for(accounts, account, path)

    return await bench(database, caller).decide(Place(run_id, number), data, exists=exists)


def bench(database: Database, caller: Caller) -> Workbench:
    """The workbench as whoever shows the token may use it."""
    return Workbench(database=database, who=f"token {caller.name}", reach=caller.accounts)


ROUTES = Router(
    "/dead-letters",
    route_handlers=[
        show_dead_letters,
        show_dead_groups,
        show_dead_letter,
        preview_rows,
        edit_rows,
        replay_rows,
        discard_rows,
        decide_row,
    ],
    tags=["dead letters"],
)
