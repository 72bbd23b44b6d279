"""Records: created, changed, read back and removed as working programs expect it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from crosswalk.sandbox.switches import Switches
from fixtures.caller import NOW, Caller

Record = dict[str, object]


def create(caller: Caller, body: Record) -> Record:
    """Make a contact and give its record."""
    made = caller.read("POST /Contacts", body)
    assert isinstance(made, dict)
    return made


def problem(caller: Caller, operation: str, body: object) -> list[list[str]]:
    """Give the names and messages of a 400."""
    answer = caller(operation, body)
    assert 400 == answer.status, answer
    return [[entry["Name"], entry["Message"]] for entry in json.loads(answer.body)]


@pytest.mark.parametrize("zero", [0, "0", None, 77])
def test_own_id_ignored_on_create(caller: Caller, zero: object):
    """A create gives its own id, whatever the body says."""
    expected = caller.instance.tables["contacts"].next_id
    assert expected == create(caller, {"CONTACT_ID": zero, "FIRST_NAME": "A"})["CONTACT_ID"]


def test_keys_in_any_case(caller: Caller):
    """Keys are read in any case; of two that are equal the last counts."""
    made = caller.read("POST /Contacts", b'{"first_name":"A","LAST_NAME":"B","Last_Name":"C"}')
    assert isinstance(made, dict)
    assert ("A", "C") == (made["FIRST_NAME"], made["LAST_NAME"])


def test_unknown_and_read_only_keys_ignored(caller: Caller):
    """Unknown keys and read-only fields change nothing."""
    made = create(caller, {"FIRST_NAME": "A", "SHOE_SIZE": 43, "CREATED_USER_ID": 5, "LINKS": [{"LINK_ID": 1}]})
    assert (caller.instance.users[0].id, []) == (made["CREATED_USER_ID"], made["LINKS"])
    assert "SHOE_SIZE" not in made


@pytest.mark.parametrize("name", ["", "  ", None])
def test_required_blank(caller: Caller, name: object):
    """A required field that is blank or null is refused by name."""
    expected = [["apiContact.FIRST_NAME", "The FIRST_NAME field is required."]]
    assert expected == problem(caller, "POST /Contacts", {"FIRST_NAME": name})


def test_required_boolean_missing(caller: Caller):
    """A required yes or no must be said."""
    expected = [["apiProduct.ACTIVE", "The ACTIVE field is required."]]
    assert expected == problem(caller, "POST /Product", {"PRODUCT_NAME": "A", "DEFAULT_PRICE": 1})


@pytest.mark.parametrize(
    ("field", "sent", "stored"),
    [
        ("PHONE", 5551234, "5551234"),
        ("ORGANISATION_ID", None, None),
        ("ORGANISATION_ID", 0, None),
        ("EMAIL_OPTED_OUT", "True", True),
        ("EMAIL_OPTED_OUT", 1, True),
        ("EMAIL_OPTED_OUT", None, False),
        ("VISIBLE_TO", "everyone", "EVERYONE"),
        ("VISIBLE_TO", None, "EVERYONE"),
        ("DATE_OF_BIRTH", "1999-12-31", "1999-12-31 00:00:00"),
        ("DATE_OF_BIRTH", "1999-12-31 23:00:00", "1999-12-31 23:00:00"),
        ("DATE_OF_BIRTH", "1999-12-31T23:00:00.5+02:00", "1999-12-31 21:00:00"),
        ("DATE_OF_BIRTH", "", None),
        ("OWNER_USER_ID", "1000002", 1_000_002),
    ],
)
def test_coerced(caller: Caller, field: str, sent: object, stored: object):
    """Values are taken as ASP.NET takes them."""
    assert stored == create(caller, {"FIRST_NAME": "A", field: sent})[field]


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("PHONE", ["1"]),
        ("PHONE", "1" * 256),
        ("ORGANISATION_ID", "abc"),
        ("ORGANISATION_ID", 1.5),
        ("ORGANISATION_ID", True),
        ("ORGANISATION_ID", 2**63),
        ("ORGANISATION_ID", 4),
        ("OWNER_USER_ID", 2**31),
        ("EMAIL_OPTED_OUT", "maybe"),
        ("VISIBLE_TO", "NOBODY"),
        ("DATE_OF_BIRTH", "31.12.1999"),
        ("DATE_OF_BIRTH", 19991231),
        ("TAGS", [{"TAG_NAME": ""}]),
        ("TAGS", "red"),
    ],
)
def test_misfit_refused(caller: Caller, field: str, sent: object):
    """A value of the wrong type, size or range is a 400 that names its field, and nothing is made."""
    before = caller.instance.counts()
    [[name, message]] = problem(caller, "POST /Contacts", {"FIRST_NAME": "A", field: sent})
    assert name.startswith(f"apiContact.{field}")
    assert message
    assert before == caller.instance.counts()


def test_every_fault_at_once(caller: Caller):
    """All that is wrong is told in one answer."""
    names = [name for name, _ in problem(caller, "POST /Contacts", {"PHONE": [], "DATE_OF_BIRTH": "x"})]
    assert ["apiContact.PHONE", "apiContact.DATE_OF_BIRTH", "apiContact.FIRST_NAME"] == names


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("object", b'{"Message":"The request is invalid.","ModelState":{"apiContact":[""]}}'),
        ("text", b"apiContact: "),
    ],
)
def test_error_shape_switch(caller: Caller, shape: str, expected: bytes):
    """The shape of a 400 is a switch."""
    caller.switches = replace_switch(caller.switches, error_400=shape)
    assert expected == caller("POST /Contacts", b"{").body


def replace_switch(switches: Switches, **changes: object) -> Switches:
    """Turn a switch."""
    return Switches(**{**{name: getattr(switches, name) for name in switches.__struct_fields__}, **changes})


def test_us_spelling(caller: Caller):
    """Organisations are written with US names too (S38)."""
    made = caller.read("POST /Organisations", {"ORGANIZATION_NAME": "Publiq"})
    assert isinstance(made, dict)
    body = {"ORGANIZATION_ID": str(made["ORGANISATION_ID"]), "PHONE": "1"}
    changed = caller.read("PUT /Organisations", body)
    assert isinstance(changed, dict)
    assert ("Publiq", "1") == (changed["ORGANISATION_NAME"], changed["PHONE"])


def test_lead_defaults(caller: Caller):
    """A lead of one name gets what a live create was seen to get (S3)."""
    made = caller.read("POST /Leads", {"LAST_NAME": "Example"})
    assert isinstance(made, dict)
    me = caller.instance.users[0].id
    expected = {"EMAIL": "", "EMPLOYEE_COUNT": 0, "ADDRESS_COUNTRY": "United States", "CONVERTED": False}
    expected |= {"VISIBLE_TO": "EVERYONE", "OWNER_USER_ID": me, "RESPONSIBLE_USER_ID": me, "CREATED_USER_ID": me}
    expected |= {"LEAD_SOURCE_ID": caller.first("lead_sources"), "LEAD_STATUS_ID": caller.first("lead_statuses")}
    assert expected == {name: made[name] for name in expected}
    assert str(made["LINKED_EMAIL_ADDRESS"]).startswith(f"exercise-L{made['LEAD_ID']}-")


def test_partial_put(caller: Caller):
    """Absent fields stay, null clears, the date of the update moves in whole seconds."""
    made = create(caller, {"FIRST_NAME": "A", "LAST_NAME": "B", "PHONE": "1"})
    caller.now = NOW + timedelta(seconds=61, milliseconds=900)
    changed = caller.read("PUT /Contacts", {"CONTACT_ID": str(made["CONTACT_ID"]), "PHONE": None})
    assert isinstance(changed, dict)
    assert {**made, "PHONE": None, "DATE_UPDATED_UTC": "2026-05-01 12:01:01", "ETag": changed["ETag"]} == changed


def test_replacing_put(caller: Caller):
    """With the switch, absent fields are cleared and required ones asked for."""
    caller.switches = Switches(put_effect="replacing")
    made = create(caller, {"FIRST_NAME": "A", "LAST_NAME": "B", "TAGS": [{"TAG_NAME": "x"}]})
    changed = caller.read("PUT /Contacts", {"CONTACT_ID": made["CONTACT_ID"], "FIRST_NAME": "C"})
    assert isinstance(changed, dict)
    assert ("C", None, [], "EVERYONE") == tuple(changed[n] for n in ("FIRST_NAME", "LAST_NAME", "TAGS", "VISIBLE_TO"))
    assert 400 == caller("PUT /Contacts", {"CONTACT_ID": made["CONTACT_ID"], "LAST_NAME": "D"}).status


@pytest.mark.parametrize(
    "resource",
    [
        *("Contacts", "Organisations", "Leads", "Opportunities", "Projects", "Tasks", "Events", "Notes", "Product"),
        *("Ticket", "Quotation", "Prospect", "KnowledgeArticle", "Teams", "{objectName}"),
    ],
)
def test_whole_record_put_back(caller: Caller, resource: str):
    """A record as GET gives it is accepted by PUT and changes nothing but the date of the update."""
    listed = caller.read(f"GET /{resource}")
    assert isinstance(listed, list)
    assert listed
    for record in listed:
        changed = caller.read(f"PUT /{resource}", record)
        assert isinstance(changed, dict)
        moved = {"DATE_UPDATED_UTC": "2026-05-01 12:00:00"} | ({"ETag": changed["ETag"]} if "ETag" in changed else {})
        assert {**record, **moved} == changed


def test_put_id_in_path(caller: Caller):
    """PUT on the record takes the id of the path."""
    number = caller.first("contacts")
    changed = caller.read("PUT /Contacts", {"LAST_NAME": "Path"}, id=number)
    assert isinstance(changed, dict)
    assert (number, "Path") == (changed["CONTACT_ID"], changed["LAST_NAME"])


def test_put_without_id(caller: Caller):
    """PUT without an id finds nothing."""
    answer = caller("PUT /Contacts", {"LAST_NAME": "Nobody"})
    assert (404, b"No Contact with ID = 0", "Contact Not Found") == (answer.status, answer.body, answer.reason)


def test_etag(caller: Caller):
    """The record's last key and the header say the same; every change gives another."""
    number = caller.first("contacts")
    answer = caller("GET /Contacts/{id}", id=number)
    record = json.loads(answer.body)
    assert ("ETag", f'"{record["ETag"]}"') in answer.headers
    assert "ETag" == list(record)[-1]
    changed = caller.read("PUT /Contacts", {}, id=number)
    assert isinstance(changed, dict)
    assert record["ETag"] != changed["ETag"]


@pytest.mark.parametrize("form", ["{}", '"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_if_match_right(caller: Caller, form: str):
    """The right token lets a change through, in any of its forms."""
    record = json.loads(caller("GET /Contacts/{id}", id=caller.first("contacts")).body)
    headers = {"if-match": form.format(record["ETag"])}
    assert 200 == caller("PUT /Contacts", {"CONTACT_ID": record["CONTACT_ID"]}, headers=headers).status


@pytest.mark.parametrize("status", [400, 412])
def test_if_match_stale(caller: Caller, status: int):
    """A stale token is 400 as seen live, or 412 as documented, by switch; the record stays."""
    caller.switches = Switches(if_match_stale=400 if status == 400 else 412)
    before = caller.instance.snapshot()
    body = {"CONTACT_ID": caller.first("contacts"), "LAST_NAME": "Late"}
    answer = caller("PUT /Contacts", body, headers={"if-match": '"stale"'})
    assert (status, b'If-Match header value "stale" is not valid.') == (answer.status, answer.body)
    assert before == caller.instance.snapshot()


def test_etag_absent(caller: Caller):
    """With the switch there is neither key nor header, and If-Match is not heeded."""
    caller.switches = Switches(etag="absent")
    answer = caller("PUT /Contacts", {}, id=caller.first("contacts"), headers={"if-match": '"stale"'})
    assert (200, ()) == (answer.status, answer.headers)
    assert "ETag" not in json.loads(answer.body)


def test_deleted_everywhere(caller: Caller):
    """A deleted organisation is gone from lists, from links and from the contacts that named it."""
    made = caller.read("POST /Organisations", {"ORGANISATION_NAME": "Short-lived"})
    assert isinstance(made, dict)
    number = made["ORGANISATION_ID"]
    contact = create(caller, {"FIRST_NAME": "A", "ORGANISATION_ID": number})["CONTACT_ID"]
    caller.read("POST /Contacts/{id}/Links", {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": number}, id=contact)
    answer = caller("DELETE /Organisations/{id}", id=number)
    assert (202, b"") == (answer.status, answer.body)
    left = caller.read("GET /Contacts/{id}", id=contact)
    assert isinstance(left, dict)
    assert (None, []) == (left["ORGANISATION_ID"], left["LINKS"])
    assert 404 == caller("DELETE /Organisations/{id}", id=number).status


def test_private_record(caller: Caller):
    """A record for its owner alone is 403 to others and missing from their lists; administrators see it."""
    made = create(caller, {"FIRST_NAME": "Secret", "VISIBLE_TO": "owner"})
    other, number = caller.instance.users[-1], made["CONTACT_ID"]
    answer = caller("GET /Contacts/{id}", id=number, as_user=other)
    assert (403, b"API User does not have access to Record.") == (answer.status, answer.body)
    search = {"field_name": "FIRST_NAME", "field_value": "secret"}
    assert b"[]" == caller("GET /Contacts/Search", as_user=other, **search).body
    assert 1 == len(json.loads(caller("GET /Contacts/Search", **search).body))


def test_user_is_frozen(caller: Caller):
    """A key never shows in a user's repr."""
    user = replace(caller.instance.users[0], key="sesame")
    assert "sesame" not in repr(user)
