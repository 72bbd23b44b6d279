"""Custom fields: typed both ways, and choices that go with other choices."""

import pytest

from crosswalk.insightly.custom_fields import (
    CustomField,
    CustomFieldDependency,
    CustomFieldOption,
    CustomFieldOptionsFilter,
    FieldTypes,
)
from crosswalk.unified.errors import Refused
from crosswalk.unified.known import Known
from crosswalk.unified.mapping import plan_create, plan_update, to_unified
from crosswalk.unified.nouns import CRM

CONTACTS = CRM["contacts"]


def options(*names):
    """Options numbered from 1."""
    return tuple(CustomFieldOption(option_id=at, option_value=name) for at, name in enumerate(names, start=1))


def ruled(*pairs):
    """A dependency on the country: its value, and the ids of the options that go with it."""
    filters = tuple(CustomFieldOptionsFilter(controlling_value=value, option_ids=ids) for value, ids in pairs)
    return CustomFieldDependency(controlling_field_id="Country__c", options_filters=filters)


CITIES = ruled(("Chile", (1, 2)), ("Kenya", (3,)))
KNOWN = Known(
    custom=FieldTypes(
        {
            "Country__c": CustomField(
                field_name="Country__c", field_type="DROPDOWN", custom_field_options=options("Chile", "Kenya", "Peru")
            ),
            "City__c": CustomField(
                field_name="City__c",
                field_type="DROPDOWN",
                custom_field_options=options("Arica", "Talca", "Kisumu"),
                dependency=CITIES,
            ),
            "Seen__c": CustomField(
                field_name="Seen__c",
                field_type="MULTISELECT",
                custom_field_options=options("Arica", "Talca", "Kisumu"),
                dependency=CITIES,
            ),
            "Number__c": CustomField(field_name="Number__c", field_type="AUTONUMBER", editable=False),
            "Score__c": CustomField(field_name="Score__c", field_type="NUMERIC"),
        }
    )
)


def plan(**custom):
    """The custom fields of a new contact, as they are sent."""
    body = plan_create(CONTACTS, {"first_name": "Ada", "custom_fields": custom}, KNOWN).steps[0].body
    return {each["FIELD_NAME"]: each["FIELD_VALUE"] for each in body["CUSTOMFIELDS"]}


def refusal(**custom):
    """Why a new contact with these is refused."""
    with pytest.raises(Refused) as refused:
        plan(**custom)
    return [(fault.pointer, fault.code, fault.near) for fault in refused.value.faults]


def test_choices_are_spelt_as_insightly_does():
    """A choice is found whatever its case, several are one text, and null empties."""
    assert {"Country__c": "Chile", "Seen__c": "Arica;Talca", "Score__c": None} == plan(
        Country__c="chile", Seen__c=["arica", "Talca"], Score__c=None
    )


@pytest.mark.parametrize(
    ("custom", "found"),
    [
        ({"Contry__c": "x"}, ("/custom_fields/Contry__c", "unknown_field", ("Country__c", "City__c", "Score__c"))),
        ({"Country__c": "Chili"}, ("/custom_fields/Country__c", "unknown_value", ("Chile",))),
        ({"Number__c": "7"}, ("/custom_fields/Number__c", "read_only", ())),
        ({"Score__c": "much"}, ("/custom_fields/Score__c", "wrong_type", ())),
        ({"Score__c": {"a": 1}}, ("/custom_fields/Score__c", "wrong_type", ())),
        ({"a/b": 1}, ("/custom_fields/a~1b", "unknown_field", ())),
    ],
)
def test_what_does_not_fit_is_refused(custom, found):
    """A custom field that is none, or whose value does not fit, is refused at its place, with near names."""
    assert [found] == refusal(**custom)


def test_a_choice_goes_with_another():
    """An option is refused where the governing field's value rules it out, and those that go are told."""
    assert {"Country__c": "Kenya", "City__c": "Kisumu"} == plan(Country__c="Kenya", City__c="Kisumu")
    assert [("/custom_fields/City__c", "picklist_dependency_violation", ("Kisumu",))] == refusal(
        Country__c="Kenya", City__c="Arica"
    )
    assert [("/custom_fields/Seen__c", "picklist_dependency_violation", ("Arica", "Talca"))] == refusal(
        Country__c="chile", Seen__c=["Arica", "Kisumu"]
    )


def test_what_no_filter_names_rules_out_nothing():
    """A governing value without a filter, or none at all, leaves every option."""
    assert {"Country__c": "Peru", "City__c": "Arica"} == plan(Country__c="Peru", City__c="Arica")
    assert {"City__c": "Arica"} == plan(City__c="Arica")


def test_a_change_looks_at_the_governing_field():
    """A change of a governed choice reads the record first, unless it holds the governing field itself."""
    body = {"custom_fields": {"City__c": "Arica"}}
    assert plan_update(CONTACTS, "7", body, KNOWN).reads
    assert not plan_update(CONTACTS, "7", {"custom_fields": {"City__c": "Arica", "Country__c": "Chile"}}, KNOWN).reads
    assert not plan_update(CONTACTS, "7", {"custom_fields": {"Score__c": 1}}, KNOWN).reads
    present = {"CUSTOMFIELDS": [{"FIELD_NAME": "Country__c", "FIELD_VALUE": "Kenya"}]}
    with pytest.raises(Refused, match="Country__c = 'Kenya'; these do: Kisumu"):
        plan_update(CONTACTS, "7", body, KNOWN, present=present)


def test_a_field_without_a_value_is_null():
    """Insightly leaves empty custom fields out of records; here every one of the object's is there."""
    shown = to_unified(CONTACTS, {"CUSTOMFIELDS": [{"FIELD_NAME": "Score__c", "FIELD_VALUE": "4601.0"}]}, KNOWN)
    assert {"Country__c": None, "City__c": None, "Seen__c": None, "Number__c": None, "Score__c": 4601} == (
        shown["custom_fields"]
    )
