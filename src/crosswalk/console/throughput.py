"""Calls of the last day by hour, counted beside the pages: what is known is shown at once.

An hour that is over does not change and is counted once. Where a million calls stand in one hour, counting takes longer
than anybody wants to wait for a page: it goes on by itself, and the page shows the numbers when it is renewed.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crosswalk.console.chart import HOUR, Hour, fill_hours, list_hours
from crosswalk.store.attempts import COUNT_HOURS
from crosswalk.store.columns import EPOCH
from crosswalk.store.database import Database
from crosswalk.store.ids import id_floor

LATE = timedelta(minutes=5)
"""How long after an hour's end its last attempts may still be written."""
WAIT = 0.1
"""Seconds that a page waits for numbers."""
FRESH, SHARE = 2.0, 10
"""Seconds after which numbers are counted again; counting takes no more than one part of so many of the time."""
Counts = dict[datetime, tuple[int, int]]


@dataclass(slots=True)
class Throughput:
    """What was counted so far. One for a process."""

    database: Database
    clock: Callable[[], float] = time.monotonic
    _over: Counts = field(default_factory=dict)
    _known: tuple[Hour, ...] | None = None
    _next: float = float("-inf")
    _task: asyncio.Task[None] | None = None

    async def hours(self, now: datetime) -> tuple[Hour, ...] | None:
        """The last day's calls as they were counted last; `None` while they are counted for the first time."""
        if self._task is None and self.clock() >= self._next:
            self._task = asyncio.create_task(self._refresh(now), name="throughput")
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=WAIT)
            if self._task.done():
                task, self._task = self._task, None
                task.result()
        return self._known

    async def count(self, now: datetime) -> tuple[Hour, ...]:
        """Count now, however long it takes."""
        wanted = list_hours(now)
        missing = [at for at in wanted if at not in self._over]
        counts = await self._count(missing[0], wanted[-1] + HOUR) if missing else {}
        whole = {at: counts.get(at, (0, 0)) for at in missing}
        self._over = {at: count for at, count in self._over.items() if at in wanted}
        self._over |= {at: count for at, count in whole.items() if at + HOUR + LATE < now}
        return fill_hours(wanted, self._over | whole)

    async def _refresh(self, now: datetime) -> None:
        began = self.clock()
        try:
            self._known = await self.count(now)
        finally:
            self._next = self.clock() + max(FRESH, (self.clock() - began) * SHARE)

    async def _count(self, since: datetime, until: datetime) -> Counts:
        asked = {"first": id_floor(since), "after": id_floor(until)}
        async with self.database.read() as connection:
            rows = (await connection.execute(COUNT_HOURS, asked)).all()
        found: Counts = {}
        for hour, outcome, count in rows:
            at = EPOCH + HOUR * hour
            good, bad = found.get(at, (0, 0))
            found[at] = (good + count, bad) if outcome == "delivered" else (good, bad + count)
        return found
