"""All rows of one database, out and in again, whichever kind it is: what backups and moves are made of.

Tables are read as they stand, without our column types: every value is a whole number, a text, bytes or nothing, and
so means the same in SQLite and in PostgreSQL, at any revision. What is compared is the number of rows and the sum of
their digests, which no order changes.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, MetaData, Table, delete, func, insert, inspect, select, text

from crosswalk.store.errors import StoreError

MADE_BY_MIGRATIONS = frozenset({"alembic_version", "transitions"})
"""Tables whose rows come with the schema and never change."""
BEGUN_BY_MIGRATIONS = frozenset({"audit_head"})
"""Tables whose first row comes with the schema; a copy takes its place."""
BATCH = 1000
STREAMED = {"stream_results": True, "yield_per": BATCH}
SPAN = 2**256
Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Value, ...]


class Sum(Struct, frozen=True):
    """How many rows a table has, and the sum of their digests as hexadecimal."""

    rows: int
    digest: str


class Tally:
    """Adds up rows of one table whose columns are named."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._order = sorted(range(len(columns)), key=lambda index: columns[index])
        self._rows = 0
        self._total = 0

    def add(self, row: Row) -> None:
        """Count a row."""
        raw = msgspec.msgpack.encode([row[index] for index in self._order])
        self._total = (self._total + int.from_bytes(sha256(raw).digest())) % SPAN
        self._rows += 1

    @property
    def sum(self) -> Sum:
        """What was added up."""
        return Sum(self._rows, f"{self._total:064x}")


def find_tables(connection: Connection) -> list[Table]:
    """Our tables as they stand, those that others refer to first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name not in MADE_BY_MIGRATIONS]


def read_rows(connection: Connection, table: Table) -> Iterator[Row]:
    """Every row of a table, in constant memory."""
    result = connection.execute(select(table), execution_options=STREAMED)
    for rows in result.partitions(BATCH):
        yield from (tuple(_plain(value) for value in row) for row in rows)


def write_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Put rows into a table. Raises `StoreError` when it lacks one of their columns."""
    unknown = sorted(set(columns) - set(table.columns.keys()))
    if unknown:
        raise StoreError(f"Table {table.name} has no column {', '.join(unknown)}")
    if table.name in BEGUN_BY_MIGRATIONS:
        connection.execute(delete(table))
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in batch])
    _count_on(connection, table)


def add_up(connection: Connection, table: Table) -> Sum:
    """A table's rows added up."""
    tally = Tally(table.columns.keys())
    for row in read_rows(connection, table):
        tally.add(row)
    return tally.sum


def require_empty(connection: Connection) -> None:
    """Raise `StoreError` unless no table holds a row of anybody's."""
    for table in find_tables(connection):
        if table.name not in BEGUN_BY_MIGRATIONS and connection.scalar(select(func.count()).select_from(table)):
            raise StoreError(f"The database is not empty: table {table.name} has rows. Give an empty one")


def _count_on(connection: Connection, table: Table) -> None:
    """Let numbers that PostgreSQL gives go on behind the highest one that was put in."""
    if connection.dialect.name != "postgresql":
        return
    for column in inspect(connection).get_columns(table.name):
        if column.get("identity") or str(column.get("default") or "").startswith("nextval("):
            name = column["name"]
            highest = connection.scalar(select(func.max(table.columns[name])))
            if highest is not None:
                sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)")
                connection.execute(sequence, {"table": table.name, "column": name, "highest": highest})


def _plain(value: object) -> Value:
    """A value as both databases have it; PostgreSQL's driver may give bytes as a view."""
    match value:
        case None | int() | float() | str() | bytes():
            return value
        case memoryview() | bytearray():
            return bytes(value)
        case _:
            raise StoreError(f"A value of type {type(value).__name__} is in no table of ours")
