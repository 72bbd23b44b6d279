"""Reads sources when their time has come, and goes on with what a dead process left, until it is stopped."""

import asyncio
from contextlib import suppress
from datetime import datetime

import structlog

from crosswalk.delivery.errors import DeliveryError
from crosswalk.delivery.pull import Puller
from crosswalk.store.errors import StoreError
from crosswalk.store.pulls import LIST_ORPHANS
from crosswalk.store.sources import LIST_DUE

AT_ONCE = 4
"""Sources read at once."""
POLL = 1.0
"""Seconds between two looks for sources whose time has come."""
log = structlog.get_logger()


async def work_sources(puller: Puller, stop: asyncio.Event) -> None:
    """Read what is due until stopped; what is being read then is left to the next owner of the home."""
    running: dict[str, asyncio.Task[None]] = {}
    try:
        while not stop.is_set():
            with suppress(StoreError):  # said where it is met first; the next look may find it healed
                for source, due in await list_due(puller):
                    if source not in running and len(running) < AT_ONCE:
                        running[source] = asyncio.create_task(_pull(puller, source, due), name=f"pull {source}")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await stop.wait()
            running = {source: task for source, task in running.items() if not task.done()}
    finally:
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)


async def list_due(puller: Puller) -> list[tuple[str, datetime | None]]:
    """Sources whose time has come, after those whose pull lost its process."""
    at = puller.now()
    async with puller.database.read() as connection:
        orphans = (await connection.scalars(LIST_ORPHANS, {"at": at, "me": puller.holder})).all()
        due = (await connection.execute(LIST_DUE, {"at": at, "most": AT_ONCE * 4})).mappings().all()
    return [*((source, None) for source in orphans), *((row["id"], row["next_at"]) for row in due)]


async def _pull(puller: Puller, source: str, due: datetime | None) -> None:
    try:
        await puller.pull(source, due=due)
    except DeliveryError as error:
        log.info("pull.refused", source=source, reason=str(error))
    except StoreError as error:
        log.warning("pull.broken", source=source, reason=str(error))
