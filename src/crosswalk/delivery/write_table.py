"""Records out to a table of a SQL database, by key: a record whose key is there replaces it. SQLite and PostgreSQL.

Each batch is one transaction, and writing one again changes nothing: an export that was cut goes on from the last
number that its caller kept.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Engine,
    MetaData,
    Table,
    Text,
    inspect,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.pull_sql import open_engine
from crosswalk.delivery.schema import Schema, Type
from crosswalk.delivery.write_file import Batches, Record, UnwritableRecord
from crosswalk.delivery.write_parquet import fits

TYPES: dict[Type, TypeEngine[Any]] = {"boolean": Boolean(), "integer": BigInteger(), "number": Double()}
"""Column types of JSON's; every other column is text, with lists and objects as JSON."""


def write_table(target: str | Engine, name: str, batches: Batches, *, schema: Schema, key: str) -> int:
    """Make the table if it is missing and write every record by its key. Raises `UnwritableRecord`, `SourceError`.

    `name` may be `schema.table`. In one batch the last record of a key counts.
    """
    if schema.column(key) is None:
        raise SourceError(f"The records have no column {key!r} to be the table's key. Choose one of theirs")
    with open_engine(target, creates=True) as engine:
        try:
            table = _make(engine, name, schema, key)
            return sum(_write(engine, table, records, schema, key) for records in batches)
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).splitlines()[0]
            shown = engine.url.render_as_string(hide_password=True)
            raise SourceError(f"The table {name} of {shown} cannot be written: {cause}") from None


def _make(engine: Engine, name: str, schema: Schema, key: str) -> Table:
    """The table as it is, or a new one. Raises `SourceError` when it lacks a column or a unique key."""
    space, _, plain = name.rpartition(".")
    columns = [
        Column(each.name, TYPES.get(each.type, Text()), primary_key=each.name == key, autoincrement=False)
        for each in schema.columns
    ]
    table = Table(plain, MetaData(), *columns, schema=space or None)
    with engine.begin() as connection:
        if inspect(connection).has_table(plain, schema=space or None):
            _check(connection, table, key)
        else:
            table.create(connection)
    return table


def _check(connection: Connection, table: Table, key: str) -> None:
    about = inspect(connection)
    there = {column["name"] for column in about.get_columns(table.name, schema=table.schema)}
    missing = [column.name for column in table.columns if column.name not in there]
    if missing:
        raise SourceError(f"The table {table.fullname} lacks the column {missing[0]!r}. Add it, or leave it out")
    unique: list[Sequence[str | None]] = [
        about.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
    ]
    unique += [each["column_names"] for each in about.get_unique_constraints(table.name, schema=table.schema)]
    unique += [each["column_names"] for each in about.get_indexes(table.name, schema=table.schema) if each["unique"]]
    if [key] not in unique:
        raise SourceError(f"The table {table.fullname} does not keep {key!r} unique. Make it its primary key")


def _write(engine: Engine, table: Table, records: Sequence[Record], schema: Schema, key: str) -> int:
    """One batch in one transaction."""
    rows = {row[key]: row for row in (_row(record, schema, key) for record in records)}
    with engine.begin() as connection:
        if rows:
            connection.execute(_upsert(engine.dialect.name, table, key), list(rows.values()))
    return len(records)


def _upsert(dialect: str, table: Table, key: str) -> postgresql.Insert | sqlite.Insert:
    """Add rows, or replace those whose key is there. Raises `SourceError` for other databases."""
    insert: postgresql.Insert | sqlite.Insert
    match dialect:
        case "postgresql":
            insert = postgresql.insert(table)
        case "sqlite":
            insert = sqlite.insert(table)
        case _:
            raise SourceError(f"Tables are written to PostgreSQL and SQLite, not to {dialect}")
    others = {each.name: insert.excluded[each.name] for each in table.columns if each.name != key}
    if not others:
        return insert.on_conflict_do_nothing(index_elements=[key])
    return insert.on_conflict_do_update(index_elements=[key], set_=others)


def _row(record: Record, schema: Schema, key: str) -> dict[str, JSON]:
    extra = record.keys() - {each.name for each in schema.columns}
    if extra:
        raise UnwritableRecord(f"A record has {min(extra)!r}, which the table lacks. Detect the schema again")
    if record.get(key) is None:
        raise UnwritableRecord(f"A record has no {key!r}, which is the table's key. Choose a column that all have")
    return {each.name: _cell(each.name, each.type, record.get(each.name)) for each in schema.columns}


def _cell(name: str, kind: Type, value: JSON) -> JSON:
    if value is None or fits(kind, value):
        return value
    if kind in TYPES:
        raise UnwritableRecord(f"{name!r} is {value!r}, not {kind}. Detect the schema again")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
