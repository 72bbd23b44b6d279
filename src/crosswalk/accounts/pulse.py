"""What an account's calls say of its key: refused twice, a while apart, it wants another; one good call heals it.

Once is not enough: a single 401 in a stream of good answers has been seen. What is written lags behind the calls, so
that no call waits for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import SystemRandom

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts.lifecycle import tell
from crosswalk.insightly.pace import Seen
from crosswalk.store.accounts import ASK_REAUTH, HEAL, MARK_GOOD, MARK_REFUSED
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable

APART = timedelta(seconds=60)
"""Between the first refusal and the one that counts."""
GOOD_EVERY = timedelta(seconds=30)
REFUSED, GOOD = 401, range(200, 300)
CHANCE = SystemRandom()
log = structlog.get_logger()


@dataclass(eq=False, slots=True, kw_only=True)
class Pulse:
    """The calls of one open client, and what of them is written already. Open with `feel`."""

    database: Database
    account: str
    now: Callable[[], datetime]
    _good: datetime | None = None
    _refused: datetime | None = None
    _asked: datetime | None = None
    _troubled: bool = False
    _stopping: bool = False
    _due: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, seen: Seen) -> None:
        """One call is over. Answers that say nothing of the key, such as 404 and 429, are passed over."""
        at = self.now()
        if seen.status == REFUSED:
            self._refused, self._troubled = at, True
            self._due.set()
        elif seen.status in GOOD:
            self._good = at
            if self._troubled or self._asked is None or at - self._asked >= GOOD_EVERY:
                self._asked = at
                self._due.set()

    async def follow(self) -> None:
        """Write what is due until `stop`."""
        while not self._stopping:
            await self._due.wait()
            self._due.clear()
            await self.write()

    async def write(self) -> None:
        """Write what was heard since the last time, in its order."""
        good, refused, self._good, self._refused = self._good, self._refused, None, None
        if good is None and refused is None:
            return
        try:
            async with self.database.begin() as connection:
                if refused is not None and (good is None or refused <= good):
                    await self._mark_refused(connection, refused)
                if good is not None:
                    await self._mark_good(connection, good)
                if refused is not None and good is not None and refused > good:
                    await self._mark_refused(connection, refused)
        except DatabaseUnreachable as exc:
            log.warning("account.pulse_lost", account=self.account, why=str(exc))
        else:
            self._troubled = refused is not None and (good is None or refused > good)

    def stop(self) -> None:
        """No more calls are made."""
        self._stopping = True
        self._due.set()

    async def _mark_good(self, connection: AsyncConnection, at: datetime) -> None:
        await connection.execute(MARK_GOOD, {"account": self.account, "at": at})
        if (await connection.execute(HEAL, {"account": self.account})).rowcount:
            log.info("account.healed", account=self.account)
            await tell(connection, "active", self.account, at=at, rng=CHANCE, status="active")

    async def _mark_refused(self, connection: AsyncConnection, at: datetime) -> None:
        await connection.execute(MARK_REFUSED, {"account": self.account, "at": at})
        if (await connection.execute(ASK_REAUTH, {"account": self.account, "before": at - APART})).rowcount:
            log.warning("account.needs_reauth", account=self.account)
            await tell(connection, "needs_reauth", self.account, at=at, rng=CHANCE, status="needs_reauth")


@asynccontextmanager
async def feel(database: Database, account: str, now: Callable[[], datetime]) -> AsyncIterator[Pulse]:
    """A pulse that is written while the block runs, and once more at its end."""
    pulse = Pulse(database=database, account=account, now=now)
    following = asyncio.create_task(pulse.follow(), name="pulse")
    try:
        yield pulse
    finally:
        pulse.stop()
        await following
        await pulse.write()
