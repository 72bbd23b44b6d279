"""`crosswalk dead-letters`, `deliveries` and `runs` as a script sees them, from the bad row to the record."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from crosswalk.app import open_hub
from crosswalk.cli import main
from crosswalk.config import settings
from crosswalk.delivery.edit import Edit
from crosswalk.delivery.steering import list_asked
from crosswalk.delivery.workbench import Selection, Workbench

FIELDS = ("FIRST_NAME", "LAST_NAME")
MAP = ("--map", "FIRST_NAME=first", "--map", "LAST_NAME=last")


@pytest.fixture
def environ(tmp_path: Path, insightly):
    """The environment of the commands."""
    return {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_DATABASE_URL": "",
        "CROSSWALK_MASTER_KEY": "",
        "CROSSWALK_REQUEST_TIMEOUT": "2",
        "CROSSWALK_SETTLE_AFTER": "3",
    }


@pytest.fixture
def crosswalk(environ, insightly):
    """Runs a command; the account `demo`, without a limit, is linked."""

    def run(*words, status=0):
        done = CliRunner().invoke(main, [*map(str, words)], env=environ)
        assert status == done.exit_code, done.output + repr(done.exception)
        return json.loads(done.stdout) if "--json" in words else done.output

    run("accounts", "add", "demo", "--api-key", insightly.key, "--base-url", insightly.base_url, "--rate", "off")
    return run


@pytest.fixture
def sent(crosswalk, tmp_path):
    """A run of one good row, two without a first name and one that cannot be read; its file is gone."""
    file = tmp_path / "people.csv"
    file.write_text("first,last\nAnn,One\n,Two\n,Three\nbad\n")
    done = crosswalk("send", file, "--account", "demo", "--template", "create-contact", *MAP, "--json", status=1)
    file.unlink()
    return done["run"]


@pytest.fixture
def names(insightly):
    """The contacts that came in after the seed's."""
    before = len(insightly.records("contacts", FIELDS))
    return lambda: sorted(insightly.records("contacts", FIELDS)[before:])


def test_group_is_put_right(names, crosswalk, sent):
    """A group is previewed, edited and sent at once, each row once; the file is not needed."""
    group = crosswalk("dead-letters", "groups", "--json")[0]["id"]
    shown = crosswalk("dead-letters", "preview", "--group", group, "--set", "first=Bo", "--json")
    done = crosswalk("dead-letters", "replay", "--group", group, "--set", "first=Bo", "--json", status=1)
    assert ([2, 3], 2) == ([row for call in shown[0]["calls"] for row in call["rows"]], done["rows"])
    assert [("Ann", "One"), ("Bo", "Three"), ("Bo", "Two")] == names()


def test_biography(crosswalk, sent):
    """A row's story has what was read, what was sent and received, and who decided what."""
    crosswalk("dead-letters", "replay", "--run", sent, "--row", 2, "--set", "first=Bo", status=1)
    found = crosswalk("deliveries", "show", sent, 2, "--json")
    (attempt,), (decision,) = found["biography"], found["decisions"]
    assert ({"first": "", "last": "Two"}, {"first": "Bo", "last": "Two"}) == (found["row"], found["edited"]["cells"])
    assert {"FIRST_NAME": "Bo", "LAST_NAME": "Two"} == json.loads(attempt["body"])
    assert ("replay", {"set": {"first": "Bo"}}) == (decision["kind"], decision["change"])
    assert found["remote_id"] in attempt["response"]


def test_replay_for_later(names, crosswalk, sent):
    """With --later nothing is called before somebody sends what is queued."""
    crosswalk("dead-letters", "replay", "--run", sent, "--row", 2, "--set", "first=Bo", "--later")
    before = names()
    crosswalk("runs", "cancel", sent, "--reason", "not now")
    found = crosswalk("deliveries", "list", "--run", sent, "--state", "cancelled", "--json")
    assert ([("Ann", "One")], [2]) == (before, [each["number"] for each in found])


def test_discard(crosswalk, sent):
    """What is given up counts no more among the dead."""
    crosswalk("dead-letters", "discard", "--all", "--reason", "test data")
    assert {"cancelled": 3, "delivered": 1} == crosswalk("runs", "show", sent, "--json")["counts"]


@pytest.mark.parametrize(
    "words",
    [
        ("dead-letters", "replay"),
        ("dead-letters", "replay", "--row", "1"),
        ("dead-letters", "replay", "--all", "--set", "nonsense"),
        ("dead-letters", "discard", "--all"),
        ("dead-letters", "decide", "x", "1"),
        ("dead-letters", "list", "--account", "nobody"),
        ("deliveries", "show", "x", "1"),
        ("runs", "pause", "x"),
        ("runs", "prune", "--older-than", "soon"),
    ],
)
def test_wrong_use(crosswalk, words):
    """What cannot be is status 2, in one line that says why."""
    assert "Error: " in crosswalk(*words, status=2)


def test_prune(crosswalk, sent):
    """Settled rows lose what they said, dead ones nothing, and no count changes."""
    before = crosswalk("runs", "show", sent, "--json")["counts"]
    done = crosswalk("runs", "prune", "--older-than", "0d", "--json")
    rows = [crosswalk("deliveries", "show", sent, number, "--json")["row"] for number in (1, 2)]
    assert ({"runs": 1, "rows": 1}, [None, {"first": "", "last": "Two"}]) == (done, rows)
    assert before == crosswalk("runs", "show", sent, "--json")["counts"]


def test_replay_while_the_run_goes_on(names, crosswalk, environ, insightly, tmp_path):
    """Rows that are replayed while their run is sent go with it, and every row goes once."""
    insightly.faults({"route": "Contacts", "method": "POST", "fault": "latency", "ms": 20})
    file = tmp_path / "many.csv"
    file.write_text("first,last\n,Dead\n" + "".join(f"P{number},Q\n" for number in range(400)))

    async def work() -> None:
        from crosswalk.cli.order import Load, send_order
        from crosswalk.delivery.plan import Plan
        from crosswalk.delivery.template import find_template

        plan = Plan(call=find_template("create-contact"), fields=(("FIRST_NAME", "first"), ("LAST_NAME", "last")))
        async with open_hub(settings(environ)) as hub:
            sending = asyncio.create_task(send_order(hub, Load(file), "demo", plan, mode="new"))
            bench = Workbench(database=hub.database, who="ann")
            while not insightly.calls("POST"):  # noqa: ASYNC110 (only the sandbox knows when the run is under way)
                await asyncio.sleep(0.01)
            await bench.replay(Selection(all=True), Edit(set={"first": "Ann"}))
            summary = await sending
            assert (401, 401, []) == (summary.counts.read, summary.counts["delivered"], await list_asked(hub.database))

    asyncio.run(work())
    assert (401, 401) == (len(names()), len(set(names())))
