"""Exports as runs: what is written where, what is new, and what a stopped one goes on with."""

import asyncio
import json

import pytest
from sqlalchemy import select

from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.errors import PlanError, SourceError, WrongState
from crosswalk.delivery.exports import Ask, Exports
from crosswalk.delivery.history import find_run
from crosswalk.delivery.records import append
from crosswalk.delivery.steering import resume_run
from crosswalk.store.datasets import ADD_DATASET
from crosswalk.store.exports import exports as table
from crosswalk.store.lock import hold
from crosswalk.store.runs import runs
from fixtures.pulls import Clock, make_places

CLOCK = Clock()


async def add(database, *numbers):
    """Add records to the dataset."""
    async with database.begin() as connection:
        records = [(json.dumps({"id": n, "name": f"P{n}"}).encode(), None) for n in numbers]
        await append(connection, "d", records, at=CLOCK())


@pytest.fixture
async def exports(database, tmp_path, endpoints):
    """Exports of a dataset `people` with 250 records; waits take no time."""
    row = {"id": "d", "name": "people", "origin": "source", "account_id": None}
    async with database.begin() as connection:
        await connection.execute(ADD_DATASET, row | {"created_at": CLOCK(), "changed_at": CLOCK()})
    await add(database, *range(1, 251))

    async def pass_by(_):
        await asyncio.sleep(0)

    home = tmp_path / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    return Exports(
        datasets=Datasets(database=database), places=make_places(home), endpoints=endpoints, home=home, sleep=pass_by
    )


def told(receiver):
    """What arrived: id and record numbers of each webhook."""
    bodies = [(heard.headers["webhook-id"], json.loads(heard.body)["records"]) for heard in receiver.heard]
    return [(message, [record["id"] for record in records]) for message, records in bodies]


async def test_only_what_is_new(exports, database, tmp_path):
    """An incremental export to a place begins after the last that was finished there; each is a run."""
    path = tmp_path / "people.jsonl"
    first = await exports.export("people", Ask(to=str(path), incremental=True))
    await add(database, 251, 252)
    second = await exports.export("people", Ask(to=str(path), incremental=True))
    assert (250, 2, 250) == (first.records, second.records, second.after)
    assert [251, 252] == [json.loads(line)["id"] for line in path.read_text().splitlines()]
    third = await exports.export("people", Ask(to=str(path), incremental=True))
    assert (0, 252) == (third.records, third.last)
    run = await find_run(database, second.run)
    assert ("export", "finished", "records:d:251-252") == (run.kind, run.state, run.source)


async def test_webhooks(exports, receiver):
    """Records go out in signed webhooks, a hundred each, in their order."""
    done = await exports.export("people", Ask(to=receiver.url))
    assert 250 == done.records
    assert [100, 100, 50] == [len(records) for _, records in told(receiver)]
    assert [*range(1, 251)] == [each for _, records in told(receiver) for each in records]
    assert all(heard.headers["webhook-signature"].startswith("v1,") for heard in receiver.heard)


async def test_goes_on(exports, database, receiver):
    """A stopped export goes on after what has arrived; what is sent again has the same id."""
    receiver.statuses(204, 500)
    with pytest.raises(SourceError, match="from 101 on"):
        await exports.export("people", Ask(to=receiver.url))
    receiver.statuses(204)
    done = await exports.export("people", Ask(to=receiver.url))
    ids = [message for message, records in told(receiver) if records[0] == 101]
    assert (150, 1, 5) == (done.records, len({*ids}), len(ids))
    assert [1, 101, 101, 101, 101, 101, 201] == [records[0] for _, records in told(receiver)]
    run = await find_run(database, done.run)
    assert ("finished", 3) == (run.state, run.calls)


async def test_one_at_a_time(exports, tmp_path):
    """Two exports to one place do not run at once."""
    path = tmp_path / "people.jsonl"
    done = await exports.export("people", Ask(to=str(path)))
    async with exports.datasets.database.read() as connection:
        name = await connection.scalar(select(runs.c.name).where(runs.c.id == done.run))
    with hold(exports.home / f"export-{name}.lock", "another"), pytest.raises(WrongState, match="right now"):
        await exports.export("people", Ask(to=str(path)))


async def test_failures_are_recorded(exports, database, tmp_path):
    """An export that fails says why in its run; the next one to the place takes its place."""
    path = tmp_path / "missing" / "people.jsonl"
    with pytest.raises(SourceError):
        await exports.export("people", Ask(to=str(path)))
    path.parent.mkdir()
    await exports.export("people", Ask(to=str(path)))
    async with database.read() as connection:
        states = (await connection.scalars(select(runs.c.state).order_by(runs.c.id))).all()
        left = (await connection.scalars(select(table.c.done).order_by(table.c.run_id))).all()
    assert (["abandoned", "finished"], [0, 250]) == (states, left)


async def test_resumed_by_exporting(exports, database, receiver):
    """A stopped export is no run of rows: the way on is told."""
    receiver.statuses(500)
    with pytest.raises(SourceError):
        await exports.export("people", Ask(to=receiver.url))
    async with database.read() as connection:
        run = await connection.scalar(select(runs.c.id))
    with pytest.raises(WrongState, match="Export once more"):
        await resume_run(database, run)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (Ask(to="people.csv", table="people"), "both"),
        (Ask(to="people.csv", table="people", key="id"), "of a database"),
        (Ask(to="postgresql://db/x"), "needs a table"),
        (Ask(to="people.csv", after=3, incremental=True), "leave out"),
        (Ask(to="people.exe"), "ending"),
    ],
)
async def test_refused(exports, ask, says):
    """What cannot be is said by name."""
    with pytest.raises(PlanError, match=says):
        await exports.export("people", ask)


async def test_whole_files(exports, tmp_path):
    """A file that is replaced is replaced whole."""
    path = tmp_path / "people.jsonl"
    path.write_text("old")
    await exports.export("people", Ask(to=str(path), after=249))
    assert [250] == [json.loads(line)["id"] for line in path.read_text().splitlines()]
    assert ["home", "people.jsonl"] == sorted(each.name for each in tmp_path.iterdir())
