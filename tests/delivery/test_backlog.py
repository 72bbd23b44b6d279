"""Records that wait for a destination: sent, skipped, queued as they come, each in one run."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest
from sqlalchemy import select

from crosswalk.delivery.backlog import Choice, admit, admit_all
from crosswalk.delivery.destinations import Destinations, Draft
from crosswalk.delivery.errors import BacklogUndecided, PlanError, WrongState
from crosswalk.delivery.records import append
from crosswalk.delivery.run import Run, claim_runs, count_states, end_run, find_run, read_span
from crosswalk.delivery.settings import Settings
from crosswalk.delivery.start import find_going, start_backlog, start_dataset, start_file, start_rows
from crosswalk.store.accounts import ADD_ACCOUNT, REMOVE_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.datasets import ADD_DATASET
from crosswalk.store.runs import runs

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
BASE = "https://api.na1.insightly.com/v3.1"
CREATE = Settings(template="create-contact", fields={"FIRST_NAME": "first"})
OTHER = Settings(template="create-contact", fields={"FIRST_NAME": "given"})


@pytest.fixture
async def destinations(database: Database) -> Destinations:
    """A draft named people that is bound to a dataset of three records."""
    async with database.begin() as connection:
        account = {"id": "1", "name": "acme", "base_url": BASE, "status": "active", "created_at": NOW}
        await connection.execute(ADD_ACCOUNT, account)
        for key in ("people", "others"):
            row = {"id": f"d-{key}", "name": key, "origin": "source", "account_id": "1"}
            await connection.execute(ADD_DATASET, row | {"created_at": NOW, "changed_at": NOW})
    service = Destinations(database=database, who="test", now=lambda: NOW, rng=Random(1))
    await service.create(Draft(name="people", account="acme", dataset="people", settings=CREATE))
    await add(database, 3)
    return service


async def add(database: Database, count: int, dataset: str = "d-people") -> None:
    """So many more records."""
    async with database.begin() as connection:
        await append(connection, dataset, [(b'{"first":"A"}', None)] * count, at=NOW)


async def list_runs(database: Database) -> list[tuple[str, str]]:
    """Source and state of every run, oldest first."""
    async with database.read() as connection:
        rows = await connection.execute(select(runs.c.source, runs.c.state).order_by(runs.c.id))
        return [(row.source, row.state) for row in rows]


async def finish(database: Database, run: str | None) -> None:
    """End a run."""
    assert run is not None
    await end_run(database, run, stopped=None, now=NOW)


async def test_backlog_is_asked_about(destinations: Destinations):
    """A backlog is neither sent nor skipped by silence: the refusal names its size."""
    with pytest.raises(BacklogUndecided, match="3 records"):
        await destinations.activate("people")
    assert ("draft", 3) == ((await destinations.find("people")).state, (await destinations.find("people")).backlog)


async def test_backlog_is_sent(destinations: Destinations):
    """Sent, the backlog is one queued run of the destination's version."""
    done = await destinations.activate("people", "send")
    assert done.run is not None
    run = await find_run(destinations.database, done.run)
    assert run is not None
    assert ("active", 3, 0, "records:d-people:1-3", 1) == (
        done.state,
        done.position,
        done.backlog,
        run.order.source,
        run.order.version,
    )


async def test_backlog_is_skipped(destinations: Destinations):
    """Skipped, every record of the backlog is a skipped row of a finished run, and counts reconcile."""
    done = await destinations.activate("people", "skip")
    assert done.run is not None
    counts = await count_states(destinations.database, done.run)
    assert ({"skipped": 3}, 3, [("records:d-people:1-3", "finished")]) == (
        dict(counts.states),
        done.position,
        await list_runs(destinations.database),
    )


async def test_unbound_is_activated_at_once(destinations: Destinations):
    """A destination without a dataset has no backlog to ask about."""
    await destinations.create(Draft(name="free", account="acme", settings=CREATE))
    assert ("active", None) == ((await destinations.activate("free")).state, (await destinations.activate("free")).run)


async def test_new_records_become_runs(destinations: Destinations):
    """While active, what comes becomes a run, one unfinished run at a time."""
    database = destinations.database
    done = await destinations.activate("people", "skip")
    assert [] == await admit_all(database, now=NOW, rng=Random(2))
    await add(database, 2)
    (first,) = await admit_all(database, now=NOW, rng=Random(2))
    await add(database, 4)
    assert [] == await admit_all(database, now=NOW, rng=Random(3))
    await finish(database, first.id)
    (second,) = await admit_all(database, now=NOW, rng=Random(3))
    assert (done.id, "records:d-people:4-5", "records:d-people:6-9") == (
        second.order.destination,
        first.order.source,
        second.order.source,
    )


async def test_many_ask_at_once(destinations: Destinations):
    """However many processes admit and activate at once, every record is in exactly one run."""
    database = destinations.database
    choices: list[Choice] = ["send", "skip", "send", "skip"]
    await asyncio.gather(*(destinations.activate("people", choice) for choice in choices))
    found = await destinations.find("people")

    async def admit_one(seed: int) -> None:
        run = await admit(database, found.id, now=NOW, rng=Random(seed))
        if run is not None:
            await finish(database, run.id)

    async with database.begin() as connection:
        await connection.execute(runs.update().values(state="finished"))
    for turn in range(3):
        await add(database, 2)
        await asyncio.gather(*(admit_one(turn * 10 + seed) for seed in range(4)))
    taken: Counter[int] = Counter()
    for source, _ in await list_runs(database):
        span = read_span(source)
        assert span is not None
        taken.update(range(span.first, span.last + 1))
    assert dict.fromkeys(range(1, 10), 1) == dict(taken)


async def test_broken_off_admission_takes_nothing(destinations: Destinations, monkeypatch: pytest.MonkeyPatch):
    """Position and run are written together: when the second fails, neither is there."""

    async def die(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr("crosswalk.delivery.backlog._step", die)  # the process dies between the two statements
    with pytest.raises(ConnectionResetError):
        await destinations.activate("people", "send")
    monkeypatch.undo()
    found = await destinations.find("people")
    assert (0, 3, "draft", []) == (found.position, found.backlog, found.state, await list_runs(destinations.database))


async def test_paused_runs_wait(destinations: Destinations):
    """What is queued of a paused destination is not claimed, and is when it is activated again."""
    database = destinations.database
    done = await destinations.activate("people", "send")
    await destinations.pause("people")
    assert [] == await claim_runs(database, orphans=True)
    await add(database, 1)
    assert [] == await admit_all(database, now=NOW, rng=Random(2))
    await destinations.activate("people", "skip")
    assert [done.run] == [run.id for run in await claim_runs(database, orphans=False)]


async def test_pause_asks_the_sender(destinations: Destinations):
    """A run under way is asked to stop by the pause, and to go on by the activation."""
    database = destinations.database
    await destinations.activate("people", "send")
    await claim_runs(database, orphans=False)
    asked = []
    for step in (destinations.pause, destinations.activate):
        await step("people")
        async with database.read() as connection:
            asked.append((await connection.execute(select(runs.c.asked))).scalar_one())
    assert ["pause", "replay"] == asked


async def test_orphan_of_a_paused_destination(destinations: Destinations):
    """A run whose sender died while its destination is paused waits for the activation, not for ever."""
    database = destinations.database
    done = await destinations.activate("people", "send")
    await claim_runs(database, orphans=False)
    await destinations.pause("people")
    assert [] == await claim_runs(database, orphans=True)
    await destinations.activate("people")
    assert [done.run] == [run.id for run in await claim_runs(database, orphans=False)]


async def test_stopped_runs_go_on(destinations: Destinations):
    """Activating again puts the destination's stopped runs back in the queue."""
    database = destinations.database
    done = await destinations.activate("people", "send")
    assert done.run is not None
    await end_run(database, done.run, stopped="the key is wrong", now=NOW)
    await destinations.activate("people")
    assert [("records:d-people:1-3", "queued")] == await list_runs(database)


async def test_version_of_a_run(destinations: Destinations):
    """Settings of a later version change no run that was made before."""
    done = await destinations.activate("people", "send")
    await destinations.change("people", OTHER)
    assert done.run is not None
    run = await find_run(destinations.database, done.run)
    assert run is not None
    assert ((("FIRST_NAME", "first"),), 1) == (run.order.plan.fields, run.order.version)


async def test_account_removed(destinations: Destinations):
    """New records of a destination whose account is gone stay where they are."""
    database = destinations.database
    await destinations.activate("people", "skip")
    async with database.begin() as connection:
        await connection.execute(REMOVE_ACCOUNT, {"account": "1"})
    await add(database, 1)
    assert ([], 1) == (
        await admit_all(database, now=NOW, rng=Random(2)),
        (await destinations.find("people")).backlog,
    )


async def test_unfinished_is_not_removed(destinations: Destinations):
    """A destination with a run that is unfinished is not removed under it."""
    await destinations.activate("people", "send")
    await destinations.pause("people")
    with pytest.raises(WrongState, match="unfinished"):
        await destinations.remove("people")


async def test_unknown_dataset(destinations: Destinations):
    """A destination is not bound to a dataset that is not there."""
    with pytest.raises(PlanError, match="no dataset 'nothing'"):
        await destinations.create(Draft(name="x", account="acme", dataset="nothing", settings=CREATE))


async def test_rows_given(destinations: Destinations):
    """Rows given inline are kept as records of a dataset of the destination's own, and sent from there."""
    database = destinations.database
    await destinations.activate("people", "skip")
    sources = []
    for name in ("Ann", "Bo"):
        run = await start_rows(destinations, "people", [{"first": name}, {"first": "C"}])
        sources.append(run.order.source.partition(":")[2].partition(":")[2])
        await finish(database, run.id)
    named = await destinations.find_dataset("people-rows")
    assert (["1-2", "3-4"], 4) == (sources, named["last"])


async def test_other_dataset(destinations: Destinations):
    """Every record of another dataset is sent; of its own, those that wait."""
    database = destinations.database
    await destinations.activate("people", "skip")
    with pytest.raises(PlanError, match="no records"):
        await start_dataset(destinations, "people", "others")
    await add(database, 2, "d-others")
    run = await start_dataset(destinations, "people", "others")
    await finish(database, run.id)
    with pytest.raises(WrongState, match="No record waits"):
        await start_dataset(destinations, "people", "people")
    assert "records:d-others:1-2" == run.order.source


async def test_file(destinations: Destinations, tmp_path):
    """A file is checked against the settings, and named by its content."""
    await destinations.activate("people", "skip")
    path = tmp_path / "people.csv"
    path.write_text("first\nAnn\n")
    run: Run = (await start_file(destinations, "people", path)).run
    going = await find_going(destinations, await destinations.find("people"))
    assert (str(path), going) == (run.order.source, await find_run(destinations.database, run.id))


async def test_started_runs_are_refused(destinations: Destinations):
    """Nothing is started through a draft, nor beside an unfinished run."""
    with pytest.raises(WrongState, match=r"is a draft\. Activate it first"):
        await start_rows(destinations, "people", [{"first": "A"}])
    await destinations.activate("people", "send")
    with pytest.raises(WrongState, match="unfinished"):
        await start_backlog(destinations, await destinations.find("people"))
