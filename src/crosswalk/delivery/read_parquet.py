"""Parquet: typed columns as rows of cells, a thousand at a time."""

from collections.abc import Iterator, Sequence
from os import SEEK_END
from pathlib import Path
from typing import IO

from arro3.core import Array, DataType, RecordBatch, RecordBatchReader
from arro3.io import read_parquet as open_parquet

from crosswalk.delivery.cell import JSON, BadValue
from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.plain import to_cell
from crosswalk.delivery.row import Options, Row, Source, Unreadable

BATCH = 1024
MARK = b"PAR1"
PLAIN = frozenset({DataType.string(), DataType.large_string(), DataType.string_view(), DataType.bool()}) | frozenset(
    getattr(DataType, name)()
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "null")
)
"""Types whose Python values are cells already."""


def read_parquet(path: Path, file: IO[bytes], options: Options) -> Source:
    """Read a Parquet file. Raises `SourceError` when it is none, or ends half-way: its index stands at its end."""
    _check_ends(path, file)
    try:
        reader = open_parquet(file, batch_size=BATCH)
    except BaseException as error:  # arro3 panics on a damaged index, and a panic is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise SourceError(f"{path} is no Parquet file: {error}. Write or copy it again.") from error
    columns = tuple(reader.schema.names)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise SourceError(f"{path} names the column {', '.join(map(repr, twice))} twice. Rename one of them.")
    return Source(columns, _read_rows(columns, reader))


def _check_ends(path: Path, file: IO[bytes]) -> None:
    """Refuse a file without the mark at its start, or cut before the index and the mark at its end."""
    size = file.seek(0, SEEK_END)
    file.seek(max(size - 8, 0))
    end = file.read()
    file.seek(0)
    if file.read(4) != MARK:
        raise SourceError(f"{path} is no Parquet file: it does not begin as one. Write or copy it again.")
    if end[4:] != MARK or int.from_bytes(end[:4], "little") > size - 12:
        raise SourceError(f"{path} ends half-way: a Parquet file's index stands at its end. Write or copy it again.")
    file.seek(0)


def _read_rows(columns: tuple[str, ...], reader: RecordBatchReader) -> Iterator[Row | Unreadable]:
    number = 0
    try:
        for batch in reader:
            values = [_to_cells(batch, place) for place in range(batch.num_columns)]
            for cells in zip(*values, strict=True):
                number += 1
                yield _row(number, columns, cells)
    except Exception as error:  # noqa: BLE001 (arro3 raises bare exceptions of no kind of its own)
        yield Unreadable(number + 1, f"the file is damaged: {error}; nothing more was read", rest=True)


def _to_cells(batch: RecordBatch, place: int) -> Sequence[JSON | BadValue]:
    column = batch.column(place)
    values = _as_list(column)
    return values if column.type in PLAIN else [_cell(value) for value in values]


def _as_list(column: Array) -> list[JSON]:
    made: list[JSON] = column.to_pylist()
    return made


def _cell(value: object) -> JSON | BadValue:
    try:
        return to_cell(value)
    except BadValue as bad:
        return bad


def _row(number: int, columns: tuple[str, ...], cells: Sequence[JSON | BadValue]) -> Row | Unreadable:
    for column, cell in zip(columns, cells, strict=True):
        if isinstance(cell, BadValue):
            return Unreadable(number, f"column {column!r} {cell}")
    return Row(number, dict(zip(columns, cells, strict=True)))  # type: ignore[arg-type]  # a BadValue has left above
