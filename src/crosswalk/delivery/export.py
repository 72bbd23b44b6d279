"""Datasets out again: to a file that is whole or not there, or to a database's table by key."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from crosswalk.delivery.datasets import Datasets, Shown
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.places import Places
from crosswalk.delivery.records import read_records
from crosswalk.delivery.write_file import Batches, Record, run_writer, write_csv, write_json_lines
from crosswalk.delivery.write_parquet import write_parquet
from crosswalk.delivery.write_table import write_table

Write = Callable[[Batches], int]
Tell = Callable[[int], None]


class Exported(Struct, frozen=True, kw_only=True):
    """What was written. The next export that is to bring only what is newer goes on after `last`."""

    dataset: str
    records: int
    after: int
    last: int


def _quiet(_: int) -> None:
    return


async def export_file(
    datasets: Datasets, key: str, path: Path, *, places: Places, after: int = 0, tell: Tell = _quiet
) -> Exported:
    """Write a dataset's records after a number to a file; its ending says how. Raises `PlanError`, `SourceError`.

    `tell` hears how many records are written, of a file that is not in its place yet.
    """
    found = await datasets.show(key)
    places.find_file(str(path))
    return await _export(datasets, found, _file_writer(path, found), after, tell)


async def export_table(
    datasets: Datasets,
    key: str,
    address: str,
    *,
    table: str,
    by: str,
    places: Places,
    after: int = 0,
    tell: Tell = _quiet,
) -> Exported:
    """Write a dataset's records after a number to a table, by a key column; a record that is there is replaced.

    `tell` hears how many records are surely in the table.
    """
    found = await datasets.show(key)
    places.check_database(address)
    return await _export(datasets, found, partial(_write_table, address, table, found, by), after, tell)


def _file_writer(path: Path, found: Shown) -> Write:
    match path.suffix.lower():
        case ".csv":
            return partial(_write_csv, path, found)
        case ".jsonl" | ".ndjson":
            return partial(write_json_lines, path)
        case ".parquet":
            return partial(_write_parquet, path, found)
        case other:
            raise PlanError(f"Nothing is written with the ending {other or 'none'}; write .csv, .jsonl or .parquet")


def _write_csv(path: Path, found: Shown, batches: Batches) -> int:
    return write_csv(path, batches, [column.name for column in found.schema.columns])


def _write_parquet(path: Path, found: Shown, batches: Batches) -> int:
    return write_parquet(path, batches, found.schema)


def _write_table(address: str, table: str, found: Shown, by: str, batches: Batches) -> int:
    return write_table(address, table, batches, schema=found.schema, key=by)


async def _export(datasets: Datasets, found: Shown, write: Write, after: int, tell: Tell) -> Exported:
    async with aclosing(_batches(datasets, found, after, tell)) as batches:
        count = await run_writer(write, batches)
    return Exported(dataset=found.name, records=count, after=after, last=max(after, found.last))


async def _batches(datasets: Datasets, found: Shown, after: int, tell: Tell) -> AsyncGenerator[Sequence[Record]]:
    """The records up to the one that was last when it began: what comes meanwhile is the next export's."""
    decoder, count = msgspec.json.Decoder(dict), 0
    async for block in read_records(datasets.database, found.id, after=after, until=found.last):
        yield [decoder.decode(row["cells"]) for row in block]
        count += len(block)  # whoever asks for the next has written this one
        tell(count)
