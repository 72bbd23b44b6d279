"""Custom fields by their types."""

from datetime import UTC, date, datetime

import pytest

from crosswalk.insightly import CustomField, FieldTypes
from crosswalk.insightly.custom_fields import CustomFieldOption


def field(name, kind, *options, of="CONTACT"):
    """A custom field as Insightly describes it."""
    listed = tuple(CustomFieldOption(option_value=option) for option in options)
    return CustomField(field_name=name, field_type=kind, field_for=of, custom_field_options=listed)


@pytest.mark.parametrize(
    ("kind", "value", "typed"),
    [
        ("TEXT", "x", "x"),
        ("TEXT", "", None),
        ("BIT", True, True),
        ("BIT", "False", False),
        ("NUMERIC", 12, 12.0),
        ("NUMERIC", "4601.0", 4601.0),
        ("PERCENT", 3.2, 3.2),
        ("DATE", "2025-04-19 00:00:00", date(2025, 4, 19)),
        ("DATETIME", "2025-04-19 10:11:12", datetime(2025, 4, 19, 10, 11, 12, tzinfo=UTC)),
        ("AUTONUMBER", 7, 7),
        ("SOMETHING_NEW", [1], "[1]"),
        ("BIT", None, None),
    ],
)
def test_types(kind, value, typed):
    """Each type has its Python value; a type nobody recorded stays what it is."""
    assert {"X__c": typed} == FieldTypes.of("Contact", [field("X__c", kind)]).typed({"X__c": value})


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Music;Sports", ("Music", "Sports")),
        ("Rock; Pop;Music", ("Rock; Pop", "Music")),
        ("Rock;Unknown", ("Rock", "Unknown")),
        ("", None),
    ],
)
def test_multi_select(text, chosen):
    """Choices are told apart by the options, which may hold a semicolon themselves."""
    types = FieldTypes.of("Contact", [field("X__c", "MULTISELECT", "Music", "Sports", "Rock", "Rock; Pop")])
    assert {"X__c": chosen} == types.typed({"X__c": text})


def test_absent_is_none():
    """A field without a value is absent on the wire, and `None` here."""
    assert {"X__c": None} == FieldTypes.of("Contact", [field("X__c", "TEXT")]).typed({})


def test_only_this_object():
    """For an unknown object Insightly answers everybody's fields: the others are left out."""
    types = FieldTypes.of("Fruit__c", [field("A__c", "TEXT"), field("B__c", "TEXT", of="FRUIT__C")])
    assert ["B__c"] == list(types.fields)


async def test_from_insightly(crm):
    """The sandbox's own custom fields type a record's values."""
    types = await crm.custom_fields("Contacts")
    assert "CROSSWALK_KEY__c" in types.fields
    made = await crm.contacts.create({"first_name": "Ada", "CROSSWALK_KEY__c": "k-1"})
    assert "k-1" == types.typed(made.custom_fields)["CROSSWALK_KEY__c"]
