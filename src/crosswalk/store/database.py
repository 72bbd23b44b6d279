"""One database, SQLite or PostgreSQL: open it, and run transactions in it."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Literal, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from crosswalk.store.errors import DatabaseUnreachable, StoreError

Dialect = Literal["sqlite", "postgresql"]
DRIVERS: dict[str, str] = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
OLDEST_SQLITE = (3, 37)  # strict tables (sqlite.org/stricttables.html)
BUSY_SECONDS = 30
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
"""The last overwrites what is deleted: a removed credential leaves not even its sealed bytes."""
STOPPED_SECONDS = 5
READS = {"crosswalk_reads": True}
HANDS = 4
"""Threads that write to PostgreSQL, where writers need not take turns."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. `begin` is for writing, `read` for reading; each is one transaction.

    On SQLite one writer goes at a time, in turn: do not open `begin` inside `begin`. Both raise `DatabaseUnreachable`
    when the database is gone, full, or held too long by another process.
    """

    engine: AsyncEngine
    dialect: Dialect
    turn: asyncio.Lock | nullcontext[None]
    scribe: "Scribe | None" = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write: committed at the end, rolled back when the block raises."""
        async with self.turn:
            with _named(self.engine):
                async with self.engine.begin() as connection:
                    yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that only reads; it never waits for a writer."""
        with _named(self.engine):
            async with self.engine.execution_options(**READS).begin() as connection:
                yield connection

    async def write(self, work: Callable[[Connection], T]) -> T:
        """One transaction like `begin`'s, of plain statements in a thread of its own: for those who write much."""
        assert self.scribe is not None, "`open_database` gives every database its scribe"
        async with self.turn:
            with _named(self.engine):
                return await asyncio.get_running_loop().run_in_executor(self.scribe.hands, self.scribe.write, work)


@dataclass(frozen=True, slots=True)
class Scribe:
    """Threads that write, and their connections: each transaction is one hop to them, not one for every statement."""

    engine: Engine
    hands: ThreadPoolExecutor

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run one transaction here and now."""
        with self.engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        """Finish what was begun, and close the connections."""
        self.hands.shutdown()
        self.engine.dispose()


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open the database at `sqlite:///PATH` or `postgresql://…`; tables are `migrate`'s work.

    Raises `StoreError` for an address of another kind, `DatabaseUnreachable` when nothing answers.
    """
    address = driver_url(url)
    embedded = address.get_backend_name() == "sqlite"
    engine = _open_sqlite(address) if embedded else _open_postgresql(address)
    turn = asyncio.Lock() if embedded else nullcontext()
    scribe = _hire(address, hands=1 if embedded else HANDS)
    try:
        await _knock(engine)
        yield Database(engine, "sqlite" if embedded else "postgresql", turn, scribe)
    finally:
        await asyncio.to_thread(scribe.close)
        await engine.dispose()


def driver_url(url: str) -> URL:
    """The address with the driver that we use; raises `StoreError` when it is neither of the two kinds."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # its text would repeat the password
        raise StoreError("The database's address cannot be read; write postgresql://USER@HOST:PORT/DATABASE") from None
    driver = DRIVERS.get(address.drivername)
    if driver is None:
        raise StoreError(f"Crosswalk knows no database of kind {address.drivername!r}; use postgresql://… or SQLite")
    return address.set(drivername=driver)


async def _knock(engine: AsyncEngine) -> None:
    with _named(engine):
        async with engine.execution_options(**READS).connect() as connection:
            await connection.execute(text("SELECT 1"))


@contextmanager
def _named(engine: AsyncEngine) -> Iterator[None]:
    """Say which database fails, without its password. What a statement itself gets wrong passes as it is."""
    try:
        yield
    except (DataError, IntegrityError, ProgrammingError):
        raise
    except DatabaseError as exc:
        address = engine.url.set(drivername=engine.dialect.name)  # as the user wrote it, without our driver
        where = address.render_as_string(hide_password=True)
        cause = str(exc.orig).splitlines()[0]
        embedded = engine.url.get_backend_name() == "sqlite"
        remedy = "Look at CROSSWALK_HOME" if embedded else "Start it, or correct CROSSWALK_DATABASE_URL"
        raise DatabaseUnreachable(f"The database {where} fails: {cause}. {remedy}") from exc


def _open_postgresql(address: URL) -> AsyncEngine:
    return create_async_engine(address, pool_size=10, max_overflow=0, pool_pre_ping=True)


def _open_sqlite(address: URL) -> AsyncEngine:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; Crosswalk needs 3.37, or PostgreSQL")
    _make_private(Path(address.database or ""))
    engine = create_async_engine(address, connect_args={"timeout": BUSY_SECONDS})
    _listen_sqlite(engine.sync_engine)
    return engine


def _hire(address: URL, *, hands: int) -> Scribe:
    """A scribe; its first connection is made when it first writes."""
    threads = ThreadPoolExecutor(hands, thread_name_prefix="scribe")
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address.set(drivername="sqlite"), connect_args={"timeout": BUSY_SECONDS})
        _listen_sqlite(engine)
        return Scribe(engine, threads)
    engine = create_engine(address, pool_size=hands, max_overflow=0, pool_pre_ping=True)
    event.listen(engine, "connect", _bound_transactions)
    return Scribe(engine, threads)


def _bound_transactions(connection: Any, _record: object) -> None:
    """A process that is stopped in the middle of a transaction holds what others wait for no longer than this."""
    connection.execute(f"SET idle_in_transaction_session_timeout = '{STOPPED_SECONDS}s'")
    connection.commit()


def _listen_sqlite(engine: Engine) -> None:
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_sqlite)


def _make_private(path: Path) -> None:
    """Make the file, and its folder, for their owner alone; SQLite gives its journals the file's mode.

    The file is put in its place whole: two processes that switch a new file to write-ahead at once get "locked"
    without waiting. An existing one is not opened here: closing it would drop the locks that SQLite holds on it in
    this process (sqlite.org/howtocorrupt.html, 2.2).
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = mkstemp(dir=path.parent)
        os.close(handle)
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        with suppress(FileExistsError):  # another process was first; its file is the one
            path.hardlink_to(draft)
        Path(draft).unlink()
    except (OSError, sqlite3.Error) as exc:
        raise DatabaseUnreachable(f"Cannot write the database {path}: {exc}. Correct CROSSWALK_HOME") from exc


def _set_pragmas(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, too late and without IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once where another has written in between; one
    # that takes the write lock at its start waits its turn (sqlite.org/lang_transaction.html).
    reads = connection.get_execution_options().get("crosswalk_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
