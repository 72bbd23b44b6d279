"""Filters: what is given to Insightly, and what is looked through here."""

import pytest

from crosswalk.unified.errors import Refused
from crosswalk.unified.filters import choose, parse_filters, passes
from crosswalk.unified.known import NOTHING
from crosswalk.unified.nouns import CRM

CONTACTS, DEALS = CRM["contacts"], CRM["opportunities"]


@pytest.mark.parametrize(
    ("noun", "given", "suffix", "query", "local"),
    [
        ("contacts", [], "", {}, []),
        (
            "contacts",
            [("email_addresses[email]", "a@b.c")],
            "/Search",
            {"field_name": "EMAIL_ADDRESS", "field_value": "a@b.c"},
            [],
        ),
        ("contacts", [("email_addresses", "a@b.c")], "/Search",
         {"field_name": "EMAIL_ADDRESS", "field_value": "a@b.c"}, []),
        ("contacts", [("account[id]", "7")], "/Search", {"field_name": "ORGANISATION_ID", "field_value": "7"}, []),
        ("contacts", [("custom_fields[Tier__c]", "x")], "/Search",
         {"field_name": "Tier__c", "field_value": "x"}, []),
        ("contacts", [("updated_at[gte]", "2026-01-01T00:00:00Z"), ("last_name", "Hopper")], "/Search",
         {"updated_after_utc": "2025-12-31T23:59:59Z", "field_name": "LAST_NAME", "field_value": "Hopper"}, []),
        ("contacts", [("last_name", "Hopper"), ("first_name", "Grace")], "/Search",
         {"field_name": "LAST_NAME", "field_value": "Hopper"}, ["first_name=Grace"]),
        ("contacts", [("tags", "vip")], "/SearchByTag", {"tagName": "vip"}, []),
        ("contacts", [("phone_numbers[number]", "1"), ("search", "x")], "", {},
         ["phone_numbers[number]=1", "search=x"]),
        ("opportunities", [("amount[gt]", "5")], "", {}, ["amount[gt]=5"]),
        ("opportunities", [("status", "won"), ("stage[id]", "3")], "/Search",
         {"field_name": "OPPORTUNITY_STATE", "field_value": "WON"}, ["stage[id]=3"]),
        ("opportunities", [("stage[id]", "3")], "/Search", {"field_name": "STAGE_ID", "field_value": "3"}, []),
        ("opportunities", [("pipeline", "Sales")], "", {}, ["pipeline=Sales"]),
        ("leads", [("stage", "3")], "", {}, ["stage=3"]),
        ("tasks", [("native_status", "waiting")], "/Search",
         {"field_name": "STATUS", "field_value": "WAITING"}, []),
        ("tasks", [("status", "open")], "", {}, ["status=open"]),
        ("pipelines", [("name", "Sales")], "", {}, ["name=Sales"]),
        ("projects", [("status", "in_progress")], "/Search",
         {"field_name": "STATUS", "field_value": "IN PROGRESS"}, []),
    ],
)  # fmt: skip
def test_what_is_pushed(noun, given, suffix, query, local):
    """One equality and one time of change go to Insightly's search, one tag to its tag search, the rest stays here."""
    chosen = choose(CRM[noun], parse_filters(CRM[noun], given))
    assert (suffix, query, local) == (chosen.suffix, chosen.query, chosen.names)


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ("amount[gt]=5", [2, 3]),
        ("amount[lte]=5", [1]),
        ("amount=7", [2]),
        ("amount[in]=5, 9", [1, 3]),
        ("name[contains]=deal", [1, 2, 3]),
        ("name[ne]=deal 1", [2, 3]),
        ("close_date[gte]=2026-02-01", [2]),
        ("contact[id]=4", [1]),
        ("contact=4", [1]),
        ("description=", [1, 2, 3]),
        ("search=BIG", [3]),
        ("close_date[gt]=nonsense", []),
    ],
)
def test_what_is_looked_through(given, ids):
    """A condition of ours is met by what the unified record says; what cannot be compared is not met."""
    wires = [
        {"OPPORTUNITY_ID": 1, "OPPORTUNITY_NAME": "Deal 1", "OPPORTUNITY_VALUE": 5,
         "LINKS": [{"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": 4}]},
        {"OPPORTUNITY_ID": 2, "OPPORTUNITY_NAME": "Deal 2", "OPPORTUNITY_VALUE": 7,
         "FORECAST_CLOSE_DATE": "2026-02-01 00:00:00"},
        {"OPPORTUNITY_ID": 3, "OPPORTUNITY_NAME": "Deal 3", "OPPORTUNITY_VALUE": 9, "TAGS": [{"TAG_NAME": "big one"}]},
    ]  # fmt: skip
    key, _, value = given.partition("=")
    keep = passes(DEALS, parse_filters(DEALS, [(key, value)]), NOTHING)
    assert ids == [wire["OPPORTUNITY_ID"] for wire in wires if keep(wire)]


@pytest.mark.parametrize("key", ["frist_name", "first_name[", "", "[x]", "a[b]c"])
def test_no_filter_of_the_resource(key):
    """A parameter that is no field is refused by name."""
    with pytest.raises(Refused, match="is no filter of contacts"):
        parse_filters(CONTACTS, [(key, "x")])
