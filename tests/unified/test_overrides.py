"""Overrides: a field is made of something else, and everybody can see why."""

from pathlib import Path

import msgspec
import pytest

from crosswalk.delivery.expression import compile_expression
from crosswalk.delivery.jsonata import find_library
from crosswalk.insightly.custom_fields import CustomField, FieldTypes
from crosswalk.unified.errors import Refused
from crosswalk.unified.known import Known
from crosswalk.unified.mapping import needs_write, plan_create, plan_update, to_unified
from crosswalk.unified.nouns import CRM
from crosswalk.unified.overrides import Override, check_overrides, explain, overlay, preview, trace

ACCOUNTS = CRM["accounts"]
check = find_library().check
SECTOR = CustomField(field_name="Sector__c", field_type="TEXT", field_for="ORGANISATION")
STAFF = CustomField(field_name="Staff__c", field_type="NUMERIC", field_for="ORGANISATION")
CUSTOM = FieldTypes({"Sector__c": SECTOR, "Staff__c": STAFF})
KNOWN = Known(custom=CUSTOM)
WIRE = {
    "ORGANISATION_ID": 7,
    "ORGANISATION_NAME": "Acme",
    "BACKGROUND": "made of tin",
    "CUSTOMFIELDS": [
        {"FIELD_NAME": "Sector__c", "FIELD_VALUE": "Mining"},
        {"FIELD_NAME": "Staff__c", "FIELD_VALUE": "12.0"},
    ],
}


def upper(expression, context):
    """Stand in for JSONata: the expression names what is written large."""
    if expression == "fails":
        raise ValueError("no such thing")
    return str(context[expression]).upper()


def over(**overrides):
    """The accounts with overrides of the account's layer."""
    return overlay(ACCOUNTS, {"account": overrides}, upper)


def test_a_custom_field_under_a_unified_name():
    """A field that Insightly lacks lives in a custom field: read by its type, and written into it."""
    noun = over(industry=Override(custom_field="Sector__c"), number_of_employees=Override(custom_field="Staff__c"))
    record = to_unified(noun, WIRE, KNOWN)
    assert ("Mining", 12) == (record["industry"], record["number_of_employees"])
    body = {"name": "Acme", "industry": "Steel", "custom_fields": {"Staff__c": 3}}
    assert [{"FIELD_NAME": "Sector__c", "FIELD_VALUE": "Steel"}, {"FIELD_NAME": "Staff__c", "FIELD_VALUE": 3}] == (
        plan_create(noun, body, KNOWN).steps[0].body["CUSTOMFIELDS"]
    )
    assert {"custom_fields"} == needs_write(noun, {"industry": "Steel"}, creates=True)


def test_a_custom_field_keeps_its_type():
    """What a mapped custom field cannot hold is refused at the unified field."""
    noun = over(number_of_employees=Override(custom_field="Staff__c"))
    with pytest.raises(Refused) as refused:
        plan_update(noun, "7", {"number_of_employees": "many"}, KNOWN)
    assert [("/number_of_employees", "number_of_employees", "Staff__c")] == [
        (fault.pointer, fault.field, fault.native_field) for fault in refused.value.faults
    ]


def test_another_field_of_insightly():
    """A field made of another of Insightly's is read and written there."""
    noun = over(summary=Override(field="BACKGROUND"))
    assert "made of tin" == to_unified(noun, WIRE)["summary"]
    assert {"ORGANISATION_ID": 7, "BACKGROUND": "x"} == plan_update(noun, "7", {"summary": "x"}).steps[0].body


@pytest.mark.parametrize("override", [Override(constant="insightly"), Override(expression="BACKGROUND")])
def test_what_is_made_is_not_written(override):
    """A constant, and an expression without a way back, are read only."""
    with pytest.raises(Refused) as refused:
        plan_update(over(origin=override), "7", {"origin": "x"})
    assert ["read_only"] == [fault.code for fault in refused.value.faults]


def test_an_expression_both_ways():
    """An expression reads the record; with a way back it is written into a field of Insightly's."""
    noun = over(summary=Override(expression="BACKGROUND", into="BACKGROUND", back="value"))
    assert "MADE OF TIN" == to_unified(noun, WIRE)["summary"]
    assert "TIN" == plan_update(noun, "7", {"summary": "tin"}).steps[0].body["BACKGROUND"]


def test_an_expression_sees_custom_fields_by_name():
    """The context of an expression has custom fields as an object beside Insightly's list."""
    seen = []
    noun = overlay(ACCOUNTS, {"base": {"x": Override(expression="e")}}, lambda _, context: seen.append(context))
    to_unified(noun, WIRE, KNOWN)
    assert [{"Sector__c": "Mining", "Staff__c": 12}] == [context["custom_fields"] for context in seen]


def test_an_expression_that_fails_says_nothing():
    """A record is shown whole where one expression fails on it."""
    record = to_unified(over(summary=Override(expression="fails")), WIRE)
    assert (None, "Acme") == (record["summary"], record["name"])


def test_a_hidden_field_is_no_field():
    """What is hidden is neither shown nor taken."""
    noun = over(website=Override(hidden=True))
    assert "website" not in to_unified(noun, WIRE)
    with pytest.raises(Refused):
        plan_update(noun, "7", {"website": "x"})


def test_the_narrowest_layer_wins():
    """The account's word goes over the environment's, that over the base's; each field by itself."""
    layers = {
        "base": {"website": Override(hidden=True), "industry": Override(constant="a")},
        "environment": {"industry": Override(constant="b"), "origin": Override(constant="c")},
        "account": {"industry": Override(custom_field="Sector__c"), "website": Override(standard=True)},
    }
    record = to_unified(overlay(ACCOUNTS, layers, upper), WIRE, KNOWN)
    assert ("Mining", None, "c") == (record["industry"], record["website"], record["origin"])
    told = explain(ACCOUNTS, "industry", layers)
    assert ("account", "custom_field", ("Sector__c",), ("standard", "base", "environment")) == (
        told.layer,
        told.source,
        told.natives,
        told.beneath,
    )
    assert ("account", "standard", ("standard", "base")) == (
        (again := explain(ACCOUNTS, "website", layers)).layer,
        again.source,
        again.beneath,
    )
    assert ("standard", ("ORGANISATION_NAME",), ()) == (
        (name := explain(ACCOUNTS, "name", layers)).layer,
        name.natives,
        name.beneath,
    )


def test_a_hidden_field_is_explained():
    """Who hides a field can be asked."""
    told = explain(ACCOUNTS, "website", {"environment": {"website": Override(hidden=True)}})
    assert ("environment", "hidden", False) == (told.layer, told.source, told.writes)


def test_no_field_to_explain():
    """A field that nobody has is refused, with near names."""
    with pytest.raises(Refused) as refused:
        explain(ACCOUNTS, "websit", {})
    assert ("website",) == refused.value.faults[0].near


def test_a_record_is_traced():
    """Each value of a record is told with its layer and what Insightly has there."""
    layers = {"base": {"summary": Override(field="BACKGROUND")}}
    traced = {each.explanation.field: each for each in trace(ACCOUNTS, layers, WIRE, KNOWN, upper)}
    assert ("base", "made of tin", {"BACKGROUND": "made of tin"}) == (
        traced["summary"].explanation.layer,
        traced["summary"].value,
        traced["summary"].remote,
    )
    assert set(to_unified(ACCOUNTS, WIRE)) | {"summary"} == set(traced)


def test_a_preview_tells_what_changes():
    """A preview lists the values that would be others, and no more."""
    after = over(
        industry=Override(custom_field="Sector__c"), website=Override(hidden=True), name=Override(standard=True)
    )
    assert [("7", "industry", None, "Mining")] == [
        (each.id, each.field, each.before, each.after) for each in preview(ACCOUNTS, after, [WIRE], KNOWN)
    ]


@pytest.mark.parametrize(
    ("name", "override", "code"),
    [
        ("industry", Override(), "wrong_type"),
        ("industry", Override(constant=1, hidden=True), "wrong_type"),
        ("industry", Override(field="BACKGROUNDS"), "unknown_field"),
        ("industry", Override(field="LINKS"), "wrong_type"),
        ("industry", Override(custom_field="Sektor__c"), "unknown_field"),
        ("industry", Override(expression="("), "wrong_type"),
        ("industry", Override(expression="x", into="BACKGROUND"), "wrong_type"),
        ("industry", Override(expression="x", back="x"), "wrong_type"),
        ("industry", Override(expression="x", into="Nope__c", back="x"), "unknown_field"),
        ("industry", Override(constant=1, into="BACKGROUND"), "wrong_type"),
        ("Industry", Override(constant=1), "unknown_field"),
        ("industri", Override(hidden=True), "unknown_field"),
        ("id", Override(constant=1), "read_only"),
        ("name", Override(hidden=True), "required"),
        ("name", Override(field="BACKGROUND"), "required"),
    ],
)
def test_what_cannot_be_is_refused(name, override, code):
    """An override that could not work is refused when it is saved, with where it stands."""
    with pytest.raises(Refused) as refused:
        check_overrides(ACCOUNTS, {name: override}, CUSTOM, check)
    assert [(f"/{name}", code)] == [(fault.pointer, fault.code) for fault in refused.value.faults]


def test_what_can_be_passes():
    """Each kind of override that can work passes, and comes back from JSON as it was."""
    overrides = {
        "industry": Override(custom_field="Sector__c"),
        "summary": Override(field="BACKGROUND"),
        "origin": Override(constant=None),
        "shout": Override(expression="x", into="Sector__c", back="x"),
        "website": Override(hidden=True),
        "urls": Override(standard=True),
    }
    check_overrides(ACCOUNTS, overrides, CUSTOM, str)
    assert overrides == msgspec.json.decode(msgspec.json.encode(overrides), type=dict[str, Override])


def jsonata(expression, context):
    """The evaluator that the API hands in."""
    return compile_expression(expression, "an override").evaluate(context)


def test_the_documents_overrides_work():
    """The overrides of docs/unified-model.md can be saved, and do what it says, by the real evaluator."""
    page = (Path(__file__).parent.parent.parent / "docs" / "unified-model.md").read_text()
    overrides = msgspec.json.decode(page.partition("```json\n")[2].partition("```")[0], type=dict[str, Override])
    check_overrides(ACCOUNTS, overrides, CUSTOM, check)
    noun = overlay(ACCOUNTS, {"account": overrides}, jsonata)
    record = to_unified(noun, WIRE, KNOWN)
    assert ("Mining", "made of tin", "insightly", "ACME", 120, False) == (
        record["industry"],
        record["summary"],
        record["origin"],
        record["shout"],
        record["staff"],
        "website" in record,
    )
    assert [{"FIELD_NAME": "Staff__c", "FIELD_VALUE": 7}] == (
        plan_update(noun, "7", {"staff": 70}, KNOWN).steps[0].body["CUSTOMFIELDS"]
    )


def test_a_wrong_expression_is_refused():
    """An expression that is none is refused where it stands, in the library's words."""
    wrong = {"shout": Override(expression="$uppercase(")}
    with pytest.raises(Refused, match="shout: the expression cannot be read") as refused:
        check_overrides(ACCOUNTS, wrong, CUSTOM, check)
    assert ["/shout"] == [fault.pointer for fault in refused.value.faults]


def test_a_long_expression_is_refused():
    """An expression has a length that can be read."""
    with pytest.raises(Refused) as refused:
        check_overrides(ACCOUNTS, {"shout": Override(expression="1" * 4001)}, CUSTOM, check)
    assert [("/shout", "too_long")] == [(fault.pointer, fault.code) for fault in refused.value.faults]
