"""Types of an account's records in Python and TypeScript."""

import ast

import pytest

from crosswalk.insightly.custom_fields import CustomField, CustomFieldOption
from crosswalk.unified.nouns import CRM, DIRECTORY
from crosswalk.unified.typed import WRITERS, describe, write_python, write_typescript

TRICKY = (
    CustomField(field_name="Size__c", field_label='Size */ of it\n"""', field_type="DROPDOWN", custom_field_options=[
        CustomFieldOption(option_id=1, option_value='18" / "big"'), CustomFieldOption(option_id=2, option_value="é\\n")
    ]),
    CustomField(field_name="Areas__c", field_type="MULTISELECT", custom_field_options=[
        CustomFieldOption(option_id=1, option_value="A"), CustomFieldOption(option_id=2, option_value="B")
    ]),
    CustomField(field_name="class", field_type="BIT"),
    CustomField(field_name="Net worth", field_type="CURRENCY"),
)  # fmt: skip


@pytest.fixture(scope="module")
def typed():
    """An account whose contacts have fields of awkward names and options."""
    apis = (("crm", CRM), ("user-directory", DIRECTORY))
    return describe(apis, {"/Contacts": TRICKY}, writes=lambda noun, api: api == "crm" and noun.name != "users")


def test_python_can_be_read(typed):
    """Whatever fields and options are called, the module is Python and says what they are."""
    text = write_python(typed, "Types of acme's records.")
    ast.parse(text)
    assert '"class": bool | None' in text
    assert '"Net worth": float | None' in text
    assert 'Literal["18\\" / \\"big\\"", "é\\\\n"]' in text
    assert 'list[Literal["A", "B"]]' in text
    assert 'self.contacts: Resource[Contact, ContactWrite] = hub.crm("contacts")' in text
    assert "self.users: Resource[User, Never]" in text


def test_typescript_names_everything(typed):
    """Every type that is named is declared once, and no label ends a comment."""
    text = write_typescript(typed, "Types of acme's records.")
    declared = [line.split()[2] for line in text.splitlines() if line.startswith("export interface")]
    assert len(declared) == len(set(declared))
    assert {"Contact", "ContactCustomFields", "ContactWrite", "Reference", "Collections"} <= set(declared)
    assert '"Net worth"?: number | null;' in text
    assert 'Areas__c?: Array<"A" | "B"> | null;' in text
    assert text.count("*/") == text.count("/**")


@pytest.mark.parametrize("lang", WRITERS)
def test_the_same_account_the_same_file(typed, lang):
    """Nothing in a file depends on when it was written."""
    assert WRITERS[lang](typed, "t") == WRITERS[lang](typed, "t")
