"""Records out to a file that is whole or not there: CSV, JSON Lines, Parquet, in constant memory.

Each writer takes batches as an iterable and answers how many records it wrote. It blocks: a caller in an event loop
hands it to `run_writer`, whose batches may come from an asynchronous iterator.
"""

import asyncio
import csv
import fcntl
import io
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    """A draft beside `path` that takes its place at the end, once it is on disk; on failure nothing is changed.

    What a killed process left of a draft is written over by the next one. Raises `SourceError` where the disk refuses,
    and while another process writes the same file.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        with _open_draft(draft, path) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                draft.replace(path)
            except BaseException:  # whatever ended it, no draft stays behind; it goes on as it came
                draft.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror or error}. Check the folder") from error


def _open_draft(draft: Path, path: Path) -> IO[bytes]:
    """An empty draft that is ours alone until it is closed, however this process ends."""
    while True:
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_there(draft, handle):  # else another process has just put it in its place
                os.fchmod(handle, 0o600)
                os.ftruncate(handle, 0)
                return os.fdopen(handle, "wb")
        except BlockingIOError as error:
            os.close(handle)
            raise SourceError(f"{path} is being written by another export right now. Let that end first") from error
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


def _is_there(draft: Path, handle: int) -> bool:
    try:
        found = draft.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(handle))


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
    """Let a writer, in a thread, take what an asynchronous iterator gives, one batch at a time.

    A writer that is cancelled ends with an error: it must not take the end of its batches for the end of the records.
    """
    loop, stopped = asyncio.get_running_loop(), threading.Event()

    async def step() -> Sequence[Record] | None:
        return await anext(batches, None)

    def taken() -> Iterator[Sequence[Record]]:
        while (records := asyncio.run_coroutine_threadsafe(step(), loop).result()) is not None:
            yield records
        if stopped.is_set():
            raise SourceError("the export was stopped")

    try:
        return await asyncio.to_thread(write, taken())
    except asyncio.CancelledError:
        stopped.set()
        raise
