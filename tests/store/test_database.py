"""One text, two databases."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IMODE

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from crosswalk.store.accounts import ADD_ACCOUNT, ADD_CREDENTIAL, ANY_CREDENTIAL, LIST_ACCOUNTS, REMOVE_ACCOUNT
from crosswalk.store.database import Database, open_database
from crosswalk.store.errors import DatabaseUnreachable, StoreError

NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
ACME = {
    "id": "1",
    "name": "acme",
    "base_url": "https://api.na1.insightly.com/v3.1",
    "status": "active",
    "created_at": NOW,
}
SEALED = {"account_id": "1", "field": "api_key", "key_id": "k", "nonce": b"n", "sealed": b"s"}
COUNT_UP = """
import asyncio, sys
from sqlalchemy import text
from crosswalk.store.database import open_database
from crosswalk.store.migrate import upgrade

async def count():
    async with open_database(sys.argv[1]) as database:
        await upgrade(database)
        async with database.begin() as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS tally (n INTEGER)"))
            await connection.execute(text("INSERT INTO tally SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM tally)"))
        for _ in range(25):
            async with database.begin() as connection:
                n = await connection.scalar(text("SELECT n FROM tally"))
                await connection.execute(text("UPDATE tally SET n = :n"), {"n": n + 1})

asyncio.run(count())
"""


async def add(database: Database, **changed: object) -> None:
    """Store the account, changed as told."""
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, ACME | changed)


async def names(database: Database) -> list[str]:
    """Names of the stored accounts."""
    async with database.read() as connection:
        return [row.name for row in (await connection.execute(LIST_ACCOUNTS)).all()]


async def test_round_trip(database: Database):
    """What a transaction wrote, the next one reads, times to the microsecond included."""
    await add(database)
    async with database.read() as connection:
        row = (await connection.execute(LIST_ACCOUNTS)).one()
    assert NOW == row.created_at


async def test_rolls_back(database: Database):
    """A block that raises leaves nothing behind."""

    async def fail() -> None:
        async with database.begin() as connection:
            await connection.execute(ADD_ACCOUNT, ACME)
            raise KeyError("stop")

    with pytest.raises(KeyError):
        await fail()
    assert [] == await names(database)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "acme", "id": "2"},
        {"status": "asleep"},
        {"rate": -1},
        {"daily": 0},
        {"administrator": 2},
        {"base_url": None},
    ],
)
async def test_schema_refuses(database: Database, wrong: dict[str, object]):
    """The schema itself refuses a second account of a name and values out of range."""
    if "id" in wrong:
        await add(database)
    with pytest.raises(IntegrityError):
        await add(database, **wrong)


async def test_credential_goes_with_its_account(database: Database):
    """Removing an account destroys its credentials in the same statement."""
    await add(database)
    async with database.begin() as connection:
        await connection.execute(ADD_CREDENTIAL, SEALED)
        await connection.execute(REMOVE_ACCOUNT, {"account": "1"})
    async with database.read() as connection:
        assert [] == (await connection.execute(ANY_CREDENTIAL)).all()


async def test_credential_needs_an_account(database: Database):
    """No credential can be stored for an account that is not there."""
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(ADD_CREDENTIAL, SEALED)


async def test_writers_take_turns(database: Database):
    """Many tasks that write at once all get through."""
    await asyncio.gather(*(add(database, id=str(n), name=f"n{n}") for n in range(40)))
    assert 40 == len(await names(database))


async def test_reader_does_not_wait(database: Database):
    """A reader goes on while a writer holds its transaction open, and sees what was there before."""
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, ACME)
        assert [] == await names(database)


async def test_two_processes(tmp_path: Path):
    """Two processes that open, migrate and write one SQLite file at once lose no write to the other."""
    url = f"sqlite:///{tmp_path / 'crosswalk.db'}"
    workers = [await asyncio.create_subprocess_exec(sys.executable, "-c", COUNT_UP, url) for _ in range(2)]
    assert [0, 0] == [await worker.wait() for worker in workers]
    async with open_database(url) as database, database.read() as connection:
        assert 50 == await connection.scalar(text("SELECT n FROM tally"))


async def test_gone(postgres_url: str):
    """A server that drops a transaction's connection is named, and the next transaction connects anew."""
    async with open_database(postgres_url) as database:
        with pytest.raises(DatabaseUnreachable, match="terminating connection"):
            async with database.begin() as connection:
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert [] == await names(database)


async def test_pragmas(sqlite_url: str):
    """SQLite writes ahead, with full sync, and holds foreign keys."""
    async with open_database(sqlite_url) as database, database.read() as connection:
        found = [await connection.scalar(text(f"PRAGMA {p}")) for p in ("journal_mode", "synchronous", "foreign_keys")]
    assert ["wal", 2, 1] == found


async def test_private_files(tmp_path: Path):
    """The home folder and the files in it are for their owner alone."""
    path = tmp_path / "home" / "crosswalk.db"
    async with open_database(f"sqlite:///{path}") as database, database.begin() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER) STRICT"))
        modes = {S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    assert (0o700, {0o600}) == (S_IMODE(path.parent.stat().st_mode), modes)


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("postgresql://me:secret@127.0.0.1:1/hub", DatabaseUnreachable, r"me:\*\*\*@127.0.0.1:1/hub fails: connection"),
        ("sqlite:////proc/nowhere/crosswalk.db", DatabaseUnreachable, "Cannot write the database /proc/nowhere"),
        ("mysql://db", StoreError, "no database of kind 'mysql'"),
        ("postgresql://me:secret@db:port/hub", StoreError, "address cannot be read"),
    ],
)
async def test_unusable(url: str, error: type[StoreError], says: str):
    """A database that cannot be opened is named in one line, without its password."""
    with pytest.raises(error, match=says):
        async with open_database(url):
            pass


async def test_not_a_database(tmp_path: Path):
    """A file that is something else is named, and left as it is."""
    (tmp_path / "crosswalk.db").write_text("not a database at all, but long enough to look at" * 20)
    with pytest.raises(DatabaseUnreachable, match=r"file is not a database\. Look at CROSSWALK_HOME"):
        async with open_database(f"sqlite:///{tmp_path / 'crosswalk.db'}"):
            pass
