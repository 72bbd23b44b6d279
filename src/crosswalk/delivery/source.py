"""A file's rows as an iterator in constant memory. A row that cannot be read is a value, never a skipped line."""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.errors import SourceError

LARGEST_CELL = 64 * 1024 * 1024
"""Characters of one CSV cell; a longer one is a quote that nobody closed."""


class Row(Struct, frozen=True):
    """One row that was read: its number in the file, counted from 1, and its cells by column."""

    number: int
    cells: dict[str, JSON]


class Unreadable(Struct, frozen=True):
    """One row that could not be read, and why. `rest` says that nothing after it could be read either."""

    number: int
    reason: str
    rest: bool = False


class Source(Struct, frozen=True):
    """An open file: the columns it names, its rows, and whether every row has just these columns."""

    columns: tuple[str, ...]
    rows: Iterator[Row | Unreadable]
    closed: bool = True


class Content(Struct, frozen=True):
    """A file's content by name: SHA-256 in hex, and about how many rows it holds."""

    digest: str
    lines: int


def read_content(path: Path) -> Content:
    """Name a file by its content. Raises `SourceError` when it cannot be read."""
    sha, lines = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                sha.update(block)
                lines += block.count(b"\n")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}. Check the path and its permissions.") from error
    return Content(sha.hexdigest(), lines)


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a CSV, TSV or JSON Lines file by its ending. Raises `SourceError` when that is not possible."""
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise SourceError(f"{path} has the ending {path.suffix or 'none'}. Crosswalk reads {', '.join(READERS)}.")
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}. Check the path and its permissions.") from error
    with file:
        yield read(path, file)


def _read_csv(path: Path, file: IO[bytes], *, delimiter: str = ",") -> Source:
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(_decoded(file), delimiter=delimiter, strict=True)
    try:
        columns = tuple(cell.strip() for cell in next(reader, ()))
    except csv.Error as error:
        raise SourceError(f"{path} has no readable header line: {error}.") from error
    if not columns:
        raise SourceError(f"{path} is empty. It needs a header line and rows.")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise SourceError(f"{path} names the column {', '.join(map(repr, twice))} twice. Rename one of them.")
    return Source(columns=columns, rows=_csv_rows(columns, reader))


def _decoded(file: IO[bytes]) -> Iterator[str]:
    """Lines as text. Bytes that are not UTF-8 become surrogates, by which `_csv_row` finds their cell."""
    for number, line in enumerate(file):
        yield line.decode("utf-8-sig" if number == 0 else "utf-8", "surrogateescape")


def _csv_rows(columns: tuple[str, ...], reader: Iterable[list[str]]) -> Iterator[Row | Unreadable]:
    rows = iter(reader)
    number = 0
    while True:
        number += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            # A parser that lost its place would read the middle of a cell as rows.
            yield Unreadable(number, f"not CSV: {error}; nothing after it was read", rest=True)
            return
        if not cells:
            number -= 1
            continue
        yield _csv_row(number, columns, cells)


def _csv_row(number: int, columns: tuple[str, ...], cells: list[str]) -> Row | Unreadable:
    if len(cells) != len(columns):
        return Unreadable(number, f"has {len(cells)} cells, the header {len(columns)}")
    for column, cell in zip(columns, cells, strict=True):
        try:
            cell.encode()
        except UnicodeEncodeError:
            return Unreadable(number, f"column {column!r} is not UTF-8; save the file as UTF-8")
    return Row(number, dict(zip(columns, cells, strict=True)))


def _read_tsv(path: Path, file: IO[bytes]) -> Source:
    return _read_csv(path, file, delimiter="\t")


def _read_json_lines(path: Path, file: IO[bytes]) -> Source:
    first = next((line for line in file if line.strip()), None)
    if first is None:
        raise SourceError(f"{path} is empty. It needs one JSON object a line.")
    file.seek(0)
    head = _json_row(1, first)
    columns = tuple(head.cells) if isinstance(head, Row) else ()
    return Source(columns=columns, rows=_json_rows(file), closed=False)


def _json_rows(file: IO[bytes]) -> Iterator[Row | Unreadable]:
    lines = (line for line in file if line.strip())
    return (_json_row(number, line) for number, line in enumerate(lines, start=1))


def _json_row(number: int, line: bytes) -> Row | Unreadable:
    try:
        return Row(number, msgspec.json.decode(line, type=dict))
    except msgspec.DecodeError as error:
        return Unreadable(number, f"not a JSON object: {error}")


READERS = {".csv": _read_csv, ".tsv": _read_tsv, ".jsonl": _read_json_lines, ".ndjson": _read_json_lines}
