"""The journal: what is on disk before a call, what after it, and what a restart finds."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from crosswalk.delivery.errors import UnfinishedRun
from crosswalk.delivery.journal import Dead, Settled, Waiting, open_journal
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.run import Order, Run, begin_run, count_states, end_run
from crosswalk.delivery.template import find_template
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.runs import ADD_DELIVERIES

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROWS = [Waiting(1, "POST", "/Contacts", b"{}"), Dead(2, "not UTF-8"), Waiting(3, "POST", "/Contacts", b"{}")]


@pytest.fixture
async def order(database):
    """An order on an account that exists."""
    async with database.begin() as connection:
        await connection.execute(
            ADD_ACCOUNT, {"id": "a", "name": "acme", "base_url": "https://x", "status": "active", "created_at": NOW}
        )
    return Order(
        source="people.csv", content="c0ffee", account="a", plan=Plan(call=find_template("create-contact"))
    )


@pytest.fixture
async def run(database, order, rng):
    """A run that has begun."""
    return await begin_run(database, order, "new", now=NOW, rng=rng)


@pytest.fixture
async def journal(database, run):
    """Its journal, with three rows taken."""
    async with open_journal(database, run.id) as opened:
        await opened.take(ROWS, at=NOW)
        yield opened


async def test_taken_rows_wait_or_are_dead(database, journal, run):
    """Each row taken is in one state, and read is the sum."""
    counts = await count_states(database, run.id)
    assert (3, 2, 1) == (counts.read, counts["pending"], counts["dead"])


async def test_settled_rows_wait_no_more(journal):
    """What is settled is not sent again."""
    await journal.intend(1, at=NOW)
    await journal.settle(1, Settled("delivered", status=201, remote_id="7"), at=NOW)
    assert [ROWS[2]] == await journal.waiting(after=0, most=10)


async def test_open_intents_are_held_at_restart(database, journal, run):
    """What was at Insightly when the process died is held, never sent again."""
    await journal.intend(1, at=NOW)
    assert 1 == await journal.hold_open_intents(at=NOW)
    assert [ROWS[2]] == await journal.waiting(after=0, most=10)
    assert 1 == (await count_states(database, run.id))["held"]


async def test_withdrawn_intents_wait_again(journal):
    """What surely had no effect waits again."""
    await journal.intend(1, at=NOW)
    await journal.withdraw(1)
    assert 0 == await journal.hold_open_intents(at=NOW)
    assert [ROWS[0], ROWS[2]] == await journal.waiting(after=0, most=10)


async def test_first_outcome_stands(database, journal, run):
    """A settled delivery never changes."""
    await journal.settle(1, Settled("held", reason="no answer"), at=NOW)
    await journal.settle(1, Settled("delivered", status=201), at=NOW)
    assert (1, 0) == (
        (await count_states(database, run.id))["held"],
        (await count_states(database, run.id))["delivered"],
    )


async def test_last_number(journal):
    """A restart reads on after the last row that was taken, dead ones included."""
    assert 3 == await journal.last_number()


@pytest.mark.parametrize("values", [{"state": "gone"}, {"state": "dead"}, {"state": "delivered"}])
async def test_database_refuses_states_that_make_no_sense(database, run, values):
    """An unknown state, a death without a reason, an end without a time: the database itself refuses."""
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(ADD_DELIVERIES, {"run_id": run.id, "number": 9, "settled_at": None} | values)


async def test_unfinished_run_needs_a_word(database, order, run, rng):
    """A second run of the name is refused while the first is unfinished, with both ways out."""
    with pytest.raises(UnfinishedRun, match=r"--resume.*--again"):
        await begin_run(database, order, "new", now=NOW, rng=rng)


async def test_resume_goes_on(database, order, run, rng):
    """Resuming answers the same run."""
    assert run.id == (await begin_run(database, order, "resume", now=NOW, rng=rng)).id


async def test_again_leaves_the_old_run(database, order, run, rng):
    """Sending again begins another run and abandons the first."""
    assert run.id != (await begin_run(database, order, "again", now=NOW, rng=rng)).id


async def test_resume_of_a_finished_run(database, order, run, rng):
    """Resuming what is finished says so and begins nothing."""
    await end_run(database, run, stopped=None, now=NOW, calls=5)
    assert Run(run.id, "finished", 5) == await begin_run(database, order, "resume", now=NOW, rng=rng)


async def test_new_run_after_a_finished_one(database, order, run, rng):
    """A finished run stands in nobody's way."""
    await end_run(database, run, stopped=None, now=NOW, calls=5)
    assert "running" == (await begin_run(database, order, "new", now=NOW, rng=rng)).state
