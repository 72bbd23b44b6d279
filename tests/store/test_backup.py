"""Backups: every row and file comes back, from either database into either, and damage is found."""

import gzip
import tarfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from crosswalk.store.accounts import ADD_ACCOUNT, ADD_CREDENTIAL, LIST_ACCOUNTS
from crosswalk.store.backup import Broken, Manifest, read_manifest, restore_files, restore_rows, write_backup
from crosswalk.store.database import Database, open_database
from crosswalk.store.errors import StoreError
from crosswalk.store.migrate import head, upgrade
from crosswalk.store.outbox import ADD_MESSAGES, outbox
from crosswalk.store.transfer import add_up, find_tables, require_empty
from fixtures.database import WORKER, made_postgres

AT = datetime(2026, 11, 22, 10, 11, 12, 131415, tzinfo=UTC)
ABOUT = Manifest(
    format=1, crosswalk="0", revision=head(), made_at=AT, dialect="sqlite", keys=("k1",), tables={}, files=0
)


@pytest.fixture(params=["into sqlite", "into postgres"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of another database, once of each kind."""
    if request.param == "into sqlite":
        yield f"sqlite:///{tmp_path / 'target' / 'crosswalk.db'}"
    else:
        with made_postgres(request.getfixturevalue("postgres_server"), f"{WORKER}_target") as url:
            yield url


@pytest.fixture
async def bare(target_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database to restore into, once of each kind."""
    async with open_database(target_url) as opened:
        await upgrade(opened)
        yield opened


@pytest.fixture
async def filled(database: Database) -> Database:
    """A database with an account, its sealed key, and messages whose numbers the database gave."""
    account = {"id": "1", "name": "acmé \N{SNOWMAN}", "base_url": "https://api.insightly.com/v3.1", "status": "active"}
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, account | {"created_at": AT, "instance_id": 2**40})
        sealed = {"field": "api_key", "key_id": "k1", "nonce": bytes(range(12)), "sealed": bytes(range(256))}
        await connection.execute(ADD_CREDENTIAL, {"account_id": "1"} | sealed)
    return database


async def back_up(database: Database, path: Path, uploads: Path) -> Manifest:
    """Write a backup of a database."""
    async with database.read() as connection:
        return await connection.run_sync(write_backup, path, uploads, ABOUT)


def leftovers(folder: Path) -> list[Path]:
    """What a backup made on its way and did not take away."""
    return sorted(folder.glob(".*"))


async def test_everything_comes_back(filled: Database, bare: Database, tmp_path: Path):
    """Rows and files of one database are, to the byte, those of another that is restored from its backup."""
    uploads = tmp_path / "files"
    (uploads / "ab").mkdir(parents=True)
    (uploads / "ab" / "people.csv").write_bytes(b"a,b\n1,2\n")
    manifest = await back_up(filled, tmp_path / "b.tgz", uploads)
    assert (1, 1) == (manifest.files, manifest.tables["accounts"].rows)
    async with bare.begin() as connection:
        await connection.run_sync(restore_rows, tmp_path / "b.tgz")
    async with filled.read() as one, bare.read() as other:
        assert (await one.execute(LIST_ACCOUNTS)).all() == (await other.execute(LIST_ACCOUNTS)).all()
        sums = await other.run_sync(lambda sync: {table.name: add_up(sync, table) for table in find_tables(sync)})
    assert manifest.tables == sums
    assert 1 == restore_files(tmp_path / "b.tgz", tmp_path / "again")
    assert b"a,b\n1,2\n" == (tmp_path / "again" / "ab" / "people.csv").read_bytes()


async def test_numbers_go_on(filled: Database, bare: Database, tmp_path: Path):
    """Numbers that the database gives go on behind those that were restored."""
    message = {"kind": "mail", "target": "t", "topic": "x", "body": b"{}", "state": "pending", "created_at": AT}
    async with filled.begin() as connection:
        await connection.execute(ADD_MESSAGES, [message | {"id": "m1", "due_at": AT}])
    await back_up(filled, tmp_path / "b.tgz", tmp_path / "none")
    async with bare.begin() as connection:
        await connection.run_sync(restore_rows, tmp_path / "b.tgz")
        await connection.execute(ADD_MESSAGES, [message | {"id": "m2", "due_at": AT}])
        numbers = (await connection.scalars(select(outbox.c.number).order_by(outbox.c.number))).all()
    assert 2 == len(set(numbers))
    assert sorted(numbers) == list(numbers)


async def test_the_file_is_its_owners(filled: Database, tmp_path: Path):
    """A backup holds sealed secrets and personal data: only its owner may read it."""
    await back_up(filled, tmp_path / "b.tgz", tmp_path / "none")
    assert 0o600 == (tmp_path / "b.tgz").stat().st_mode & 0o777
    assert [] == leftovers(tmp_path)


async def test_only_into_an_empty_database(filled: Database):
    """A database with rows is not restored into."""
    async with filled.read() as connection:
        with pytest.raises(StoreError, match="not empty: table accounts has rows"):
            await connection.run_sync(require_empty)


@pytest.mark.parametrize("damage", ["cut", "noise", "another", "row"])
async def test_damage_is_found(filled: Database, bare: Database, tmp_path: Path, damage: str):
    """A backup that is cut, changed or none at all restores nothing, and says so."""
    path = tmp_path / "b.tgz"
    await back_up(filled, path, tmp_path / "none")
    whole = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "noise":
            path.write_bytes(b"no backup at all")
        case "another":
            with tarfile.open(path, "w:gz"):
                pass
        case "row":
            path.write_bytes(gzip.compress(gzip.decompress(whole).replace(b"api.insightly.com", b"api.insightly.org")))
    with pytest.raises(Broken):
        async with bare.begin() as connection:
            await connection.run_sync(restore_rows, path)
    async with bare.read() as connection:
        assert 0 == await connection.scalar(select(func.count()).select_from(text("accounts")))


async def test_the_manifest_tells(filled: Database, tmp_path: Path):
    """The manifest names revision, keys and sums, and no secret."""
    await back_up(filled, tmp_path / "b.tgz", tmp_path / "none")
    manifest = read_manifest(tmp_path / "b.tgz")
    assert (head(), ("k1",), 1) == (manifest.revision, manifest.keys, manifest.tables["credentials"].rows)
