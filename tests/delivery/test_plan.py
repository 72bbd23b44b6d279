"""Plans: what a template or a URL means, what is refused before the first row, and what is said about it."""

from datetime import UTC, datetime

import msgspec
import pytest

from crosswalk.contract import load
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.grouping import Grouping
from crosswalk.delivery.payload import Invalid, Payload, make_payload
from crosswalk.delivery.plan import Manual, Plan, Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.template import find_template

BASE = "https://api.na1.insightly.com/v3.1"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMNS = ("id", "first", "phone", "text")
ARRAY = Grouping(algorithm="json_array")


def settled(method, url, *, columns=COLUMNS, closed=True, base=BASE, custom=None, **settings):
    """A manual plan checked for an account; a URL may leave out the base."""
    whole = f"{BASE}{url}" if url.startswith("/") else url
    call = {name: settings.pop(name) for name in ("headers", "date_format", "time_unit") if name in settings}
    plan = Plan(call=Manual(method=method, url=whole, **call), **settings)
    return settle_plan(plan, load(), Rows(columns, closed=closed), base_url=base, now=NOON, custom=custom)


def made(method, url, cells, **settings):
    """The payload of one row."""
    settings.setdefault("columns", tuple(cells))
    return make_payload(settled(method, url, **settings), cells)


@pytest.mark.parametrize(
    ("method", "url", "cells", "expected"),
    [
        ("POST", "/Contacts", {"FIRST_NAME": "Ann"}, Payload("POST", "/Contacts", {"FIRST_NAME": "Ann"})),
        ("POST", "/contacts/", {"FIRST_NAME": "Ann"}, Payload("POST", "/Contacts", {"FIRST_NAME": "Ann"})),
        (
            "PUT",
            "/Contacts/{record.id}",
            {"id": "7", "PHONE": "5"},
            Payload("PUT", "/Contacts", {"CONTACT_ID": 7, "PHONE": "5"}, "7"),
        ),
        (
            "PATCH",
            "/Contacts/{record.id}",
            {"id": 7.0, "PHONE": "5"},
            Payload("PUT", "/Contacts", {"CONTACT_ID": 7, "PHONE": "5"}, "7"),
        ),
        ("PATCH", "/Contacts/12", {"PHONE": "5"}, Payload("PUT", "/Contacts", {"CONTACT_ID": 12, "PHONE": "5"}, "12")),
        (
            "PUT",
            "/Contacts",
            {"CONTACT_ID": "7", "PHONE": "5"},
            Payload("PUT", "/Contacts", {"CONTACT_ID": 7, "PHONE": "5"}, "7"),
        ),
        ("DELETE", "/Contacts/{record.id}", {"id": "7", "x": ""}, Payload("DELETE", "/Contacts/7", None, "7")),
        (
            "DELETE",
            "/Contacts/{record.id}?a={record.x}",
            {"id": "7", "x": "&"},
            Payload("DELETE", "/Contacts/7?a=%26", None, "7"),
        ),
        (
            "POST",
            "/Contacts/{record.id}/Notes",
            {"id": "7", "TITLE": "Hi"},
            Payload("POST", "/Contacts/7/Notes", {"TITLE": "Hi"}, "7"),
        ),
        (
            "PUT",
            "/Opportunities/{record.id}/PipelineStage",
            {"id": "7", "STAGE_ID": "3"},
            Payload("PUT", "/Opportunities/7/PipelineStage", {"STAGE_ID": 3}, "7"),
        ),
        ("POST", "/Contacts/{record.id}/Follow", {"id": "7"}, Payload("POST", "/Contacts/7/Follow", None, "7")),
        (
            "DELETE",
            "/Contacts/{record.id}/Links/{record.link}",
            {"id": "7", "link": "8"},
            Payload("DELETE", "/Contacts/7/Links/8", None, "7"),
        ),
        (
            "POST",
            "/Fruit__c",
            {"RECORD_NAME": "Fig", "Taste__c": "sweet"},
            Payload(
                "POST",
                "/Fruit__c",
                {"RECORD_NAME": "Fig", "CUSTOMFIELDS": [{"FIELD_NAME": "Taste__c", "FIELD_VALUE": "sweet"}]},
            ),
        ),
        (
            "PUT",
            "/Fruit__c/{record.id}",
            {"id": "7", "RECORD_NAME": "Fig"},
            Payload("PUT", "/Fruit__c", {"RECORD_ID": 7, "RECORD_NAME": "Fig"}, "7"),
        ),
        (
            "POST",
            "/Contacts/Bulk",
            {"FIRST_NAME": "Ann", "anything": "goes"},
            Payload("POST", "/Contacts/Bulk", {"FIRST_NAME": "Ann", "anything": "goes"}),
        ),
        (
            "POST",
            "/Contacts?on={now-1}",
            {"FIRST_NAME": "Ann"},
            Payload("POST", "/Contacts?on=2026-02-28", {"FIRST_NAME": "Ann"}),
        ),
    ],
)
def test_calls(method, url, cells, expected):
    """A method and a URL become the call that Insightly serves."""
    assert expected == made(method, url, cells)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://api.eu1.insightly.com/v3.1/Contacts", "is not on api.na1.insightly.com"),
        ("https://api.na1.insightly.com:8443/v3.1/Contacts", "is not on api.na1.insightly.com"),
        ("https://evil.example/v3.1/Contacts", "is not on api.na1.insightly.com"),
        ("https://api.na1.insightly.com@evil.example/v3.1/Contacts", "holds a name or password"),
        ("https://me:secret@api.na1.insightly.com/v3.1/Contacts", "holds a name or password"),
        ("http://api.na1.insightly.com/v3.1/Contacts", "is not https"),
        ("ftp://api.na1.insightly.com/v3.1/Contacts", "is not https"),
        ("https://{record.host}/v3.1/Contacts", "macro in its host"),
        ("https://api.{record.pod}.insightly.com/v3.1/Contacts", "macro in its host"),
        ("/v3.0/../Contacts", "holds '.', '..'"),
        ("/Contacts/%2e%2e/Users", "holds '.', '..'"),
        ("/Contacts/..%2fUsers", "holds '.', '..'"),
        ("/Contacts/7#top", "'#'"),
        ("https://api.na1.insightly.com/v2.3/Contacts", "is not below https://api.na1.insightly.com/v3.1"),
        ("https://api.na1.insightly.com/v3.10/Contacts", "is not below"),
        ("https://api.na1.insightly.com/v3.1", "names no resource"),
        ("api.na1.insightly.com/v3.1/Contacts", "is not complete"),
        ("Contacts", "is not complete"),
        ("https://[/v3.1/Contacts", "cannot be read"),
        ("/Con tacts", "holds ' '"),
        ("/Contacts\\7", r"holds '\\'"),
        ("/Contacts/{record.id", "holds '{'"),
        ("/Contacts/{id}", "no macro {id}"),
        ("/{record.noun}/7", "cannot name the resource"),
        ("/Organizations", "Did you mean /Organisations?"),
        ("/Contact", "Did you mean /Contacts?"),
        ("/Tickets", "Did you mean ticket"),
        ("/Contcats", "Did you mean contact"),
    ],
)
def test_urls_that_are_refused(url, says):
    """A URL that leaves the account, or names nothing there, is refused with what to write."""
    with pytest.raises(PlanError) as refused:
        settled("POST", url, columns=("FIRST_NAME",))
    assert says.lower() in str(refused.value).lower()


def test_no_secret_is_repeated():
    """A password in a URL is refused without being shown."""
    with pytest.raises(PlanError) as refused:
        settled("POST", "https://me:hunter2@api.na1.insightly.com/v3.1/Contacts")
    assert "hunter2" not in str(refused.value)


def test_nor_where_it_cannot_be_read():
    """Nor in a URL that is refused for something else."""
    with pytest.raises(PlanError) as refused:
        settled("POST", "https://me:hunter2 @api.na1.insightly.com/v3.1/Contacts")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8931/v3.1", None])
def test_an_account_on_this_machine(base):
    """An account whose base is plain http on loopback takes URLs of just that base."""
    url = "http://127.0.0.1:8931/v3.1/Contacts"
    assert "/Contacts" == made("POST", url, {"FIRST_NAME": "Ann"}, base=base).path


def test_plain_http_elsewhere():
    """Without an account, plain http is taken for this machine only."""
    with pytest.raises(PlanError, match="is not https"):
        settled("POST", "http://api.na1.insightly.com/v3.1/Contacts", base=None)


@pytest.mark.parametrize(
    ("method", "url", "notes"),
    [
        ("POST", "/Contacts", ()),
        (
            "PUT",
            "/Contacts/{record.id}",
            ("PUT /Contacts/{record.id} goes out as PUT /Contacts with CONTACT_ID in the body",),
        ),
        ("PATCH", "/Contacts/7", ("PATCH /Contacts/7 goes out as PUT /Contacts with CONTACT_ID in the body",)),
        ("PATCH", "/Opportunities/7/PipelineStage", ("Insightly serves no PATCH",)),
        ("POST", "/Contacts/Bulk", ("No document of Insightly's has POST /Contacts/Bulk",)),
        ("PUT", "/Contacts/7/Tags", ("PUT /v3.1/Contacts/7/Tags takes a list",)),
    ],
)
def test_notes(method, url, notes):
    """Whatever goes out otherwise than asked is said."""
    field = {"PipelineStage": "STAGE_ID", "Tags": "TAG_NAME"}.get(url.rsplit("/", 1)[-1], "FIRST_NAME")
    said = settled(method, url, columns=("id", "text"), fields=((field, "text"),)).notes
    assert [True] * len(notes) == [line.startswith(note) for line, note in zip(said, notes, strict=True)]


@pytest.mark.parametrize(
    ("method", "url", "settings", "says"),
    [
        ("DELETE", "/Contacts", {}, "names no record"),
        ("DELETE", "/Contacts/Search", {}, "which is no record id"),
        ("PUT", "/Contacts/abc", {}, "which is no record id"),
        ("PUT", "/Contacts", {"fields": (("PHONE", "phone"),)}, "needs the record's id"),
        ("PUT", "/Contacts/{record.id}", {"fields": (("CONTACT_ID", "id"),)}, "cannot be written"),
        ("PUT", "/Contacts/{record.nothing}", {"fields": (("PHONE", "phone"),)}, "no column 'nothing'"),
        ("DELETE", "/Contacts/{record.id}", {"fields": (("PHONE", "phone"),)}, "sends no fields"),
        ("DELETE", "/Contacts/{record.id}", {"id_column": "id"}, "--id-field goes with a template"),
        ("POST", "/Contacts", {"fields": (("PHONE", "phone"),)}, "needs FIRST_NAME"),
        ("POST", "/Contacts", {"fields": (("FIRST_NAME", "first"), ("FRIST", "text"))}, "no field 'FRIST'"),
        ("POST", "/Contacts/{record.id}/Links", {"fields": (("ROLL", "text"),)}, "Did you mean ROLE?"),
        ("POST", "/Contacts/7/FileAttachments", {}, "takes a file"),
        ("POST", "/Contacts", {"headers": (("authorization", "x"),)}, "sets authorization itself"),
        ("POST", "/Contacts", {"headers": (("X-A", "{record.nothing}"),)}, "no column 'nothing'"),
        ("POST", "/Contacts?d={now}", {"date_format": "YYYY"}, "is none of yyyy"),
    ],
)
def test_calls_that_cannot_work(method, url, settings, says):
    """Settings that no row can make work are refused before the first."""
    if method == "POST" and "fields" not in settings:
        settings = {**settings, "fields": (("FIRST_NAME", "first"),)}
    with pytest.raises(PlanError, match=says.replace("?", r"\?")):
        settled(method, url, **settings)


FIRST = {"fields": (("FIRST_NAME", "first"), ("PHONE", "phone"))}


@pytest.mark.parametrize(
    ("method", "url", "settings", "says"),
    [
        ("DELETE", "/Contacts/{record.id}", {}, "sends no records"),
        ("PUT", "/Contacts/{record.id}", FIRST, "names one record"),
        ("PATCH", "/Contacts/{record.id}", FIRST, "names one record"),
        ("POST", "/Contacts", {**FIRST, "match": "PHONE"}, "a batch holds many"),
        ("POST", "/Contacts/7/Follow", {}, "sends no records"),
    ],
)
def test_batches_that_cannot_be(method, url, settings, says):
    """A batch and a record of its own exclude each other."""
    with pytest.raises(PlanError, match=says):
        settled(method, url, grouping=ARRAY, **settings)


def test_no_batch_of_a_template():
    """A template's call takes one record."""
    plan = Plan(call=find_template("create-contact"), fields=(("FIRST_NAME", "first"),), grouping=ARRAY)
    with pytest.raises(PlanError, match="takes one record a call"):
        settle_plan(plan, load(), Rows(COLUMNS), base_url=BASE, now=NOON)


def test_a_batch_where_one_record_is_taken():
    """On a call that takes one record, a batch is allowed and warned of."""
    (note,) = settled("POST", "/Contacts", grouping=ARRAY, **FIRST).notes
    assert "takes one record a call" in note


def test_the_name_in_a_batch_must_be_sent():
    """A keyed object is keyed by what is sent."""
    keyed = Grouping(algorithm="keyed_object", key_attribute="EMAIL_ADDRESS")
    with pytest.raises(PlanError, match="'EMAIL_ADDRESS' is not sent"):
        settled("POST", "/Contacts/Bulk", grouping=keyed, **FIRST)


def test_lists_of_one():
    """A call that takes a list gets each row as a list of one, unless a grouping joins them."""
    alone = settled("PUT", "/Contacts/{record.id}/Tags", fields=(("TAG_NAME", "text"),))
    assert Grouping(algorithm="json_array", size=1) == alone.grouping


@pytest.mark.parametrize(("field", "expected"), [("Tier__c", True), ("PHONE", False)])
def test_custom_fields_are_known_to_be_sent(field, expected):
    """A plan says whether the account's custom fields need to be asked for."""
    plan = settled("POST", "/Contacts", fields=(("FIRST_NAME", "first"), (field, "text")))
    assert (expected, "Contacts") == (plan.sends_custom, plan.route.object)


def test_a_match_needs_a_search():
    """Where Insightly cannot search, nothing can be found again."""
    with pytest.raises(PlanError, match="no search for LeadSources"):
        settled("POST", "/LeadSources", columns=("X",), fields=(("LEAD_SOURCE", "X"),), match="LEAD_SOURCE")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"match": "EMAIL_ADDRESS"}, "is not sent"),
        ({"match": "TITLE", "constants": (("TITLE", "x"),)}, "the same in every row"),
    ],
)
def test_a_match_that_names_nothing(settings, says):
    """A match must be sent, and differ by row."""
    with pytest.raises(PlanError, match=says):
        settled("POST", "/Contacts", **FIRST, **settings)


@pytest.mark.parametrize(
    ("method", "url", "fields"),
    [
        ("PUT", "/Contacts/{record.id}", (("PHONE", "phone"),)),
        ("POST", "/Contacts/{record.id}/Notes", (("TITLE", "phone"),)),
        ("POST", "/Contacts/Bulk", (("PHONE", "phone"),)),
    ],
)
def test_a_match_finds_records_of_a_collection(method, url, fields):
    """Only what makes a record in its own collection can be settled by a search there."""
    with pytest.raises(PlanError, match="--match has no place in it"):
        settled(method, url, fields=fields, match=fields[0][0])


@pytest.mark.parametrize(("name", "value", "match"), [("PHONE", "5", "5"), ("Ref__c", 7, 7)])
def test_a_match_is_the_key(name, value, match):
    """The match's value as it is sent names the row's order; a custom field's too."""
    payload = made("POST", "/Contacts", {"FIRST_NAME": "Ann", name: value}, match=name)
    assert ((name, match), str(match)) == (payload.match, payload.key)


@pytest.mark.parametrize("value", ["", None])
def test_a_match_must_have_a_value(value):
    """A row without it could not be found again."""
    refused = made("POST", "/Contacts", {"FIRST_NAME": "Ann", "PHONE": value}, match="PHONE")
    assert Invalid("PHONE, which --match names, is empty") == refused


def test_headers():
    """Headers are filled by macros, time and rows alike, and not percent-encoded."""
    headers = (("X-On", "{now}"), ("X-Who", "Ms {record.FIRST_NAME}"))
    payload = made("POST", "/Contacts", {"FIRST_NAME": "Zoë A"}, headers=headers)
    assert (("X-On", "2026-03-01"), ("X-Who", "Ms Zoë A")) == payload.headers


def test_a_row_cannot_add_a_header():
    """A line break in a cell never becomes a header of its own."""
    refused = made("POST", "/Contacts", {"FIRST_NAME": "a\r\nX: 1"}, headers=(("X-A", "{record.FIRST_NAME}"),))
    assert Invalid("header X-A: has the character '\\r', which no header may have") == refused


@pytest.mark.parametrize("value", [None, "", "abc", 1.5, "../7", "7/Notes"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_record_no_call(method, value):
    """A row without an id makes no call, whatever the method: `DELETE /Contacts/` is impossible."""
    assert isinstance(made(method, "/Contacts/{record.id}", {"id": value}), Invalid)


@pytest.mark.parametrize("value", [".", ".."])
def test_no_row_climbs(value):
    """No cell becomes a step up in the path."""
    refused = made("POST", "/Contacts/{record.id}/{record.x}", {"id": "7", "x": value})
    assert f"would hold the segment {value!r}" in refused.reason


def test_excluded_columns_fill_urls():
    """What is excluded from the body can still fill URL and headers."""
    cells = {"id": "7", "ref": "r1", "TITLE": "Hi"}
    payload = made("POST", "/Contacts/{record.id}/Notes?r={record.ref}", cells, exclude=("id", "ref"))
    assert ("/Contacts/7/Notes?r=r1", {"TITLE": "Hi"}) == (payload.path, payload.body)


@pytest.mark.parametrize(
    ("exclude", "column", "expected"),
    [
        ("DATES.x", "DATES", [{"y": 2}]),
        ("data.list.x", "data.list", [{"y": 2}]),
        ("data.other", "data.list", [{"x": 1, "y": 2}]),
        ("data", "data.list", None),
    ],
)
def test_dotted_exclusion(exclude, column, expected):
    """A path takes out what stands below a column, in every item of a list."""
    dates = [{"x": 1, "y": 2}]
    cells = {"DATES": dates, "data": {"list": dates}}
    payload = made("PUT", "/Contacts/7", cells, exclude=(exclude,), fields=(("DATES", column),))
    assert expected == payload.body.get("DATES")


def test_dotted_exclusion_without_mapping():
    """So it does where every column goes under its own name."""
    payload = made("PUT", "/Contacts/7", {"DATES": [{"x": 1, "y": 2}]}, exclude=("DATES.x",))
    assert [{"y": 2}] == payload.body["DATES"]


def test_rows_that_bring_more():
    """Where rows may bring more columns, each goes under its own name, checked as the first row's were."""
    plan = settled("POST", "/Contacts", columns=("FIRST_NAME",), closed=False, exclude=("secret",))
    assert {"FIRST_NAME": "Ann", "PHONE": "5"} == make_payload(
        plan, {"FIRST_NAME": "Ann", "PHONE": "5", "secret": 1}
    ).body


def test_rows_that_bring_what_is_no_field():
    """A column that is no field makes its row invalid, by name."""
    plan = settled("POST", "/Contacts", columns=("FIRST_NAME",), closed=False)
    assert "Did you mean PHONE?" in make_payload(plan, {"FIRST_NAME": "Ann", "PHNE": "5"}).reason


def test_names_that_the_first_row_has_not():
    """There, a name that the first row lacks is a note, not a refusal."""
    plan = settled("POST", "/Contacts", columns=("FIRST_NAME",), closed=False, exclude=("FRIST_NAME",))
    assert ("The first row has no 'FRIST_NAME'. Did you mean 'FIRST_NAME'?",) == plan.notes


def test_names_before_any_row():
    """Before any row was seen, no name is doubted."""
    assert () == settled("POST", "/Contacts", columns=(), closed=False, fields=(("FIRST_NAME", "first"),)).notes


@pytest.mark.parametrize(
    ("method", "url", "action", "answer"),
    [
        ("POST", "/Contacts", "create", "CONTACT_ID"),
        ("PUT", "/Contacts/7", "update", "CONTACT_ID"),
        ("DELETE", "/Contacts/7", "delete", None),
        ("POST", "/Contacts/7/Notes", "create", "NOTE_ID"),
        ("POST", "/Contacts/7/Links", "other", None),
        ("PUT", "/Contacts/7/Tags", "other", None),
        ("DELETE", "/Contacts/7/Links/8", "other", None),
        ("POST", "/Contacts/Bulk", "other", None),
    ],
)
def test_what_a_call_does(method, url, action, answer):
    """The route says what a call does, and where the answer holds a new record's id."""
    route = settled(
        method,
        url,
        columns=("TITLE", "FIRST_NAME", "TAG_NAME"),
        closed=False,
        exclude=("TITLE", "FIRST_NAME", "TAG_NAME"),
    ).route
    assert (action, answer) == (route.action, route.answer_id)


def test_payloads_survive_the_journal():
    """A payload read back from JSON is the same."""
    payload = Payload("POST", "/Contacts", {"A": [1, {"b": None}]}, "k", (("X", "1"),), ("A", 2.5))
    assert payload == msgspec.json.decode(msgspec.json.encode(payload), type=Payload)


def test_plans_are_named():
    """A plan is called by its template, or by method and path."""
    manual = Manual(method="POST", url=f"{BASE}/Contacts/{{record.id}}/Notes?x=1")
    assert ("create-contact", "POST /v3.1/Contacts/{record.id}/Notes") == (
        Plan(call=find_template("create-contact")).name,
        Plan(call=manual).name,
    )


def test_plans_read_back():
    """A stored plan reads back the same, template or manual."""
    for call in (find_template("create-contact"), Manual(method="PATCH", url=BASE, headers=(("X", "1"),))):
        plan = Plan(call=call, grouping=ARRAY)
        assert plan == msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
