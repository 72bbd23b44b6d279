"""Records of a dataset: numbered without gaps, each key once, whoever adds at the same moment; and written out."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from crosswalk.delivery.errors import SourceError, UnknownDataset
from crosswalk.delivery.records import BLOCK, MOST_KEYS, append, read_records, spool
from crosswalk.store.datasets import ADD_DATASET

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
async def dataset(database):
    """The id of an empty dataset."""
    row = {"id": "d", "name": "people", "origin": "source", "account_id": None, "created_at": NOW, "changed_at": NOW}
    async with database.begin() as connection:
        await connection.execute(ADD_DATASET, row)
    return "d"


def record(value, key=None):
    """One addition."""
    return json.dumps({"value": value}).encode(), key


async def add(database, *additions, dataset="d"):
    """Append in a transaction of its own."""
    async with database.begin() as connection:
        return await append(connection, dataset, additions, at=NOW)


async def held(database, after=0, until=10**9):
    """Every number, key and value, in their order."""
    found = [row async for block in read_records(database, "d", after=after, until=until) for row in block]
    return [(row["number"], row["key"], json.loads(row["cells"])["value"]) for row in found]


@pytest.mark.usefixtures("dataset")
async def test_numbers(database):
    """Numbers go on from the last; nothing new answers a first above the last."""
    assert (1, 2) == await add(database, record("a"), record("b"))
    assert (3, 3) == await add(database, record("c"))
    assert (4, 3) == await add(database)
    assert [(1, None, "a"), (2, None, "b"), (3, None, "c")] == await held(database)


@pytest.mark.usefixtures("dataset")
async def test_keys(database):
    """A key that is there, or that came just before, is not added twice; records without one always are."""
    await add(database, record("a", "1"), record("b", "2"), record("c", "1"), record("d"), record("e"))
    assert (5, 5) == await add(database, record("f", "2"), record("g", "3"), record("h", "3"))
    assert [("1", "a"), ("2", "b"), (None, "d"), (None, "e"), ("3", "g")] == [each[1:] for each in await held(database)]


@pytest.mark.usefixtures("dataset")
async def test_many_keys(database):
    """More keys than one statement looks for are all looked for."""
    many = [record(number, str(number)) for number in range(2 * MOST_KEYS + 1)]
    await add(database, *many)
    assert (len(many) + 1, len(many)) == await add(database, *reversed(many))


@pytest.mark.usefixtures("dataset")
async def test_all_at_once(database):
    """Whoever adds at the same moment: no gap, no number twice, each key once, and each addition in one piece."""
    adding = [add(database, *(record((who, n), f"{n}") for n in range(who, who + 3))) for who in range(8)]
    spans = await asyncio.gather(*adding)
    found = await held(database)
    assert list(range(1, 11)) == [number for number, _, _ in found]
    assert {str(n) for n in range(10)} == {key for _, key, _ in found}
    for who, (first, last) in enumerate(spans):
        assert all(value[0] == who for number, _, value in found if first <= number <= last)


@pytest.mark.usefixtures("dataset")
async def test_no_half(database):
    """A transaction that fails leaves neither records nor a gap."""

    async def fail():
        async with database.begin() as connection:
            await append(connection, "d", [record("lost")], at=NOW)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert (1, 1) == await add(database, record("kept"))
    assert [(1, None, "kept")] == await held(database)


async def test_unknown(database):
    """A dataset that was removed takes nothing, by name."""
    with pytest.raises(UnknownDataset, match="'gone'"):
        await add(database, record("a"), dataset="gone")


@pytest.mark.usefixtures("dataset")
async def test_read_in_blocks(database):
    """Records come in order, in blocks, from after one number up to another."""
    await add(database, *(record(n) for n in range(1, BLOCK + 3)))
    blocks = [len(block) async for block in read_records(database, "d", until=BLOCK + 2)]
    assert [BLOCK, 2] == blocks
    assert [(4, None, 4), (5, None, 5)] == await held(database, after=3, until=5)
    assert [] == await held(database, after=5, until=5)


@pytest.mark.usefixtures("dataset")
async def test_spool(database, tmp_path):
    """Records are written out one a line; a part that is not whole leaves no file."""
    await add(database, *(record(n) for n in range(1, BLOCK + 3)))
    path = tmp_path / "spool" / "rows.jsonl"
    await spool(database, "d", 2, BLOCK + 1, path)
    assert list(range(2, BLOCK + 2)) == [json.loads(line)["value"] for line in path.read_text().splitlines()]
    with pytest.raises(SourceError, match="not all there"):
        await spool(database, "d", BLOCK, BLOCK + 3, path.with_name("more.jsonl"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SourceError, match="cannot be written"):
        await spool(database, "d", 1, 2, tmp_path / "file" / "rows.jsonl")
    assert ["rows.jsonl"] == [each.name for each in path.parent.iterdir()]
