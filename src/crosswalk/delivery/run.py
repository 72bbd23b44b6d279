"""Runs: how one is named, begun, gone on with and ended."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any, Literal, assert_never

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.errors import UnfinishedRun
from crosswalk.delivery.lease import Lease
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.row import Options
from crosswalk.store import runs as table
from crosswalk.store.database import Database
from crosswalk.store.deliveries import COUNT_DERIVED, COUNT_STATES, RecordState
from crosswalk.store.ids import new_id
from crosswalk.store.runs import RunKind, RunState

Mode = Literal["new", "resume", "again"]
SPAN = "records:"
STATES: tuple[RecordState, ...] = (
    "delivered",
    "unchanged",
    "superseded",
    "skipped",
    "cancelled",
    "dead",
    "pending",
    "held",
)


class Order(Struct, frozen=True, kw_only=True):
    """What is to be sent where: the file and its content's digest, the account's id, the plan as it was asked for.

    `options` say how the file is read.

    Records of a dataset are named `records:DATASET:FIRST-LAST`, as source and as content. A destination's order names
    it, and the version whose settings the plan is made of.
    """

    source: str
    content: str
    account: str
    plan: Plan
    destination: str | None = None
    version: int | None = None
    kind: RunKind = "send"
    options: Options = Options()

    @property
    def name(self) -> str:
        """The run's name: equal for equal content, way to read it, account, plan, and destination if there is one."""
        whole: tuple[object, ...] = (self.content, self.account, self.plan)
        whole = whole if self.options == Options() else (*whole, self.options)
        named = whole if self.destination is None else (*whole, self.destination)
        return sha256(msgspec.json.encode(named)).hexdigest()[:16]


class Span(Struct, frozen=True):
    """Records of a dataset, from one number to another."""

    dataset: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{SPAN}{self.dataset}:{self.first}-{self.last}"


def read_span(source: str) -> Span | None:
    """The records that a run's source names; `None` for a file."""
    if not source.startswith(SPAN):
        return None
    dataset, _, numbers = source.removeprefix(SPAN).rpartition(":")
    first, _, last = numbers.partition("-")
    return Span(dataset, int(first), int(last))


class Run(Struct, frozen=True, kw_only=True):
    """One run as it stands in the journal."""

    id: str
    state: RunState
    order: Order
    began_at: datetime
    calls: int = 0
    reason: str | None = None
    read_whole: bool = False


class Counts(Struct, frozen=True):
    """How many rows are in each state. Every row read is in exactly one; deletions that a mirror added are no rows."""

    states: Mapping[str, int]
    derived: int = 0

    @property
    def read(self) -> int:
        """Rows that the journal has taken: the sum of all states."""
        return sum(self.states.values())

    def __getitem__(self, state: RecordState) -> int:
        return self.states.get(state, 0)


async def begin_run(database: Database, order: Order, mode: Mode, *, now: datetime, rng: Random) -> Run:
    """Queue a run, or put an unfinished one back in the queue, as `mode` says.

    With `resume` the answer may be a finished run, on which there is nothing to do. Raises `UnfinishedRun` when `mode`
    is `new` and one of this name is unfinished.
    """
    async with database.begin() as connection:
        found = (await connection.execute(table.FIND_UNFINISHED, {"run_name": order.name})).one_or_none()
        match mode:
            case "new" if found is not None:
                raise UnfinishedRun(
                    f"Run {found.id} of this file, account and mapping is unfinished ({found.state}). "
                    "Go on with it: --resume. Leave it as it is and send everything anew: --again"
                )
            case "resume" if found is not None:
                if found.state == "stopped":
                    await connection.execute(table.CHANGE_RUN, {"run": found.id} | QUEUED)
                return Run(id=found.id, state="queued", order=order, began_at=found.started_at, calls=found.calls)
            case "resume":
                done = (await connection.execute(table.FIND_FINISHED, {"run_name": order.name})).one_or_none()
                if done is not None:
                    return Run(id=done.id, state="finished", order=order, began_at=done.started_at, calls=done.calls)
            case "again" if found is not None:
                await connection.execute(
                    table.CHANGE_RUN, {"run": found.id, "state": "abandoned", "reason": "sent again", "ended_at": now}
                )
            case "new" | "again":
                pass
            case _:
                assert_never(mode)
        return await add_run(connection, order, now=now, rng=rng)


async def add_run(
    connection: AsyncConnection, order: Order, *, now: datetime, rng: Random, state: RunState = "queued"
) -> Run:
    """Write a new run in the caller's transaction."""
    run = Run(id=new_id(now, rng), state=state, order=order, began_at=now)
    await connection.execute(table.ADD_RUN, _to_row(run))
    return run


QUEUED = {"state": "queued", "reason": None, "ended_at": None, "asked": None, "asked_by": None}


def _to_row(run: Run) -> dict[str, object]:
    order = run.order
    return {
        "id": run.id,
        "name": order.name,
        "account_id": order.account,
        "source": order.source,
        "content": order.content,
        "template": order.plan.name,
        "plan": msgspec.json.encode(order.plan).decode(),
        "state": run.state,
        "started_at": run.began_at,
        "destination_id": order.destination,
        "destination_version": order.version,
        "kind": order.kind,
        "options": msgspec.json.encode(order.options).decode(),
    }


def _from_row(row: Row[Any]) -> Run:
    plan = msgspec.json.decode(row.plan, type=Plan)
    order = Order(
        source=row.source,
        content=row.content,
        account=row.account_id or "",
        plan=plan,
        destination=row.destination_id,
        version=row.destination_version,
        kind=row.kind,
        options=msgspec.json.decode(row.options, type=Options),
    )
    return Run(
        id=row.id,
        state=row.state,
        order=order,
        began_at=row.started_at,
        calls=row.calls,
        reason=row.reason,
        read_whole=bool(row.read_whole),
    )


async def find_run(database: Database, run: str) -> Run | None:
    """One run by its id."""
    async with database.read() as connection:
        row = (await connection.execute(table.FIND_RUN, {"run": run})).one_or_none()
    return None if row is None else _from_row(row)


async def claim_runs(database: Database, *, orphans: bool) -> list[Run]:
    """Take every queued run, and those that a dead owner left running when `orphans`. They are running from now on."""
    async with database.begin() as connection:
        if orphans:
            await connection.execute(table.QUEUE_PAUSED)
        found = (await connection.execute(table.LIST_CLAIMABLE, {"orphans": orphans})).all()
        for row in found:
            await connection.execute(table.CHANGE_RUN, {"run": row.id, "state": "running", "ended_at": None})
    return [_from_row(row) for row in found]


async def claim_lane(database: Database, lease: Lease, *, orphans: bool) -> list[Run]:
    """Take every queued run of an account whose lane we own, and with `orphans` those that its last owner left.

    Raises `LaneLost`.
    """
    asked = {"account": lease.account}
    async with database.begin() as connection:
        await lease.hold(connection)
        if orphans:
            await connection.execute(table.QUEUE_PAUSED_OF, asked)
        found = (await connection.execute(table.LIST_CLAIMABLE_OF, asked | {"orphans": orphans})).all()
        for row in found:
            await connection.execute(table.CHANGE_RUN, {"run": row.id, "state": "running", "ended_at": None})
    return [_from_row(row) for row in found]


async def end_run(database: Database, run: str, *, stopped: str | None, now: datetime) -> None:
    """Write how a run ended: finished, or stopped for a reason."""
    state = "finished" if stopped is None else "stopped"
    async with database.begin() as connection:
        await connection.execute(table.CHANGE_RUN, {"run": run, "state": state, "reason": stopped, "ended_at": now})


async def queue_run(database: Database, run: str) -> None:
    """Put a run back in the queue: whoever owns the engine next goes on with it."""
    async with database.begin() as connection:
        await connection.execute(table.CHANGE_RUN, {"run": run} | QUEUED)


async def count_calls(database: Database, run: str, more: int) -> None:
    """Add to the calls that a run has made."""
    async with database.begin() as connection:
        await connection.execute(table.COUNT_CALLS, {"run": run, "more": more})


async def count_states(database: Database, run: str) -> Counts:
    """The rows of a run by state, in one statement."""
    async with database.read() as connection:
        rows = await connection.execute(COUNT_STATES, {"run": run})
        derived = await connection.execute(COUNT_DERIVED, {"run": run})
        return Counts({row[0]: row[1] for row in rows}, sum(row[1] for row in derived))
