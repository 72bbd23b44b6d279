"""Every setting of the destination page that Crosswalk was asked to serve: as a command, and as what it sends."""

import json
from pathlib import Path

import pytest

from fixtures.served import Served
from fixtures.shell import Shell

ROW = {"id": 7, "first": "Ann", "deal": "Big one", "secret": "x"}
OWN = ("--map", "FIRST_NAME=first")

ROWS = {
    "Create Contact": (("--template", "create-contact", *OWN), "POST", "/Contacts", {"FIRST_NAME": "Ann"}),
    "Create Opportunity": (
        ("--template", "create-opportunity", "--map", "OPPORTUNITY_NAME=deal", "--set", "OPPORTUNITY_STATE=OPEN"),
        "POST",
        "/Opportunities",
        {"OPPORTUNITY_NAME": "Big one", "OPPORTUNITY_STATE": "OPEN"},
    ),
    "Update Contact": (
        ("--template", "update-contact", "--id-field", "id", *OWN),
        "PUT",
        "/Contacts",
        {"CONTACT_ID": 7, "FIRST_NAME": "Ann"},
    ),
    "Delete Contact": (("--template", "delete-contact", "--id-field", "id"), "DELETE", "/Contacts/7", None),
    "Update Opportunity": (
        ("--template", "update-opportunity", "--id-field", "id", "--map", "OPPORTUNITY_NAME=deal"),
        "PUT",
        "/Opportunities",
        {"OPPORTUNITY_ID": 7, "OPPORTUNITY_NAME": "Big one"},
    ),
    "Method POST": (("--method", "POST", "--url", "{base}/Contacts", *OWN), "POST", "/Contacts", {"FIRST_NAME": "Ann"}),
    "Method PUT": (
        ("--method", "PUT", "--url", "{base}/Contacts/{{record.id}}", *OWN),
        "PUT",
        "/Contacts",
        {"CONTACT_ID": 7, "FIRST_NAME": "Ann"},
    ),
    "Method PATCH": (
        ("--method", "PATCH", "--url", "{base}/Contacts/987654", *OWN),
        "PUT",
        "/Contacts",
        {"CONTACT_ID": 987654, "FIRST_NAME": "Ann"},
    ),
    "Method DELETE": (
        ("--method", "DELETE", "--url", "{base}/Contacts/{{record.id}}"),
        "DELETE",
        "/Contacts/7",
        None,
    ),
    "API endpoint URL": (
        ("--method", "POST", "--url", "{base}/Organisations", "--map", "ORGANISATION_NAME=deal"),
        "POST",
        "/Organisations",
        {"ORGANISATION_NAME": "Big one"},
    ),
    "Request headers": (
        ("--method", "POST", "--url", "{base}/Contacts", "--header", "X-A:1,X-B:two", *OWN),
        "POST",
        "/Contacts",
        {"FIRST_NAME": "Ann"},
    ),
    "Record batching": (
        ("--method", "POST", "--url", "{base}/Contacts/Bulk", "--grouping", "property_in_object", "--batch-size", "100",
         "--grouping-option", "property=records", *OWN),
        "POST",
        "/Contacts/Bulk",
        {"records": [{"FIRST_NAME": "Ann"}]},
    ),
    "Response webhook": (
        ("--template", "create-contact", "--response-webhook", "answers", *OWN),
        "POST",
        "/Contacts",
        {"FIRST_NAME": "Ann"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_what_is_sent(shell: Shell, insightly: Served, name: str):
    """Each setting is an option, and its sample payload is the exact call; nothing is called for it."""
    words, method, path, body = ROWS[name]
    words = tuple(word.format(base=insightly.base_url) if "{base}" in word else word for word in words)
    shell.done("destinations", "create", "people", "--account", "acme", *words)
    (call,) = shell.done("destinations", "preview", "people", "--rows", "-", given=json.dumps(ROW))["calls"]
    sent = None if call["body"] is None else json.loads(call["body"])
    assert (method, f"{insightly.base_url}{path}", body) == (call["method"], call["url"], sent)
    assert ("***", 0) == (call["headers"]["Authorization"], insightly.calls(method))
    if name == "Request headers":
        assert ("1", "two") == (call["headers"]["X-A"], call["headers"]["X-B"])


def test_exclude_attributes(shell: Shell):
    """Excluded attributes stay out of the call; without a mapping all others go under their own names."""
    words = ("--template", "create-contact", "--exclude", "secret")
    shell.done("destinations", "create", "people", "--account", "acme", *words)
    row = json.dumps({"FIRST_NAME": "Ann", "secret": "x"})
    (call,) = shell.done("destinations", "preview", "people", "--rows", "-", given=row)["calls"]
    assert {"FIRST_NAME": "Ann"} == json.loads(call["body"])


def test_test_and_activate(shell: Shell, insightly: Served, tmp_path: Path):
    """A test is one real call of an edited payload; rows go only once it is activated; answers are a dataset."""
    words = ("--template", "create-contact", "--response-webhook", "answers", *OWN)
    shell.done("destinations", "create", "people", "--account", "acme", *words)
    edited = {"method": "POST", "url": f"{insightly.base_url}/Contacts", "body": '{"FIRST_NAME":"Edited"}'}
    made = shell.done("destinations", "test", "people", "--call", "-", given=json.dumps(edited))
    file = tmp_path / "people.jsonl"
    file.write_text(f"{json.dumps(ROW)}\n")
    draft = shell("destinations", "run", "people", file)
    shell.done("destinations", "activate", "people")
    done = shell.done("destinations", "run", "people", file)
    assert ("delivered", 2, 1, 2) == (made["state"], draft.exit_code, done["delivered"], insightly.calls("POST"))
    assert 2 == shell.done("datasets", "show", "answers")["last"]
