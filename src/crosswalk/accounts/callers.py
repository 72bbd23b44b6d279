"""Who calls: living tokens held in memory, so that a request waits for no statement.

Two counts tell whether any token was made or revoked; they are asked for every `POLL_SECONDS` beside the requests, and
by a request itself when the last answer is older than `FRESH_SECONDS`. So a revoked token ends within a second in every
process, and while the database is gone nobody is let in on old knowledge.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

import structlog
from msgspec import Struct

from crosswalk.accounts.tokens import PREFIX_CHARACTERS, TOKEN, Caller, digest, to_caller
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.store.tokens import COUNT_CHANGES, LIST_LIVE, MARK_USED

POLL_SECONDS = 0.4
FRESH_SECONDS = 1.0
USE_WRITTEN_EVERY = timedelta(minutes=1)
log = structlog.get_logger()


class Unidentified(Exception):
    """No living token came with the request."""


class Known(Struct, frozen=True):
    """A living token: what it must hash to, and who it makes of its bearer."""

    digest: bytes
    caller: Caller


class Callers:
    """The living tokens of one database. Open with `open_callers`."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._now = now
        self._clock = clock
        self._known: dict[str, Known] = {}
        self._counts: tuple[int, int] | None = None
        self._refreshed = float("-inf")
        self._begun = self._done = 0  # refreshes so far
        self._turn = asyncio.Lock()
        self._used: dict[str, datetime] = {}
        self._written: dict[str, datetime] = {}

    async def identify(self, header: str | None) -> Caller:
        """Whose token an Authorization header carries. Raises `Unidentified` and `DatabaseUnreachable`."""
        text = read_bearer(header)
        if text is None:
            raise Unidentified("Send a token of Crosswalk: Authorization: Bearer cw_…")
        if self._clock() - self._refreshed >= FRESH_SECONDS:
            await self.refresh()
        if text[:PREFIX_CHARACTERS] not in self._known:
            await self.refresh()  # it may be a moment old
        known = self._known.get(text[:PREFIX_CHARACTERS])
        if known is None or not compare_digest(known.digest, digest(text)):
            raise Unidentified("This token is unknown or revoked. `crosswalk tokens list` lists those that live")
        at = self._now()
        ends = known.caller.expires_at
        if ends is not None and ends <= at:
            raise Unidentified(f"This token ended at {ends:%Y-%m-%d %H:%M} UTC. Make another")
        self._used[known.caller.id] = at
        return known.caller

    async def refresh(self) -> None:
        """Learn what was made and revoked; whoever waits together asks once."""
        asked = self._begun
        async with self._turn:
            if self._done > asked:
                return
            self._begun += 1
            at = self._clock()
            async with self._database.read() as connection:
                made, revoked = (await connection.execute(COUNT_CHANGES)).one()
                if (made, revoked) != self._counts:
                    rows = (await connection.execute(LIST_LIVE)).mappings()
                    self._known = {row["prefix"]: Known(row["digest"], to_caller(row)) for row in rows}
                    self._counts = (made, revoked)
            self._refreshed, self._done = at, self._begun

    async def write_used(self, *, every: timedelta) -> None:
        """Write when tokens were last used, each no more than once in `every`."""
        now = self._now()
        due = {token: at for token, at in self._used.items() if self._is_due(token, at, now - every)}
        if due:
            async with self._database.begin() as connection:
                await connection.execute(MARK_USED, [{"token": token, "at": at} for token, at in due.items()])
            self._written |= due

    def _is_due(self, token: str, used: datetime, before: datetime) -> bool:
        written = self._written.get(token)
        return written is None or (written < used and written <= before)

    async def follow(self) -> None:
        """Keep up with the database until cancelled; says once that it fails, and once that it is back."""
        failing = False
        while True:
            try:
                await self.refresh()
                await self.write_used(every=USE_WRITTEN_EVERY)
            except DatabaseUnreachable as exc:
                if not failing:
                    log.warning("tokens.stale", why=str(exc))
                failing = True
            else:
                if failing:
                    log.info("tokens.fresh")
                failing = False
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def open_callers(database: Database) -> AsyncIterator[Callers]:
    """The living tokens, kept fresh while the block runs; last uses are written at its end."""
    callers = Callers(database)
    following = asyncio.create_task(callers.follow(), name="tokens")
    try:
        yield callers
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        with suppress(DatabaseUnreachable):  # said by `follow` already; a last use is no more than a hint
            await callers.write_used(every=timedelta(0))


def read_bearer(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header; `None` when there is none that could be ours."""
    scheme, _, text = (header or "").partition(" ")
    text = text.strip(" ")
    return text if scheme.lower() == "bearer" and TOKEN.fullmatch(text) else None
