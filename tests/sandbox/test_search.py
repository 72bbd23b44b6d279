"""Lists and searches: pages, counts, fields, dates, tags, and what `brief` leaves out."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.sandbox.seed import make_instance
from crosswalk.sandbox.switches import Switches
from fixtures.caller import NOW, SMALL, Caller

PAGED = Caller(make_instance("paged", sizes=SMALL | {"contacts": 620}, now=NOW))


def ids(caller: Caller, operation: str, **query: object) -> list[int]:
    """Give the contact ids of a list."""
    listed = caller.read(operation, **query)
    assert isinstance(listed, list)
    return [record["CONTACT_ID"] for record in listed]


def test_pages():
    """100 unless told, 500 at most, ascending ids, nothing past the end."""
    sizes = [len(ids(PAGED, "GET /Contacts", **query)) for query in ({}, {"top": 501}, {"skip": 600}, {"skip": 620})]
    assert [100, 500, 20, 0] == sizes
    assert sorted(PAGED.instance.tables["contacts"].rows) == [
        number for skip in (0, 500) for number in ids(PAGED, "GET /Contacts", top=500, skip=skip)
    ]


@pytest.mark.parametrize(
    "query", [{"top": 0}, {"top": -1}, {"top": "x"}, {"skip": -1}, {"skip": "1.5"}, {"top": 2**31}]
)
def test_garbage_window(query: dict[str, object]):
    """A window that makes no sense is a 400, but for one that is only too large."""
    assert (200 if query == {"top": 2**31} else 400) == PAGED("GET /Contacts", **query).status


@pytest.mark.parametrize(
    ("asked", "told"), [("true", True), ("True", True), ("1", True), ("false", False), ("", False)]
)
def test_count_total(asked: str, told: bool):
    """The total comes in a header, and only when asked for."""
    answer = PAGED("GET /Contacts", count_total=asked)
    assert told is (("X-Total-Count", "620") in answer.headers)


@given(st.integers(0, 640), st.integers(1, 700))
def test_any_window(skip: int, top: int):
    """Every window is that slice of all ids, with at most 500."""
    assert list(PAGED.instance.tables["contacts"].order[skip : skip + min(top, 500)]) == ids(
        PAGED, "GET /Contacts", skip=skip, top=top
    )


@pytest.mark.parametrize(
    "resource", ["Contacts", "Organisations", "Leads", "Opportunities", "Emails", "Prospect", "Notes"]
)
def test_brief(caller: Caller, resource: str):
    """`brief` drops sub-collections from lists, or empties them by switch; all else stays."""
    subs = ("CUSTOMFIELDS", "TAGS", "DATES", "EMAILDOMAINS", "LINKS")
    whole = json.loads(caller(f"GET /{resource}").body)
    dropped = json.loads(caller(f"GET /{resource}", brief="true").body)
    assert [{n: v for n, v in record.items() if n not in subs} for record in whole] == dropped
    caller.switches = Switches(brief="emptying")
    emptied = json.loads(caller(f"GET /{resource}", brief="true").body)
    assert [{n: [] if n in subs else v for n, v in record.items()} for record in whole] == emptied
    assert list(whole[0]) == list(emptied[0])


def test_brief_without_etag(caller: Caller):
    """Dropping also works where the sub-collections come last."""
    caller.switches = Switches(etag="absent")
    dropped = json.loads(caller("GET /Contacts", brief="true").body)
    assert "EMAIL_OPTED_OUT" == list(dropped[0])[-1]


def test_get_ignores_brief(caller: Caller):
    """GET of one record is always whole."""
    number = caller.first("contacts")
    assert caller("GET /Contacts/{id}", id=number).body == caller("GET /Contacts/{id}", id=number, brief="true").body


@pytest.mark.parametrize(
    "query", [{"field_name": "FIRST_NAME"}, {"field_value": "Ada"}, {"field_name": "SHOE_SIZE", "field_value": "1"}]
)
def test_search_pair(caller: Caller, query: dict[str, object]):
    """A field without a value, a value without a field, and an unknown field are 400s."""
    assert 400 == caller("GET /Contacts/Search", **query).status


@pytest.mark.parametrize(
    ("field", "value", "hit"),
    [
        ("FIRST_NAME", "zoë", True),
        ("first_name", "ZOË", True),
        ("FIRST_NAME", "zo", False),
        ("DATE_OF_BIRTH", "1999-12-31", True),
        ("DATE_OF_BIRTH", "1999-12-31T00:00:00Z", True),
        ("ORGANISATION_ID", "none", False),
        ("EMAIL_OPTED_OUT", "True", True),
        ("EMAIL_OPTED_OUT", "false", False),
        ("CROSSWALK_KEY__c", "k-1", True),
        ("Newsletter__c", "true", True),
        ("Score__c", "4601", True),
        ("Interests__c", "music;travel", True),
        ("Interests__c", "music", False),
    ],
)
def test_search_equals(caller: Caller, field: str, value: str, hit: bool):
    """A search finds equal values, whatever the case, in standard and custom fields."""
    custom = {"CROSSWALK_KEY__c": "K-1", "Newsletter__c": True, "Score__c": 4601.0, "Interests__c": "Music;Travel"}
    body = {"FIRST_NAME": "Zoë", "DATE_OF_BIRTH": "1999-12-31", "EMAIL_OPTED_OUT": True}
    fields = [{"FIELD_NAME": name, "FIELD_VALUE": held} for name, held in custom.items()]
    made = caller.read("POST /Contacts", body | {"CUSTOMFIELDS": fields})
    assert isinstance(made, dict)
    assert hit is (made["CONTACT_ID"] in ids(caller, "GET /Contacts/Search", field_name=field, field_value=value))


@pytest.mark.parametrize("field", ["EMAIL_OPTED_OUT", "Newsletter__c"])
def test_search_for_what_is_no_boolean(caller: Caller, field: str):
    """A word that is neither true nor false is equal to no boolean."""
    assert [] == ids(caller, "GET /Contacts/Search", field_name=field, field_value="maybe")


def test_search_follows_changes(caller: Caller):
    """What was searched once is found under its new value, no longer under the old, and not when deleted."""
    made = caller.read("POST /Contacts", {"FIRST_NAME": "Old"})
    assert isinstance(made, dict)
    number = made["CONTACT_ID"]

    def find(name: str) -> list[int]:
        return ids(caller, "GET /Contacts/Search", field_name="FIRST_NAME", field_value=name)

    assert [number] == find("old")
    caller.read("PUT /Contacts", {"CONTACT_ID": number, "FIRST_NAME": "New"})
    assert ([], [number]) == (find("old"), find("new"))
    caller.read("DELETE /Contacts/{id}", id=number)
    assert [] == find("new")


@pytest.mark.parametrize(("rule", "hits"), [("exclusive", 0), ("inclusive", 1)])
@pytest.mark.parametrize("form", ["2026-05-01T12:00:00Z", "2026-05-01 12:00:00"])
def test_updated_after(caller: Caller, rule: str, form: str, hits: int):
    """The very second is left out, or taken in by switch, in both formats."""
    caller.switches = Switches(updated_after="inclusive" if rule == "inclusive" else "exclusive")
    caller.read("POST /Contacts", {"FIRST_NAME": "Now"})
    assert hits == len(ids(caller, "GET /Contacts/Search", updated_after_utc=form))
    assert 1 == len(ids(caller, "GET /Contacts/Search", updated_after_utc="2026-05-01T11:59:59Z"))


@pytest.mark.parametrize(("rule", "hits"), [("ignored", 6), ("honoured", 0)])
def test_updated_after_on_list(caller: Caller, rule: str, hits: int):
    """The plain list does not heed `updated_after_utc`, but by switch; it never heeds `field_name`."""
    caller.switches = Switches(updated_after_on_list="honoured" if rule == "honoured" else "ignored")
    query = {"updated_after_utc": "2030-01-01T00:00:00Z", "field_name": "SHOE_SIZE"}
    assert hits == len(ids(caller, "GET /Contacts", **query))


def test_search_lag(caller: Caller):
    """A record is searched for in vain until the lag is over; lists and GET see it at once."""
    made = caller.read("POST /Contacts", {"FIRST_NAME": "Fresh"})
    assert isinstance(made, dict)
    number, caller.search_lag = made["CONTACT_ID"], 5.0
    search = {"field_name": "FIRST_NAME", "field_value": "Fresh"}
    assert number in ids(caller, "GET /Contacts")
    assert [] == ids(caller, "GET /Contacts/Search", **search)
    caller.now = NOW + timedelta(seconds=5)
    assert [number] == ids(caller, "GET /Contacts/Search", **search)


@pytest.mark.parametrize("name", ["tagName", "tag_name"])
def test_search_by_tag(caller: Caller, name: str):
    """A tag finds its records in any case, under either name of the parameter."""
    made = caller.read("POST /Contacts", {"FIRST_NAME": "A", "TAGS": [{"TAG_NAME": "Fair #7"}]})
    assert isinstance(made, dict)
    assert [made["CONTACT_ID"]] == ids(caller, "GET /Contacts/SearchByTag", **{name: "fair #7"})


@pytest.mark.parametrize(("rule", "status"), [("empty", 200), ("not_found", 404)])
def test_unknown_tag(caller: Caller, rule: str, status: int):
    """A tag that nobody carries gives an empty list, or 404 by switch; no tag at all is a 400."""
    caller.switches = Switches(search_by_unknown_tag="not_found" if rule == "not_found" else "empty")
    assert status == caller("GET /Contacts/SearchByTag", tagName="nobody's").status
    assert 400 == caller("GET /Contacts/SearchByTag").status
