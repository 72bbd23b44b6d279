"""From a row to its call: mapping, types, what is refused before a call is spent."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.contract import load
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.payload import Invalid, Payload, make_payload
from crosswalk.delivery.plan import Plan, Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.template import find_template

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMNS = ("first_name", "last_name", "phone", "id")


def plan(template="create-contact", **settings):
    """A plan with settings as the command line gives them."""
    return Plan(call=find_template(template), **settings)


MAPPED = plan(fields=(("FIRST_NAME", "first_name"), ("PHONE", "phone")))


def settled(a_plan, columns=COLUMNS, custom=None, *, closed=True):
    """A plan checked as a run of a file would check it."""
    return settle_plan(a_plan, load(), Rows(columns, closed=closed), base_url=None, now=NOON, custom=custom)


def made(a_plan, columns=COLUMNS, custom=None, **cells):
    """The payload of one row under a settled plan."""
    return make_payload(settled(a_plan, columns, custom), cells)


def test_mapped_fields_only():
    """With a mapping, only the named fields are sent."""
    expected = Payload("POST", "/Contacts", {"FIRST_NAME": "Ann", "PHONE": "555"})
    assert expected == made(MAPPED, first_name="Ann", last_name="Lee", phone="555")


def test_every_column_without_mapping():
    """Without a mapping, every column goes under its own name."""
    sent = made(plan(), columns=("FIRST_NAME", "LAST_NAME"), FIRST_NAME="Ann", LAST_NAME="Lee")
    assert {"FIRST_NAME": "Ann", "LAST_NAME": "Lee"} == sent.body


def test_excluded_columns_stay_out():
    """An excluded column is not sent."""
    sent = made(plan(exclude=("x",)), columns=("FIRST_NAME", "x"), FIRST_NAME="Ann", x="1")
    assert {"FIRST_NAME": "Ann"} == sent.body


def test_constants():
    """A constant is sent with every row."""
    sent = made(plan(fields=(("FIRST_NAME", "first_name"),), constants=(("TITLE", "Senator"),)), first_name="Ann")
    assert {"FIRST_NAME": "Ann", "TITLE": "Senator"} == sent.body


def test_custom_fields_fold():
    """Flat `X__c` keys become entries of CUSTOMFIELDS."""
    sent = made(plan(fields=(("FIRST_NAME", "first_name"), ("Tier__c", "phone"))), first_name="Ann", phone="Gold")
    assert [{"FIELD_NAME": "Tier__c", "FIELD_VALUE": "Gold"}] == sent.body["CUSTOMFIELDS"]


def test_empty_cells_are_left_out():
    """An empty cell is no value."""
    assert {"FIRST_NAME": "Ann"} == made(MAPPED, first_name="Ann", phone="").body


def test_required_field():
    """A row without a required field is refused before a call is spent."""
    assert Invalid("FIRST_NAME is required and empty") == made(MAPPED, first_name="", phone="5")


def test_too_long():
    """So is a value that its field cannot hold."""
    refused = made(MAPPED, first_name="x" * 256)
    assert Invalid("FIRST_NAME holds 256 characters, at most 255 fit (column 'first_name')") == refused


def test_update_names_the_record_in_the_body():
    """An update goes to the collection, the id in the body as a number."""
    sent = made(plan("update-contact", fields=(("PHONE", "phone"),), id_column="id"), phone="5", id="123")
    assert Payload("PUT", "/Contacts", {"CONTACT_ID": 123, "PHONE": "5"}, "123") == sent


def test_delete_has_no_body():
    """A deletion names the record in the path and sends nothing."""
    assert Payload("DELETE", "/Contacts/7", None, "7") == made(plan("delete-contact", id_column="id"), id="7")


@pytest.mark.parametrize("value", ["", None, "abc", "1.5", 1.5, "-1", "0", True, [], "٣"])
def test_no_id_no_call(value):
    """Whatever is no id never becomes a path: `DELETE /Contacts/` is impossible."""
    assert isinstance(made(plan("delete-contact", id_column="id"), id=value), Invalid)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"fields": (("FRIST_NAME", "first_name"),)}, "Did you mean FIRST_NAME?"),
        ({"fields": (("FIRST_NAME", "frist_name"),)}, "Did you mean 'first_name'?"),
        ({"fields": (("CONTACT_ID", "id"),)}, "cannot be written"),
        ({"fields": (("DATE_CREATED_UTC", "id"),)}, "cannot be written"),
        ({"fields": (("PHONE", "id"), ("PHONE", "phone"))}, "given twice"),
        ({"exclude": ("nothing",)}, "no column 'nothing'"),
        ({"id_column": "id"}, "--id-field has no place"),
    ],
)
def test_plans_that_cannot_work(settings, says):
    """A slip in the settings is said once, before any row."""
    with pytest.raises(PlanError, match=says.replace("?", r"\?")):
        settled(plan(**settings))


def test_update_needs_an_id_column():
    """An update without a column for the id cannot work."""
    with pytest.raises(PlanError, match="needs --id-field"):
        settled(plan("update-contact"))


def test_unknown_custom_field():
    """A custom field that the account lacks is refused, with the near name."""
    with pytest.raises(PlanError, match=r"Did you mean Tier__c\?"):
        settled(plan(fields=(("Teir__c", "phone"),)), custom=frozenset({"Tier__c"}))


CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc."), inner, max_size=3),
    max_leaves=5,
)
ROWS = st.dictionaries(st.sampled_from(["id", "FIRST_NAME", "TAGS", "BACKGROUND", "x__c", "other"]), CELLS)
PLANS = [
    settled(plan("create-contact"), ("FIRST_NAME",), closed=False),
    settled(plan("update-contact", id_column="id"), ("id",), closed=False),
    settled(plan("delete-contact", id_column="id"), ("id",), closed=False),
    settled(plan("create-contact", match="x__c"), ("FIRST_NAME", "x__c"), closed=False),
]


@given(st.sampled_from(PLANS), ROWS)
def test_any_row_is_a_call_or_refused(a_plan, cells):
    """No row of any kind can end a run: it is a call whose path names what it must, or it is refused with a reason."""
    payload = make_payload(a_plan, cells)
    if isinstance(payload, Invalid):
        assert payload.reason
    else:
        assert ("/Contacts", a_plan.route.action == "delete") == (payload.path[:9], payload.path[10:].isdigit())
