"""Datasets written out again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.export import export_file, export_table
from crosswalk.delivery.kinds import File
from crosswalk.delivery.sources import Draft
from crosswalk.store.database import Database
from fixtures.pulls import Clock, make_places, make_puller, make_sources


@pytest.fixture
async def datasets(database: Database, tmp_path: Path) -> Datasets:
    """A dataset of 1,500 people, more than one block."""
    home, path = tmp_path / "home", tmp_path / "people.csv"
    home.mkdir(mode=0o700, exist_ok=True)
    path.write_text("id,name\n" + "".join(f"{n},P{n}\n" for n in range(1, 1501)))
    sources = make_sources(database, home, Clock())
    made = await sources.create(Draft(name="people", settings=File(path=str(path))))
    await make_puller(database, home, Clock()).pull(made.source.id)
    return Datasets(database=database)


async def test_file(datasets: Datasets, tmp_path: Path):
    """A file holds every record; what comes after a number goes on from there."""
    places = make_places(tmp_path / "home")
    whole = await export_file(datasets, "people", tmp_path / "out.csv", places=places)
    rest = await export_file(datasets, "people", tmp_path / "rest.jsonl", places=places, after=1498)
    assert (1500, 1500, 2, 1500) == (whole.records, whole.last, rest.records, rest.last)
    assert (tmp_path / "people.csv").read_text() == (tmp_path / "out.csv").read_text().replace("\r\n", "\n")
    assert ['{"id":"1499","name":"P1499"}', '{"id":"1500","name":"P1500"}'] == (
        tmp_path / "rest.jsonl"
    ).read_text().splitlines()


async def test_table(datasets: Datasets, tmp_path: Path):
    """A table has each key once, however often it is written."""
    places, address = make_places(tmp_path / "home"), f"sqlite:///{tmp_path / 'out.db'}"
    for _ in range(2):
        await export_table(datasets, "people", address, table="people", by="id", places=places)
    with closing(sqlite3.connect(tmp_path / "out.db")) as connection:
        assert [(1500,)] == connection.execute("SELECT count(*) FROM people").fetchall()


@pytest.mark.parametrize("name", ["out.exe", "home/crosswalk.db", "home/out.csv"])
async def test_refused(datasets: Datasets, tmp_path: Path, name: str):
    """An ending that nothing writes, and Crosswalk's own home, are refused."""
    with pytest.raises(PlanError):
        await export_file(datasets, "people", tmp_path / name, places=make_places(tmp_path / "home"))
