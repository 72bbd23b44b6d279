"""The journal: what is on disk before a call, what after it, and what a restart finds."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from crosswalk.delivery.errors import UnfinishedRun
from crosswalk.delivery.journal import Attempt, Line, open_journal
from crosswalk.delivery.payload import Payload
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.run import Order, begin_run, claim_runs, count_calls, count_states, end_run, find_run
from crosswalk.delivery.template import find_template
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.attempts import LIST_ATTEMPTS
from crosswalk.store.deliveries import ADD_DELIVERIES, TRANSITIONS, deliveries

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)
CALL = Payload("POST", "/Contacts", {"FIRST_NAME": "Zoë"}, match=("EMAIL_ADDRESS", "zoe@example.com"))


def sending(number):
    """A row with its intent."""
    return Line(
        number=number, phase="sending", payload=CALL, match_value="EMAIL_ADDRESS=zoe@example.com", parcel=number
    )


@pytest.fixture
async def order(database):
    """An order on an account that exists."""
    async with database.begin() as connection:
        await connection.execute(
            ADD_ACCOUNT, {"id": "a", "name": "acme", "base_url": "https://x", "status": "active", "created_at": NOW}
        )
    return Order(source="/people.csv", content="c0ffee", account="a", plan=Plan(call=find_template("create-contact")))


@pytest.fixture
async def run(database, order, rng):
    """A run in the queue."""
    return await begin_run(database, order, "new", now=NOW, rng=rng)


@pytest.fixture
async def journal(database, run, rng):
    """Its journal: row 1 is at Insightly, row 2 is dead."""
    async with open_journal(database, run.id, rng) as opened:
        await opened.take([Line(number=2, state="dead", phase=None, reason="not UTF-8")], at=NOW)
        await opened.begin([sending(1)], intents=(), superseded=(), first=1, at=NOW)
        yield opened


def attempt(outcome="delivered"):
    """What the journal keeps of a call."""
    return Attempt(
        number=1,
        kind="send",
        began_at=NOW,
        ended_at=LATER,
        request="POST /Contacts",
        outcome=outcome,
        status=201,
        response=b"{}",
    )


async def states(database, run):
    """The run's rows by state, without the empty ones."""
    return dict((await count_states(database, run.id)).states)


async def test_read_is_the_sum(database, journal, run):
    """Every row taken is in one state."""
    assert {"pending": 1, "dead": 1} == await states(database, run)
    assert 2 == (await count_states(database, run.id)).read


async def test_settled(database, journal, run):
    """What is settled is pending no more, and its attempt is kept with it."""
    await journal.settle([1], "delivered", at=NOW, status=201, remote_ids=["7"], attempt=attempt())
    await journal.flush()
    assert [] == await journal.pending(most=10)
    async with database.read() as connection:
        (kept,) = (await connection.execute(LIST_ATTEMPTS, {"run": run.id, "row": 1})).all()
    assert ("POST /Contacts", 201, b"{}") == (kept.request, kept.status, kept.response)


async def test_put_off(journal):
    """A row that is put off waits, with its call as it was planned and a count of its attempts."""
    await journal.put_off([1], phase="waiting", due=LATER, status=None, reason="again", attempt=attempt("retrying"))
    (line,) = await journal.pending(most=10)
    assert ("waiting", LATER, 1, NOW, CALL) == (
        line.phase, line.due_at, line.attempts, line.first_sent_at, line.payload,
    )  # fmt: skip


async def test_open_intents_are_doubted_at_restart(journal):
    """What was at Insightly when the process died is unknown, and may have been sent until just now."""
    assert 1 == await journal.doubt_open_intents(at=LATER)
    assert [("unknown", LATER)] == [(line.phase, line.sent_at) for line in await journal.pending(most=10)]


async def test_last_byte_is_kept(journal):
    """When the last byte went out is kept: a restart counts the settling time from there, not from the intent."""
    await journal.put_off([1], phase="unknown", due=LATER, status=None, reason="no answer", last_byte=LATER)
    await journal.put_off([1], phase="unknown", due=LATER, status=None, reason="looked for and not there yet")
    assert [(NOW, LATER)] == [(line.first_sent_at, line.sent_at) for line in await journal.pending(most=10)]


async def test_second_attempt_keeps_the_first_time(journal):
    """The first attempt's time stays: records made since then may be ours."""
    await journal.put_off([1], phase="waiting", due=NOW, status=None, reason="again")
    await journal.begin((), intents=[1], superseded=(), first=1, at=LATER)
    (line,) = await journal.pending(most=10)
    assert (2, NOW, LATER) == (line.attempts, line.first_sent_at, line.sent_at)


async def test_superseded_with_the_intent(database, journal, run):
    """A row ends as superseded in the same commit that says its successor goes out."""
    await journal.begin([sending(4)], intents=(), superseded=[1], first=4, at=NOW)
    assert {"superseded": 1, "dead": 1, "pending": 1} == await states(database, run)


async def test_taken(journal):
    """A restart knows which rows were taken, also where some before them were not."""
    await journal.take([Line(number=9, state="dead", phase=None, reason="x")], at=NOW)
    assert (0, frozenset({1, 2, 9})) == await journal.taken(window=100)
    assert (4, frozenset({9})) == await journal.taken(window=5)


async def test_matches_are_counted(journal):
    """How often a run has a value decides whether a hit can be adopted."""
    assert (1, 0) == (await journal.count_matches("EMAIL_ADDRESS=zoe@example.com"), await journal.count_matches("x=y"))


@pytest.mark.parametrize(
    "values",
    [{"state": "gone"}, {"state": "dead"}, {"state": "delivered"}, {"state": "pending", "phase": "asleep"}, {}],
    ids=["unknown state", "dead without a reason", "ended without a time", "unknown phase", "pending without a phase"],
)
async def test_database_refuses_states_that_make_no_sense(database, run, values):
    """The closed set of states is held by the database itself."""
    row = {"run_id": run.id, "number": 9, "state": "pending", "attempts": 0} | values
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await connection.execute(ADD_DELIVERIES, row)


ENDS = [("delivered", "pending"), ("delivered", "dead"), ("superseded", "pending"), ("dead", "delivered")]


@pytest.mark.parametrize(("old", "new"), ENDS)
async def test_database_refuses_other_transitions(database, journal, run, old, new):
    """What is not in the list of transitions cannot happen, whoever writes."""
    assert (old, new) not in TRANSITIONS
    await journal.settle([1], old, at=NOW, reason="because")
    await journal.flush()
    change = update(deliveries).where(deliveries.c.number == 1).values(
        state=new, phase="waiting" if new == "pending" else None, settled_at=None if new == "pending" else NOW
    )  # fmt: skip
    with pytest.raises(DBAPIError, match=r"no (such )?transition"):
        async with database.begin() as connection:
            await connection.execute(change)


async def test_transitions_are_the_database_s(database):
    """The list in the code is the list in the database."""
    async with database.read() as connection:
        rows = await connection.execute(text("SELECT old, new FROM transitions"))
        assert set(TRANSITIONS) == {(row.old, row.new) for row in rows}


async def test_unfinished_run_needs_a_word(database, order, run, rng):
    """A second run of the name is refused while the first is unfinished, with both ways out."""
    with pytest.raises(UnfinishedRun, match=r"--resume.*--again"):
        await begin_run(database, order, "new", now=NOW, rng=rng)


async def test_resume_goes_on(database, order, run, rng):
    """Resuming queues the same run again."""
    await end_run(database, run.id, stopped="the day is spent", now=NOW)
    assert run.id == (await begin_run(database, order, "resume", now=LATER, rng=rng)).id
    assert [run.id] == [each.id for each in await claim_runs(database, orphans=False)]


async def test_again_leaves_the_old_run(database, order, run, rng):
    """Sending again begins another run and abandons the first."""
    again = await begin_run(database, order, "again", now=NOW, rng=rng)
    assert again.id != run.id
    assert "abandoned" == (await find_run(database, run.id)).state


async def test_resume_of_a_finished_run(database, order, run, rng):
    """Resuming what is finished says so and queues nothing."""
    await count_calls(database, run.id, 5)
    await end_run(database, run.id, stopped=None, now=NOW)
    resumed = await begin_run(database, order, "resume", now=NOW, rng=rng)
    assert (run.id, "finished", 5) == (resumed.id, resumed.state, resumed.calls)
    assert [] == await claim_runs(database, orphans=True)


async def test_claimed_once(database, run):
    """A queued run is taken by one engine; only a new owner takes what a dead one left."""
    assert [run.id] == [each.id for each in await claim_runs(database, orphans=False)]
    assert [] == await claim_runs(database, orphans=False)
    assert [run.id] == [each.id for each in await claim_runs(database, orphans=True)]
