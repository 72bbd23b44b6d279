"""Runs: how one is named, begun, gone on with and ended."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Literal, assert_never

import msgspec
from msgspec import Struct

from crosswalk.delivery.errors import UnfinishedRun
from crosswalk.delivery.plan import Plan
from crosswalk.store import runs as table
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id
from crosswalk.store.runs import RecordState, RunState

Mode = Literal["new", "resume", "again"]
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
    """What is to be sent where: the file and its content's digest, the account's id, the plan as it was asked for."""

    source: str
    content: str
    account: str
    plan: Plan

    @property
    def name(self) -> str:
        """The run's name: equal for equal content, account, template and mapping."""
        whole = (self.content, self.account, self.plan)
        return sha256(msgspec.json.encode(whole)).hexdigest()[:16]


class Run(Struct, frozen=True):
    """One run as it stands in the journal."""

    id: str
    state: RunState
    calls: int = 0


class Counts(Struct, frozen=True):
    """How many rows are in each state. Every row read is in exactly one."""

    states: Mapping[str, int]

    @property
    def read(self) -> int:
        """Rows that the journal has taken: the sum of all states."""
        return sum(self.states.values())

    def __getitem__(self, state: RecordState) -> int:
        return self.states.get(state, 0)


async def begin_run(database: Database, order: Order, mode: Mode, *, now: datetime, rng: Random) -> Run:
    """Begin a run, or go on with one, as `mode` says.

    With `resume` the answer may be a finished run, on which there is nothing to do. Raises `UnfinishedRun` when `mode`
    is `new` and one of this name is unfinished.
    """
    async with database.begin() as connection:
        found = (await connection.execute(table.FIND_UNFINISHED, {"run_name": order.name})).one_or_none()
        match mode:
            case "new" if found is not None:
                raise UnfinishedRun(
                    f"Run {found.id} of this file, account and mapping is unfinished. "
                    "Go on with it: --resume. Leave it as it is and send everything anew: --again"
                )
            case "resume" if found is not None:
                running = {"run": found.id, "state": "running", "reason": None, "ended_at": None}
                await connection.execute(table.CHANGE_RUN, running)
                return Run(found.id, "running", found.calls)
            case "resume":
                done = (await connection.execute(table.FIND_FINISHED, {"run_name": order.name})).one_or_none()
                if done is not None:
                    return Run(done.id, "finished", done.calls)
            case "again" if found is not None:
                await connection.execute(
                    table.CHANGE_RUN, {"run": found.id, "state": "abandoned", "reason": "sent again", "ended_at": now}
                )
            case "new" | "again":
                pass
            case _:
                assert_never(mode)
        run = Run(new_id(now, rng), "running")
        row: dict[str, object] = {"id": run.id, "name": order.name, "account_id": order.account, "source": order.source}
        row |= {"template": order.plan.name, "state": "running", "started_at": now}
        await connection.execute(table.ADD_RUN, row)
        return run


async def end_run(database: Database, run: Run, *, stopped: str | None, now: datetime, calls: int) -> None:
    """Write how a run ended: finished, or stopped for a reason; and count the calls that it made."""
    state = "finished" if stopped is None else "stopped"
    async with database.begin() as connection:
        await connection.execute(table.CHANGE_RUN, {"run": run.id, "state": state, "reason": stopped, "ended_at": now})
        await connection.execute(table.COUNT_CALLS, {"run": run.id, "more": calls})


async def count_states(database: Database, run: str) -> Counts:
    """The rows of a run by state, in one statement."""
    async with database.read() as connection:
        rows = await connection.execute(table.COUNT_STATES, {"run": run})
        return Counts({row[0]: row[1] for row in rows})
