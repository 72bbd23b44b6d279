"""A query of any SQL database as batches of records, in constant memory; incremental by a cursor column.

The cursor keeps the highest value read and a digest of every row that has it: the next pull reads from that value on,
itself included, and leaves out the rows it knows. So rows that share the last value are neither lost nor doubled.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    NullPool,
    column,
    create_engine,
    literal,
    make_url,
    or_,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from crosswalk.delivery.cell import JSON, BadValue
from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.plain import to_cell
from crosswalk.delivery.row import Batch, Unreadable

BATCH = 1000
SECONDS = 60
"""How long a statement may run before its first row, and how long a connection may take."""
DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
TIES = 100_000
"""Rows with one and the same cursor value that are told apart; more mean the wrong column."""


class Cursor(Struct, frozen=True):
    """How far a pull came: the highest value, its Python type, and digests of the rows that have it."""

    kind: str
    value: str
    seen: tuple[str, ...]


async def pull_sql(
    source: str | Engine,
    query: str,
    *,
    cursor_column: str | None = None,
    after: str | None = None,
    batch: int = BATCH,
    seconds: int = SECONDS,
) -> AsyncIterator[Batch]:
    """Read a query's rows, from `after` on where there is a cursor column. Raises `SourceError`."""
    steps = _read(source, query, cursor_column=cursor_column, after=after, batch=batch, seconds=seconds)
    try:
        while (found := await asyncio.to_thread(next, steps, None)) is not None:
            yield found
    finally:
        await asyncio.to_thread(steps.close)  # type: ignore[attr-defined]  # a generator, as every iterator of `_read`


def _read(
    source: str | Engine, query: str, *, cursor_column: str | None, after: str | None, batch: int, seconds: int
) -> Iterator[Batch]:
    cursor = None if after is None or cursor_column is None else _decode(after)
    with open_engine(source, seconds) as engine, _named(engine.url), engine.connect() as connection:
        _restrain(connection, seconds)
        streaming = connection.execution_options(stream_results=True, max_row_buffer=batch)
        with closing(streaming.execute(_statement(query, cursor_column, cursor))) as rows:
            names = tuple(rows.keys())
            _check_columns(names, cursor_column)
            reading = _Reading(names, cursor_column, cursor)
            for part in rows.partitions(batch):
                yield reading.take([tuple(row) for row in part])


class _Reading:
    """Turns rows into records and keeps the cursor."""

    def __init__(self, names: tuple[str, ...], cursor_column: str | None, cursor: Cursor | None) -> None:
        self._names = names
        self._place = None if cursor_column is None else names.index(cursor_column)
        self._old = frozenset() if cursor is None else frozenset(cursor.seen)
        self._value: object = None if cursor is None else _value(cursor)
        self._seen: set[str] = set() if cursor is None else set(cursor.seen)

    def take(self, rows: list[tuple[Any, ...]]) -> Batch:
        records: list[dict[str, JSON]] = []
        bad: list[Unreadable] = []
        for number, row in enumerate(rows, 1):
            if self._place is not None and not self._is_new(row, row[self._place]):
                continue
            try:
                records.append({name: to_cell(value) for name, value in zip(self._names, row, strict=True)})
            except BadValue as error:
                bad.append(Unreadable(number, f"a column {error}", text=repr(row)[:4000]))
        return Batch(records, self._cursor(), tuple(bad))

    def _is_new(self, row: tuple[Any, ...], value: object) -> bool:
        """Whether a row was not read before; remembers it while others may share its value."""
        if value is None:
            raise SourceError("A row has no value in the cursor column and would be lost. Leave such rows out, or take"
                              " a column that is never null")  # fmt: skip
        digest = blake2b(repr(row).encode(), digest_size=12).hexdigest()
        if self._value is None or value != self._value:
            self._value, self._seen, self._old = value, set(), frozenset()
        if digest in self._old:
            return False
        self._seen.add(digest)
        if len(self._seen) > TIES:
            raise SourceError(f"More than {TIES:,} rows share the cursor value {value!r}. Take a column that tells"
                              " rows apart")  # fmt: skip
        return True

    def _cursor(self) -> str | None:
        if self._place is None or self._value is None:
            return None
        kind, shown = _encode(self._value)
        return msgspec.json.encode(Cursor(kind, shown, tuple(sorted(self._seen)))).decode()


def _statement(query: str, cursor_column: str | None, cursor: Cursor | None) -> Executable:
    """The query as it is, or around it the cursor's condition and order. No value becomes text of a statement."""
    plain = query.strip().rstrip(";").replace(":", r"\:")
    if cursor_column is None:
        return text(plain)
    rows = text(f"{plain}\n").columns(column(cursor_column)).subquery("crosswalk_rows")
    at = rows.c[cursor_column]
    statement = select(text("*")).select_from(rows).order_by(at)
    return statement if cursor is None else statement.where(or_(at >= literal(_value(cursor)), at.is_(None)))


def _check_columns(names: tuple[str, ...], cursor_column: str | None) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"The query answers the column {twice[0]!r} twice. Name one of them otherwise, with AS")
    if cursor_column is not None and cursor_column not in names:
        raise SourceError(f"The query has no column {cursor_column!r}. Its columns: {', '.join(names)}")


@contextmanager
def open_engine(source: str | Engine, seconds: int = SECONDS, *, creates: bool = False) -> Iterator[Engine]:
    """The engine itself, or one for an address, closed at the end; `creates` a SQLite file. Raises `SourceError`."""
    if isinstance(source, Engine):
        yield source
        return
    engine = _open(source, seconds, creates=creates)
    try:
        yield engine
    finally:
        engine.dispose()


def _open(url: str, seconds: int, *, creates: bool) -> Engine:
    try:
        address = make_url(url)
        address = address.set(drivername=DRIVERS.get(address.drivername, address.drivername))
        return create_engine(address, poolclass=NullPool, connect_args=_connect_args(address, seconds, creates=creates))
    except ArgumentError:  # its text would repeat the password
        raise SourceError("The database's address cannot be read; write postgresql://USER@HOST:PORT/NAME") from None
    except (NoSuchModuleError, ImportError) as error:
        raise SourceError(f"No driver is installed for this kind of database: {error}. Install one with pip") from error


def _connect_args(address: URL, seconds: int, *, creates: bool) -> dict[str, Any]:
    """What a driver is told: to wait no longer. SQLite's rows are read by one thread at a time, not always the same."""
    match address.get_backend_name():
        case "postgresql":
            return {"connect_timeout": seconds}
        case "sqlite":
            if not address.database or not (creates or Path(address.database).is_file()):
                raise SourceError(f"There is no SQLite file {address.database or ''!r}. Check the path")
            return {"timeout": seconds, "check_same_thread": False}
        case _:
            return {}


def _restrain(connection: Connection, seconds: int) -> None:
    """Let a connection only read, and not for ever, where its kind knows how."""
    match connection.dialect.name:
        case "postgresql":
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(text(f"SET LOCAL statement_timeout = {seconds * 1000}"))
        case "sqlite":
            connection.execute(text("PRAGMA query_only = ON"))
        case "mysql" | "mariadb" | "oracle":
            connection.execute(text("SET TRANSACTION READ ONLY"))
        case _:
            return


@contextmanager
def _named(url: URL) -> Iterator[None]:
    """Say which database fails, without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        if url.password:
            cause = cause.replace(str(url.password), "***")
        raise SourceError(f"The database {url.render_as_string(hide_password=True)} fails: {cause}") from None


def _encode(value: object) -> tuple[str, str]:
    match value:
        case bool():
            raise SourceError("The cursor column holds true and false. Take one whose values grow")
        case int() | str() | Decimal() | float():
            return type(value).__name__, str(value)
        case datetime() | date():
            return type(value).__name__, value.isoformat()
        case _:
            raise SourceError(f"The cursor column holds a {type(value).__name__}. Take a number, text, date or time")


def _value(cursor: Cursor) -> object:
    kinds: dict[str, Callable[[str], object]] = {
        "int": int,
        "str": str,
        "Decimal": Decimal,
        "float": float,
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
    }
    return kinds[cursor.kind](cursor.value)


def _decode(after: str) -> Cursor:
    try:
        return msgspec.json.decode(after, type=Cursor)
    except msgspec.DecodeError as error:
        raise SourceError(f"{after[:60]!r} is no cursor of a SQL source. Begin again without one") from error
