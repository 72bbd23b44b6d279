"""Custom fields and names of an account: asked for where that is wanted, stated, and counted."""

import json
from pathlib import Path

import pytest

from fixtures.served import Served
from fixtures.shell import Shell

CREATE = ("create", "people", "--account", "acme", "--template", "create-contact", "--map", "FIRST_NAME=first")
ROW = json.dumps({"first": "Ann", "tier": "Gold", "owner": "avery.okafor@example.com"})


@pytest.fixture
def mapped(tmp_path: Path) -> Path:
    """Settings with a custom field and a name to look up."""
    file = tmp_path / "settings.json"
    fields = {"FIRST_NAME": "first", "Tier__c": "tier"}
    owner = {"OWNER_USER_ID": {"column": "owner", "lookup": {"table": "users"}}}
    file.write_text(json.dumps({"template": "create-contact", "fields": fields, "mapping": owner}))
    return file


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """One row for these settings."""
    file = tmp_path / "people.jsonl"
    file.write_text(f"{ROW}\n")
    return file


def test_saving_asks_where_it_must(shell: Shell, insightly: Served):
    """Saving asks for custom fields in one call that it states, and only where the settings name one."""
    plain = shell("destinations", *CREATE)
    before = insightly.calls("GET")
    named = shell("destinations", "change", "people", *CREATE[4:], "--map", "Tier__c=tier")
    assert (0, 0, 0, 1) == (plain.exit_code, named.exit_code, before, insightly.calls("GET"))
    assert "One call asked the account for the custom fields of Contacts" in named.stderr


def test_an_unknown_custom_field(shell: Shell):
    """A custom field that the account lacks is refused when it is saved, with the near one named."""
    done = shell("destinations", *CREATE, "--map", "Teir__c=tier")
    assert (2, True, []) == (done.exit_code, "Tier__c" in done.stderr, shell.done("destinations", "list"))


def test_a_silent_account(shell: Shell, insightly: Served):
    """Where the account gives no answer it is saved unasked, and says so: sending asks again."""
    insightly.faults({"route": "CustomFields/*", "fault": "status", "status": 403})
    done = shell("destinations", *CREATE, "--map", "Teir__c=tier")
    assert (0, True) == (done.exit_code, "was not asked for its custom fields" in done.stderr)


def test_a_preview_calls_nothing(shell: Shell, insightly: Served, mapped: Path):
    """A preview makes no call, and says what sending would ask; asked to, it shows ids in place of names."""
    shell("destinations", *CREATE)
    words = ("destinations", "preview", "people", "--rows", "-", "--settings", mapped)
    shown = shell.done(*words, given=ROW)
    calls = insightly.calls("GET")
    asked = shell.done(*words, "--ask-account", given=ROW)
    assert (0, True, 2) == (calls, any("users" in note for note in shown["notes"]), insightly.calls("GET"))
    assert ("users: avery.okafor@example.com", 1000001) == tuple(
        json.loads(each["calls"][0]["body"])["OWNER_USER_ID"] for each in (shown, asked)
    )


def test_a_test_knows_the_account(shell: Shell, insightly: Served, mapped: Path):
    """A test sends ids and checks custom fields as a run does, and counts the calls of that."""
    shell("destinations", *CREATE)
    made = shell.done("destinations", "test", "people", "--rows", "-", "--settings", mapped, given=ROW)
    assert ("delivered", 1000001) == (made["state"], json.loads(made["call"]["body"])["OWNER_USER_ID"])
    (run,) = shell.done("runs", "list")
    assert (3, 2, 1) == (run["calls"], insightly.calls("GET"), insightly.calls("POST"))
    bad = shell(
        "destinations", "test", "people", "--rows", "-", "--settings", mapped, given=ROW.replace("Gold", "Golden")
    )
    assert (2, True, 1) == (bad.exit_code, "Tier__c" in bad.stderr, insightly.calls("POST"))


def test_a_test_leaves_filled_fields_alone(shell: Shell, insightly: Served, tmp_path: Path):
    """A field that goes only into an empty one is left out of a test whose record has it."""
    ((contact, first),) = insightly.records("contacts", ("CONTACT_ID", "FIRST_NAME"))[:1]
    rules = {
        "FIRST_NAME": {"column": "first", "write": "only_if_empty"},
        "PHONE_OTHER": {"constant": "+1 555 0100"},
    }
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"template": "update-contact", "id_column": "id", "mapping": rules}))
    shell("destinations", "create", "people", "--account", "acme", "--settings", settings)
    row = json.dumps({"id": contact, "first": "Somebody"})
    made = shell.done("destinations", "test", "people", "--rows", "-", given=row)
    assert ({"CONTACT_ID": contact, "PHONE_OTHER": "+1 555 0100"}, first) == (
        json.loads(made["call"]["body"]),
        insightly.records("contacts", ("FIRST_NAME",))[0][0],
    )


def test_a_run_counts_what_it_asks(shell: Shell, insightly: Served, mapped: Path, people: Path):
    """The calls of a run are all that were made for it, and the forecast has them too."""
    shell.done("destinations", "create", "people", "--account", "acme", "--settings", mapped)
    shell.done("destinations", "activate", "people")
    insightly.control("DELETE", "log")
    forecast = shell.done("destinations", "forecast", "people", "--rows", "1")
    done = shell.done("destinations", "run", "people", people)
    made = insightly.calls("GET") + insightly.calls("POST")
    assert (3, 3, 3) == (forecast["calls"], done["calls"], made)


def test_send_counts_what_it_asks(shell: Shell, insightly: Served, people: Path):
    """So are those of a file that is sent without a destination."""
    words = ("--account", "acme", "--template", "create-contact", "--map", "FIRST_NAME=first", "--map", "Tier__c=tier")
    done = shell.done("send", people, *words)
    assert (2, 2) == (done["calls"], insightly.calls("GET") + insightly.calls("POST"))


def test_only_if_empty_costs_two(shell: Shell, insightly: Served, tmp_path: Path):
    """A row whose record is read first is forecast as two calls, and the preview says so."""
    rule = {"FIRST_NAME": {"column": "first", "write": "only_if_empty"}}
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"template": "update-contact", "id_column": "id", "mapping": rule}))
    shell("destinations", "create", "people", "--account", "acme", "--settings", settings)
    shown = shell.done("destinations", "preview", "people", "--rows", "-", given='{"id": 7, "first": "A"}')
    forecast = shell.done("destinations", "forecast", "people", "--rows", "10")
    assert (20, True) == (forecast["calls"], any("two calls a row" in note for note in shown["notes"]))
