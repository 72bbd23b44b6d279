"""Suggested mappings: by a field's own name, a synonym, a label or a likeness, each column and field once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.contract import load
from crosswalk.delivery.mapping import LOOKUP_TABLES
from crosswalk.delivery.plan import Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.settings import Settings, make_plan
from crosswalk.delivery.suggest import read_synonyms, suggest
from crosswalk.delivery.template import TEMPLATES, find_template
from crosswalk.insightly.custom_fields import CustomField

CUSTOM = {
    "Tier__c": CustomField(field_name="Tier__c", field_label="Customer tier", field_type="DROPDOWN"),
    "Birthplace__c": CustomField(field_name="Birthplace__c", field_label="Place of birth", field_type="TEXT"),
}


def pairs(template, *columns):
    """What is suggested: field, column and the lookup's table."""
    made = suggest(find_template(template), columns, load(), custom=CUSTOM)
    return {m.field: (m.rule.column, m.rule.lookup and m.rule.lookup.table) for m in made.matches}


@pytest.mark.parametrize(
    ("template", "column", "field", "table"),
    [
        ("create-contact", "first name", "FIRST_NAME", None),
        ("create-contact", "FirstName", "FIRST_NAME", None),
        ("create-contact", "Surname", "LAST_NAME", None),
        ("create-contact", "E-Mail", "EMAIL_ADDRESS", None),
        ("create-contact", "Company", "ORGANISATION_ID", "organisations"),
        ("create-contact", "ZIP", "ADDRESS_MAIL_POSTCODE", None),
        ("create-contact", "owner", "OWNER_USER_ID", "users"),
        ("create-contact", "OWNER_USER_ID", "OWNER_USER_ID", None),
        ("create-contact", "customer tier", "Tier__c", None),
        ("create-contact", "tier", "Tier__c", None),
        ("create-contact", "Adress mail city", "ADDRESS_MAIL_CITY", None),
        ("create-lead", "email", "EMAIL", None),
        ("create-lead", "company", "ORGANISATION_NAME", None),
        ("create-lead", "source", "LEAD_SOURCE_ID", "lead_sources"),
        ("create-task", "category", "CATEGORY_ID", "task_categories"),
        ("create-project", "category", "CATEGORY_ID", "project_categories"),
        ("add-contact-note", "subject", "TITLE", None),
        ("set-opportunity-stage", "stage", "STAGE_ID", "stages"),
    ],
)
def test_suggestions(template, column, field, table):
    """A column goes to the field that is called like it; what holds names is looked up."""
    assert {field: (column, table)} == pairs(template, column)


def test_each_is_used_once():
    """The better match takes the field; the other column is left out, and said."""
    made = suggest(find_template("create-contact"), ("Mail", "Email address", "colour"), load())
    assert {"EMAIL_ADDRESS": "Email address"} == {m.field: m.rule.column for m in made.matches}
    assert (("Mail", "colour"), ("FIRST_NAME",)) == (made.unused, made.missing)


def test_the_record_is_named():
    """The column that holds the record's id names the record, and is no field."""
    made = suggest(find_template("update-contact"), ("contact_id", "phone"), load())
    assert ("contact_id", ["PHONE"]) == (made.id_column, [match.field for match in made.matches])


@given(st.sampled_from([*TEMPLATES]), st.lists(st.text(min_size=1), max_size=8, unique=True))
def test_any_columns(name, columns):
    """Whatever columns are called, every suggestion is a plan that can work, but for what is missing."""
    made = suggest(find_template(name), ("id", *columns), load(), custom=CUSTOM)
    id_column = made.id_column if find_template(name).names_record else None
    settings = Settings(template=name, mapping=made.mapping, id_column=id_column)
    if made.mapping and not made.missing:
        settle_plan(make_plan(settings), load(), Rows(("id", *columns)), base_url=None, now=None)
    assert len({match.rule.column for match in made.matches}) == len(made.matches)


def test_synonyms_are_of_fields():
    """Every synonym is of a field that the contract has, and every table of one that can be looked up."""
    fields = {field.name for resource in load().resources.values() for field in resource.fields}
    fields |= {
        field.name
        for shape in ("PipelineChange", "PipelineStageChange", "Link", "Tag", "Note")
        for field in load().shape(shape)
    }
    named = {name.rpartition(".")[2] for name in read_synonyms()}
    assert (set(), True) == (named - fields, {s.lookup for s in read_synonyms().values()} <= {None, *LOOKUP_TABLES})
