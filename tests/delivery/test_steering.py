"""Runs steered by people, also while another process sends them."""

import pytest

from crosswalk.delivery.errors import UnknownRun, WrongState
from crosswalk.delivery.history import find_run
from crosswalk.delivery.steering import STOPPED, cancel_run, leave_run, list_asked, pause_run, resume_run, settle_asked
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import ADD_RUN
from fixtures.history import BASE, NOW

ENDED = ("finished", "abandoned")


async def begin(database: Database, state: str, **more: object) -> None:
    """A run `a` in a state, with a row that waits, one whose outcome is unknown and one delivered."""
    async with database.begin() as connection:
        account = {"id": "1", "name": "acme", "base_url": BASE, "status": "active", "created_at": NOW}
        await connection.execute(ADD_ACCOUNT, account)
        run = {"id": "a", "name": "a", "account_id": "1", "source": "x.csv", "content": "c", "template": "t"}
        await connection.execute(ADD_RUN, run | {"state": state, "started_at": NOW} | more)
        rows = [
            {"number": 1, "state": "pending", "phase": "waiting", "settled_at": None},
            {"number": 2, "state": "pending", "phase": "unknown", "settled_at": None},
            {"number": 3, "state": "delivered", "phase": None, "settled_at": NOW},
        ]
        await connection.execute(deliveries.insert(), [{"run_id": "a"} | row for row in rows])


async def settle_rows(database: Database) -> None:
    """Let every row be delivered."""
    async with database.begin() as connection:
        await connection.exec_driver_sql("UPDATE deliveries SET state = 'delivered', phase = NULL, settled_at = 1")


async def outcome(database: Database) -> tuple[str, str | None, dict[str, int]]:
    """The run's state and reason, and the states that any row is in."""
    run = await find_run(database, "a")
    return run.state, run.reason, {state: number for state, number in run.counts.items() if number}


WAITING = {"pending": 2, "delivered": 1}


@pytest.mark.parametrize("state", ["queued", "stopped"])
async def test_pause_of_a_run_that_nobody_sends(database: Database, state: str):
    """It is stopped at once and keeps its rows."""
    await begin(database, state)
    await pause_run(database, "a", who="ann", now=NOW)
    await pause_run(database, "a", who="ann", now=NOW)
    assert ("stopped", "paused by ann", WAITING) == await outcome(database)


async def test_pause_of_a_run_under_way(database: Database):
    """Whoever sends it is asked, and leaves it paused with its rows."""
    await begin(database, "running")
    await pause_run(database, "a", who="ann", now=NOW)
    asked = await list_asked(database)
    await leave_run(database, "a", stopped=STOPPED, go_on=True, now=NOW)
    assert (["a"], ("stopped", "paused by ann", WAITING), []) == (
        asked,
        await outcome(database),
        await list_asked(database),
    )


async def test_resume(database: Database):
    """A paused run goes back to the queue; resuming it twice changes nothing."""
    await begin(database, "queued")
    await pause_run(database, "a", who="ann", now=NOW)
    await resume_run(database, "a")
    await resume_run(database, "a")
    assert ("queued", None, WAITING) == await outcome(database)


async def test_resume_before_its_sender_has_left(database: Database):
    """A run that is resumed while it is being paused begins again."""
    await begin(database, "running")
    await pause_run(database, "a", who="ann", now=NOW)
    await resume_run(database, "a")
    await leave_run(database, "a", stopped=STOPPED, go_on=False, now=NOW)
    assert ("queued", None, WAITING) == await outcome(database)


CANCELLED = {"cancelled": 1, "held": 1, "delivered": 1}


@pytest.mark.parametrize("state", ["queued", "stopped"])
async def test_cancel(database: Database, state: str):
    """What waits is cancelled, what may have been sent is held: nothing is lost from sight."""
    await begin(database, state)
    await cancel_run(database, "a", who="ann", reason="wrong file", now=NOW)
    assert ("abandoned", "cancelled by ann: wrong file", CANCELLED) == await outcome(database)


async def test_cancel_of_a_run_under_way(database: Database):
    """Whoever sends it is asked, and cancels what it leaves."""
    await begin(database, "running")
    await cancel_run(database, "a", who="ann", reason="wrong file", now=NOW)
    before = await outcome(database)
    await leave_run(database, "a", stopped=STOPPED, go_on=True, now=NOW)
    assert ("running", ("abandoned", "cancelled by ann: wrong file", CANCELLED)) == (before[0], await outcome(database))


async def test_sender_died(database: Database):
    """What was asked of a run whose sender died is done by whoever owns the engine next."""
    await begin(database, "running", asked="cancel", reason="cancelled by ann: x")
    await settle_asked(database, now=NOW)
    assert ("abandoned", "cancelled by ann: x", CANCELLED) == await outcome(database)


@pytest.mark.parametrize("asked", [None, "pause", "cancel", "replay"])
async def test_end_comes_first(database: Database, asked: str | None):
    """A run whose last row was settled is finished, whatever was asked meanwhile."""
    await begin(database, "running", asked=asked)
    await settle_rows(database)
    await leave_run(database, "a", stopped=None, go_on=False, now=NOW)
    assert ("finished", None, {"delivered": 3}) == await outcome(database)


async def test_replayed_meanwhile(database: Database):
    """A run whose rows were replayed while it ended is taken up again."""
    await begin(database, "running", asked="replay")
    await leave_run(database, "a", stopped=None, go_on=False, now=NOW)
    assert ("queued", None, WAITING) == await outcome(database)


@pytest.mark.parametrize(("go_on", "state"), [(True, "queued"), (False, "stopped")])
async def test_signal(database: Database, go_on: bool, state: str):
    """A server's run waits for the next owner, a command's for its user."""
    await begin(database, "running")
    await leave_run(database, "a", stopped=STOPPED, go_on=go_on, now=NOW)
    assert state == (await outcome(database))[0]


async def test_failure(database: Database):
    """A run that cannot go on is stopped with the reason, also when a replay was asked."""
    await begin(database, "running", asked="replay")
    await leave_run(database, "a", stopped="the file is gone", go_on=True, now=NOW)
    assert ("stopped", "the file is gone", WAITING) == await outcome(database)


@pytest.mark.parametrize("state", ENDED)
async def test_ended(database: Database, state: str):
    """A run that has ended is neither paused, resumed nor cancelled."""
    await begin(database, state)
    for steer in (
        pause_run(database, "a", who="ann", now=NOW),
        resume_run(database, "a"),
        cancel_run(database, "a", who="ann", reason="x", now=NOW),
    ):
        with pytest.raises(WrongState, match=f"Run a is {state}"):
            await steer


async def test_cancelled_stays_so(database: Database):
    """A run that is being cancelled is neither paused nor resumed."""
    await begin(database, "running", asked="cancel", reason="x")
    for steer in (pause_run(database, "a", who="ann", now=NOW), resume_run(database, "a")):
        with pytest.raises(WrongState, match="being cancelled"):
            await steer


async def test_account_gone(database: Database):
    """A run without its account is not resumed."""
    await begin(database, "stopped", account_id=None)
    with pytest.raises(WrongState, match="account of run a was removed"):
        await resume_run(database, "a")


@pytest.mark.parametrize("reach", [frozenset(), frozenset({"2"})])
async def test_reach(database: Database, reach: frozenset[str]):
    """A run of an account out of reach is unknown."""
    await begin(database, "queued")
    with pytest.raises(UnknownRun):
        await pause_run(database, "a", who="ann", now=NOW, reach=reach)
