"""The journal of one run: intents before the wire, outcomes after it, written in group commits.

Many deliveries ask at once; one writer takes whatever has gathered while the last commit ran and commits it together.
A call may start only when its intent is on disk.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import Executable, Row
from sqlalchemy.exc import SQLAlchemyError

from crosswalk.delivery.payload import Payload
from crosswalk.store import attempts, deliveries
from crosswalk.store.attempts import AttemptKind, AttemptOutcome
from crosswalk.store.database import Database
from crosswalk.store.deliveries import Phase, RecordState
from crosswalk.store.errors import StoreError
from crosswalk.store.ids import new_id

GROUP = 1000
"""Most entries in one commit."""
KEPT = 16 * 1024
"""Bytes of an answer that are kept."""


class Line(Struct, frozen=True, kw_only=True):
    """One row as the journal has it."""

    number: int
    state: RecordState = "pending"
    phase: Phase | None = "waiting"
    key: str | None = None
    payload: Payload | None = None
    match_value: str | None = None
    parcel: int | None = None
    attempts: int = 0
    first_sent_at: datetime | None = None
    sent_at: datetime | None = None
    due_at: datetime | None = None
    reason: str | None = None


class Attempt(Struct, frozen=True, kw_only=True):
    """One call, for the record's biography. `body` only where it is not the delivery's own."""

    number: int
    kind: AttemptKind
    began_at: datetime
    ended_at: datetime
    request: str
    outcome: AttemptOutcome
    body: bytes | None = None
    status: int | None = None
    response: bytes = b""
    reason: str | None = None


Values: TypeAlias = dict[str, Any]
Statement: TypeAlias = tuple[Executable, list[Values]]
Entry: TypeAlias = tuple[list[Statement], asyncio.Future[None] | None]


class Journal:
    """One run's journal. Open with `open_journal`."""

    def __init__(self, database: Database, run: str, rng: Random) -> None:
        self._database = database
        self._run = run
        self._rng = rng
        self._entries: asyncio.Queue[Entry] = asyncio.Queue(maxsize=GROUP * 2)

    async def take(self, lines: Sequence[Line], *, at: datetime) -> None:
        """Take rows into the journal, in whatever state; those that are `sending` are intents."""
        await self._write([(deliveries.ADD_DELIVERIES, [self._as_row(line, at) for line in lines])])

    async def begin(
        self, fresh: Sequence[Line], *, intents: Sequence[int], superseded: Sequence[int], first: int, at: datetime
    ) -> None:
        """Write that one call is about to go out; returns when that is on disk.

        `fresh` rows are taken with their intent, `intents` were taken before, `superseded` end with them.
        """
        statements: list[Statement] = []
        if fresh:
            statements.append((deliveries.ADD_DELIVERIES, [self._as_row(line, at) for line in fresh]))
        if intents:
            rows = [{**self._own(number), "at": at, "first": first} for number in intents]
            statements.append((deliveries.INTEND, rows))
        if superseded:
            statements.append((deliveries.SETTLE, self._ends(superseded, "superseded", at)))
        await self._write(statements)

    async def put_off(
        self,
        numbers: Sequence[int],
        *,
        phase: Phase,
        due: datetime,
        status: int | None,
        reason: str | None,
        attempt: Attempt | None = None,
        last_byte: datetime | None = None,
    ) -> None:
        """Let rows wait, or stay unknown, until a time; `last_byte` is kept for the process that may settle them."""
        values = {"new_phase": phase, "due": due, "answer": status, "why": reason, "last": last_byte}
        statement = (deliveries.PUT_OFF, [self._own(number) | values for number in numbers])
        await self._write([statement, *self._attempts(attempt)])

    async def settle(
        self,
        numbers: Sequence[int],
        state: RecordState,
        *,
        at: datetime,
        status: int | None = None,
        remote_ids: Sequence[str | None] | None = None,
        reason: str | None = None,
        attempt: Attempt | None = None,
    ) -> None:
        """Write what became of rows, in order with all else; it need not be on disk before the next call goes out."""
        rows = self._ends(numbers, state, at)
        for row, remote in zip(rows, remote_ids or (None,) * len(rows), strict=True):
            row |= {"answer": status, "why": reason, "remote": remote}
        await self._entries.put(([(deliveries.SETTLE, rows), *self._attempts(attempt)], None))

    def _ends(self, numbers: Sequence[int], state: RecordState, at: datetime) -> list[Values]:
        blank = {"at": at, "new_state": state, "answer": None, "why": None, "remote": None}
        return [self._own(number) | blank for number in numbers]

    async def doubt_open_intents(self, *, at: datetime) -> int:
        """Doubt what was at Insightly when the process before us died; answers how many.

        A call may have waited long for its turn after its intent: only `at`, now, is surely not before its last byte.
        """
        why = "the process died while this call was at Insightly"
        async with self._database.begin() as connection:
            done = await connection.execute(deliveries.DOUBT_OPEN_INTENTS, {"run": self._run, "why": why, "at": at})
            return done.rowcount

    async def pending(self, *, after: int = 0, most: int) -> list[Line]:
        """Pending rows that were taken, in their order."""
        async with self._database.read() as connection:
            rows = await connection.execute(deliveries.LIST_PENDING, {"run": self._run, "after": after, "most": most})
            return [_line_of(row) for row in rows]

    async def taken(self, *, window: int) -> tuple[int, frozenset[int]]:
        """Which rows were taken: all up to a number, and some of the `window` after it."""
        async with self._database.read() as connection:
            last = int(await connection.scalar(deliveries.LAST_NUMBER, {"run": self._run}) or 0)
            whole = max(0, last - window)
            rows = await connection.scalars(deliveries.NUMBERS_AFTER, {"run": self._run, "after": whole})
            return whole, frozenset(rows)

    async def count_matches(self, value: str) -> int:
        """How many rows of the run a look-up would find by the same value."""
        async with self._database.read() as connection:
            return int(await connection.scalar(deliveries.COUNT_MATCHES, {"run": self._run, "value": value}) or 0)

    async def is_claimed(self, remote_id: str, number: int) -> bool:
        """Whether another row, of this run or another of its account and template, has made this record."""
        values = {"run": self._run, "row": number, "remote": remote_id}
        async with self._database.read() as connection:
            return bool(await connection.scalar(deliveries.COUNT_CLAIMS, values))

    def _own(self, number: int) -> Values:
        return {"run": self._run, "row": number}

    def _as_row(self, line: Line, at: datetime) -> Values:
        sending = line.phase == "sending"
        return {
            "run_id": self._run,
            "number": line.number,
            "state": line.state,
            "phase": line.phase,
            "key": line.key,
            "payload": None if line.payload is None else msgspec.json.encode(line.payload),
            "match_value": line.match_value,
            "parcel": line.parcel,
            "attempts": int(sending),
            "first_sent_at": at if sending else None,
            "sent_at": at if sending else None,
            "settled_at": None if line.state == "pending" else at,
            "reason": line.reason,
        }

    def _attempts(self, attempt: Attempt | None) -> list[Statement]:
        if attempt is None:
            return []
        row = {name: getattr(attempt, name) for name in attempt.__struct_fields__}
        row |= {"id": new_id(attempt.began_at, self._rng), "run_id": self._run, "response": attempt.response[:KEPT]}
        return [(attempts.ADD_ATTEMPTS, [row])]

    async def _write(self, statements: list[Statement]) -> None:
        done = asyncio.get_running_loop().create_future()
        await self._entries.put((statements, done))
        await done

    async def flush(self) -> None:
        """Return when everything that was given is on disk."""
        await self._write([])

    async def write_groups(self) -> None:
        """Commit what gathers, for as long as the journal is open."""
        while True:
            group = [await self._entries.get()]
            while len(group) < GROUP and not self._entries.empty():
                group.append(self._entries.get_nowait())
            try:
                async with self._database.begin() as connection:
                    for statement, values in _gather(group):
                        await connection.execute(statement, values)
            except (SQLAlchemyError, StoreError) as error:
                self._fail(group, error)
                raise
            for _, done in group:
                if done is not None and not done.done():
                    done.set_result(None)

    def _fail(self, group: list[Entry], error: Exception) -> None:
        """Tell everybody who waits that nothing more is written."""
        while not self._entries.empty():
            group.append(self._entries.get_nowait())
        for _, done in group:
            if done is not None and not done.done():
                done.set_exception(error)


def _gather(group: list[Entry]) -> list[Statement]:
    """Values by statement, one round trip each.

    No row is written twice in a group, so their order is free, but for attempts: they come after their deliveries.
    """
    gathered: dict[int, Statement] = {}
    for statements, _ in group:
        for statement, values in statements:
            gathered.setdefault(id(statement), (statement, []))[1].extend(values)
    return sorted(gathered.values(), key=lambda each: each[0] is attempts.ADD_ATTEMPTS)


def _line_of(row: Row[Any]) -> Line:
    payload = None if row.payload is None else msgspec.json.decode(row.payload, type=Payload)
    names = (
        "number",
        "state",
        "phase",
        "key",
        "match_value",
        "parcel",
        "attempts",
        "first_sent_at",
        "sent_at",
        "due_at",
        "reason",
    )
    return Line(payload=payload, **{name: getattr(row, name) for name in names})


@asynccontextmanager
async def open_journal(database: Database, run: str, rng: Random) -> AsyncIterator[Journal]:
    """A run's journal with its writer running. When a commit fails, the block is cancelled and the failure raised."""
    journal = Journal(database, run, rng)
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(journal.write_groups(), name=f"journal {run}")
        try:
            yield journal
        finally:
            if not writer.done():
                await journal.flush()
            writer.cancel()
