"""Links and what is reached through them: notes, tasks, events and emails of a record."""

import json
from datetime import timedelta

import pytest

from fixtures.caller import Caller

Record = dict[str, object]


def link(caller: Caller, body: Record, *, contact: int) -> Record:
    """Link a contact and give the link."""
    made = caller.read("POST /Contacts/{id}/Links", body, id=contact)
    assert isinstance(made, dict)
    return made


@pytest.fixture
def contact(caller: Caller) -> int:
    """A contact without links."""
    made = caller.read("POST /Contacts", {"FIRST_NAME": "Alone"})
    assert isinstance(made, dict)
    return int(str(made["CONTACT_ID"]))


@pytest.mark.parametrize("name", ["Organisation", "organisation", "Organization"])
def test_seen_from_both_sides(caller: Caller, contact: int, name: str):
    """One link shows at both ends under one id, each end naming itself first and the direction turned."""
    far = caller.first("organisations")
    body = {"LINK_OBJECT_NAME": name, "LINK_OBJECT_ID": far, "ROLE": "Buyer", "IS_FORWARD": True}
    made = link(caller, body, contact=contact)
    expected = {"LINK_ID": made["LINK_ID"], "OBJECT_NAME": "Contact", "OBJECT_ID": contact}
    expected |= {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": far, "ROLE": "Buyer", "DETAILS": None}
    assert expected | {"RELATIONSHIP_ID": None, "IS_FORWARD": True} == made
    there = caller.read("GET /Organisations/{id}", id=far)
    assert isinstance(there, dict)
    turned = {"OBJECT_NAME": "Organisation", "OBJECT_ID": far, "LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": contact}
    assert {**made, **turned, "IS_FORWARD": False} in there["LINKS"]


@pytest.mark.parametrize("name", ["Organisations", "Contacts", "Fruit__c", "", None])
def test_wrong_name(caller: Caller, contact: int, name: object):
    """A plural or unknown name is a 400 (S2)."""
    body = {"LINK_OBJECT_NAME": name, "LINK_OBJECT_ID": caller.first("organisations")}
    assert 400 == caller("POST /Contacts/{id}/Links", body, id=contact).status


@pytest.mark.parametrize("number", [4, None, "abc"])
def test_wrong_id(caller: Caller, contact: int, number: object):
    """A link to nothing is a 400."""
    body = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": number}
    assert 400 == caller("POST /Contacts/{id}/Links", body, id=contact).status


def test_twice(caller: Caller, contact: int):
    """A second link between two records is a 400, from either side, and so is one to itself."""
    far = caller.first("organisations")
    link(caller, {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": far}, contact=contact)
    body = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": far}
    assert 400 == caller("POST /Contacts/{id}/Links", body, id=contact).status
    back = {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": contact}
    assert 400 == caller("POST /Organisations/{id}/Links", back, id=far).status
    assert 400 == caller("POST /Contacts/{id}/Links", back, id=contact).status


def test_link_to_nothing(caller: Caller, contact: int):
    """A link that does not say what it points at is told which fields it lacks."""
    refused = caller("POST /Contacts/{id}/Links", {"LINK_OBJECT_NAME": "Organisation"}, id=contact)
    problem = {"Name": "apiLink.LINK_OBJECT_ID", "Message": "The LINK_OBJECT_ID field is required."}
    assert (400, [problem]) == (refused.status, json.loads(refused.body))


def test_removed_from_far_side(caller: Caller, contact: int):
    """A link made at one end can be removed at the other."""
    far = caller.first("organisations")
    made = link(caller, {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": far}, contact=contact)
    assert 202 == caller("DELETE /Organisations/{id}/Links/{linkId}", id=far, linkId=made["LINK_ID"]).status
    assert [] == caller.read("GET /Contacts/{id}/Links", id=contact)
    assert 404 == caller("DELETE /Contacts/{id}/Links/{linkId}", id=contact, linkId=made["LINK_ID"]).status


def test_foreign_link(caller: Caller, contact: int):
    """A link of other records is not found here."""
    other = next(iter(caller.instance.links.by_id))
    assert 404 == caller("DELETE /Contacts/{id}/Links/{linkId}", id=contact, linkId=other).status
    assert 404 == caller("PUT /Contacts/{id}/Links", {"LINK_ID": other}, id=contact).status


def test_note_under_parent(caller: Caller, contact: int):
    """A note is made below its parent, stands in the list of notes, and is linked both ways."""
    note = caller.read("POST /Contacts/{id}/Notes", {"TITLE": "Said"}, id=contact)
    assert isinstance(note, dict)
    [to] = note["LINKS"]
    assert ("Note", "Contact", contact) == (to["OBJECT_NAME"], to["LINK_OBJECT_NAME"], to["LINK_OBJECT_ID"])
    listed = caller.read("GET /Notes", top=500)
    assert isinstance(listed, list)
    assert note == listed[-1]
    assert [note] == caller.read("GET /Contacts/{id}/Notes", id=contact)


def test_foreign_note(caller: Caller, contact: int):
    """A note of another parent is not found below this one."""
    assert 404 == caller("PUT /Contacts/{id}/Notes", {"NOTE_ID": caller.first("notes")}, id=contact).status


def test_task_needs_link(caller: Caller):
    """A task's PROJECT_ID alone does not put it on the project's list; a link does (S2)."""
    project = caller.first("projects")
    task = caller.read("POST /Tasks", {"TITLE": "Dig", "PROJECT_ID": project})
    assert isinstance(task, dict)

    def listed() -> list[int]:
        found = caller.read("GET /Projects/{id}/Tasks", id=project, top=500)
        assert isinstance(found, list)
        return [record["TASK_ID"] for record in found]

    assert task["TASK_ID"] not in listed()
    body = {"LINK_OBJECT_NAME": "Project", "LINK_OBJECT_ID": project}
    caller.read("POST /Tasks/{id}/Links", body, id=task["TASK_ID"])
    assert task["TASK_ID"] in listed()


def test_leads_have_tasks(caller: Caller):
    """A lead has no links of its own, but tasks may be linked to it."""
    lead = caller.first("leads")
    task = caller.read("POST /Tasks", {"TITLE": "Call"})
    assert isinstance(task, dict)
    body = {"LINK_OBJECT_NAME": "Lead", "LINK_OBJECT_ID": lead}
    caller.read("POST /Tasks/{id}/Links", body, id=task["TASK_ID"])
    assert task["TASK_ID"] in [t["TASK_ID"] for t in json.loads(caller("GET /Leads/{id}/Tasks", id=lead).body)]


def test_link_outdates_both(caller: Caller, contact: int):
    """A link gives both records another ETag."""
    far = caller.first("organisations")
    tables = (("GET /Contacts/{id}", contact), ("GET /Organisations/{id}", far))
    before = [json.loads(caller(path, id=number).body)["ETag"] for path, number in tables]
    link(caller, {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": far}, contact=contact)
    after = [json.loads(caller(path, id=number).body)["ETag"] for path, number in tables]
    assert before[0] != after[0]
    assert before[1] != after[1]


SECONDS = "2026-05-01 12:00:00"
DATES = ("LAST_ACTIVITY_DATE_UTC", "NEXT_ACTIVITY_DATE_UTC")


@pytest.fixture
def fresh(caller: Caller) -> int:
    """A contact with which nothing ever happened."""
    made = caller.read("POST /Contacts", {"FIRST_NAME": "Ada"})
    assert isinstance(made, dict)
    return int(made["CONTACT_ID"])


def plan_with(caller: Caller, kind: str, body: Record, *, contact: int) -> int:
    """Make a task or event, link it to a contact, give its id."""
    made = caller.read(f"POST /{kind}s", body)
    assert isinstance(made, dict)
    number = int(made[f"{kind.upper()}_ID"])
    caller.read(f"POST /{kind}s/{{id}}/Links", {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": contact}, id=number)
    return number


def activity(caller: Caller, contact: int) -> tuple[object, object]:
    """Give a contact's last and next activity."""
    record = caller.read("GET /Contacts/{id}", id=contact)
    assert isinstance(record, dict)
    return record[DATES[0]], record[DATES[1]]


def spend(day: str) -> Record:
    """An event of an hour on a day."""
    return {"TITLE": "Meet", "START_DATE_UTC": f"{day} 10:00:00", "END_DATE_UTC": f"{day} 11:00:00"}


def test_note_is_an_activity(caller: Caller, fresh: int):
    """A note is the last activity of the record that it is made below, and none once it is deleted."""
    assert (None, None) == activity(caller, fresh)
    note = caller.read("POST /Contacts/{id}/Notes", {"TITLE": "Said"}, id=fresh)
    assert isinstance(note, dict)
    assert (SECONDS, None) == activity(caller, fresh)
    caller("DELETE /Notes/{id}", id=note["NOTE_ID"])
    assert (None, None) == activity(caller, fresh)


def test_events_before_and_after_now(caller: Caller, fresh: int):
    """The latest event of the past is the last activity, the earliest to come is the next."""
    for day in ("2026-04-01", "2026-04-20", "2026-05-20", "2026-06-01"):
        plan_with(caller, "Event", spend(day), contact=fresh)
    assert ("2026-04-20 10:00:00", "2026-05-20 10:00:00") == activity(caller, fresh)


def test_task_open_and_done(caller: Caller, fresh: int):
    """An open task due today or later is the next activity; completed, it is the last."""
    task = plan_with(caller, "Task", {"TITLE": "Call", "DUE_DATE": "2026-05-01"}, contact=fresh)
    assert (None, "2026-05-01 00:00:00") == activity(caller, fresh)
    caller.read("PUT /Tasks", {"TASK_ID": task, "COMPLETED": True})
    assert (SECONDS, None) == activity(caller, fresh)


def test_an_overdue_task_is_no_activity(caller: Caller, fresh: int):
    """An open task whose day has passed neither happened nor comes."""
    plan_with(caller, "Task", {"TITLE": "Call", "DUE_DATE": "2026-04-30"}, contact=fresh)
    assert (None, None) == activity(caller, fresh)


def test_activity_of_a_removed_link(caller: Caller, fresh: int):
    """An event that is linked no longer counts no longer."""
    event = plan_with(caller, "Event", spend("2026-05-20"), contact=fresh)
    links = caller.read("GET /Events/{id}/Links", id=event)
    assert isinstance(links, list)
    caller("DELETE /Events/{id}/Links/{linkId}", id=event, linkId=links[0]["LINK_ID"])
    assert (None, None) == activity(caller, fresh)


def test_activity_updates_nothing_else(caller: Caller, fresh: int):
    """An activity gives its record another ETag and leaves the time of its update alone."""
    before = caller.read("GET /Contacts/{id}", id=fresh)
    caller.now += timedelta(hours=1)
    caller.read("POST /Contacts/{id}/Notes", {"TITLE": "Said"}, id=fresh)
    after = caller.read("GET /Contacts/{id}", id=fresh)
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert {DATES[0], "LINKS", "ETag"} == {name for name in before if before[name] != after[name]}


def test_seeded_activity(caller: Caller):
    """Seeded records show when something last happened with them."""
    for key in ("contacts", "leads", "opportunities", "organisations", "projects"):
        table = caller.instance.tables[key]
        linked = [row for row in table.all() if list(caller.instance.links.linked((key, row.id), "notes"))]
        assert all(table.get(row, DATES[0]) is not None for row in linked)
