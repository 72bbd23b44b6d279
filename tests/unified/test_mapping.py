"""The mapping tables, read and written."""

import pytest

from crosswalk.unified.errors import Refused, Unservable
from crosswalk.unified.known import Known
from crosswalk.unified.mapping import needs_write, plan_create, plan_delete, plan_update, to_unified, verbs
from crosswalk.unified.nouns import CRM, DIRECTORY

ACCOUNT = Known(
    references={
        "pipelines": [{"PIPELINE_ID": 1, "PIPELINE_NAME": "Sales"}],
        "stages": [
            {"STAGE_ID": 3, "PIPELINE_ID": 1, "STAGE_NAME": "Won", "STAGE_ORDER": 2},
            {"STAGE_ID": 2, "PIPELINE_ID": 1, "STAGE_NAME": "New", "STAGE_ORDER": 1},
        ],
        "users": [{"USER_ID": 7, "FIRST_NAME": "Ada", "LAST_NAME": "Lovelace", "EMAIL_ADDRESS": "ada@example.com"}],
        "lead_sources": [{"LEAD_SOURCE_ID": 5, "LEAD_SOURCE": "Web", "DEFAULT_VALUE": True}],
        "lead_statuses": [{"LEAD_STATUS_ID": 6, "LEAD_STATUS": "Contacted", "DEFAULT_STATUS": False}],
    }
)
ALL = [*CRM.values(), *DIRECTORY.values()]


@pytest.mark.parametrize("noun", ALL, ids=lambda noun: f"{noun.name} of {noun.wire}")
def test_rows_name_fields_of_the_contract(noun):
    """Every field that a row covers is one that the contract has."""
    assert set() == {native for row in noun.rows for native in row.natives} - set(noun.resource.field)


@pytest.mark.parametrize("noun", ALL, ids=lambda noun: f"{noun.name} of {noun.wire}")
def test_an_empty_record_reads_whole(noun):
    """A record of which nothing is known has every field all the same."""
    assert [row.name for row in noun.rows] == list(to_unified(noun, {}))


def test_a_deal_is_made_in_one_plan():
    """Pipeline, stage, state, links and tags of a new deal are further steps, by names where names are given."""
    body = {
        "name": "Deal",
        "stage": "Won",
        "pipeline": "sales",
        "amount": 5,
        "status": "won",
        "close_date": "2026-01-02",
        "owner": {"email": "ADA@example.com"},
        "contact": [{"id": "4", "role": "buyer"}],
        "tags": ["big"],
    }
    made = plan_create(CRM["opportunities"], body, ACCOUNT)
    assert [
        (
            "POST",
            "/Opportunities",
            {
                "OPPORTUNITY_NAME": "Deal",
                "BID_AMOUNT": 5,
                "OWNER_USER_ID": 7,
                "OPPORTUNITY_STATE": "WON",
                "ACTUAL_CLOSE_DATE": "2026-01-02",
                "TAGS": [{"TAG_NAME": "big"}],
            },
        ),
        (
            "POST",
            "/Opportunities/{id}/Links",
            {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": 4, "ROLE": "buyer"},
        ),
        ("PUT", "/Opportunities/{id}/Pipeline", {"PIPELINE_ID": 1, "PIPELINE_STAGE_CHANGE": {"STAGE_ID": 3}}),
    ] == [(step.method, step.path, step.body) for step in made.steps]


def test_a_change_sends_what_changes():
    """A patch is one PUT with the changed fields, and the stage's own call."""
    made = plan_update(CRM["opportunities"], "7", {"stage": {"id": "3"}, "probability": 90})
    assert [
        ("/Opportunities", {"OPPORTUNITY_ID": 7, "PROBABILITY": 90}),
        ("/Opportunities/{id}/PipelineStage", {"STAGE_ID": 3}),
    ] == [(step.path, step.body) for step in made.steps]


def test_links_are_merged_into_what_is_there():
    """A change of links reads the record first, adds what is missing and takes off what the list leaves out."""
    noun, body = CRM["contacts"], {"opportunity": [{"id": "3"}, {"id": "4"}]}
    assert plan_update(noun, "7", body).reads
    there = {"LINKS": [{"LINK_ID": number, "LINK_OBJECT_NAME": "Opportunity", "LINK_OBJECT_ID": number}
                       for number in (4, 9)]}  # fmt: skip
    steps = plan_update(noun, "7", body, present=there).steps
    assert [("DELETE", "/Contacts/{id}/Links/9"), ("POST", "/Contacts/{id}/Links")] == [
        (step.method, step.path) for step in steps
    ]


def test_a_note_is_made_below_its_first_parent():
    """The first link is where a note is made, the others are linked; its title is the beginning of its text."""
    made = plan_create(CRM["notes"], {"content": "Called  them", "contact": [{"id": "4"}], "account": {"id": "9"}})
    assert ["/Contacts/4/Notes", "/Notes/{id}/Links"] == [step.path for step in made.steps]
    assert {"BODY": "Called  them", "TITLE": "Called them"} == made.steps[0].body


def test_a_note_without_a_parent_is_refused():
    """Insightly has no note that stands alone; the refusal names what it may stand on."""
    with pytest.raises(Refused) as refused:
        plan_create(CRM["notes"], {"content": "x"})
    assert [("note_parent_required", ("account", "contact", "lead", "opportunity", "project"))] == [
        (fault.code, fault.near) for fault in refused.value.faults
    ]


def test_a_lead_takes_the_usual_source():
    """A new lead without a source gets the account's default; one that has no default stays as it is."""
    made = plan_create(CRM["leads"], {"last_name": "Hopper"}, ACCOUNT)
    assert {"LAST_NAME": "Hopper", "LEAD_SOURCE_ID": 5} == made.steps[0].body
    assert {"lead_sources", "lead_statuses"} == needs_write(CRM["leads"], {"last_name": "Hopper"}, creates=True)


def test_everything_wrong_is_said_at_once():
    """A refusal names every field that is wrong, where it is and why."""
    body = {"frist_name": "Ada", "email_addresses": ["a@x.org", "b@x.org"], "owner": "Bob", "id": "3"}
    with pytest.raises(Refused) as refused:
        plan_create(CRM["contacts"], body, ACCOUNT)
    assert {
        "/frist_name": "unknown_field",
        "/email_addresses/1": "unsupported_multiplicity",
        "/owner": "unknown_value",
        "/id": "read_only",
        "/first_name": "required",
    } == {fault.pointer: fault.code for fault in refused.value.faults}


def test_what_insightly_cannot_do_is_said():
    """A pipeline cannot be deleted through the API, and the verbs say so before anyone tries."""
    assert frozenset({"get", "list"}) == verbs(CRM["pipelines"])
    with pytest.raises(Unservable, match="it can get, list"):
        plan_delete(CRM["pipelines"], "3")
