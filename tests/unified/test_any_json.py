"""Whatever comes: a strange record is shown all the same, a strange body is refused in words."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosswalk.insightly.custom_fields import CustomField, CustomFieldOption, FieldTypes
from crosswalk.unified.errors import Refused, Unservable
from crosswalk.unified.expand import expandable, plan_expansion
from crosswalk.unified.known import Known
from crosswalk.unified.mapping import needs_write, plan_create, plan_update, to_unified
from crosswalk.unified.nouns import CRM, DIRECTORY
from crosswalk.unified.search import match_search, searches

NOUNS = [*CRM.values(), *DIRECTORY.values()]
KNOWN = Known(
    references={
        "users": [{"USER_ID": 7, "FIRST_NAME": "Ada"}, {"USER_ID": None}, {}],
        "stages": [{"STAGE_ID": 3, "PIPELINE_ID": 1, "STAGE_NAME": "New", "STAGE_ORDER": None}, {}],
        "pipelines": [{"PIPELINE_ID": 1, "PIPELINE_NAME": "Sales"}, {}],
        "teams": [{}],
        "team_members": [{}],
        "instance": [{}],
    },
    custom=FieldTypes(
        {
            "Some__c": CustomField(
                field_name="Some__c",
                field_type="MULTISELECT",
                custom_field_options=(CustomFieldOption(option_id=1, option_value="a"),),
            ),
            "Date__c": CustomField(field_name="Date__c", field_type="DATE"),
            "Number__c": CustomField(field_name="Number__c", field_type="NUMERIC"),
            "Moment__c": CustomField(field_name="Moment__c", field_type="DATETIME"),
        }
    ),
)
WORDS = st.sampled_from(
    [
        "",
        "x",
        "7",
        "0",
        "-1",
        "99999999999999999999",
        "²",
        "NaN",
        "a@b.c",
        "New",
        "Sales",
        "2026-01-31",
        "2026-99-99",
        "id",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5)
KEYS = st.sampled_from(
    ["id", "name", "email", "type", "number", "url", "date", "role", "street_1", "x"]
) | st.sampled_from(
    ["FIELD_NAME", "FIELD_VALUE", "TAG_NAME", "LINK_OBJECT_NAME", "LINK_OBJECT_ID", "LINK_ID", *KNOWN.custom.fields]
)
FLAT = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(KEYS, SCALARS, max_size=4)
JSON = FLAT | st.lists(FLAT, max_size=3) | st.dictionaries(KEYS, FLAT, max_size=3)
BUSY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Drawing is slow on a machine that does other things too."""


def records(noun):
    """A record with anything in any of its fields."""
    return st.dictionaries(st.sampled_from(sorted(noun.resource.field)), JSON, max_size=6)


def bodies(noun):
    """A body with anything in any field, and fields that are none."""
    return st.dictionaries(st.sampled_from([*noun.row, "nothing", "a/b~c"]), JSON, max_size=6)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: f"{noun.name} of {noun.wire}")
@given(data=st.data())
@BUSY
def test_any_record_is_shown(noun, data):
    """Reading refuses nothing, and what it makes is JSON."""
    wire = data.draw(records(noun))
    shown = to_unified(noun, wire, KNOWN)
    assert list(noun.row) == list(msgspec.json.decode(msgspec.json.encode(shown)))
    plan_expansion(noun, expandable(noun), [wire])


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: f"{noun.name} of {noun.wire}")
@given(data=st.data())
@BUSY
def test_any_body_is_planned_or_refused(noun, data):
    """A body is planned or refused, each fault at a field of it; nothing else ever comes out."""
    body, present = data.draw(bodies(noun)), data.draw(records(noun))
    needs_write(noun, body, creates=True)
    searches(noun, body)
    with suppress(Refused, Unservable):
        match_search(noun, body, tuple(body))
    for plan in (
        lambda: plan_create(noun, body, KNOWN),
        lambda: plan_update(noun, "7", body, KNOWN, present=present),
        lambda: plan_update(noun, "7", body, KNOWN, present=present, replaces=True),
    ):
        faults, steps = outcome(plan)
        assert all(fault.detail and (not fault.pointer or fault.pointer.startswith("/")) for fault in faults)
        msgspec.json.encode([step.body for step in steps])


def outcome(plan):
    """What a plan is refused for, or its steps."""
    try:
        return (), plan().steps
    except Unservable:
        return (), ()
    except Refused as refused:
        return refused.faults, ()
