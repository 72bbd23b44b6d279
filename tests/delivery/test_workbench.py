"""The workbench: rows put right, let go again or given up, once, by one person, with their history."""

import asyncio

import msgspec
import pytest
from sqlalchemy import text

from crosswalk.contract import load
from crosswalk.delivery.edit import Edit, Planner
from crosswalk.delivery.errors import PlanError, UnfinishedRun, UnknownDelivery, WrongState
from crosswalk.delivery.history import DeliveryFilter, Place, find_delivery, find_run, group_dead
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.reasons import group_of
from crosswalk.delivery.replay import plan_replays
from crosswalk.delivery.template import find_template
from crosswalk.delivery.workbench import Decision, Selection, Workbench
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import ADD_RUN
from fixtures.history import BASE, NOW

PLAN = Plan(call=find_template("create-contact"), fields=(("FIRST_NAME", "first"), ("LAST_NAME", "last")))
EMPTY = "FIRST_NAME is required and empty"
REFUSED = "400 LAST_NAME is too odd"
ANN = Edit(set={"first": "Ann"})
ALL = Selection(run="a", all=True)


def row(number: int, state: str, **more: object) -> dict[str, object]:
    """A row of run `a`."""
    blank = {"phase": None, "payload": None, "status": None, "remote_id": None, "reason": None, "cells": None}
    return blank | {"run_id": "a", "number": number, "state": state, "settled_at": NOW} | more


def cells(**values: str) -> bytes:
    """A source row as the journal keeps it."""
    return msgspec.json.encode(values)


CALL = msgspec.json.encode({"method": "POST", "path": "/Contacts", "body": {"FIRST_NAME": "Bo", "LAST_NAME": "?"}})
ROWS = [
    row(1, "dead", reason=EMPTY, cells=cells(first="", last="One")),
    row(2, "dead", reason=EMPTY, cells=cells(first="", last="Two")),
    row(3, "dead", reason=REFUSED, cells=cells(first="Bo", last="?"), payload=CALL, attempts=1, first_sent_at=NOW),
    row(4, "dead", reason="has 1 cells, the header 2", cells=b'"bad"'),
    row(5, "held", reason="the answer was lost", cells=cells(first="Cy", last="Five"), payload=CALL, attempts=1),
    row(6, "delivered", remote_id="66", cells=cells(first="Di", last="Six"), payload=CALL),
]


@pytest.fixture
async def bench(database: Database) -> Workbench:
    """A workbench over a finished run of four dead, one held and one delivered row."""
    defaults = {"attempts": 0, "first_sent_at": None}
    async with database.begin() as connection:
        account = {"id": "1", "name": "acme", "base_url": BASE, "status": "active", "created_at": NOW}
        await connection.execute(ADD_ACCOUNT, account)
        await connection.execute(ADD_RUN, run_row("a", "finished"))
        await connection.execute(deliveries.insert(), [defaults | each for each in ROWS])
    return Workbench(database=database, who="ann", now=lambda: NOW)


def run_row(key: str, state: str) -> dict[str, object]:
    """A run of the plan."""
    return {
        "id": key,
        "name": "same",
        "account_id": "1",
        "source": "people.csv",
        "content": "c0ffee",
        "template": "create-contact",
        "plan": msgspec.json.encode(PLAN).decode(),
        "state": state,
        "started_at": NOW,
    }


async def execute(database: Database, statement: str) -> None:
    """Change something behind everybody's back."""
    async with database.begin() as connection:
        await connection.execute(text(statement))


async def states(database: Database) -> str:
    """First letters of the rows' states, in order."""
    found = [(await find_delivery(database, Place("a", number))).state[0] for number in range(1, 7)]
    return "".join(found)


async def test_preview(bench: Workbench):
    """A preview shows the exact calls and the rows that stay dead, and changes nothing."""
    (shown,) = await bench.preview(ALL, ANN)
    assert [
        ((1,), '{"FIRST_NAME":"Ann","LAST_NAME":"One"}'),
        ((2,), '{"FIRST_NAME":"Ann","LAST_NAME":"Two"}'),
        ((3,), '{"FIRST_NAME":"Ann","LAST_NAME":"?"}'),
    ] == [(call.rows, call.body) for call in shown.calls]
    assert ([4], "ddddhd") == ([each.row for each in shown.refused], await states(bench.database))


async def test_unreadable_row(bench: Workbench):
    """A row that could not be read is made up by whoever names it, column by column."""
    (shown,) = await bench.preview(Selection(run="a", number=4), ANN)
    done = await bench.replay(Selection(run="a", number=4), ANN)
    assert (['{"FIRST_NAME":"Ann"}'], 1) == ([call.body for call in shown.calls], done.rows)


async def test_preview_of_a_few(bench: Workbench):
    """No more rows are shown than asked for, the last first taken."""
    (shown,) = await bench.preview(ALL, ANN, most=2)
    assert (1, 1) == (len(shown.calls), len(shown.refused))


async def test_edit_of_a_group(bench: Workbench):
    """A group is changed and stays dead; others are not touched; the history names who and what."""
    done = await bench.edit(Selection(group=group_of(EMPTY)), ANN)
    first, third = [await find_delivery(bench.database, Place("a", number)) for number in (1, 3)]
    assert (2, ["a"], "dead", "Ann", None) == (
        done.rows,
        done.runs,
        first.state,
        first.edited.cells["first"],
        third.edited,
    )
    assert [("edit", "ann", {"set": {"first": "Ann"}})] == [(d.kind, d.who, d.change) for d in first.decisions]
    assert {"first": "", "last": "One"} == first.row


async def test_edit_that_changes_nothing(bench: Workbench):
    """An edit without effect is refused, and leaves no history."""
    with pytest.raises(PlanError, match="changes nothing"):
        await bench.edit(ALL, Edit(remove=("zip",)))
    assert [] == (await find_delivery(bench.database, Place("a", 1))).decisions


async def test_replay(bench: Workbench):
    """Rows that have a call now wait, their run is queued, and the others stay dead with the reason."""
    done = await bench.replay(ALL, ANN)
    run = await find_run(bench.database, "a")
    assert (3, 1, [4], "queued", "pppdhd") == (
        done.rows,
        done.still_dead,
        [each.number for each in done.examples],
        run.state,
        await states(bench.database),
    )


async def test_replay_begins_anew(bench: Workbench):
    """A row that was refused for good is a fresh one: no attempt before counts against it, but each is told."""
    await bench.replay(Selection(run="a", number=3))
    found = await find_delivery(bench.database, Place("a", 3))
    assert (0, None, "waiting", {"FIRST_NAME": "Bo", "LAST_NAME": "?"}) == (
        found.attempts,
        found.sent_at,
        found.phase,
        found.call["body"],
    )


async def test_replayed_rows_get_their_calls(bench: Workbench, database: Database):
    """What was edited is planned where the run is sent; a row that has no call there is dead again."""
    await bench.replay(ALL, ANN)
    planner = Planner(PLAN, lambda plan, rows: settle_plan(plan, load(), rows, base_url=BASE, now=NOW))
    await execute(database, "UPDATE deliveries SET edited = NULL WHERE number = 2")
    await plan_replays(database, "a", planner, now=NOW)
    first, second = [await find_delivery(database, Place("a", number)) for number in (1, 2)]
    assert ("pending", "Ann", "dead", EMPTY) == (
        first.state,
        first.call["body"]["FIRST_NAME"],
        second.state,
        second.reason,
    )


async def test_replay_of_nothing_leaves_the_run(bench: Workbench):
    """When no row goes again, the run stays finished."""
    done = await bench.replay(Selection(run="a", number=4))
    assert (0, 1, "finished") == (done.rows, done.still_dead, (await find_run(bench.database, "a")).state)


@pytest.mark.parametrize(("number", "state"), [(5, "held"), (6, "delivered")])
async def test_replay_of_no_dead_letter(bench: Workbench, number: int, state: str):
    """A row in another state is a conflict that names it."""
    with pytest.raises(WrongState, match=f"is {state}, not dead"):
        await bench.replay(Selection(run="a", number=number))


async def test_replay_while_the_run_goes_on(bench: Workbench, database: Database):
    """Whoever sends the run is asked to take it up again."""
    await execute(database, "UPDATE runs SET state = 'running'")
    await bench.replay(ALL, ANN)
    async with database.read() as connection:
        found = (await connection.execute(text("SELECT state, asked FROM runs"))).one()
    assert ("running", "replay") == tuple(found)


async def test_replay_leaves_a_paused_run_paused(bench: Workbench, database: Database):
    """A paused run's rows wait for whoever resumes it."""
    await execute(database, "UPDATE runs SET state = 'stopped', asked = 'pause', reason = 'paused'")
    await bench.replay(ALL, ANN)
    assert ("stopped", 3) == ((run := await find_run(database, "a")).state, run.counts["pending"])


async def test_replay_beside_an_unfinished_run_of_its_name(bench: Workbench, database: Database):
    """Two unfinished runs of one name cannot be: the error names the other, and nothing changes."""
    async with database.begin() as connection:
        await connection.execute(ADD_RUN, run_row("b", "stopped"))
    with pytest.raises(UnfinishedRun, match="Run b of the same rows is stopped"):
        await bench.replay(Selection(group=group_of(EMPTY)), ANN)
    assert "ddddhd" == await states(database)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE runs SET account_id = NULL", "account of run a was removed"),
        ("UPDATE runs SET state = 'abandoned', reason = 'sent again'", "was given up"),
        ("UPDATE runs SET state = 'running', asked = 'cancel'", "being cancelled"),
        ("UPDATE runs SET kind = 'test'", "but a test"),
    ],
)
async def test_replay_of_a_run_that_cannot_go_on(bench: Workbench, database: Database, change: str, says: str):
    """A run that nobody can send keeps its dead letters, and says why."""
    await execute(database, change)
    with pytest.raises(WrongState, match=says):
        await bench.replay(Selection(run="a", number=3))
    assert "ddddhd" == await states(database)


async def test_two_at_once(bench: Workbench):
    """Of two who replay one row the second gets a conflict, and the row goes once."""
    wanted = Selection(run="a", number=1)
    done = await asyncio.gather(*(bench.replay(wanted, ANN) for _ in range(2)), return_exceptions=True)
    found = await find_delivery(bench.database, Place("a", 1))
    assert ({"Changed", "WrongState"}, 1) == ({type(each).__name__ for each in done}, len(found.decisions))


async def test_decided_meanwhile(bench: Workbench):
    """Whoever looked at the row before somebody else changed it gets a conflict."""
    await bench.edit(Selection(run="a", number=1), Edit(set={"first": "Eve"}))
    with pytest.raises(WrongState, match="decided on row 1 of run a meanwhile"):
        await bench.edit(Selection(run="a", number=1, decided=0), ANN)


async def test_discard(bench: Workbench):
    """Discarded rows are cancelled with who and why."""
    await bench.discard(Selection(group=group_of(EMPTY)), "test data")
    found = await find_delivery(bench.database, Place("a", 2))
    assert ("cancelled", "discarded by ann: test data", "discard") == (
        found.state,
        found.reason,
        found.decisions[0].kind,
    )


@pytest.mark.parametrize("reason", ["", "  "])
async def test_discard_without_a_reason(bench: Workbench, reason: str):
    """Giving up needs a reason."""
    with pytest.raises(PlanError, match="needs a reason"):
        await bench.discard(ALL, reason)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Selection(), "Say which rows"),
        (Selection(run="a"), "Say which rows"),
        (Selection(run="a", number=1, all=True), "Only one of the three"),
        (Selection(number=1), "Name the run"),
    ],
)
async def test_unclear_selection(bench: Workbench, wanted: Selection, says: str):
    """Nothing is changed by a selection that does not say which rows."""
    with pytest.raises(PlanError, match=says):
        await bench.replay(wanted)


@pytest.mark.parametrize(
    "wanted", [Selection(run="a", number=9), Selection(group="none"), Selection(run="z", all=True)]
)
async def test_nothing_selected(bench: Workbench, wanted: Selection):
    """A selection without rows is an error, not a success."""
    with pytest.raises(UnknownDelivery):
        await bench.discard(wanted, "why")


async def test_reach(bench: Workbench):
    """Rows of an account out of reach are as unknown as rows that never were."""
    other = Workbench(database=bench.database, who="eve", reach=frozenset({"2"}), now=lambda: NOW)
    for wanted in (ALL, Selection(run="a", number=1), Selection(group=group_of(EMPTY))):
        with pytest.raises(UnknownDelivery):
            await other.replay(wanted, ANN)


async def there(account: str, path: str) -> bool:
    """An Insightly that has contact 7 only."""
    return path == "/Contacts/7"


@pytest.mark.parametrize(
    ("decision", "state", "remote"),
    [
        (Decision(verdict="send_again"), "pending", None),
        (Decision(verdict="adopt", remote_id="7"), "delivered", "7"),
        (Decision(verdict="adopt", remote_id="8", unchecked=True), "delivered", "8"),
        (Decision(verdict="give_up", reason="gone"), "cancelled", None),
    ],
)
async def test_held(bench: Workbench, decision: Decision, state: str, remote: str | None):
    """A held row becomes what a person decides, and its history says so."""
    await bench.decide(Place("a", 5), decision, exists=there)
    found = await find_delivery(bench.database, Place("a", 5))
    assert (state, remote, decision.verdict) == (found.state, found.remote_id, found.decisions[0].kind)


@pytest.mark.parametrize(
    ("decision", "error", "says"),
    [
        (Decision(verdict="adopt", remote_id="8"), WrongState, "has no Contacts 8"),
        (Decision(verdict="adopt", remote_id="66", unchecked=True), WrongState, "is that of row 6"),
        (Decision(verdict="adopt"), PlanError, "is a number"),
        (Decision(verdict="adopt", remote_id="../Users"), PlanError, "is a number"),
        (Decision(verdict="give_up"), PlanError, "needs a reason"),
        (Decision(verdict="give_up", reason="x", remote_id="7"), PlanError, "goes with"),
    ],
)
async def test_held_refused(bench: Workbench, decision: Decision, error: type[Exception], says: str):
    """What cannot be decided leaves the row held."""
    with pytest.raises(error, match=says):
        await bench.decide(Place("a", 5), decision, exists=there)
    assert "held" == (await find_delivery(bench.database, Place("a", 5))).state


async def test_decision_on_a_dead_row(bench: Workbench):
    """Only held rows are decided on."""
    with pytest.raises(WrongState, match="is dead, not held"):
        await bench.decide(Place("a", 1), Decision(verdict="send_again"), exists=there)


async def test_many(bench: Workbench, database: Database):
    """A group of many chunks is changed to its last row, and every row keeps its own history."""
    many = [row(number, "dead", reason=EMPTY, cells=cells(first="", last="x")) for number in range(10, 1210)]
    async with database.begin() as connection:
        await connection.execute(deliveries.insert(), many)
    done = await bench.replay(Selection(group=group_of(EMPTY)), ANN)
    async with database.read() as connection:
        noted = await connection.scalar(text("SELECT count(*) FROM decisions"))
    left = [group.count for group in await group_dead(database, DeliveryFilter(run="a"))]
    assert (1202, 1202, [1, 1]) == (done.rows, noted, left)
