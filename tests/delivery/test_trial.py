"""Tests of a destination: one real call, journalled as such, and what it made deleted once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import SystemRandom

import msgspec
import pytest
from sqlalchemy import select, update

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.delivery.destinations import Destinations, Draft
from crosswalk.delivery.envelope import ResponseWebhook
from crosswalk.delivery.errors import PlanError, TrialRefused, WrongState
from crosswalk.delivery.run import count_states, find_run
from crosswalk.delivery.settings import Batches, Settings
from crosswalk.delivery.trial import Ask, Edited, Trials, hold_left
from crosswalk.outgoing.endpoints import Endpoints
from crosswalk.outgoing.sender import Sender
from crosswalk.store.database import Database
from crosswalk.store.outbox import outbox
from crosswalk.store.runs import runs
from fixtures.receiver import SEALS
from fixtures.served import Served

CREATE = Settings(template="create-contact", fields={"FIRST_NAME": "first"})
ROW = {"first": "Zoë"}
DAY = {"route": "Contacts", "method": "POST", "fault": "rate_limit", "day": True}


@pytest.fixture
async def trials(database: Database, insightly: Served, tmp_path: Path) -> Trials:
    """A draft named people on a sandbox of its own."""
    accounts = Accounts(
        database=database,
        vault=Vault((bytes(32),)),
        pace_folder=tmp_path / "pace",
        allow_hosts=(insightly.host,),
        timeout=1,
    )
    wanted = Wanted(name="acme", api_key=Secret(insightly.key), base_url=insightly.base_url)
    await accounts.add(wanted)
    destinations = Destinations(database=database, who="test")
    await destinations.create(Draft(name="people", account="acme", settings=CREATE))
    return Trials(
        database=database,
        accounts=accounts,
        destinations=destinations,
        now=lambda: datetime.now(UTC),
        rng=SystemRandom(),
        endpoints=Endpoints(database=database, sender=Sender(), seals=SEALS),
    )


async def kind_of(database: Database, run: str) -> tuple[str, str, int]:
    """Kind, state and calls of a run."""
    async with database.read() as connection:
        row = (await connection.execute(select(runs).where(runs.c.id == run))).one()
    return row.kind, row.state, row.calls


def names(insightly: Served) -> list[object]:
    """First names of all contacts."""
    return [name for (name,) in insightly.records("contacts", ("FIRST_NAME",))]


async def test_test_makes_one_record(trials: Trials, insightly: Served):
    """A test makes its call once, tells what came, and is a run of kind test with its row delivered."""
    made = await trials.send("people", Ask(rows=[ROW]))
    counts = await count_states(trials.database, made.run)
    assert ("delivered", 201, '{"FIRST_NAME":"Zoë"}', "***", 1) == (
        made.state,
        made.status,
        made.call.body,
        made.call.headers["Authorization"],
        names(insightly).count("Zoë"),
    )
    assert (("test", "finished", 1), {"delivered": 1}) == (
        await kind_of(trials.database, made.run),
        dict(counts.states),
    )
    assert {"content-type", "date"} <= set(made.headers)


async def test_undo_once(trials: Trials, insightly: Served):
    """What a test made is deleted: that record, and once."""
    before = sorted(map(str, names(insightly)))
    made = await trials.send("people", Ask(rows=[ROW]))
    gone = await trials.undo("people", made.run)
    assert ("delivered", before) == (gone.state, sorted(map(str, names(insightly))))
    with pytest.raises(TrialRefused, match="deleted already"):
        await trials.undo("people", made.run)


async def test_undo_can_be_tried_again(trials: Trials, insightly: Served):
    """A deletion that failed may be asked for again."""
    made = await trials.send("people", Ask(rows=[ROW]))
    insightly.faults({"method": "DELETE", "fault": "status", "status": 403})
    assert "delivered" != (await trials.undo("people", made.run)).state
    insightly.faults()
    assert "delivered" == (await trials.undo("people", made.run)).state


async def test_only_what_a_test_made(trials: Trials):
    """Neither a refused test, nor a deletion, nor a run of another kind or destination is undone."""
    refused = await trials.send("people", Ask(call=_edited(trials, body='{"LAST_NAME":"x"}')))
    made = await trials.send("people", Ask(rows=[ROW]))
    await trials.destinations.create(Draft(name="other", account="acme", settings=CREATE))
    with pytest.raises(TrialRefused, match="has no test"):
        await trials.undo("other", made.run)
    gone = await trials.undo("people", made.run)
    for run in (refused.run, gone.run):
        with pytest.raises(TrialRefused, match="made no record"):
            await trials.undo("people", run)
    async with trials.database.begin() as connection:
        await connection.execute(update(runs).where(runs.c.id == made.run).values(kind="send"))
    with pytest.raises(TrialRefused, match="has no test"):
        await trials.undo("people", made.run)


def _edited(trials: Trials, *, body: str | None = '{"FIRST_NAME":"Eve"}', path: str = "/Contacts", **more: object):
    (host,) = trials.accounts.allow_hosts
    return Edited(method="POST", url=f"http://{host}/v3.1{path}", body=body, **more)


async def test_edited_call(trials: Trials, insightly: Served):
    """A call edited in place goes out as it stands; Insightly's refusal is told in its own words."""
    done = await trials.send("people", Ask(call=_edited(trials)))
    bad = await trials.send("people", Ask(call=_edited(trials, body='{"LAST_NAME":"x"}')))
    assert ("delivered", 1, "dead", 400, True) == (
        done.state,
        names(insightly).count("Eve"),
        bad.state,
        bad.status,
        "FIRST_NAME" in bad.says,
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "https://api.eu1.insightly.com/v3.1/Contacts"}, "where the account is"),
        ({"url": "http://127.0.0.1:1/v3.1/Contacts"}, "Its key goes nowhere else"),
        ({"url": "http://user@127.0.0.1/v3.1/Contacts"}, "name or password"),
        ({"path": "/../v2.1/Contacts"}, "holds '.', '..'"),
        ({"path": "/Contacts/{record.id}/Notes"}, "holds a macro"),
        ({"headers": {"Authorization": "Basic x"}}, "sets Authorization itself"),
        ({"headers": {"X-A": "a\r\nb"}}, "no header may have"),
        ({"body": "{"}, "no JSON"),
    ],
)
async def test_edited_call_is_refused(trials: Trials, insightly: Served, change: dict[str, object], says: str):
    """An edit can neither leave the account, nor set what Crosswalk sets; nothing goes out."""
    call = _edited(trials, **{name: value for name, value in change.items() if name != "url"})
    if "url" in change:
        call = Edited(method="POST", url=str(change["url"]), body=call.body)
    before = insightly.calls("POST")
    with pytest.raises(PlanError, match=says):
        await trials.send("people", Ask(call=call))
    assert before == insightly.calls("POST")


async def test_unsaved_settings(trials: Trials, insightly: Served):
    """Settings are tested before they are saved."""
    other = Settings(template="create-contact", fields={"FIRST_NAME": "given"})
    made = await trials.send("people", Ask(rows=[{"given": "Gil"}], settings=other))
    assert ("delivered", 1, 1) == (
        made.state,
        names(insightly).count("Gil"),
        (await trials.destinations.find("people")).version,
    )


async def test_unknown_outcome_is_held(trials: Trials, insightly: Served):
    """A test that nobody knows the outcome of is held, says so, and is not sent again."""
    insightly.faults({"route": "Contacts", "method": "POST", "fault": "status", "status": 502, "commit": True})
    made = await trials.send("people", Ask(rows=[ROW]))
    run = await find_run(trials.database, made.run)
    assert run is not None
    assert ("held", True, None, "finished", 1) == (
        made.state,
        "Nobody knows" in made.says,
        made.undo,
        run.state,
        names(insightly).count("Zoë"),
    )


async def test_spent_day(trials: Trials, insightly: Served):
    """A test on a day without calls left is refused once, and leaves nothing pending."""
    insightly.faults(DAY)
    made = await trials.send("people", Ask(rows=[ROW]))
    counts = await count_states(trials.database, made.run)
    assert ("dead", True, {"dead": 1}) == (made.state, "used up" in made.says, dict(counts.states))


async def test_wrong_key(trials: Trials, insightly: Served):
    """A key that Insightly does not take is said in words."""
    insightly.faults({"route": "Contacts", "method": "POST", "fault": "status", "status": 401})
    made = await trials.send("people", Ask(rows=[ROW]))
    assert ("dead", 401) == (made.state, made.status)


async def test_row_that_becomes_no_call(trials: Trials, insightly: Served):
    """A row that would be a dead letter spends no call."""
    with pytest.raises(TrialRefused, match="FIRST_NAME is required"):
        await trials.send("people", Ask(rows=[{"first": ""}]))
    with pytest.raises(PlanError, match="no records to take as samples"):
        await trials.send("people", Ask())
    assert 0 == insightly.calls("POST")


async def test_batch(trials: Trials):
    """A batch is tested as the one call that it is; what it made is not deleted here."""
    (host,) = trials.accounts.allow_hosts
    batches = Settings(
        method="POST",
        url=f"http://{host}/v3.1/Contacts",
        fields={"FIRST_NAME": "first"},
        grouping=Batches(algorithm="json_array", size=2),
    )
    made = await trials.send("people", Ask(rows=[ROW, ROW, ROW], settings=batches))
    counts = await count_states(trials.database, made.run)
    assert ((1, 2), {"dead": 2}) == (made.call.rows, dict(counts.states))
    with pytest.raises(TrialRefused, match="batch"):
        await trials.undo("people", made.run)


async def test_account_removed(trials: Trials):
    """A test of a destination whose account is gone is refused."""
    await trials.accounts.remove("acme")
    with pytest.raises(WrongState, match="was removed"):
        await trials.send("people", Ask(rows=[ROW]))


async def test_process_died(trials: Trials, monkeypatch: pytest.MonkeyPatch):
    """A test whose process died at the call is held after a while, not pending for ever."""

    async def die(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(Trials, "_call", die)  # the process dies between intent and outcome
    with pytest.raises(BaseException):  # noqa: B017 (the group around it, or itself)
        await trials.send("people", Ask(rows=[ROW]))
    now = datetime.now(UTC)
    early, late = [await hold_left(trials.database, now=now + timedelta(minutes=wait)) for wait in (1, 16)]
    async with trials.database.read() as connection:
        states = list(await connection.scalars(select(runs.c.state)))
    assert (0, 1, ["finished"]) == (early, late, states)


async def test_response_webhook(trials: Trials):
    """The response webhook hears of a test too, and its envelope says that it is one."""
    settings = Settings(
        template="create-contact", fields={"FIRST_NAME": "first"}, response_webhook=ResponseWebhook(dataset="answers")
    )
    made = await trials.send("people", Ask(rows=[ROW], settings=settings))
    async with trials.database.read() as connection:
        body = (await connection.execute(select(outbox.c.body))).scalar_one()
    told = msgspec.json.decode(body)
    assert (True, made.run, "delivered", made.remote_id, 201) == (
        told["test"],
        told["run_id"],
        told["outcome"],
        told["remote_id"],
        told["response"]["status"],
    )
