"""The request log: every call that came, and every call to Insightly that it became, written behind the calls.

A row is put into memory and written with its neighbours twice a second; no call waits for it. When more come than can
be written, rows are dropped, counted and told. Content stays out: queries keep the values that say nothing of people,
bodies keep their shape, and an error's words lose addresses and numbers.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection

from crosswalk.insightly.call import Call
from crosswalk.insightly.pace import Seen
from crosswalk.insightly.wire import JSON
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.store.requests import ADD_REQUESTS, FORGET_OLD, Leg

MOST_WAITING = 20_000
GROUP = 2_000
WRITTEN_EVERY = 0.5
PRUNED_EVERY = 600.0
MOST_SHAPED = 4096
MOST_SHOWN = 2000
PLAIN = frozenset(
    {
        "brief",
        "count_total",
        "created_after_utc",
        "cursor",
        "exclude_fields",
        "expand",
        "explain",
        "field_name",
        "fields",
        "integrated_account_id",
        "limit",
        "max_age",
        "max_wait",
        "next_cursor",
        "order_by",
        "remote_data",
        "response_format",
        "skip",
        "top",
        "updated_after_utc",
    }
)
"""Parameters whose values say nothing of people; the others are masked."""
MASK = "***"
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
NUMBER = re.compile(r"\+?\d[\d ()/.-]{6,}\d")
log = structlog.get_logger()


class Row(Struct, kw_only=True, frozen=True):
    """One leg of one call. `body` and `answer` are as they came: they are masked when they are written."""

    request: str
    leg: Leg
    at: datetime
    method: str
    path: str
    query: str
    ms: float
    status: int | None = None
    trouble: str | None = None
    account_id: str | None = None
    token_id: str | None = None
    actor: str | None = None
    ip: str | None = None
    sent: int | None = None
    received: int | None = None
    body: bytes = b""
    answer: bytes = b""


@dataclass(eq=False, slots=True)
class RequestLog:
    """What waits to be written. `dropped` counts rows that there was no room for."""

    database: Database
    keep: timedelta
    waiting: deque[Row] = field(default_factory=deque)
    dropped: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def put(self, row: Row) -> None:
        """Remember a row; it never waits."""
        if len(self.waiting) < MOST_WAITING:
            self.waiting.append(row)
            return
        if self.dropped == 0:
            log.warning("requests.dropped", why="more calls than can be written down")
        self.dropped += 1

    async def write(self) -> None:
        """Write what waits, a group at a time. Raises `DatabaseUnreachable`; what was not written waits on."""
        async with self.turn:
            await self._write()

    async def _write(self) -> None:
        while self.waiting:
            group = [self.waiting[place] for place in range(min(GROUP, len(self.waiting)))]
            await self.database.write(partial(_add, group))
            for _ in group:
                self.waiting.popleft()
        if self.dropped:
            log.warning("requests.dropped", rows=self.dropped)
            self.dropped = 0

    async def prune(self, now: datetime) -> None:
        """Forget rows that are older than is kept, some at a time."""
        gone = GROUP
        while gone == GROUP:
            async with self.database.begin() as connection:
                done = await connection.execute(FORGET_OLD, {"before": now - self.keep, "most": GROUP})
                gone = done.rowcount

    async def follow(self) -> None:
        """Write and prune until cancelled."""
        loop, pruned = asyncio.get_running_loop(), float("-inf")
        while True:
            with suppress(DatabaseUnreachable):  # the callers' follower tells it; rows wait, and are counted beyond
                await self.write()
                if loop.time() - pruned >= PRUNED_EVERY:
                    await self.prune(datetime.now(UTC))
                    pruned = loop.time()
            await asyncio.sleep(WRITTEN_EVERY)


@asynccontextmanager
async def open_request_log(database: Database, keep: timedelta) -> AsyncIterator[RequestLog]:
    """A request log that is written while the block runs, and once more at its end."""
    kept = RequestLog(database, keep)
    following = asyncio.create_task(kept.follow(), name="requests")
    try:
        yield kept
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        with suppress(DatabaseUnreachable):
            await kept.write()


@dataclass(frozen=True, slots=True)
class Trace:
    """The call that is served now, to which calls to Insightly belong."""

    request: str
    account_id: str | None
    log: RequestLog


_trace: ContextVar[Trace | None] = ContextVar("crosswalk_trace", default=None)


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """Write down every call to Insightly that is made in the block."""
    token = _trace.set(trace)
    try:
        yield
    finally:
        _trace.reset(token)


def note_call(call: Call, seen: Seen) -> None:
    """Write a call to Insightly down, if it belongs to one that came."""
    trace = _trace.get()
    if trace is None or seen.sent_at is None:
        return
    path, _, query = call.path.partition("?")
    given = "&".join(f"{name}={value}" for name, value in call.params.items())
    trace.log.put(
        Row(
            request=trace.request,
            leg="insightly",
            at=datetime.now(UTC),
            account_id=trace.account_id,
            method=call.method,
            path=path,
            query="&".join(filter(None, (query, given))),
            status=seen.status,
            trouble=None if seen.status is not None else "no answer",
            ms=seen.seconds * 1000,
            sent=None if call.body is None else len(call.body),
        )
    )


def mask_query(query: str) -> str:
    """A query without the values that may be people's."""
    parts = (part.partition("=") for part in query.split("&") if part)
    return "&".join(f"{name}={value if name.lower() in PLAIN else MASK}" for name, _, value in parts)


def mask_words(text: str) -> str:
    """An error's words without addresses and long numbers."""
    return NUMBER.sub(MASK, ADDRESS.sub(MASK, text))[:MOST_SHOWN]


def shape(value: JSON) -> JSON:
    """What a JSON value is made of: names stay, content goes."""
    match value:
        case dict():
            return {name: shape(each) for name, each in value.items()}
        case list():
            return [shape(each) for each in value[:3]] + ([f"and {len(value) - 3} more"] if len(value) > 3 else [])  # noqa: PLR2004 (enough to see)
        case str():
            return f"text of {len(value)}"
        case bool() | None:
            return value
        case _:
            return "number"


def _shape_of(body: bytes) -> str | None:
    if not body or len(body) >= MOST_SHAPED:
        return None
    try:
        return msgspec.json.encode(shape(msgspec.json.decode(body))).decode()
    except (msgspec.DecodeError, RecursionError):
        return None


def _add(group: Sequence[Row], connection: Connection) -> None:
    """Write a group, masked; in the thread that writes, so that no call waits for it."""
    ADD_REQUESTS.execute(connection, [_to_row(row) for row in group])


def _to_row(row: Row) -> tuple[object, ...]:
    words = row.answer[:MOST_SHOWN].decode("utf-8", "replace").replace("\x00", "")
    values = msgspec.structs.asdict(row) | {
        "query": mask_query(row.query),
        "body": _shape_of(row.body),
        "answer": mask_words(words) or None,
    }
    return tuple(values[name] for name in ADD_REQUESTS.names)
