"""The journal of one run: intents before the wire, outcomes after it, written in group commits.

Many deliveries ask at once; one writer takes whatever has gathered while the last commit ran and commits it together.
A call may start only when its intent is on disk.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.lease import Lease
from crosswalk.delivery.payload import Payload
from crosswalk.store import attempts, deliveries, memory, outbox
from crosswalk.store.attempts import AttemptKind, AttemptOutcome
from crosswalk.store.database import Database
from crosswalk.store.deliveries import Phase, RecordState
from crosswalk.store.errors import StoreError
from crosswalk.store.ids import new_id

KEPT = 16 * 1024
"""Bytes of an answer that are kept."""
ENCODER = msgspec.json.Encoder()
PLACE = 4
"""Values that say what is remembered: account, object, field, value."""
Values: TypeAlias = tuple[Any, ...]
"""A row's values, in the order of its statement's names."""
Message: TypeAlias = dict[str, Any]
"""A row of the outbox by its columns."""


class Line(Struct, frozen=True, kw_only=True):
    """One row as the journal has it."""

    number: int
    state: RecordState = "pending"
    phase: Phase | None = "waiting"
    key: str | None = None
    cells: JSON = None
    payload: Payload | None = None
    match_value: str | None = None
    parcel: int | None = None
    attempts: int = 0
    first_sent_at: datetime | None = None
    sent_at: datetime | None = None
    due_at: datetime | None = None
    reason: str | None = None


class Attempt(Struct, frozen=True, kw_only=True):
    """One call, for its biography. `body` where it is not the delivery's own, `found` where a person must judge.

    `messages` tell others of it: they are on disk when its outcome is.
    """

    number: int
    kind: AttemptKind
    began_at: datetime
    ended_at: datetime
    request: str
    outcome: AttemptOutcome
    body: bytes | None = None
    found: bytes | None = None
    status: int | None = None
    response: bytes = b""
    reason: str | None = None
    messages: Sequence[Message] = ()


@dataclass(eq=False, slots=True)
class Group:
    """What one commit writes, in the order of the fields, and who waits for it.

    No row is written twice in a group: whoever writes about a row again has waited for the commit before.
    """

    taken: list[Values] = field(default_factory=list)
    replanned: list[Values] = field(default_factory=list)
    intended: list[Values] = field(default_factory=list)
    put_off: list[Values] = field(default_factory=list)
    settled: list[Values] = field(default_factory=list)
    attempts: list[Values] = field(default_factory=list)
    forgotten: list[dict[str, str]] = field(default_factory=list)
    remembered: dict[Values, Values] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def write(self, connection: Connection) -> None:
        """Write it all, many rows a statement. Attempts come after the deliveries that they are of."""
        for statement, rows in (
            (deliveries.TAKE, self.taken),
            (deliveries.REPLAN, self.replanned),
            (deliveries.INTEND, self.intended),
            (deliveries.PUT_OFF, self.put_off),
            (deliveries.SETTLE, self.settled),
            (attempts.ADD_ATTEMPTS, self.attempts),
        ):
            statement.execute(connection, rows)
        if self.forgotten:
            connection.execute(memory.FORGET, self.forgotten)
        memory.REMEMBER[connection.dialect.name].execute(connection, tuple(self.remembered.values()))
        if self.messages:
            connection.execute(outbox.ADD_MESSAGES, self.messages)

    def end(self, error: Exception | None = None) -> None:
        """Tell everybody who waits that it is on disk, or that nothing more is written."""
        for done in self.waiting:
            if not done.done():
                done.set_result(None) if error is None else done.set_exception(error)


class Journal:
    """One run's journal. Open with `open_journal`."""

    def __init__(self, database: Database, run: str, rng: Random, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease
        self._run = run
        self._rng = Random(rng.getrandbits(64))  # noqa: S311 (ids of attempts are no secret; the system's takes 10 us)
        self._group = Group()
        self._given = asyncio.Event()
        self._failed: Exception | None = None

    async def take(self, lines: Sequence[Line], *, at: datetime) -> None:
        """Take rows into the journal, in whatever state; those that are `sending` are intents."""
        self._group.taken += [self._as_row(line, at) for line in lines]
        await self.flush()

    async def begin(
        self,
        fresh: Sequence[Line],
        *,
        intents: Sequence[int],
        superseded: Sequence[int],
        first: int,
        at: datetime,
        replanned: Mapping[int, Payload] = MappingProxyType({}),
        looks: Sequence[Attempt] = (),
    ) -> None:
        """Write that one call is about to go out; returns when that is on disk.

        `fresh` rows are taken with their intent, `intents` were taken before, `superseded` end with them; `replanned`
        ones go out by another call than they were taken with, `looks` found out by which.
        """
        group = self._group
        group.taken += [self._as_row(line, at) for line in fresh]
        group.replanned += [(self._run, number, ENCODER.encode(call)) for number, call in replanned.items()]
        for look in looks:
            self._tell(look)
        group.intended += [(self._run, number, at, first) for number in intents]
        group.settled += [(self._run, number, "superseded", at, None, None, None) for number in superseded]
        await self.flush()

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
        forget: Mapping[str, str] | None = None,
    ) -> None:
        """Let rows wait, or stay unknown, until a time; `last_byte` is kept for the process that may settle them.

        `forget` is what is no longer remembered with that.
        """
        if forget is not None:
            self._group.forgotten.append(dict(forget))
        self._group.put_off += [(self._run, number, phase, last_byte, due, status, reason) for number in numbers]
        self._tell(attempt)
        await self.flush()

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
        remember: Values | None = None,
    ) -> None:
        """Write what became of rows, in order with all else; it need not be on disk before the next call goes out."""
        remotes = remote_ids or (None,) * len(numbers)
        rows = zip(numbers, remotes, strict=True)
        self._group.settled += [(self._run, number, state, at, status, remote, reason) for number, remote in rows]
        self._tell(attempt)
        if remember is not None:
            self._group.remembered[remember[:PLACE]] = remember
        self._given.set()

    async def doubt_open_intents(self, *, at: datetime) -> int:
        """Doubt what was at Insightly when the process before us died; answers how many.

        A call may have waited long for its turn after its intent: only `at`, now, is surely not before its last byte.
        """
        why = "the process died while this call was at Insightly"
        async with self._database.begin() as connection:
            if self._lease is not None:
                await self._lease.hold(connection)
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

    def _as_row(self, line: Line, at: datetime) -> Values:
        sent = at if line.phase == "sending" else None
        return (
            self._run,
            line.number,
            line.state,
            line.phase,
            line.key,
            None if line.cells is None else ENCODER.encode(line.cells),
            None if line.payload is None else ENCODER.encode(line.payload),
            line.match_value,
            line.parcel,
            0 if sent is None else 1,
            sent,
            sent,
            None if line.state == "pending" else at,
            line.reason,
        )

    def _tell(self, attempt: Attempt | None) -> None:
        if attempt is None:
            return
        row = (
            new_id(attempt.began_at, self._rng),
            self._run,
            attempt.number,
            attempt.kind,
            attempt.began_at,
            attempt.ended_at,
            attempt.request,
            attempt.body,
            attempt.status,
            attempt.response[:KEPT],
            attempt.outcome,
            attempt.reason,
            attempt.found,
        )
        self._group.attempts.append(row)
        self._group.messages += attempt.messages

    async def flush(self) -> None:
        """Return when everything that was given is on disk. Raises what made a commit fail."""
        if self._failed is not None:
            raise self._failed
        done = asyncio.get_running_loop().create_future()
        self._group.waiting.append(done)
        self._given.set()
        await done

    def _write(self, group: Group, connection: Connection) -> None:
        """Write a group, unless the lane is another process's by now."""
        if self._lease is not None:
            self._lease.fence(connection)
        group.write(connection)

    async def write_groups(self) -> None:
        """Commit what gathers, for as long as the journal is open."""
        while True:
            await self._given.wait()
            self._given.clear()
            group, self._group = self._group, Group()
            try:
                await self._database.write(partial(self._write, group))
            except (SQLAlchemyError, StoreError) as error:
                self._failed = error
                group.end(error)
                self._group.end(error)
                raise
            group.end()


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
async def open_journal(
    database: Database, run: str, rng: Random, *, lease: Lease | None = None
) -> AsyncIterator[Journal]:
    """A run's journal with its writer running. When a commit fails, the block is cancelled and the failure raised.

    With the `lease` of the run's lane nothing is written once that is another process's.
    """
    journal = Journal(database, run, rng, lease)
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(journal.write_groups(), name=f"journal {run}")
        try:
            yield journal
        finally:
            if not writer.done():
                await journal.flush()
            writer.cancel()
