"""Records of a dataset: appended without gaps in the caller's transaction, and written out as JSON Lines."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp
from typing import IO, TypeAlias

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.errors import SourceError, UnknownDataset
from crosswalk.store.database import Database
from crosswalk.store.datasets import HOLD_LAST, SET_LAST
from crosswalk.store.records import ADD_RECORDS, KNOWN_KEYS, READ_RECORDS

Addition: TypeAlias = tuple[bytes, str | None]
"""One record to be added: a JSON object on one line, and the key that says that two are the same, if any."""
MOST_KEYS = 500
"""Keys looked for in one statement."""
BLOCK = 1000
"""Records read in one statement."""


async def append(
    connection: AsyncConnection, dataset_id: str, records: Sequence[Addition], *, at: datetime
) -> tuple[int, int]:
    """Add records in the caller's transaction and answer their first and last number; a known key is not added twice.

    The first is above the last where nothing was new. Raises `UnknownDataset`.
    """
    last = (await connection.execute(HOLD_LAST, {"dataset": dataset_id})).scalar_one_or_none()
    if last is None:
        raise UnknownDataset(f"There is no dataset {dataset_id!r} any more. `crosswalk datasets list` lists them")
    new = await _leave_known(connection, dataset_id, records)
    if new:
        rows = [
            {"dataset_id": dataset_id, "number": number, "cells": cells, "key": key, "at": at}
            for number, (cells, key) in enumerate(new, start=last + 1)
        ]
        await connection.execute(ADD_RECORDS, rows)
        await connection.execute(SET_LAST, {"dataset": dataset_id, "new_last": last + len(new)})
    return last + 1, last + len(new)


async def _leave_known(connection: AsyncConnection, dataset_id: str, records: Sequence[Addition]) -> list[Addition]:
    keys = list(dict.fromkeys(key for _, key in records if key is not None))
    seen: set[str] = set()
    for start in range(0, len(keys), MOST_KEYS):
        asked = {"dataset": dataset_id, "keys": keys[start : start + MOST_KEYS]}
        seen.update((await connection.execute(KNOWN_KEYS, asked)).scalars())
    new: list[Addition] = []
    for cells, key in records:
        if key is None or key not in seen:
            new.append((cells, key))
        if key is not None:
            seen.add(key)
    return new


async def read_records(
    database: Database, dataset_id: str, *, after: int = 0, until: int
) -> AsyncIterator[Sequence[RowMapping]]:
    """A dataset's records after one number up to another, in blocks; each block is a transaction of its own."""
    while after < until:
        asked = {"dataset": dataset_id, "after": after, "until": until, "most": BLOCK}
        async with database.read() as connection:
            block = (await connection.execute(READ_RECORDS, asked)).mappings().all()
        if not block:
            return
        yield block
        after = block[-1]["number"]


async def spool(database: Database, dataset_id: str, first: int, last: int, path: Path) -> None:
    """Write these records to a file, one JSON object a line; the file is put in its place whole.

    Raises `SourceError` where the disk refuses, and where records are gone.
    """
    with _placed(path) as file:
        written = await _write(database, dataset_id, first, last, file)
        if written != max(0, last - first + 1):
            raise SourceError(f"Records {first} to {last} are not all there any more: {written} are. Run it anew")


@contextmanager
def _placed(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes its place when the block ends well, and leaves nothing when it does not."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be written: {error.strerror}. Make room, or correct CROSSWALK_HOME"
        ) from error


async def _write(database: Database, dataset_id: str, first: int, last: int, file: IO[bytes]) -> int:
    written = 0
    async for block in read_records(database, dataset_id, after=first - 1, until=last):
        await asyncio.to_thread(file.writelines, [row["cells"] + b"\n" for row in block])
        written += len(block)
    file.flush()
    os.fsync(file.fileno())
    return written
