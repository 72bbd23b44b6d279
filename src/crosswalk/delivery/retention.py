"""Retention: what is kept no longer goes by itself, while `serve` runs.

Content of rows that were settled long ago is removed; counts, states and record ids stay. Notices that tell of nothing
that lasts, ended sessions, sign-in links and link tokens, and answers of finished writes are forgotten. Requests and
messages are forgotten by those who write them: `gate/request_log.py`, `outgoing/courier.py`.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from msgspec import Struct
from sqlalchemy import Delete

from crosswalk.store import retention as table
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.store.idempotency import REMOVE_OLD_WRITES
from crosswalk.store.link_tokens import PRUNE_LINK_TOKENS
from crosswalk.store.notices import PRUNE_NOTICES
from crosswalk.store.sessions import PRUNE_FAILURES, PRUNE_LINKS, PRUNE_SESSIONS

CHUNK = 1000
"""Rows of one transaction."""
EVERY = 3600.0
"""Seconds between two looks for old runs."""
DAY, LINKS_KEPT = timedelta(days=1), timedelta(days=30)
log = structlog.get_logger()


class Keep(Struct, frozen=True, kw_only=True):
    """How long the content of settled rows and notices are kept; `None` for ever."""

    content: timedelta | None
    notices: timedelta | None


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


async def tidy(database: Database, *, notices: timedelta | None, now: datetime) -> int:
    """Forget what nobody can use any more; answers how many rows went."""
    ended: list[tuple[Delete, dict[str, datetime]]] = [
        (PRUNE_SESSIONS, {"now": now}),
        (PRUNE_LINKS, {"now": now}),
        (PRUNE_FAILURES, {"before": now - DAY}),
        (PRUNE_LINK_TOKENS, {"before": now - LINKS_KEPT}),
        (REMOVE_OLD_WRITES, {"before": now - DAY, "at": now}),
    ]
    if notices is not None:
        ended.append((PRUNE_NOTICES, {"before": now - notices}))
    gone = 0
    for statement, values in ended:  # a transaction each: none of them is long
        async with database.begin() as connection:
            gone += (await connection.execute(statement, values)).rowcount
    return gone


async def work_retention(database: Database, keep: Keep, *, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Prune and tidy once an hour until stopped. A database that is away is tried again the next time."""
    while not stop.is_set():
        now = clock()
        try:
            forgotten = await tidy(database, notices=keep.notices, now=now)
            done = Pruned(0, 0) if keep.content is None else await prune(database, before=now - keep.content, now=now)
        except DatabaseUnreachable as exc:
            log.warning("retention.waiting", why=str(exc))
        else:
            if done.rows or forgotten:
                log.info("retention.pruned", runs=done.runs, rows=done.rows, forgotten=forgotten)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await stop.wait()
