"""Datasets: named streams of records, what is known of their columns, and what changed in these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import msgspec
from msgspec import Raw, Struct
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.errors import UnknownDataset, WrongState
from crosswalk.delivery.schema import Change, ColumnGone, NullabilityChanged, Schema, Survey, describe, differ, merge
from crosswalk.delivery.sources import END, Reach
from crosswalk.store import datasets as table
from crosswalk.store.database import Database
from crosswalk.store.datasets import Origin
from crosswalk.store.destinations import destinations
from crosswalk.store.ids import new_id
from crosswalk.store.records import COUNT_RECORDS, READ_RECORDS
from crosswalk.store.sources import FIND_FILLER

SAMPLES = 10
"""How many of the latest records are kept as samples."""
LARGEST_SAMPLE = 64 * 1024
"""Bytes of a record that is kept as a sample."""


class Dataset(Struct, frozen=True, kw_only=True):
    """One dataset; `last` is the number of its last record."""

    id: str
    name: str
    origin: Origin
    account_id: str | None
    last: int
    created_at: datetime
    changed_at: datetime


class Shown(Dataset, frozen=True, kw_only=True):
    """A dataset with what is known of its columns, its latest records, what fills it and who reads it."""

    schema: Schema
    samples: list[dict[str, Any]]
    count: int
    source: str | None
    destinations: list[str]


class Stored(Struct, frozen=True):
    """One record as its dataset has it."""

    number: int
    key: str | None
    at: datetime
    cells: Raw


class Drift(Struct, frozen=True):
    """One change of a dataset's columns, when it was noticed, and how a person says it."""

    id: str
    at: datetime
    change: Change
    says: str


# Names of the destinations that read a dataset.
LIST_READERS = select(destinations.c.name).order_by(destinations.c.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """The datasets of one database, as far as `reach` goes."""

    database: Database
    reach: Reach = None

    async def list(self, *, after: str = "", most: int | None = None) -> list[Dataset]:
        """Datasets after one, oldest first; `most` of them, or all."""
        statement = table.LIST_DATASETS.limit(most)
        if self.reach is not None:
            statement = statement.where(table.datasets.c.account_id.in_(sorted(self.reach)))
        async with self.database.read() as connection:
            rows = (await connection.execute(statement, {"after": after})).mappings()
            return [msgspec.convert(_plain(row), Dataset) for row in rows]

    async def find(self, key: str) -> Dataset:
        """The dataset of this name or id. Raises `UnknownDataset`."""
        async with self.database.read() as connection:
            return msgspec.convert(await self._row(connection, key), Dataset)

    async def show(self, key: str) -> Shown:
        """One dataset with all that is known of it. Raises `UnknownDataset`."""
        async with self.database.read() as connection:
            row = await self._row(connection, key)
            asked = {"dataset": row["id"]}
            filler = (await connection.execute(FIND_FILLER, asked)).mappings().one_or_none()
            readers = await connection.scalars(LIST_READERS.where(destinations.c.dataset_id == row["id"]))
            row["count"] = await connection.scalar(COUNT_RECORDS, asked)
            row["source"] = None if filler is None else filler["name"]
            row["destinations"] = list(readers)
        row["schema"] = msgspec.json.decode(row["schema"], type=Schema)
        row["samples"] = msgspec.json.decode(row["samples"])
        return msgspec.convert(row, Shown)

    async def records(self, key: str, *, after: int = 0, most: int = 100) -> Sequence[Stored]:
        """Records after a number, in their order. Raises `UnknownDataset`."""
        async with self.database.read() as connection:
            row = await self._row(connection, key)
            asked = {"dataset": row["id"], "after": after, "until": row["last"], "most": most}
            found = (await connection.execute(READ_RECORDS, asked)).all()
        return [Stored(each.number, each.key, each.at, Raw(each.cells)) for each in found]

    async def drift(self, key: str, *, before: str = END, most: int = 100) -> Sequence[Drift]:
        """What changed in its columns, newest first. Raises `UnknownDataset`."""
        async with self.database.read() as connection:
            row = await self._row(connection, key)
            asked = {"dataset": row["id"], "before": before, "most": most}
            found = (await connection.execute(table.LIST_DRIFTS, asked)).all()
        return [_drift(each.id, each.at, each.change) for each in found]

    async def remove(self, key: str) -> Dataset:
        """Forget a dataset and its records. Raises `WrongState` while something fills or reads it."""
        async with self.database.begin() as connection:
            row = await self._row(connection, key)
            asked = {"dataset": row["id"]}
            filler = (await connection.execute(FIND_FILLER, asked)).mappings().one_or_none()
            if filler is not None:
                raise WrongState(f"Dataset {row['name']} is filled by source {filler['name']}; remove that first")
            readers = list(await connection.scalars(LIST_READERS.where(destinations.c.dataset_id == row["id"])))
            if readers:
                raise WrongState(f"Dataset {row['name']} is read by {', '.join(readers)}; unbind or remove them first")
            await connection.execute(table.REMOVE_DATASET, asked)
        return msgspec.convert(row, Dataset)

    async def _row(self, connection: AsyncConnection, key: str) -> dict[str, Any]:
        row = (await connection.execute(table.FIND_DATASET, {"key": key})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["account_id"] not in self.reach):
            raise UnknownDataset(f"There is no dataset {key!r}. `crosswalk datasets list` lists them")
        return _plain(row)


async def note(
    connection: AsyncConnection,
    dataset_id: str,
    cells: Sequence[dict[str, JSON]],
    *,
    whole: bool,
    at: datetime,
    rng: Random,
) -> Sequence[Change]:
    """Learn what new records say of their dataset's columns, in the caller's transaction that appended them.

    Answers what they show that was not known, of columns that were known before.
    """
    if not cells:
        return ()
    row = (await connection.execute(table.FIND_SCHEMA, {"dataset": dataset_id})).one()
    schema, changes = learn(msgspec.json.decode(row.schema, type=Schema), cells, whole=whole)
    kept = msgspec.json.decode(row.samples, type=list[Raw])
    samples = [*kept, *_samples(cells)][-SAMPLES:]
    values = {
        "new_schema": msgspec.json.encode(schema).decode(),
        "new_samples": msgspec.json.encode(samples).decode(),
        "at": at,
    }
    await connection.execute(table.SET_SCHEMA, {"dataset": dataset_id} | values)
    if changes:
        texts = [msgspec.json.encode(each).decode() for each in changes]
        drifts = [{"id": new_id(at, rng), "dataset_id": dataset_id, "at": at, "change": text} for text in texts]
        await connection.execute(table.ADD_DRIFTS, drifts)
    return changes


def _samples(cells: Sequence[dict[str, JSON]]) -> list[Raw]:
    encoded = [msgspec.json.encode(each) for each in cells[-SAMPLES:]]
    return [Raw(each) for each in encoded if len(each) <= LARGEST_SAMPLE]


def learn(known: Schema, cells: Sequence[dict[str, JSON]], *, whole: bool) -> tuple[Schema, list[Change]]:
    """What is known of the columns after these records, and what these show that was not known.

    `whole` records come from one table: a column that all had before and none has now is gone. In a stream of single
    records it is only empty in some. What was once empty is never called filled: a part of a stream cannot tell.
    """
    survey = Survey()
    survey.note_all(cells)
    new = survey.schema
    changes = [each for each in differ(known, new) if not _is_hasty(known, each)]
    if not whole:
        changes = [_soften(known, each) for each in changes]
    return merge(known, new), changes


def _is_hasty(known: Schema, change: Change) -> bool:
    """Whether a change is only that these records say less than all before them."""
    match change:
        case ColumnGone(name):
            column = known.column(name)
            return column is None or column.rows < known.rows
        case NullabilityChanged(nullable=False):
            return True
        case _:
            return False


def _soften(known: Schema, change: Change) -> Change:
    return NullabilityChanged(change.column, nullable=True) if isinstance(change, ColumnGone) else change


def _drift(key: str, at: datetime, text: str) -> Drift:
    change = msgspec.json.decode(text, type=Change)
    return Drift(key, at, change, describe(change))


def _plain(row: RowMapping) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
