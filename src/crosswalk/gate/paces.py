"""The rows of all accounts' purses, stepped one statement at a time, past SQLAlchemy and outside transactions.

A step says what it believes the row to be. Whoever is alone needs one round trip; where others step too, the row is
read first: two, and two more whenever somebody was faster in between. No lock is held while a client thinks.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from crosswalk.gate.clock import Clock, read_clock
from crosswalk.gate.purse import FORMAT, Granted, Purse, Wish, grant
from crosswalk.store.errors import DatabaseUnreachable, StoreError
from crosswalk.store.paces import BEGIN_PACE, READ_PACE, STEP_PACE

CONNECTIONS = 4
"""Connections for all accounts of this process: a step takes one for a round trip."""
TRIES = 50
"""Steps of others that may come in between before something must be wrong."""
WAIT = 5.0
"""Seconds to wait for a connection."""


BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Where there is none, as on macOS, the monotonic clock counts a machine's sleep."""


def boottime() -> float:
    """Seconds since this machine started, those that it slept included."""
    return time.clock_gettime(BOOTTIME)


@dataclass(frozen=True, slots=True)
class Known:
    """A row as this process left it; `alone` when nobody else had stepped since the time before."""

    version: int
    purse: Purse
    alone: bool


@dataclass(eq=False, slots=True)
class Paces:
    """One process's way to the rows. Open with `open_paces`. `trips` counts round trips, `steps` what they were for."""

    pool: AsyncConnectionPool[psycopg.AsyncConnection]
    clock: Clock | None = None
    set_at: float = float("-inf")
    trips: int = 0
    steps: int = 0
    _known: dict[str, Known] = field(default_factory=dict)

    async def step(self, name: str, wish: Wish) -> Granted:
        """Step one account's row, however many others do. Raises `DatabaseUnreachable`."""
        self.steps += 1
        for _ in range(TRIES):
            known = self._known.get(name)
            version, purse = (
                (known.version, known.purse) if known is not None and known.alone else await self._read(name)
            )
            assert self.clock is not None, "every row that was seen told the time"
            granted = grant(purse, wish, self.clock.latest(boottime()))
            values = {"name": name, "version": version, "format": FORMAT, "state": _encode(granted.purse)}
            row = await self._ask(STEP_PACE, values)
            if row is not None:
                self._known[name] = Known(int(row[0]), granted.purse, known is not None and known.version == version)
                return granted
            self._known.pop(name, None)
        raise DatabaseUnreachable(f"The account's pace was changed {TRIES} times while it was asked for a place")

    async def look(self, name: str) -> tuple[Purse, float]:
        """A row as it is now, and the database's time. Raises `DatabaseUnreachable`."""
        _, purse = await self._read(name)
        assert self.clock is not None, "reading told the time"
        return purse, self.clock.latest(boottime())

    def forget(self, name: str) -> None:
        """Nobody here asks for this account any more."""
        self._known.pop(name, None)

    async def _read(self, name: str) -> tuple[int, Purse]:
        row = await self._ask(READ_PACE, {"name": name})
        if row is None:
            await self._ask(BEGIN_PACE, {"name": name, "format": FORMAT, "state": _encode(Purse())}, tells=False)
            row = await self._ask(READ_PACE, {"name": name})
        if row is None or row[1] > FORMAT:
            raise StoreError("An account's pace was written by a newer Crosswalk. Upgrade this one")
        return int(row[0]), msgspec.json.decode(row[2], type=Purse)

    async def _ask(self, statement: str, values: dict[str, object], *, tells: bool = True) -> tuple[Any, ...] | None:
        """One round trip; the last column that it tells is the database's time."""
        self.trips += 1
        try:
            async with self.pool.connection() as connection:
                before = boottime()
                cursor = await connection.execute(statement.encode(), values, prepare=True)
                after = boottime()
                row = await cursor.fetchone() if tells else None
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as exc:
            why = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
            raise DatabaseUnreachable(
                f"The database fails: {why}. Start it, or correct CROSSWALK_DATABASE_URL"
            ) from exc
        if row is not None:
            self.clock, was_set = read_clock(self.clock, before, float(row[-1]), after)
            self.set_at = after if was_set else self.set_at
        return row


def _encode(purse: Purse) -> str:
    return msgspec.json.encode(purse).decode()


@asynccontextmanager
async def open_paces(url: str, *, wait: float = WAIT) -> AsyncIterator[Paces]:
    """The rows of the PostgreSQL at `url`; connections are made when they are first needed, and waited for so long."""
    pool = AsyncConnectionPool(
        url.replace("postgresql+psycopg://", "postgresql://", 1),
        min_size=0,
        max_size=CONNECTIONS,
        timeout=wait,
        open=False,
        kwargs={"autocommit": True},
    )
    await pool.open()
    try:
        yield Paces(pool)
    finally:
        await asyncio.shield(pool.close())
