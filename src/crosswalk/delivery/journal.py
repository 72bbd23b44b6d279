"""The journal of one run: intents before the wire, outcomes after it, written in group commits.

Many deliveries ask at once; one writer takes whatever has gathered while the last commit ran and commits it together.
A call may start only when `intend` has returned: then the intent is on disk.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Executable

from crosswalk.store import runs as table
from crosswalk.store.database import Database
from crosswalk.store.runs import RecordState

GROUP = 500
"""Most statements in one commit."""


class Waiting(Struct, frozen=True):
    """One delivery that waits to be sent: the row's number, and its call."""

    number: int
    method: str
    path: str
    body: bytes | None


class Dead(Struct, frozen=True):
    """One row that no call is spent on, and why."""

    number: int
    reason: str


class Settled(Struct, frozen=True):
    """What became of one delivery. `status` is Insightly's, `remote_id` the id it gave or kept."""

    state: RecordState
    status: int | None = None
    remote_id: str | None = None
    reason: str | None = None


Entry = tuple[Executable, dict[str, Any], asyncio.Future[None]]


class Journal:
    """One run's journal. Open with `open_journal`."""

    def __init__(self, database: Database, run: str) -> None:
        self._database = database
        self._run = run
        self._entries: asyncio.Queue[Entry] = asyncio.Queue(maxsize=GROUP * 2)

    async def take(self, rows: Sequence[Waiting | Dead], *, at: datetime) -> None:
        """Take rows into the journal, in one commit."""
        async with self._database.begin() as connection:
            await connection.execute(table.ADD_DELIVERIES, [self._as_row(row, at) for row in rows])

    def _as_row(self, row: Waiting | Dead, at: datetime) -> dict[str, Any]:
        blank = {"method": None, "path": None, "body": None, "reason": None, "settled_at": None}
        own = {"run_id": self._run, "number": row.number}
        if isinstance(row, Dead):
            return blank | own | {"state": "dead", "reason": row.reason, "settled_at": at}
        return blank | own | {"state": "pending", "method": row.method, "path": row.path, "body": row.body}

    async def waiting(self, *, after: int, most: int) -> list[Waiting]:
        """Rows that were taken and never sent, in order."""
        async with self._database.read() as connection:
            rows = await connection.execute(table.LIST_WAITING, {"run": self._run, "after": after, "most": most})
            return [Waiting(*row) for row in rows]

    async def last_number(self) -> int:
        """The last row that was taken; 0 before the first."""
        async with self._database.read() as connection:
            return int(await connection.scalar(table.LAST_NUMBER, {"run": self._run}) or 0)

    async def hold_open_intents(self, *, at: datetime) -> int:
        """Hold what was at Insightly when the process before us died; answers how many."""
        why = "the process died while this call was at Insightly; look there before you send it again"
        async with self._database.begin() as connection:
            done = await connection.execute(table.HOLD_OPEN_INTENTS, {"run": self._run, "at": at, "why": why})
            return done.rowcount

    async def intend(self, number: int, *, at: datetime) -> None:
        """Say that a call is about to go out; returns when that is on disk."""
        await self._write(table.INTEND, {"run": self._run, "row": number, "at": at})

    async def withdraw(self, number: int) -> None:
        """Take an intent back: the call surely had no effect."""
        await self._write(table.WITHDRAW, {"run": self._run, "row": number})

    async def settle(self, number: int, settled: Settled, *, at: datetime) -> None:
        """Write what became of a delivery; returns when that is on disk."""
        values = {
            "run": self._run,
            "row": number,
            "at": at,
            "new_state": settled.state,
            "answer": settled.status,
            "remote": settled.remote_id,
            "why": settled.reason,
        }
        await self._write(table.SETTLE, values)

    async def _write(self, statement: Executable, values: dict[str, Any]) -> None:
        done = asyncio.get_running_loop().create_future()
        await self._entries.put((statement, values, done))
        await done

    async def write_groups(self) -> None:
        """Commit what gathers, for as long as the journal is open."""
        while True:
            group = [await self._entries.get()]
            while len(group) < GROUP and not self._entries.empty():
                group.append(self._entries.get_nowait())
            await self._commit(group)

    async def _commit(self, group: list[Entry]) -> None:
        async with self._database.begin() as connection:
            for statement, values in _gather(group):
                await connection.execute(statement, values)
        for _, _, done in group:
            if not done.done():
                done.set_result(None)


def _gather(group: list[Entry]) -> list[tuple[Executable, list[dict[str, Any]]]]:
    """Values by statement: one round trip a statement. A row has one entry in a group, so order is free."""
    gathered: dict[int, tuple[Executable, list[dict[str, Any]]]] = {}
    for statement, values, _ in group:
        gathered.setdefault(id(statement), (statement, []))[1].append(values)
    return list(gathered.values())


@asynccontextmanager
async def open_journal(database: Database, run: str) -> AsyncIterator[Journal]:
    """A run's journal with its writer running. When a commit fails, the block is cancelled and the failure raised."""
    journal = Journal(database, run)
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(journal.write_groups(), name=f"journal {run}")
        yield journal
        writer.cancel()
