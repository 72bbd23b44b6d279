"""Records out to a file that is whole or not there: CSV, JSON Lines, Parquet, in constant memory.

Each writer takes batches as an iterable and answers how many records it wrote. It blocks: a caller in an event loop
hands it to `run_writer`, whose batches may come from an asynchronous iterator.
"""

import asyncio
import csv
import io
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeAlias, TypeVar

import msgspec

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.errors import SourceError

Record: TypeAlias = Mapping[str, JSON]
Batches: TypeAlias = Iterable[Sequence[Record]]
T = TypeVar("T")


class UnwritableRecord(SourceError):
    """A record that the file cannot hold as it was opened: which, why, what to do."""


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path` that takes its place at the end, once it is on disk; on failure nothing is changed."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}. Check the folder") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o600)
        Path(name).replace(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def write_csv(path: Path, batches: Batches, columns: Sequence[str]) -> int:
    """Write a CSV with a header, UTF-8, lists and objects as JSON. Raises `UnwritableRecord` for an unknown column."""
    count, known = 0, frozenset(columns)
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        writer = csv.writer(text)
        writer.writerow(columns)
        for records in batches:
            for record in records:
                count += 1
                if not known.issuperset(record):
                    raise _unknown(path, count, record, known)
                writer.writerow([_text(record.get(column)) for column in columns])
        text.flush()
        text.detach()
    return count


def _unknown(path: Path, number: int, record: Record, known: frozenset[str]) -> UnwritableRecord:
    extra = ", ".join(sorted(map(repr, record.keys() - known)))
    return UnwritableRecord(
        f"{path}: record {number} has {extra}, which is not among its columns. Name all columns with --columns"
    )


def _text(value: JSON) -> str | int | float:
    """A value as a cell; a text that a spreadsheet would run stays what it is, for other programs read it too."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | dict():
            return msgspec.json.encode(value).decode()
        case _:
            return value


def write_json_lines(path: Path, batches: Batches) -> int:
    """Write a JSON object a line."""
    encode = msgspec.json.Encoder().encode_lines
    count = 0
    with replacing(path) as file:
        for records in batches:
            file.write(encode(records))
            count += len(records)
    return count


async def run_writer(write: Callable[[Batches], T], batches: AsyncIterator[Sequence[Record]]) -> T:
    """Let a writer, in a thread, take what an asynchronous iterator gives, one batch at a time."""
    loop = asyncio.get_running_loop()

    async def step() -> Sequence[Record] | None:
        return await anext(batches, None)

    def taken() -> Iterator[Sequence[Record]]:
        while (records := asyncio.run_coroutine_threadsafe(step(), loop).result()) is not None:
            yield records

    return await asyncio.to_thread(write, taken())
