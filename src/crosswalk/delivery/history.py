"""What was sent and what became of it, for readers: runs, deliveries, and dead letters in groups."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.edit import Edited, read_row
from crosswalk.delivery.errors import UnknownDelivery, UnknownRun
from crosswalk.delivery.reasons import group_of, normalise
from crosswalk.delivery.settle import Hit
from crosswalk.store.attempts import LIST_ATTEMPTS, AttemptKind, AttemptOutcome
from crosswalk.store.database import Database
from crosswalk.store.decisions import LIST_DECISIONS, DecisionKind
from crosswalk.store.deliveries import COUNT_DERIVED, COUNT_STATES, FIRST_PENDING, Phase, RecordState
from crosswalk.store.exports import FIND_EXPORT
from crosswalk.store.history import DELIVERIES, DELIVERY, OF_DELIVERY, OF_RUN, REASONS, RUNS, narrow
from crosswalk.store.runs import FIND_RUN, RunKind, RunState
from crosswalk.store.workbench import CLAIMS

CHUNK = 1000
"""Rows read at a time where they are told apart here."""
RowNumber = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""What a row's column of both databases holds. Deletions that a mirror added are below zero."""


class Place(NamedTuple):
    """Where a delivery stands: a run's id, and a row's number in it."""

    run: str
    number: RowNumber


class Rank(NamedTuple):
    """Where a group of dead letters stands: the most frequent come first."""

    minus_count: int
    reason: str


class RunRecord(Struct, frozen=True, kw_only=True):
    """One run: what was sent where, and how it stands. `kind` tells a test, or an export, from a sending of rows.

    A run of a destination names it, and the version of its settings.
    """

    id: str
    kind: RunKind
    name: str
    account_id: str | None
    source: str
    template: str
    destination_id: str | None = None
    destination_version: int | None = None
    state: RunState
    reason: str | None
    calls: int
    started_at: datetime
    ended_at: datetime | None


class Written(Struct, frozen=True):
    """What an export writes: where to, from which record to which, and the last that is surely there."""

    target: str
    first: int
    last: int
    done: int


class CountedRun(RunRecord, frozen=True, kw_only=True):
    """One run with its rows by state. Every row read is in exactly one, so that `read` is their sum.

    `derived` counts the deletions that a mirror added, for which no row was read. An export reads no rows; `export`
    says what it writes.
    """

    read: int
    derived: int
    counts: dict[RecordState, int]
    export: Written | None = None


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
    decided: int


class AttemptRecord(Struct, frozen=True, kw_only=True):
    """One call that was made for a delivery: what was sent, what came back, and what it came to.

    `body` is what went out, of a batch that of all its rows; `response` is the beginning of the answer.
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


class DecisionRecord(Struct, frozen=True, kw_only=True):
    """What a person did about a delivery: who and when, why, and what was changed."""

    kind: DecisionKind
    who: str
    at: datetime
    reason: str | None
    change: Any
    remote_id: str | None


class FoundRecord(Struct, frozen=True, kw_only=True):
    """A record that a look-up found: when it was made, and which delivery of the account says that it is its own."""

    id: str
    created_at: datetime | None
    claimed_by: Place | None


class WholeDelivery(Delivery, frozen=True, kw_only=True):
    """One delivery's biography. No credential is in any part of it.

    `row` is what was read, a text where that was all; `edited` is what people made of it; `call` is what it becomes.
    `hits` are the records that the last look-up found, of a delivery that a person must judge.
    """

    row: Any
    edited: Edited | None
    call: Any
    biography: list[AttemptRecord]
    decisions: list[DecisionRecord]
    hits: list[FoundRecord]


class DeadGroup(Struct, frozen=True):
    """Dead letters that say the same but for ids, numbers and quoted values; `example` is one of them as it stands."""

    id: str
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
    """Which deliveries. What is `None` does not narrow.

    `reason` is text that occurs in it, `text` what occurs there, in the row, the call, its key or match; `group` is a
    group of dead letters. Newest first, rows stand after `before`.
    """

    account: str | None = None
    reach: frozenset[str] | None = None
    run: str | None = None
    number: int | None = None
    state: RecordState | None = None
    destination: str | None = None
    group: str | None = None
    status: int | None = None
    reason: str | None = None
    text: str | None = None
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
        derived = sum(each[1] for each in await connection.execute(COUNT_DERIVED, {"run": run}))
        export = await find_written(connection, run) if row["kind"] == "export" else None
    counts = dict.fromkeys(get_args(RecordState), 0) | found
    whole = {**_plain(row), "read": sum(counts.values()), "derived": derived, "counts": counts}
    return replace(msgspec.convert(whole, CountedRun), export=export)


async def find_written(connection: AsyncConnection, run: str) -> Written | None:
    """What an export writes; `None` where nothing is known of it."""
    row = (await connection.execute(FIND_EXPORT, {"run": run})).one_or_none()
    return None if row is None else Written(row.target, row.first, row.last, row.done)


async def list_deliveries(database: Database, wanted: DeliveryFilter, *, most: int) -> list[Delivery]:
    """Deliveries without their calls: the newest run first, in it the last row first."""
    found: list[Delivery] = []
    before = wanted.before
    while len(found) < most:
        statement = narrow(DELIVERIES, OF_DELIVERY, conditions_of(wanted, before))
        async with database.read() as connection:
            asked = {"most": most if wanted.group is None else CHUNK}
            rows = (await connection.execute(statement, asked)).mappings().all()
        found += (as_delivery(row) for row in rows if is_of_group(row, wanted.group))
        if wanted.group is None or not rows:
            break
        before = Place(rows[-1]["run_id"], rows[-1]["number"])
    return found[:most]


def as_delivery(row: RowMapping) -> Delivery:
    """A row of deliveries without its call."""
    return msgspec.convert(_plain(row), Delivery)


def conditions_of(wanted: DeliveryFilter, before: Place | None) -> dict[str, object]:
    """What the database narrows by; groups are told apart by their reasons, here."""
    named = {name: value for name, value in asdict(wanted).items() if name != "group"} | {"before": before}
    if before is not None and before.run == wanted.run:
        # Its number alone tells the place. SQLite reads a whole run for `(run, number) < …` beside `run = …`.
        return named | {"before": None, "below": before.number}
    return named


def is_of_group(row: RowMapping, group: str | None) -> bool:
    """Whether a dead letter belongs to a group; every one does when none is named."""
    return group is None or (row["state"] == "dead" and group_of(row["reason"]) == group)


async def find_delivery(database: Database, place: Place, *, reach: frozenset[str] | None = None) -> WholeDelivery:
    """One delivery with its biography. Raises `UnknownDelivery`, also for one that the reader may not see."""
    wanted = DeliveryFilter(run=place.run, number=place.number, reach=reach)
    async with database.read() as connection:
        statement = narrow(DELIVERY, OF_DELIVERY, conditions_of(wanted, None))
        row = (await connection.execute(statement)).mappings().one_or_none()
        if row is None:
            raise UnknownDelivery(
                f"Run {place.run!r} has no delivery {place.number}. `crosswalk runs show` says what it has"
            )
        asked = {"run": place.run, "row": place.number}
        made = (await connection.execute(LIST_ATTEMPTS, asked)).mappings().all()
        decided = (await connection.execute(LIST_DECISIONS, asked)).mappings().all()
        hits = await _list_hits(connection, row, made)
    parts = {name: _decode(row[name]) for name in ("cells", "edited", "payload")}
    whole = {"row": parts["cells"], "edited": parts["edited"], "call": parts["payload"], "hits": hits}
    whole["biography"] = [_tell(each, parts["payload"]) for each in made]
    whole["decisions"] = [{**_plain(each), "change": _decode(each["change"])} for each in decided]
    return msgspec.convert({**_plain(row), **whole}, WholeDelivery)


def _decode(text: bytes | str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


async def _list_hits(
    connection: AsyncConnection, row: RowMapping, made: Sequence[RowMapping]
) -> list[dict[str, object]]:
    """What the last look-up found that a person must judge, each with the delivery that says it is its own."""
    found = next((each["found"] for each in reversed(made) if each["found"] is not None), None)
    hits = [] if found is None else msgspec.json.decode(found, type=list[Hit])
    asked = {"account": row["account_id"], "ids": [hit.id for hit in hits]}
    claims = (await connection.execute(CLAIMS, asked)).all() if hits else []
    own = (row["run_id"], row["number"])
    owners = {claim[0]: Place(claim[1], claim[2]) for claim in claims if (claim[1], claim[2]) != own}
    return [{"id": hit.id, "created_at": hit.created_at, "claimed_by": owners.get(hit.id)} for hit in hits]


def _tell(row: RowMapping, call: Any) -> dict[str, Any]:
    texts = {name: None if row[name] is None else row[name].decode("utf-8", "replace") for name in ("body", "response")}
    if row["kind"] == "send" and row["body"] is None and call is not None and call["body"] is not None:
        texts["body"] = msgspec.json.encode(call["body"]).decode()  # the delivery's own
    return {**_plain(row), **texts}


async def list_columns(database: Database, run: str) -> tuple[str, ...]:
    """Columns of the first row of a run that waits, as it was edited."""
    async with database.read() as connection:
        row = (await connection.execute(FIRST_PENDING, {"run": run})).one_or_none()
    return () if row is None else tuple(read_row(row.cells, row.edited).cells or ())


async def group_dead(database: Database, wanted: DeliveryFilter) -> list[DeadGroup]:
    """Dead letters counted by what they say, the most frequent first."""
    statement = narrow(REASONS, OF_DELIVERY, conditions_of(wanted, None) | {"state": "dead"})
    groups: dict[str, DeadGroup] = {}
    async with database.read() as connection:
        rows = await connection.stream(statement.execution_options(yield_per=1000))
        async for reason, count in rows:
            name = normalise(reason)
            known = groups.get(name, DeadGroup(group_of(reason), name, 0, reason))
            groups[name] = replace(known, count=known.count + count)
    return sorted(groups.values(), key=rank)


def rank(group: DeadGroup) -> Rank:
    """Where a group stands in the list."""
    return Rank(-group.count, group.reason)


def _plain(row: RowMapping) -> Mapping[str, Any]:
    return {str(name): value for name, value in row.items()}
