"""Deliveries searched by a person: an index answers at once, anything else a stretch of rows at a time, none missed."""

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from crosswalk.delivery.history import Delivery, DeliveryFilter, Place
from crosswalk.delivery.search import Found, search_deliveries
from crosswalk.store.database import Database
from crosswalk.store.deliveries import ADD_DELIVERIES
from crosswalk.store.runs import ADD_RUN
from fixtures.history import NOW, write_history

SMALL = {"text": 7, "reason": 7, "status": 7, "state": 7}
RUNS, ROWS = ("r1", "r2", "r3"), 11


@pytest.fixture(autouse=True)
async def rows(database: Database) -> None:
    """Runs of eleven rows each, whose row 3 says `needle` and answered 409, beside two small ones."""
    await write_history(database)
    async with database.begin() as connection:
        for place, run in enumerate(RUNS):
            row = {"id": run, "name": run, "account_id": "1", "source": "people.csv", "state": "finished"}
            at = NOW + timedelta(hours=place)
            await connection.execute(ADD_RUN, row | {"content": "c", "template": "create-contact", "started_at": at})
            await connection.execute(ADD_DELIVERIES, [_row(run, number) for number in range(1, ROWS + 1)])


def _row(run: str, number: int) -> dict[str, object]:
    hidden = number == 3
    row = {"run_id": run, "number": number, "state": "skipped" if hidden else "delivered", "settled_at": NOW}
    cells = b'{"note":"The Needle"}' if hidden else b'{"note":"hay"}'
    return row | {"cells": cells, "key": f"k{number}", "status": 409 if hidden else 201}


async def _walk(database: Database, wanted: DeliveryFilter, *, most: int) -> list[Found]:
    """Every part of a search, one after another."""
    parts = [await search_deliveries(database, wanted, most=most, stretch=SMALL)]
    while (on := parts[-1].on) is not None:
        wanted = DeliveryFilter(
            run=wanted.run, text=wanted.text, state=wanted.state, status=wanted.status, key=wanted.key, before=on
        )
        parts.append(await search_deliveries(database, wanted, most=most, stretch=SMALL))
    return parts


def _places(found: list[Delivery] | tuple[Delivery, ...]) -> list[Place]:
    return [Place(each.run_id, each.number) for each in found]


@pytest.mark.parametrize("wanted", [
    DeliveryFilter(text="needle"), DeliveryFilter(state="skipped"), DeliveryFilter(status=409),
])  # fmt: skip
@pytest.mark.parametrize("most", [1, 5])
async def test_every_row_is_found_part_by_part(database: Database, wanted: DeliveryFilter, most: int):
    """Going on from part to part finds each row once, newest first; no part looks through more than its stretch."""
    parts = await _walk(database, wanted, most=most)
    found = [place for part in parts for place in _places([*part.deliveries])]
    assert [Place(run, 3) for run in reversed(RUNS)] == found
    assert len(parts) >= (len(RUNS) * ROWS) // SMALL["text"]
    assert parts[-1].looked is not None
    assert parts[-1].looked.back_to is None


async def test_how_far_it_looked(database: Database):
    """A part without a find says how many rows it looked through, back to when, and where to go on."""
    found = await search_deliveries(database, DeliveryFilter(text="needle"), most=5, stretch=SMALL)
    assert ([], Place("r3", ROWS - 6)) == (_places([*found.deliveries]), found.on)
    assert found.looked is not None
    assert (7, NOW + timedelta(hours=2)) == (found.looked.rows, found.looked.back_to)


async def test_one_run(database: Database):
    """In one run nothing of another is looked through."""
    parts = await _walk(database, DeliveryFilter(run="r2", text="needle"), most=5)
    assert [Place("r2", 3)] == [place for part in parts for place in _places([*part.deliveries])]
    assert 2 == len(parts)


@pytest.mark.parametrize(("wanted", "count"), [
    (DeliveryFilter(key="k3"), 3), (DeliveryFilter(state="dead"), 3), (DeliveryFilter(remote_id="71"), 1),
])  # fmt: skip
async def test_what_an_index_knows_is_found_at_once(database: Database, wanted: DeliveryFilter, count: int):
    """Keys, ids and rows that need a person are found in one part, however far back."""
    found = await search_deliveries(database, wanted, most=10, stretch=SMALL)
    assert (count, None, None) == (len(found.deliveries), found.on, found.looked)
    assert all(one > other for one, other in pairwise(_places([*found.deliveries])))


async def test_keys_have_an_index(database: Database):
    """A key is looked up in its index, on both databases."""
    plan = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
    async with database.begin() as connection:
        if database.dialect == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # so few rows are read faster without
        ask = text(f"{plan} SELECT number FROM deliveries WHERE key = :key ORDER BY run_id DESC, number DESC")
        lines = " ".join(str(row[-1]) for row in await connection.execute(ask, {"key": "k3"}))
    assert "ix_deliveries_key_run_id_number" in lines
    assert "sort" not in lines.lower()
    assert "TEMP B-TREE" not in lines
