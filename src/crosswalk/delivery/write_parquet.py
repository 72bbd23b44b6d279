"""Records out to a Parquet file, typed by their schema, zstd-packed, in constant memory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from arro3.core import DataType, Field
from arro3.core import Schema as ArrowSchema
from arro3.io import read_json
from arro3.io import write_parquet as save_parquet

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.schema import Column, Schema, Type
from crosswalk.delivery.write_file import Batches, Record, UnwritableRecord, replacing

BATCH = 8192
GROUP = 100_000
"""Rows of one row group."""
TYPES: dict[Type, DataType] = {"boolean": DataType.bool(), "integer": DataType.int64(), "number": DataType.float64()}
"""Arrow types of JSON's; every other column holds text, and lists and objects JSON."""


def write_parquet(path: Path, batches: Batches, schema: Schema) -> int:
    """Write a Parquet file. Raises `UnwritableRecord` for a column or a value that the schema does not know."""
    counted = _Counted(path, batches, schema)
    arrow = ArrowSchema([Field(each.name, _type(each), nullable=True) for each in schema.columns])
    with replacing(path) as file, tempfile.TemporaryFile(prefix="crosswalk-") as lines:
        for line in counted.lines():
            lines.write(line)
        lines.seek(0)
        save_parquet(read_json(lines, arrow, batch_size=BATCH), file, compression="zstd(3)", max_row_group_size=GROUP)
    return counted.count


def _type(column: Column) -> DataType:
    return TYPES.get(column.type, DataType.string())


class _Counted:
    """Records as lines that fit the schema."""

    def __init__(self, path: Path, batches: Batches, schema: Schema) -> None:
        self.count = 0
        self._path, self._batches = path, batches
        self._types = {each.name: each.type for each in schema.columns}

    def lines(self) -> Iterator[bytes]:
        encode = msgspec.json.Encoder().encode_lines
        for records in self._batches:
            yield encode([self._fit(record) for record in records])

    def _fit(self, record: Record) -> dict[str, JSON]:
        self.count += 1
        return {name: self._cell(name, value) for name, value in record.items()}

    def _cell(self, name: str, value: JSON) -> JSON:
        kind = self._types.get(name)
        if kind is None:
            raise UnwritableRecord(
                f"{self._path}: record {self.count} has {name!r}, which its schema lacks. Detect the schema again"
            )
        if value is None or fits(kind, value):
            return value
        if kind in TYPES:
            raise UnwritableRecord(
                f"{self._path}: record {self.count}: {name!r} is {value!r}, not {kind}. Detect the schema again"
            )
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def fits(kind: Type, value: JSON) -> bool:
    """Whether a column of this type holds a value as it is."""
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return isinstance(value, str)
