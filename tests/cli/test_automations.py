"""`crosswalk automations`."""

import json

import pytest


@pytest.fixture
def deal(shell):
    """A deal that is won."""
    body = ("OPPORTUNITY_NAME=Roll-out", "OPPORTUNITY_STATE=WON")
    made = shell("create", "Opportunities", *body, "--account", "acme")
    assert made.exit_code == 0, made.output
    return str(json.loads(made.stdout)["OPPORTUNITY_ID"])


def test_the_whole_way(shell, deal, tmp_path):
    """Made, rehearsed, fired once, shown, undone, paused, changed, removed; the audit log tells of each change."""
    settings = tmp_path / "kickoff.json"
    settings.write_text(json.dumps({"tasks": [{"title": "Call {name}"}]}))
    made = shell.done(
        "automations", "create", "handoff", "--kind", "kickoff", "--account", "acme", "--settings", settings
    )
    given = json.dumps({"opportunity": deal})
    rehearsed = shell.done("automations", "dry-run", "handoff", "--input", "-", given=given)
    fired = shell.done("automations", "fire", "handoff", "--input", "-", given=given)
    assert [step["name"] for step in rehearsed["steps"]] == [step["name"] for step in fired["steps"]] != []
    again = shell.done("automations", "fire", "handoff", "--input", "-", given=given)
    assert (fired["id"], "done") == (again["id"], again["state"])
    assert [fired["id"]] == [each["id"] for each in shell.done("automations", "firings", "handoff")]
    assert "POST /Tasks" in shell("automations", "firing", "handoff", fired["id"]).output
    project = fired["result"]["made"]["project"]
    assert "undone" == shell.done("automations", "undo", "handoff", fired["id"])["state"]
    assert 0 != shell("get", "Projects", project, "--account", "acme").exit_code
    assert "paused" == shell.done("automations", "pause", "handoff")["state"]
    assert "active" == shell.done("automations", "resume", "handoff")["state"]
    changed = shell.done(
        "automations", "change", "handoff", "--settings", "-", given='{"name": "P {name}", "tasks": null}'
    )
    assert {"name": "P {name}"} == changed["settings"]
    assert made["id"] == shell.done("automations", "remove", "handoff")["id"]
    lines = {line["action"] for line in shell.done("audit", "list")}
    assert {"automation.create", "automation.fire", "automation.undo", "automation.remove"} <= lines


def test_refused(shell, deal):
    """What cannot be is status 2 with the reason; a firing that fails is status 1, and replayed once it can go well."""
    words = ("automations", "create", "handoff", "--kind", "kickoff", "--account", "acme", "--settings", "-")
    wrong = shell(*words, given='{"colour": 1}')
    assert (2, True) == (wrong.exit_code, "colour" in wrong.output)
    shell.done(*words, given='{"category": "No such category"}')
    given = json.dumps({"opportunity": deal})
    failed = shell("automations", "fire", "handoff", "--input", "-", "--json", given=given)
    assert (1, "failed") == (failed.exit_code, json.loads(failed.stdout)["state"])
    shell.done("automations", "change", "handoff", "--settings", "-", given='{"category": null}')
    firing = json.loads(failed.stdout)["id"]
    assert "done" == shell.done("automations", "replay", "handoff", firing)["state"]
    assert 2 == shell("automations", "show", "none").exit_code
