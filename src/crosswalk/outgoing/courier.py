"""The courier: takes messages out of the outbox and tells them, at least once, in order per key."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeAlias, assert_never

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.outgoing.endpoints import Endpoint, Endpoints
from crosswalk.outgoing.errors import UnknownEndpoint
from crosswalk.outgoing.judge import LASTS, Again, Outcome, Over, Sent, judge, put_off
from crosswalk.outgoing.mail import Server, send_letter
from crosswalk.outgoing.message import Message
from crosswalk.store import outbox as table
from crosswalk.store.database import Database
from crosswalk.store.endpoints import DISABLE_ENDPOINT, NOTE_FAILURE, NOTE_SUCCESS
from crosswalk.store.outbox import MessageKind
from crosswalk.tracing import Kind, Timed, following, span

AT_ONCE, AT_ONE_TARGET = 32, 4
"""Most messages under way, in all and to one target: no slow receiver holds up the others."""
MOST_RECORDS = 200
"""Most records added to datasets in one transaction."""
LEASE = timedelta(seconds=60)
"""How long a message belongs to whoever took it; after a kill, others wait that long."""
POLL = 0.5
"""Seconds between two looks at an outbox that had nothing due."""
TIDY = timedelta(hours=1)
SENT_KEPT, DEAD_KEPT = timedelta(days=7), timedelta(days=30)
REST = timedelta(seconds=1)
LONGEST_REST = timedelta(minutes=5)
TOO_MANY, SERVER_ERROR = 429, 500

log = structlog.get_logger()

Add: TypeAlias = Callable[[AsyncConnection, str, Sequence[Message], datetime], Awaitable[str | None]]
"""Adds messages to a dataset in the courier's transaction; why that cannot be, or `None`."""
Tell: TypeAlias = Callable[[Endpoint, str], Awaitable[None]]
"""Hears that an endpoint was disabled, and why."""


@dataclass(eq=False, slots=True)
class Rest:
    """A target that does not answer is left alone for a while, longer each time."""

    until: datetime
    length: timedelta = REST


@dataclass(eq=False, slots=True, kw_only=True)
class Courier:
    """Tells what the outbox holds. Several may work on one database; a message is with one at a time.

    `keep_dead` is how long messages that never arrived can be sent again, `None` for ever; those that did, a
    week at most.
    """

    database: Database
    endpoints: Endpoints
    add: Add
    tell_disabled: Tell
    mail: Server | None
    clock: Callable[[], datetime]
    rng: Random
    keep_dead: timedelta | None = DEAD_KEPT
    _busy: Counter[str] = field(default_factory=Counter)
    _resting: dict[str, Rest] = field(default_factory=dict)
    _done: list[tuple[Message, Outcome]] = field(default_factory=list)
    _tidied: datetime | None = None

    async def work(self, stop: asyncio.Event) -> None:
        """Tell what is due until stopped; what is under way then is finished."""
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as tasks:
            stopping = tasks.create_task(stop.wait())
            while not stop.is_set():
                busy = await self.step(tasks, running)
                if not busy:
                    await asyncio.wait({stopping, *running}, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
        await self._write()

    async def step(self, tasks: asyncio.TaskGroup, running: set[asyncio.Task[None]]) -> bool:
        """Write what came of messages and take new ones; whether there was anything."""
        wrote = await self._write()
        await self._tidy()
        added = await self._add_records()
        taken = await self._take(AT_ONCE - len(running))
        for message in taken:
            self._busy[message.target] += 1
            task = tasks.create_task(self._deliver(message), name=f"message {message.id}")
            running.add(task)
            task.add_done_callback(running.discard)
        return bool(wrote or added or taken)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work while the block runs, and then tell once more what is due."""
        stop = asyncio.Event()
        work = asyncio.create_task(self.work(stop), name="outbox")
        try:
            yield
        finally:
            stop.set()
            await work
        await self.empty()

    async def empty(self) -> None:
        """Tell what is due now and return when nothing more is; for commands that end, and tests."""
        busy = True
        while busy:
            async with asyncio.TaskGroup() as tasks:
                busy = await self.step(tasks, set())
            busy = await self._write() or busy

    async def _list_due(
        self, connection: AsyncConnection, kinds: Sequence[MessageKind], most: int, now: datetime
    ) -> list[Message]:
        full = [target for target, count in self._busy.items() if count >= AT_ONE_TARGET]
        resting = [target for target, rest in self._resting.items() if rest.until > now]
        asked = {"kinds": list(kinds), "now": now, "busy": [*full, *resting], "most": most}
        rows = (await connection.execute(table.LIST_DUE, asked)).mappings()
        return [msgspec.convert({str(name): value for name, value in row.items()}, Message) for row in rows]

    async def _take(self, most: int) -> list[Message]:
        """Lease messages that are due, no more to one target than it may have at once."""
        if most <= 0:
            return []
        now = self.clock()
        until = now + LEASE
        async with self.database.read() as connection:  # most looks find nothing: they cost no writer its turn
            if not await self._list_due(connection, ("post", "mail"), 1, now):
                return []
        async with self.database.begin() as connection:
            room = Counter(self._busy)
            taken: list[Message] = []
            for each in await self._list_due(connection, ("post", "mail"), most, now):
                room[each.target] += 1
                if room[each.target] <= AT_ONE_TARGET:
                    taken.append(msgspec.structs.replace(each, leased_until=until))
            if taken:
                await connection.execute(table.LEASE, [{"row": each.number, "until": until} for each in taken])
        return taken

    async def _deliver(self, message: Message) -> None:
        try:
            with following(message.traceparent), span(f"outbox {message.kind}", Kind.CLIENT) as told:
                outcome = await self._try(message)
                if told.heard:
                    _tell(told, message, outcome)
            self._done.append((message, outcome))
        finally:
            self._busy[message.target] -= 1
            if not self._busy[message.target]:
                del self._busy[message.target]

    async def _try(self, message: Message) -> Outcome:
        chance = self.rng.random()
        match message.kind:
            case "post":
                try:
                    endpoint = await self.endpoints.find(message.target)
                except UnknownEndpoint as exc:
                    return Over(None, str(exc))
                result = await self.endpoints.post(endpoint, message.id, message.body)
                return judge(result, attempts=message.attempts, now=self.clock(), chance=chance)
            case "mail":
                why = await send_letter(self.mail, message.target, message.body, message.id)
                if why is None:
                    return Sent(None)
                return put_off(why, attempts=message.attempts, now=self.clock(), chance=chance)
            case "record":
                raise AssertionError("records are added in one transaction with their end")
            case _:
                assert_never(message.kind)

    async def _write(self) -> bool:
        """Write what came of messages, in one transaction; tell of endpoints that it disabled."""
        done, self._done = self._done, []
        if not done:
            return False
        disabled: list[tuple[str, str]] = []
        async with self.database.begin() as connection:
            for message, outcome in done:
                await self._settle(connection, message, outcome)
                if message.kind == "post":
                    disabled += await self._note(connection, message, outcome)
        for endpoint, why in disabled:
            await self.tell_disabled(await self.endpoints.find(endpoint), why)
        return True

    async def _settle(self, connection: AsyncConnection, message: Message, outcome: Outcome) -> None:
        own = {"row": message.number, "until": message.leased_until}
        match outcome:
            case Sent(status):
                self._resting.pop(message.target, None)
                values = {"new_state": "sent", "at": self.clock(), "answer": status, "why": None}
                await connection.execute(table.SETTLE_MESSAGE, own | values)
            case Over(status, reason):
                log.error("message.dead", message=message.id, topic=message.topic, target=message.target, why=reason)
                values = {"new_state": "dead", "at": self.clock(), "answer": status, "why": reason}
                await connection.execute(table.SETTLE_MESSAGE, own | values)
            case Again(at, status, reason):
                if status is None or status == TOO_MANY or status >= SERVER_ERROR:
                    self._let_rest(message.target)
                values = {"due": at, "answer": status, "why": reason}
                await connection.execute(table.PUT_OFF_MESSAGE, own | values)
            case _:
                assert_never(outcome)

    def _let_rest(self, target: str) -> None:
        now = self.clock()
        rest = self._resting.get(target)
        if rest is None:
            self._resting[target] = Rest(now + REST)
        elif rest.until <= now:  # several that were under way together count once
            length = min(2 * rest.length, LONGEST_REST)
            self._resting[target] = Rest(now + length, length)

    async def _note(self, connection: AsyncConnection, message: Message, outcome: Outcome) -> Sequence[tuple[str, str]]:
        """Note how the endpoint fares; disable it when it is gone, or has failed for days."""
        now, target = self.clock(), message.target
        if isinstance(outcome, Sent):
            await connection.execute(NOTE_SUCCESS, {"endpoint": target})
            return ()
        await connection.execute(NOTE_FAILURE, {"endpoint": target, "at": now})
        why = await self._why_disable(message, outcome, now)
        if why is None:
            return ()
        done = await connection.execute(DISABLE_ENDPOINT, {"endpoint": target, "why": why, "at": now})
        return ((target, why),) if done.rowcount == 1 else ()

    async def _why_disable(self, message: Message, outcome: Outcome, now: datetime) -> str | None:
        if isinstance(outcome, Over) and outcome.gone:
            return f"it {outcome.reason}: it wants nothing more"
        try:
            endpoint = await self.endpoints.find(message.target)
        except UnknownEndpoint:
            return None
        if endpoint.failing_since is None or endpoint.failing_since > now - LASTS:
            return None
        reason = "" if isinstance(outcome, Sent) else outcome.reason
        return f"it has failed since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC; lately: {reason}"

    async def _add_records(self) -> bool:
        """Add messages to their datasets, and end them, in one transaction: exactly once."""
        now = self.clock()
        async with self.database.read() as connection:
            if not await self._list_due(connection, ("record",), 1, now):
                return False
        async with self.database.begin() as connection:
            due = await self._list_due(connection, ("record",), MOST_RECORDS, now)
            for target in dict.fromkeys(message.target for message in due):
                due_here = [message for message in due if message.target == target]
                why = await self.add(connection, target, due_here, now)
                await connection.execute(table.LEASE, [{"row": message.number, "until": now} for message in due_here])
                state = "sent" if why is None else "dead"
                ends = {"new_state": state, "at": now, "answer": None, "why": why, "until": now}
                await connection.execute(
                    table.SETTLE_MESSAGE, [{"row": message.number, **ends} for message in due_here]
                )
        return True

    async def _tidy(self) -> None:
        """Now and then: end what waited too long for a disabled endpoint, forget what is long over."""
        now = self.clock()
        if self._tidied is not None and now - self._tidied < TIDY:
            return
        self._tidied = now
        async with self.database.begin() as connection:
            why = "its endpoint was disabled for days"
            await connection.execute(table.END_STALE, {"before": now - LASTS, "at": now, "why": why})
            if self.keep_dead is None:
                return
            for state, kept in (("sent", min(SENT_KEPT, self.keep_dead)), ("dead", self.keep_dead)):
                await connection.execute(table.PRUNE_MESSAGES, {"of_state": state, "before": now - kept})


def _tell(told: Timed, message: Message, outcome: Outcome) -> None:
    """Say in a span what was told to whom: by the endpoint's id, never by its address or an e-mail's."""
    told.say(
        {
            "crosswalk.message": message.id,
            "crosswalk.topic": message.topic,
            "crosswalk.endpoint": message.target if message.kind == "post" else None,
            "crosswalk.attempt": message.attempts + 1,
            "http.response.status_code": outcome.status,
        }
    )
    if not isinstance(outcome, Sent):
        told.fail("put off" if isinstance(outcome, Again) else "given up")
