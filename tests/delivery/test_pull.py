"""Pulls of sources into datasets."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.errors import SourceError, WrongState
from crosswalk.delivery.kinds import File
from crosswalk.delivery.pull import LEASE, STOPPED, Job, Puller
from crosswalk.delivery.reading import Kept, Mark
from crosswalk.delivery.sources import Draft, Pull, Sources
from crosswalk.delivery.work import work_sources
from crosswalk.store.database import Database
from crosswalk.store.lock import hold
from fixtures.pulls import Clock, make_puller, make_sources


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home beside the data."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file of 2,500 rows."""
    path = tmp_path / "people.csv"
    path.write_text("id,name\n" + "".join(f"{number},P{number}\n" for number in range(1, 2501)))
    return path


@pytest.fixture
def sources(database: Database, home: Path, clock: Clock) -> Sources:
    """The sources of a database."""
    return make_sources(database, home, clock)


@pytest.fixture
def puller(database: Database, home: Path, clock: Clock) -> Puller:
    """What reads them."""
    return make_puller(database, home, clock)


def write(path: Path, text: str) -> None:
    """Write a file anew."""
    path.write_text(text)


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


async def ended(sources: Sources) -> Sequence[Pull]:
    """The pulls of a source once none is running any more."""
    while True:
        found = await sources.pulls("people")
        if found and found[0].state != "running":
            return found


async def names(database: Database, dataset: str = "people") -> list[str]:
    """The names in a dataset, in order."""
    datasets, found, after = Datasets(database=database), [], 0
    while block := await datasets.records(dataset, after=after, most=500):
        found += [json.loads(bytes(each.cells))["name"] for each in block]
        after = block[-1].number
    return found


async def test_whole_file(database: Database, sources: Sources, puller: Puller, people: Path):
    """A pull appends every row in order, and tells which numbers it gave."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    pull = await puller.pull(made.id)
    assert ("finished", 1, 2500, 2500, 0) == (pull.state, pull.first, pull.last, pull.rows, pull.unreadable)
    assert [f"P{number}" for number in range(1, 2501)] == await names(database)


async def test_same_content_again(database: Database, sources: Sources, puller: Puller, people: Path):
    """A file that did not change gives nothing new; a changed one is read whole."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    pulls = [await puller.pull(made.id) for _ in range(2)]
    write(people, "id,name\n1,A\n")
    pulls.append(await puller.pull(made.id))
    assert [(2500, 1, 2500), (0, None, None), (1, 2501, 2501)] == [(each.rows, each.first, each.last) for each in pulls]


async def test_key_adds_only_new_ones(database: Database, sources: Sources, puller: Puller, people: Path):
    """With a key, a changed file adds the records whose key is new."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people), key="id")))).source
    await puller.pull(made.id)
    write(people, "id,name\n1,P1\n2501,New\n2501,Twice\n")
    await puller.pull(made.id)
    assert [*(f"P{number}" for number in range(1, 2501)), "New"] == await names(database)


async def test_unreadable_rows(sources: Sources, puller: Puller, tmp_path: Path):
    """A row that cannot be read is counted and kept with its reason; the others go on."""
    path = tmp_path / "bad.csv"
    write(path, "id,name\n1,A\n2\n3,C\n")
    made = (await sources.create(Draft(name="people", settings=File(path=str(path))))).source
    pull = await puller.pull(made.id)
    found = await sources.unreadable("people", pull.id)
    assert (3, 1, [2]) == (pull.rows, pull.unreadable, [each.number for each in found])
    assert "cells" in found[0].reason


async def test_record_too_large(sources: Sources, puller: Puller, tmp_path: Path):
    """A record of 50 MB is unreadable, and the rows around it are kept."""
    path = tmp_path / "large.jsonl"
    write(path, '{"name": "A"}\n' + json.dumps({"name": "x" * 50_000_000}) + '\n{"name": "C"}\n')
    made = (await sources.create(Draft(name="people", settings=File(path=str(path))))).source
    pull = await puller.pull(made.id)
    assert ("finished", 3, 1) == (pull.state, pull.rows, pull.unreadable)
    assert "at most 16,777,216" in (await sources.unreadable("people", pull.id))[0].reason


class Breaking:
    """Opens sources so that the reading breaks after some batches."""

    def __init__(self, puller: Puller, after: int, error: Exception | None) -> None:
        self._open, self._after, self._error = puller.open, after, error
        self.waits = asyncio.Event()

    async def __call__(self, job: Job) -> AsyncGenerator[tuple[Mark, Kept]]:
        count = 0
        async for each in self._open(job):
            if count == self._after:
                self.waits.set()
                if self._error is not None:
                    raise self._error
                await asyncio.Event().wait()
            count += 1
            yield each


def broken(puller: Puller, *, after: int, error: Exception | None, patient: bool = False) -> tuple[Puller, Breaking]:
    """The same puller, reading so."""
    opens = Breaking(puller, after, error)
    return Puller(
        database=puller.database, home=puller.home, holder=puller.holder, open=opens, patient=patient, now=puller.now
    ), opens


@pytest.mark.parametrize("after", [0, 1, 2, 3])
async def test_broken_off(database: Database, sources: Sources, puller: Puller, people: Path, after: int):
    """A pull that failed goes on from where it was: no row is lost and none comes twice."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    failing, _ = broken(puller, after=after, error=SourceError("the disk is gone"))
    failed = await failing.pull(made.id)
    finished = await puller.pull(made.id)
    assert ("failed", "the disk is gone", "finished") == (failed.state, failed.reason, finished.state)
    assert [f"P{number}" for number in range(1, 2501)] == await names(database)


@pytest.mark.parametrize("patient", [False, True])
async def test_stopped(database: Database, sources: Sources, puller: Puller, people: Path, patient: bool):
    """A stopped pull says so and is done again; a patient owner's is taken over as the same pull."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    stopped, opens = broken(puller, after=1, error=None, patient=patient)
    task = asyncio.create_task(stopped.pull(made.id))
    await opens.waits.wait()
    task.cancel()
    await asyncio.wait({task})
    await puller.pull(made.id)
    states = sorted((each.state, each.reason) for each in await sources.pulls("people"))
    expected = [("finished", None)] if patient else [("failed", STOPPED), ("finished", None)]
    assert (expected, [f"P{number}" for number in range(1, 2501)]) == (states, await names(database))


async def test_one_at_a_time(database: Database, sources: Sources, puller: Puller, people: Path):
    """A source that is being read is not read twice at once, in this process, home or elsewhere."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    slow, opens = broken(puller, after=1, error=None, patient=True)
    task = asyncio.create_task(slow.pull(made.id))
    await opens.waits.wait()
    with pytest.raises(WrongState, match="is being read by process"):
        await puller.pull(made.id)
    elsewhere = make_puller(database, puller.home.parent / "other", Clock(), holder="elsewhere")
    with pytest.raises(WrongState, match="is being read by here"):
        await elsewhere.pull(made.id)
    task.cancel()
    await asyncio.wait({task})


async def test_silent_holder(database: Database, sources: Sources, puller: Puller, people: Path, clock: Clock):
    """A pull whose holder elsewhere is silent for longer than its lease is taken over."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    slow, opens = broken(puller, after=1, error=None, patient=True)
    task = asyncio.create_task(slow.pull(made.id))
    await opens.waits.wait()
    clock.at += LEASE + timedelta(seconds=1)
    pull = await make_puller(database, puller.home.parent / "other", clock, holder="elsewhere").pull(made.id)
    task.cancel()
    await asyncio.wait({task})
    assert ("finished", 2500) == (pull.state, pull.rows)
    assert [f"P{number}" for number in range(1, 2501)] == await names(database)


async def test_lost_pull_keeps_nothing(
    database: Database, sources: Sources, puller: Puller, people: Path, clock: Clock
):
    """A holder that comes back after its pull was taken adds no record."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    other = make_puller(database, puller.home.parent / "other", clock, holder="elsewhere")

    async def interrupted(job: Job) -> AsyncGenerator[tuple[Mark, Kept]]:
        async for each in puller.open(job):
            clock.at += LEASE + timedelta(seconds=1)
            await other.pull(made.id)
            yield each

    late = Puller(database=database, home=puller.home, holder="here", open=interrupted, now=clock)
    pull = await late.pull(made.id)
    assert ("finished", 2500) == (pull.state, pull.rows)
    assert [f"P{number}" for number in range(1, 2501)] == await names(database)


async def test_work_reads_what_is_due(database: Database, sources: Sources, puller: Puller, people: Path, clock: Clock):
    """A schedule reads its source when its time has come, a missed one once, and says when it is due next."""
    draft = Draft(name="people", settings=File(path=str(people)), schedule="every 15m")
    made = (await sources.create(draft)).source
    clock.at += timedelta(minutes=62)
    stop = asyncio.Event()
    work = asyncio.create_task(work_sources(puller, stop))
    found = await ended(sources)
    stop.set()
    await work
    assert (1, made.next_at + timedelta(minutes=60)) == (len(found), (await sources.find("people")).next_at)


async def test_work_goes_on_with_orphans(
    database: Database, sources: Sources, puller: Puller, people: Path, clock: Clock
):
    """What a killed owner of the home left half-read, the next owner reads to its end."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    slow, opens = broken(puller, after=2, error=None, patient=True)
    task = asyncio.create_task(slow.pull(made.id))
    await opens.waits.wait()
    task.cancel()
    await asyncio.wait({task})
    stop = asyncio.Event()
    work = asyncio.create_task(work_sources(puller, stop))
    await ended(sources)
    stop.set()
    await work
    assert [f"P{number}" for number in range(1, 2501)] == await names(database)


async def test_due_while_it_is_read(sources: Sources, puller: Puller, people: Path, clock: Clock):
    """A time that comes while the pull before it is going on is left out."""
    draft = Draft(name="people", settings=File(path=str(people)), schedule="every 15m")
    made = (await sources.create(draft)).source
    clock.at += timedelta(minutes=15)
    with hold(puller.home / "pulls" / f"{made.id}.lock", "process 1"):
        assert await puller.pull(made.id, due=made.next_at) is None
    assert ([], made.next_at + timedelta(minutes=15)) == (
        await sources.pulls("people"),
        (await sources.find("people")).next_at,
    )


async def test_idle_sources(sources: Sources, puller: Puller, people: Path):
    """A paused source is not read."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    await sources.pause("people")
    with pytest.raises(WrongState, match="is paused"):
        await puller.pull(made.id)


async def test_file_that_is_gone(sources: Sources, puller: Puller, people: Path):
    """A pull that cannot begin fails with the reason."""
    made = (await sources.create(Draft(name="people", settings=File(path=str(people))))).source
    remove(people)
    pull = await puller.pull(made.id)
    assert ("failed", True) == (pull.state, "people.csv" in (pull.reason or ""))


async def test_drift(database: Database, sources: Sources, puller: Puller, people: Path):
    """A dataset knows its columns; a column that comes, goes or changes its type is noticed once."""
    await puller.pull((await sources.create(Draft(name="people", settings=File(path=str(people))))).source.id)
    write(people, "id,city\n1,Rome\nx2,Bern\n")
    for _ in range(2):
        await puller.pull((await sources.find("people")).id)
    datasets = Datasets(database=database)
    shown = await datasets.show("people")
    assert ([("id", "string"), ("name", "string"), ("city", "string")], 10, 2502) == (
        [(each.name, each.looks) for each in shown.schema.columns],
        len(shown.samples),
        shown.count,
    )
    assert {
        "Column 'city' (string) is new",
        "Column 'name' (string) is gone",
        "Column 'id' was integer and is string",
    } == {each.says for each in await datasets.drift("people")}
