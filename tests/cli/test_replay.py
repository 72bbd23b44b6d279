"""Replaying with care: what was sent since is named, tests are no rows, and runs are listed by kind."""

import json
from pathlib import Path

import pytest

from fixtures.served import Served
from fixtures.shell import Shell


@pytest.fixture
def people(shell: Shell) -> Shell:
    """An active destination that updates contacts."""
    words = ("--account", "acme", "--template", "update-contact", "--id-field", "id", "--map", "FIRST_NAME=first")
    shell.done("destinations", "create", "people", *words)
    shell.done("destinations", "activate", "people")
    return shell


def send(shell: Shell, file: Path, *rows: dict[str, object]) -> dict[str, object]:
    """Send rows through it."""
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found: dict[str, object] = json.loads(shell("destinations", "run", "people", file, "--json").stdout)
    return found


def test_a_newer_row_is_named(people: Shell, insightly: Served, tmp_path: Path):
    """The preview of a replay names the row of the same record that was delivered since; before that it is silent."""
    ((contact, first), *_) = insightly.records("contacts", ("CONTACT_ID", "FIRST_NAME"))
    insightly.faults({"route": "Contacts", "method": "PUT", "fault": "status", "status": 400, "count": 1})
    old = send(people, tmp_path / "old.jsonl", {"id": contact, "first": "Old"})
    (before,) = people.done("dead-letters", "preview", "--all")
    new = send(people, tmp_path / "new.jsonl", {"id": contact, "first": "New"})
    (after,) = people.done("dead-letters", "preview", "--all")
    assert (1, 1, ()) == (old["dead"], new["delivered"], tuple(note for note in before["notes"] if "since" in note))
    (note,) = (note for note in after["notes"] if "since" in note)
    assert all(text in note for text in (f"Row 1 is older than what {contact}", f"row 1 of run {new['run']}"))
    assert [("New",)] == [row for row in insightly.records("contacts", ("FIRST_NAME",)) if row == ("New",)]
    assert first not in {"Old", "New"}


def test_a_test_is_not_replayed(people: Shell, insightly: Served):
    """A test that was refused is a dead letter to look at; sending it again is a new test, and it says so."""
    insightly.faults({"route": "Contacts", "method": "PUT", "fault": "status", "status": 400, "count": 1})
    people("destinations", "test", "people", "--rows", "-", given='{"id": 1, "first": "A"}')
    (run,) = people.done("runs", "list")
    before = insightly.calls("PUT")
    done = people("dead-letters", "replay", "--run", run["id"], "--row", "1")
    assert (2, True, before) == (done.exit_code, "but a test" in done.stderr, insightly.calls("PUT"))


def test_runs_by_kind(people: Shell, insightly: Served, tmp_path: Path):
    """A list of runs says of each whether it sent rows or was a test, and which destination was tried."""
    ((contact,), *_) = insightly.records("contacts", ("CONTACT_ID",))
    row = {"id": contact, "first": "A"}
    send(people, tmp_path / "people.jsonl", row)
    people("destinations", "test", "people", "--rows", "-", given=json.dumps(row))
    test, sent = people("runs", "list").stdout.splitlines()
    assert (True, True) == ("  test    finished" in test, "  send    finished" in sent)
    found = people.done("destinations", "show", "people")["id"]
    assert (True, True) == (f"a test of destination {found}" in test, "people.jsonl" in sent)


def test_a_spent_day_is_told(people: Shell, insightly: Served, tmp_path: Path):
    """A day that is spent in the middle of a command's run is told once, beside the run that stopped."""
    insightly.faults({"route": "Contacts", "method": "PUT", "fault": "rate_limit", "day": True})
    stopped = send(people, tmp_path / "people.jsonl", {"id": 7, "first": "A"})
    told = [each["kind"] for each in people.done("notices", "list")]
    assert (True, ["run.stopped", "budget.spent"]) == (bool(stopped["stopped"]), told)
