"""Rotating master keys: everything sealed is sealed anew, online, and a rotation that was cut short goes on."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import LargeBinary, insert, text

from crosswalk.accounts import rotation
from crosswalk.accounts.errors import MasterKeyMissing, VaultError
from crosswalk.accounts.home_key import add_home_key, drop_home_key, make_home_key, read_home_keys
from crosswalk.accounts.rotation import SHELVES, count_keys, rotate
from crosswalk.accounts.vault import Place, Secret, Vault, name_key
from crosswalk.delivery import sealed as packed
from crosswalk.store import accounts, datasets, endpoints, sources
from crosswalk.store.columns import metadata
from crosswalk.store.database import Database
from fixtures.receiver import SEALS  # noqa: F401 (its module loads the tables of webhooks)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32
Fill = Callable[[Vault], Awaitable[None]]


@pytest.fixture
def fill(database: Database) -> Fill:
    """Puts one secret on every shelf, each as its room writes it."""

    async def put(vault: Vault) -> None:
        key = vault.seal(Secret("insightly"), Place(account_id="a", field="api_key"))
        hook = vault.seal(Secret("whsec"), Place(account_id="s", field="webhook secret"))
        async with database.begin() as connection:
            account = {"id": "a", "name": "a", "base_url": "b", "status": "active", "created_at": NOW}
            await connection.execute(accounts.ADD_ACCOUNT, account)
            credential = {"account_id": "a", "field": "api_key", "key_id": key.key_id}
            await connection.execute(accounts.ADD_CREDENTIAL, credential | {"nonce": key.nonce, "sealed": key.sealed})
            stamps = {"created_at": NOW, "changed_at": NOW}
            endpoint = {"id": "e", "name": "e", "url": "u", "state": "active"}
            await connection.execute(insert(endpoints.endpoints), endpoint | stamps)
            secret = {"id": "s", "endpoint_id": "e", "sealed": msgspec.json.encode(hook), "created_at": NOW}
            await connection.execute(endpoints.ADD_SECRET, secret)
            dataset = {"id": "d", "name": "d", "origin": "source"}
            await connection.execute(insert(datasets.datasets), dataset | stamps)
            source = {"id": "q", "name": "q", "kind": "http", "settings": "{}", "state": "active", "dataset_id": "d"}
            source["secret"] = packed.seal(vault, Secret("headers"), "q")
            await connection.execute(insert(sources.sources), source | stamps)
            link = {"id": "c", "name": "c", "secret": packed.seal(vault, Secret("postgresql"), "c"), "shown": "x"}
            await connection.execute(sources.ADD_CONNECTION, link | {"created_at": NOW})

    return put


async def read_all(database: Database, vault: Vault) -> list[str]:
    """Every secret, opened."""
    found = []
    for shelf in SHELVES:
        async with database.read() as connection:
            rows = (await connection.execute(shelf.page, {"after": "", "after_field": "", "most": 500})).all()
        found += [vault.open(shelf.read(row), shelf.place(row)).reveal() for row in rows]
    return found


EVERYTHING = ["insightly", "whsec", "headers", "postgresql"]


def test_every_sealed_column_has_a_shelf():
    """No table keeps sealed bytes that a rotation would leave behind."""
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name in {"sealed", "secret"}
    }
    assert columns == {shelf.column for shelf in SHELVES}


async def test_rotate(database: Database, fill: Fill):
    """After a rotation the new key alone opens everything."""
    await fill(Vault((OLD,)))
    tallies = [tally async for tally in rotate(database, Vault((NEW, OLD)))]
    assert ([1, 1, 1, 1], EVERYTHING) == (
        [tally.resealed for tally in tallies],
        await read_all(database, Vault((NEW,))),
    )


async def test_again(database: Database, fill: Fill):
    """A second rotation under the same key changes nothing."""
    await fill(Vault((NEW,)))
    tallies = [tally async for tally in rotate(database, Vault((NEW, OLD)))]
    assert [(0, 1)] * 4 == [(tally.resealed, tally.already) for tally in tallies]


async def test_goes_on(database: Database, fill: Fill):
    """A rotation that was cut short after its first shelf is finished by the next."""
    await fill(Vault((OLD,)))
    vault = Vault((NEW, OLD))
    async for _ in rotate(database, vault):
        break
    assert EVERYTHING == await read_all(database, vault)
    tallies = [tally async for tally in rotate(database, vault)]
    assert ([0, 1, 1, 1], EVERYTHING) == (
        [tally.resealed for tally in tallies],
        await read_all(database, Vault((NEW,))),
    )


async def test_small_steps(database: Database, fill: Fill, monkeypatch: pytest.MonkeyPatch):
    """More rows than fit in one transaction are all reached."""
    monkeypatch.setattr(rotation, "BATCH", 2)  # the number of rows is all that it changes
    await fill(Vault((OLD,)))
    vault = Vault((OLD,))
    async with database.begin() as connection:
        for name in ("x", "y", "z"):
            row = {"id": name, "name": name, "secret": packed.seal(vault, Secret(name), name), "shown": "x"}
            await connection.execute(sources.ADD_CONNECTION, row | {"created_at": NOW})
    tallies = [tally async for tally in rotate(database, Vault((NEW, OLD)))]
    assert ([1, 1, 1, 4], [*EVERYTHING, "x", "y", "z"]) == (
        [tally.resealed for tally in tallies],
        await read_all(database, Vault((NEW,))),
    )


async def test_replaced_meanwhile(database: Database, fill: Fill):
    """A secret that somebody replaced after it was read is left as it is."""
    await fill(Vault((OLD,)))
    shelf = SHELVES[0]
    vault = Vault((NEW, OLD))
    async with database.read() as connection:
        row = (await connection.execute(shelf.page, {"after": "", "after_field": "", "most": 1})).one()
    made = vault.reseal(shelf.read(row), shelf.place(row))
    async with database.begin() as connection:
        await connection.execute(text("UPDATE credentials SET sealed = :other"), {"other": b"other"})
        assert not await rotation._swap(connection, shelf, row, made)


async def test_unopenable(database: Database, fill: Fill):
    """What no given key opens is told, and does not keep the rest from being sealed anew."""
    await fill(Vault((b"lost" * 8,)))
    async with database.begin() as connection:
        row = {"id": "x", "name": "x", "secret": packed.seal(Vault((OLD,)), Secret("x"), "x"), "shown": "x"}
        await connection.execute(sources.ADD_CONNECTION, row | {"created_at": NOW})
    tallies = [tally async for tally in rotate(database, Vault((NEW, OLD)))]
    assert ([0, 0, 0, 1], [1, 1, 1, 1]) == (
        [tally.resealed for tally in tallies],
        [len(tally.failed) for tally in tallies],
    )


async def test_counts(database: Database, fill: Fill):
    """Keys are listed by id with what they seal, also one that is not given; never the key itself."""
    await fill(Vault((OLD,)))
    found = await count_keys(database, Vault((NEW,)))
    shown = [(each.id, each.newest, each.given, sum(each.seals.values())) for each in found]
    assert [(name_key(NEW), True, True, 0), (name_key(OLD), False, False, 4)] == shown


def test_running_process_learns(tmp_path: Path):
    """A process that runs opens what another sealed with a key made since, and seals with it from then on."""
    first = make_home_key(tmp_path)
    running = Vault((first,), reread=lambda: read_home_keys(tmp_path))
    place = Place(account_id="1", field="api_key")
    sealed = running.seal(Secret("key"), place)
    keys = add_home_key(tmp_path)
    other = Vault(keys)
    again = other.reseal(sealed, place)
    assert again is not None
    assert ("key", keys[0]) == (running.open(again, place).reveal(), read_home_keys(tmp_path)[0])
    assert name_key(keys[0]) == running.seal(Secret("key"), place).key_id


def test_home_keys(tmp_path: Path):
    """The home's file holds keys, newest first, for its owner alone; the newest cannot be dropped."""
    first = make_home_key(tmp_path)
    second, kept = add_home_key(tmp_path)
    assert (first, 0o600) == (kept, (tmp_path / "master.key").stat().st_mode & 0o777)
    with pytest.raises(VaultError, match="is the newest"):
        drop_home_key(tmp_path, name_key(second))
    assert (second,) == drop_home_key(tmp_path, name_key(first)) == read_home_keys(tmp_path)
    with pytest.raises(VaultError, match="has no key"):
        drop_home_key(tmp_path, name_key(first))


def test_without_the_old_key():
    """A ring that lost the old key says which one is missing."""
    place = Place(account_id="1", field="api_key")
    sealed = Vault((OLD,)).seal(Secret("key"), place)
    with pytest.raises(MasterKeyMissing, match=name_key(OLD)):
        Vault((NEW,)).reseal(sealed, place)
