"""A source opened for one pull: batches of records from where the last pull left it, whatever its kind."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from crosswalk.delivery.cell import JSON, BadValue, as_text, look_up
from crosswalk.delivery.records import Addition
from crosswalk.delivery.row import Batch, Options, Row, Unreadable
from crosswalk.delivery.source import open_source, read_content

BATCH = 1000
"""Records in one commit."""
BATCH_BYTES = 4 << 20
"""Bytes of records in one commit, about."""
LARGEST = 16 << 20
"""Bytes of one record as JSON."""
LONGEST_KEY = 200

Rows: TypeAlias = Iterator[Row | Unreadable]


class Mark(Struct, frozen=True, omit_defaults=True):
    """How far a source was read: its content's digest, the reader's own cursor, and rows taken since.

    `whole` says that this content was read to its end.
    """

    content: str | None = None
    after: str | None = None
    row: int = 0
    whole: bool = False


class Kept(Struct, frozen=True):
    """One batch as it is kept: records to be added with their cells, and why which rows could not be read."""

    additions: list[Addition]
    cells: list[dict[str, JSON]]
    unreadable: dict[int, str]
    rows: int
    cursor: str | None = None


def name_file(path: Path) -> str:
    """A file's content by name. Raises `SourceError`."""
    return read_content(path).digest


async def read_file(path: Path, options: Options, *, key: str | None, skip: int) -> AsyncGenerator[Kept]:
    """The rows of a file after the first few, in batches of bounded size. Raises `SourceError`."""
    with ExitStack() as stack:
        source = await asyncio.to_thread(lambda: stack.enter_context(open_source(path, options)))
        await asyncio.to_thread(lambda: next(islice(source.rows, skip - 1, skip), None) if skip else None)
        while kept := await asyncio.to_thread(_take, source.rows, key):
            yield kept


def _take(rows: Rows, key: str | None) -> Kept | None:
    kept, size = Kept([], [], {}, 0), 0
    taken = 0
    for row in islice(rows, BATCH):
        taken += 1
        match row:
            case Row():
                size += _keep(kept, row.number, row.cells, key)
            case Unreadable():
                kept.unreadable[row.number] = row.reason if row.file is None else f"{row.file}: {row.reason}"
        if size > BATCH_BYTES:
            break
    return replace(kept, rows=taken) if taken else None


def keep_batch(batch: Batch, key: str | None, *, began: int, versions: bool = False) -> Kept:
    """Records of any other source as they are kept; `began` is how many rows the pull had read before.

    With `versions`, and no key of its own, a record is the same as another that says all the same.
    """
    kept = Kept([], [], {}, len(batch.records) + len(batch.unreadable), batch.cursor)
    for number, record in enumerate(batch.records, start=began + 1):
        _keep(kept, number, record, key)
    if versions and key is None:
        kept.additions[:] = [(each, f"sha256:{sha256(each).hexdigest()}") for each, _ in kept.additions]
    for number, row in enumerate(batch.unreadable, start=began + len(batch.records) + 1):
        kept.unreadable[number] = row.reason
    return kept


def _keep(kept: Kept, number: int, cells: dict[str, JSON], key: str | None) -> int:
    """Add one record to a batch and answer its bytes; one that cannot be kept is unreadable."""
    try:
        encoded = encode_record(cells)
    except UnusableRecord as error:
        kept.unreadable[number] = str(error)
        return 0
    kept.additions.append((encoded, None if key is None else find_key(cells, key)))
    kept.cells.append(cells)
    return len(encoded)


class UnusableRecord(ValueError):
    """A record that cannot be kept."""


def encode_record(cells: dict[str, JSON]) -> bytes:
    """One record as its dataset keeps it. Raises `UnusableRecord`."""
    try:
        encoded = msgspec.json.encode(cells)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnusableRecord(f"cannot be kept as JSON: {error}") from error
    if len(encoded) > LARGEST:
        raise UnusableRecord(f"holds {len(encoded):,} bytes; a record has at most {LARGEST:,}")
    return encoded


def find_key(cells: dict[str, JSON], path: str) -> str | None:
    """What says that two records are the same; a record without it is like no other. A long one goes by its digest."""
    value = look_up(cells, path)
    try:
        text = as_text(value)
    except BadValue:
        text = msgspec.json.encode(value, order="sorted").decode()
    if text is None or (len(text) <= LONGEST_KEY and text.isprintable()):
        return text
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
