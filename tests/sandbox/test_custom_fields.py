"""Custom fields: names, types, options, and how records show them."""

import json

import pytest

from crosswalk.sandbox.switches import Switches
from fixtures.caller import Caller

Values = dict[str, object]


def entries(values: Values) -> list[Values]:
    """Write values as a body does."""
    return [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in values.items()]


def shown(record: object) -> Values:
    """Read a record's custom fields, but for the number that each gets."""
    assert isinstance(record, dict)
    for entry in record["CUSTOMFIELDS"]:
        assert entry["CUSTOM_FIELD_ID"] == entry["FIELD_NAME"]
    return {e["FIELD_NAME"]: e["FIELD_VALUE"] for e in record["CUSTOMFIELDS"] if e["FIELD_NAME"] != "Serial__c"}


def number_of(record: object) -> object:
    """Read the number that each record gets."""
    assert isinstance(record, dict)
    return next(entry["FIELD_VALUE"] for entry in record["CUSTOMFIELDS"] if entry["FIELD_NAME"] == "Serial__c")


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("CROSSWALK_KEY__c", "k", "k"),
        ("crosswalk_key__C", 12, "12"),
        ("CONTACT_FIELD_1", "old", "old"),
        ("Remarks__c", "a\nb" * 500, "a\nb" * 500),
        ("Score__c", "3.2", 3.2),
        ("Score__c", 4601.0, 4601.0),
        ("Discount__c", 12, 12),
        ("Newsletter__c", "False", False),
        ("First_Met__c", "2020-02-02T10:00:00Z", "2020-02-02 00:00:00"),
        ("Last_Call__c", "2020-02-02 10:11:12", "2020-02-02 10:11:12"),
        ("Tier__c", "gold", "Gold"),
        ("Interests__c", "travel; Music;Travel", "Travel;Music"),
    ],
)
def test_typed(caller: Caller, name: str, sent: object, stored: object):
    """A value is taken as its field's type asks, under the field's own name."""
    record = caller.read("POST /Contacts", {"FIRST_NAME": "A", "CUSTOMFIELDS": entries({name: sent})})
    assert [stored] == list(shown(record).values())
    assert name.lower() == next(iter(shown(record))).lower()


@pytest.mark.parametrize(
    "body",
    [
        entries({"Nope__c": 1}),
        entries({"Score__c": "many"}),
        entries({"Discount__c": 101}),
        entries({"Newsletter__c": "perhaps"}),
        entries({"First_Met__c": "yesterday"}),
        entries({"Tier__c": "Platinum"}),
        entries({"Interests__c": "Music;Chess"}),
        entries({"Interests__c": ["Music"]}),
        entries({"CROSSWALK_KEY__c": "k" * 256}),
        [{"FIELD_VALUE": 1}],
        ["Score__c"],
        {"Score__c": 1},
    ],
)
def test_refused(caller: Caller, body: object):
    """An unknown name or a value that does not fit is a 400 that points at CUSTOMFIELDS."""
    answer = caller("POST /Contacts", {"FIRST_NAME": "A", "CUSTOMFIELDS": body})
    assert 400 == answer.status
    assert json.loads(answer.body)[0]["Name"].startswith("apiContact.CUSTOMFIELDS")


@pytest.mark.parametrize(
    ("effect", "left"),
    [("merging", {"Score__c": 2, "Tier__c": "Gold"}), ("replacing", {"Score__c": 2})],
)
def test_put_effect(caller: Caller, effect: str, left: Values):
    """A PUT merges by name, or replaces the set by switch; null clears; the number stays."""
    caller.switches = Switches(custom_fields_effect="replacing" if effect == "replacing" else "merging")
    held = {"Tier__c": "Gold", "Score__c": 1, "Hobby__c": "Chess"}
    made = caller.read("POST /Contacts", {"FIRST_NAME": "A", "CUSTOMFIELDS": entries(held)})
    assert isinstance(made, dict)
    body = {
        "CONTACT_ID": made["CONTACT_ID"],
        "CUSTOMFIELDS": entries({"Score__c": 2, "Hobby__c": None, "Serial__c": "9"}),
    }
    changed = caller.read("PUT /Contacts", body)
    assert left == shown(changed)
    assert number_of(made) == number_of(changed)


def test_listed_when_valued(caller: Caller):
    """A standard record lists fields with a value, a custom object's every field, null when empty (S3)."""
    record = caller.read("POST /Contacts", {"FIRST_NAME": "A"})
    assert {} == shown(record)
    fruit = caller.read("POST /{objectName}", {"RECORD_NAME": "Fig"})
    assert {"Color__c": None, "Weight__c": None} == shown(fruit)


def test_listed_all(caller: Caller):
    """With the switch, every record lists every field."""
    caller.switches = Switches(custom_fields_listed="all")
    record = caller.read("POST /Contacts", {"FIRST_NAME": "A"})
    names = {d.name for d in caller.instance.fields_of("contacts").definitions}
    assert names - {"Serial__c"} == set(shown(record))


@pytest.mark.parametrize("name", ["Contacts", "contact", "CONTACT", "Contact"])
def test_metadata_by_any_name(caller: Caller, name: str):
    """Singular, plural and case are the same; every type of field is there."""
    found = json.loads(caller("GET /CustomFields/{objectName}", objectName=name).body)
    assert {"CONTACT"} == {field["FIELD_FOR"] for field in found}
    types = {
        "TEXT",
        "MULTILINETEXT",
        "NUMERIC",
        "PERCENT",
        "BIT",
        "DATE",
        "DATETIME",
        "DROPDOWN",
        "MULTISELECT",
        "AUTONUMBER",
    }
    assert types == {field["FIELD_TYPE"] for field in found}
    assert [field["FIELD_NAME"] for field in found if not field["EDITABLE"]] == ["Serial__c"]


def test_metadata_elsewhere(caller: Caller):
    """A custom object has its own, an object without any has none, an unknown name gives all (S3)."""

    def names(of: str) -> list[str]:
        return [
            field["FIELD_NAME"] for field in json.loads(caller("GET /CustomFields/{objectName}", objectName=of).body)
        ]

    assert ["Weight__c", "Color__c"] == names("Fruit__c")
    assert [] == names("Users")
    assert {"Weight__c", "CONTACT_FIELD_1", "LEAD_FIELD_1"} <= set(names("Nonsense"))


@pytest.mark.parametrize("parameter", ["fieldName", "field_name"])
def test_metadata_search(caller: Caller, parameter: str):
    """One field is found by name under either parameter; an unknown one is a 404, none a 400."""
    path = "GET /CustomFields/{objectName}/Search"
    found = json.loads(caller(path, objectName="leads", **{parameter: "tier__C"}).body)
    assert ("Tier__c", "LEAD") == (found["FIELD_NAME"], found["FIELD_FOR"])
    assert 404 == caller(path, objectName="leads", **{parameter: "Nope__c"}).status
    assert 400 == caller(path, objectName="leads").status
