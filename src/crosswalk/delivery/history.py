"""What was sent and what became of it, for readers: runs, deliveries, and dead letters in groups."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict
from sqlalchemy import RowMapping

from crosswalk.delivery.errors import UnknownDelivery, UnknownRun
from crosswalk.delivery.reasons import normalise
from crosswalk.store.attempts import LIST_ATTEMPTS, AttemptKind, AttemptOutcome
from crosswalk.store.database import Database
from crosswalk.store.deliveries import COUNT_STATES, Phase, RecordState
from crosswalk.store.history import DELIVERIES, DELIVERY, OF_DELIVERY, OF_RUN, REASONS, RUNS, narrow
from crosswalk.store.runs import FIND_RUN, RunState

RowNumber = Annotated[int, Meta(ge=1, le=2**31 - 1)]
"""What a row's column of both databases holds."""


class Place(NamedTuple):
    """Where a delivery stands: a run's id, and a row's number in it."""

    run: str
    number: RowNumber


class Rank(NamedTuple):
    """Where a group of dead letters stands: the most frequent come first."""

    minus_count: int
    reason: str


class RunRecord(Struct, frozen=True, kw_only=True):
    """One run: what was sent where, and how it stands."""

    id: str
    name: str
    account_id: str | None
    source: str
    template: str
    state: RunState
    reason: str | None
    calls: int
    started_at: datetime
    ended_at: datetime | None


class CountedRun(RunRecord, frozen=True, kw_only=True):
    """One run with its rows by state. Every row read is in exactly one, so that `read` is their sum."""

    read: int
    counts: dict[RecordState, int]


class Delivery(Struct, frozen=True, kw_only=True):
    """One row's journey: `number` is the row's place in its source, `status` that of the latest answer."""

    run_id: str
    number: int
    state: RecordState
    phase: Phase | None
    key: str | None
    attempts: int
    sent_at: datetime | None
    due_at: datetime | None
    settled_at: datetime | None
    status: int | None
    remote_id: str | None
    reason: str | None


class AttemptRecord(Struct, frozen=True, kw_only=True):
    """One call that was made for a delivery: what was sent, what came back, and what it came to.

    `body` is there where it is not the delivery's own, as in a batch; `response` is the beginning of the answer.
    """

    kind: AttemptKind
    began_at: datetime
    ended_at: datetime
    request: str
    body: str | None
    status: int | None
    response: str | None
    outcome: AttemptOutcome
    reason: str | None


class WholeDelivery(Delivery, frozen=True, kw_only=True):
    """One delivery's biography: the call that it became, and every attempt. No credential is in either."""

    call: Any
    biography: list[AttemptRecord]


class DeadGroup(Struct, frozen=True):
    """Dead letters that say the same but for ids, numbers and quoted values; `example` is one of them as it stands."""

    reason: str
    count: int
    example: str


class RunFilter(Struct, frozen=True, kw_only=True):
    """Which runs. `reach` holds the accounts that the reader may see; what is `None` does not narrow."""

    account: str | None = None
    reach: frozenset[str] | None = None
    state: RunState | None = None
    before: str | None = None


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """Which deliveries. `reason` is text that occurs in it; what is `None` does not narrow."""

    account: str | None = None
    reach: frozenset[str] | None = None
    run: str | None = None
    number: int | None = None
    state: RecordState | None = None
    status: int | None = None
    reason: str | None = None
    key: str | None = None
    remote_id: str | None = None
    before: Place | None = None


async def list_runs(database: Database, wanted: RunFilter, *, most: int) -> list[RunRecord]:
    """Runs, newest first."""
    statement = narrow(RUNS, OF_RUN, asdict(wanted))
    async with database.read() as connection:
        rows = (await connection.execute(statement, {"most": most})).mappings()
        return [msgspec.convert(_plain(row), RunRecord) for row in rows]


async def find_run(database: Database, run: str, *, reach: frozenset[str] | None = None) -> CountedRun:
    """One run with its counts. Raises `UnknownRun`, also for one that the reader may not see."""
    async with database.read() as connection:
        row = (await connection.execute(FIND_RUN, {"run": run})).mappings().one_or_none()
        if row is None or (reach is not None and row["account_id"] not in reach):
            raise UnknownRun(f"There is no run {run!r}. `crosswalk runs list` lists them")
        found = {each[0]: each[1] for each in await connection.execute(COUNT_STATES, {"run": run})}
    counts = dict.fromkeys(get_args(RecordState), 0) | found
    return msgspec.convert({**_plain(row), "read": sum(counts.values()), "counts": counts}, CountedRun)


async def list_deliveries(database: Database, wanted: DeliveryFilter, *, most: int) -> list[Delivery]:
    """Deliveries without their calls: the newest run first, in it the last row first."""
    statement = narrow(DELIVERIES, OF_DELIVERY, asdict(wanted))
    async with database.read() as connection:
        rows = (await connection.execute(statement, {"most": most})).mappings()
        return [msgspec.convert(_plain(row), Delivery) for row in rows]


async def find_delivery(database: Database, place: Place, *, reach: frozenset[str] | None = None) -> WholeDelivery:
    """One delivery with its biography. Raises `UnknownDelivery`, also for one that the reader may not see."""
    wanted = DeliveryFilter(run=place.run, number=place.number, reach=reach)
    async with database.read() as connection:
        row = (await connection.execute(narrow(DELIVERY, OF_DELIVERY, asdict(wanted)))).mappings().one_or_none()
        made = (await connection.execute(LIST_ATTEMPTS, {"run": place.run, "row": place.number})).mappings().all()
    if row is None:
        raise UnknownDelivery(
            f"Run {place.run!r} has no delivery {place.number}. `crosswalk runs show` says what it has"
        )
    call = None if row["payload"] is None else msgspec.json.decode(row["payload"])
    biography = [_tell(each) for each in made]
    return msgspec.convert({**_plain(row), "call": call, "biography": biography}, WholeDelivery)


def _tell(row: RowMapping) -> dict[str, Any]:
    texts = {name: None if row[name] is None else row[name].decode("utf-8", "replace") for name in ("body", "response")}
    return {**_plain(row), **texts}


async def group_dead(database: Database, wanted: DeliveryFilter) -> list[DeadGroup]:
    """Dead letters counted by what they say, the most frequent first."""
    statement = narrow(REASONS, OF_DELIVERY, asdict(wanted) | {"state": "dead"})
    groups: dict[str, DeadGroup] = {}
    async with database.read() as connection:
        rows = await connection.stream(statement.execution_options(yield_per=1000))
        async for reason, count in rows:
            name = normalise(reason)
            known = groups.get(name, DeadGroup(name, 0, reason))
            groups[name] = DeadGroup(name, known.count + count, known.example)
    return sorted(groups.values(), key=rank)


def rank(group: DeadGroup) -> Rank:
    """Where a group stands in the list."""
    return Rank(-group.count, group.reason)


def _plain(row: RowMapping) -> Mapping[str, Any]:
    return {str(name): value for name, value in row.items()}
