"""Fields: what a resource's records may hold, told from the contract and the account."""

from crosswalk.insightly.custom_fields import (
    CustomField,
    CustomFieldDependency,
    CustomFieldOption,
    CustomFieldOptionsFilter,
)
from crosswalk.unified.fields import Dependency, Option, custom_field, standard_fields
from crosswalk.unified.nouns import CRM
from crosswalk.unified.overrides import Override, overlay

CONTACTS = CRM["contacts"]


def test_standard_fields_are_the_contracts():
    """Every field of the contract is told once, with the unified name that shows it, its type and length."""
    told = {field.name: field for field in standard_fields(CONTACTS)}
    assert set(CONTACTS.resource.field) - {"CUSTOMFIELDS"} == set(told)
    first, born, made = told["FIRST_NAME"], told["DATE_OF_BIRTH"], told["DATE_CREATED_UTC"]
    assert ("first_name", "string", True, True) == (
        first.unified_name,
        first.type,
        first.is_required,
        first.is_editable,
    )
    assert ("date_of_birth", "datetime", None) == (born.unified_name, born.type, born.max_length)
    assert ("created_at", False) == (made.unified_name, made.is_editable)
    assert ["EVERYONE", "OWNER", "TEAM"] == [option.value for option in told["VISIBLE_TO"].options]


def test_custom_fields_are_the_accounts():
    """A custom field has its label, type and options, and which of them go with another field's value."""
    city = CustomField(
        field_name="City__c",
        field_label="City",
        field_type="DROPDOWN",
        field_order=4,
        editable=True,
        visible=False,
        custom_field_options=(
            CustomFieldOption(option_id=1, option_value="Arica", option_default=True),
            CustomFieldOption(option_id=2, option_value="Kisumu"),
        ),
        dependency=CustomFieldDependency(
            controlling_field_id="Country__c",
            options_filters=(CustomFieldOptionsFilter(controlling_value="Chile", option_ids=(1, 9)),),
        ),
    )
    told = custom_field(CONTACTS, city, {})
    assert ("City", "enum", True, True, 4, "custom_fields.City__c") == (
        told.label,
        told.type,
        told.is_user_defined,
        told.is_hidden,
        told.position,
        told.unified_name,
    )
    assert [Option(id="1", value="Arica", is_default=True), Option(id="2", value="Kisumu")] == told.options
    assert Dependency(field="Country__c", options={"Chile": ["Arica"]}) == told.depends_on
    assert (None, None) == (told.is_required, told.is_unique)


def test_a_field_that_insightly_makes_is_not_edited():
    """Numbers that Insightly counts up cannot be written, whatever the definition says."""
    told = custom_field(CONTACTS, CustomField(field_name="N__c", field_type="AUTONUMBER"), {})
    assert ("string", "autonumber", False) == (told.type, told.format, told.is_editable)


def test_a_mapped_custom_field_has_its_unified_name():
    """A custom field that an override gives a unified name is told under it; so is a standard one."""
    overrides = {
        "tier": Override(custom_field="Tier__c"),
        "notes": Override(field="BACKGROUND"),
        "background": Override(hidden=True),
    }
    noun = overlay(CONTACTS, {"account": overrides}, lambda *_: None)
    assert "tier" == custom_field(noun, CustomField(field_name="Tier__c", field_type="TEXT"), {}).unified_name
    assert "notes" == {field.name: field for field in standard_fields(noun)}["BACKGROUND"].unified_name
