"""Retention: content of rows that were settled long ago is removed; counts, states and record ids stay."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from crosswalk.store import retention as table
from crosswalk.store.database import Database

CHUNK = 1000
"""Rows of one transaction."""
EVERY = 3600.0
"""Seconds between two looks for old runs."""
log = structlog.get_logger()


class Pruned(Struct, frozen=True):
    """How many runs and rows lost their content, or would."""

    runs: int
    rows: int


async def prune(database: Database, *, before: datetime, now: datetime, dry: bool = False) -> Pruned:
    """Remove what settled rows said, of runs that ended before a time; dead, held and waiting rows keep all."""
    async with database.read() as connection:
        old = list(await connection.scalars(table.LIST_OLD, {"before": before}))
    rows = 0
    for run in old:
        if dry:
            async with database.read() as connection:
                rows += int(await connection.scalar(table.COUNT_FULL, {"run": run}) or 0)
        else:
            rows += await _empty(database, run, now)
    return Pruned(len(old), rows)


async def _empty(database: Database, run: str, now: datetime) -> int:
    """Empty one run's settled rows, chunk by chunk; what is cut short goes on the next time."""
    after = rows = 0
    while True:
        async with database.begin() as connection:
            asked = {"run": run, "after": after, "most": CHUNK}
            numbers = list(await connection.scalars(table.LIST_FULL, asked))
            if not numbers:
                await connection.execute(table.MARK_PRUNED, {"run": run, "at": now})
                return rows
            span = {"run": run, "first": after + 1, "last": numbers[-1]}
            for statement in (table.EMPTY_ATTEMPTS, table.EMPTY_DECISIONS, table.EMPTY_ROWS):
                await connection.execute(statement, span)
        after = numbers[-1]
        rows += len(numbers)


async def work_retention(
    database: Database, keep: timedelta | None, *, clock: Callable[[], datetime], stop: asyncio.Event
) -> None:
    """Prune once an hour until stopped; `None` keeps all."""
    while keep is not None and not stop.is_set():
        now = clock()
        done = await prune(database, before=now - keep, now=now)
        if done.rows:
            log.info("retention.pruned", runs=done.runs, rows=done.rows)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await stop.wait()
