"""Rules that tie fields together: states, stages, tasks, settings, prices, tickets."""

import json

import pytest

from crosswalk.sandbox.bulk import BULK
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.operations import perform
from crosswalk.sandbox.switches import Switches
from fixtures.caller import Caller
from fixtures.exercises import FORM, form_of

Record = dict[str, object]


def make(caller: Caller, resource: str, body: Record) -> Record:
    """Make a record."""
    made = caller.read(f"POST /{resource}", body)
    assert isinstance(made, dict)
    return made


def pick(record: object, *names: str) -> list[object]:
    """Read some fields of a record."""
    assert isinstance(record, dict)
    return [record[name] for name in names]


@pytest.mark.parametrize(
    ("bid", "value"),
    [
        ({"BID_AMOUNT": 100, "BID_DURATION": 12}, 100),
        ({"BID_AMOUNT": 100, "BID_TYPE": "per month", "BID_DURATION": 12}, 1200),
        ({"BID_AMOUNT": "99.5", "BID_TYPE": "Per Hour"}, 99.5),
        ({"BID_AMOUNT": 2**80, "BID_TYPE": "Per Day", "BID_DURATION": 2**31 - 1}, float(2**80 * (2**31 - 1))),
        ({}, None),
    ],
)
def test_value(caller: Caller, bid: Record, value: object):
    """An opportunity's value is amount times duration, but for a fixed bid; it is not written."""
    made = make(caller, "Opportunities", {"OPPORTUNITY_NAME": "A", "OPPORTUNITY_VALUE": 7, **bid})
    assert value == pytest.approx(made["OPPORTUNITY_VALUE"])
    assert caller.instance.snapshot()


def test_state_history(caller: Caller):
    """States come by the record and by StateChange; closing dates the opportunity, opening clears the date."""
    number = make(caller, "Opportunities", {"OPPORTUNITY_NAME": "A"})["OPPORTUNITY_ID"]
    changed = caller.read("PUT /Opportunities", {"OPPORTUNITY_ID": number, "OPPORTUNITY_STATE": "Lost"})
    assert ["LOST", "2026-05-01 00:00:00"] == pick(changed, "OPPORTUNITY_STATE", "ACTUAL_CLOSE_DATE")
    caller.read("PUT /Opportunities/{id}/StateChange", {"FOR_OPPORTUNITY_STATE": "open"}, id=number)
    assert [None] == pick(caller.read("GET /Opportunities/{id}", id=number), "ACTUAL_CLOSE_DATE")
    history = json.loads(caller("GET /Opportunities/{id}/StateHistory", id=number).body)
    assert ["OPEN", "LOST", "OPEN"] == [entry["FOR_OPPORTUNITY_STATE"] for entry in history]


@pytest.mark.parametrize(
    "body", [{}, {"FOR_OPPORTUNITY_STATE": "GONE"}, {"FOR_OPPORTUNITY_STATE": "LOST", "STATE_REASON_ID": 4}]
)
def test_wrong_state(caller: Caller, body: Record):
    """An unknown state, or a reason that does not exist, is a 400."""
    assert 400 == caller("PUT /Opportunities/{id}/StateChange", body, id=caller.first("opportunities")).status


def test_reason_of_other_state(caller: Caller):
    """A reason for winning is none for losing."""
    body = {"FOR_OPPORTUNITY_STATE": "LOST", "STATE_REASON_ID": caller.first("opportunity_state_reasons")}
    assert 400 == caller("PUT /Opportunities/{id}/StateChange", body, id=caller.first("opportunities")).status


def test_pipeline_not_in_record(caller: Caller):
    """Pipeline and stage are not written through the record."""
    pipeline, stage = caller.first("pipelines"), caller.first("pipeline_stages")
    made = make(caller, "Opportunities", {"OPPORTUNITY_NAME": "A", "PIPELINE_ID": pipeline, "STAGE_ID": stage})
    assert [None, None] == pick(made, "PIPELINE_ID", "STAGE_ID")


def test_stage_moves(caller: Caller):
    """A record enters a pipeline at its first stage, moves within it, and leaves it."""
    number = make(caller, "Opportunities", {"OPPORTUNITY_NAME": "A"})["OPPORTUNITY_ID"]
    pipeline, stages = caller.first("pipelines"), caller.instance.tables["pipeline_stages"].order
    assert 400 == caller("PUT /Opportunities/{id}/PipelineStage", {"STAGE_ID": stages[0]}, id=number).status
    caller.read("PUT /Opportunities/{id}/Pipeline", {"PIPELINE_ID": pipeline}, id=number)
    at = caller.read("GET /Opportunities/{id}", id=number)
    assert [pipeline, stages[0]] == pick(at, "PIPELINE_ID", "STAGE_ID")
    caller.read("PUT /Opportunities/{id}/PipelineStage", {"STAGE_ID": stages[2]}, id=number)
    assert [stages[2]] == pick(caller.read("GET /Opportunities/{id}", id=number), "STAGE_ID")
    foreign = caller("PUT /Opportunities/{id}/PipelineStage", {"STAGE_ID": stages[-1]}, id=number)
    assert (400, True) == (foreign.status, b"has no stage" in foreign.body)
    caller.read("DELETE /Opportunities/{id}/Pipeline", id=number)
    assert [None, None] == pick(caller.read("GET /Opportunities/{id}", id=number), "PIPELINE_ID", "STAGE_ID")


def test_pipeline_for_projects(caller: Caller):
    """A pipeline for projects takes no opportunity."""
    body = {"PIPELINE_ID": caller.first("pipelines", 1)}
    assert 400 == caller("PUT /Opportunities/{id}/Pipeline", body, id=caller.first("opportunities")).status


def test_activity_set(caller: Caller):
    """An assigned set becomes tasks and an event, linked to the record, weekends left out."""
    number = make(caller, "Leads", {"LAST_NAME": "A"})["LEAD_ID"]
    body = {"ACTIVITYSET_ID": caller.first("activity_sets"), "START_DATE": "2026-05-01"}
    caller.read("POST /Leads/{id}/ActivitySetAssignment", body, id=number)
    tasks = json.loads(caller("GET /Leads/{id}/Tasks", id=number).body)
    assert ["2026-05-04 00:00:00", "2026-05-04 00:00:00"] == [task["DUE_DATE"] for task in tasks]
    assert 1 == len(json.loads(caller("GET /Leads/{id}/Events", id=number).body))
    assert 400 == caller("POST /Leads/{id}/ActivitySetAssignment", {"ACTIVITYSET_ID": 4}, id=number).status


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [False, "NOT STARTED", 0, None]),
        ({"COMPLETED": True}, [True, "COMPLETED", 100, "2026-05-01 12:00:00"]),
        ({"STATUS": "Completed"}, [True, "COMPLETED", 100, "2026-05-01 12:00:00"]),
        ({"STATUS": "Waiting", "PERCENT_COMPLETE": 30}, [False, "WAITING", 30, None]),
    ],
)
def test_task_completion(caller: Caller, body: Record, expected: list[object]):
    """Status, completion, percentage and date say the same."""
    made = make(caller, "Tasks", {"TITLE": "A", **body})
    assert expected == pick(made, "COMPLETED", "STATUS", "PERCENT_COMPLETE", "COMPLETED_DATE_UTC")


@pytest.mark.parametrize("back", [{"COMPLETED": False}, {"STATUS": "NOT STARTED"}])
def test_task_reopened(caller: Caller, back: Record):
    """Taking back either field opens a completed task."""
    number = make(caller, "Tasks", {"TITLE": "A", "COMPLETED": True})["TASK_ID"]
    changed = caller.read("PUT /Tasks", {"TASK_ID": number, **back})
    names = ("COMPLETED", "STATUS", "PERCENT_COMPLETE", "COMPLETED_DATE_UTC")
    assert [False, "NOT STARTED", 0, None] == pick(changed, *names)


def test_task_places(caller: Caller):
    """A milestone must be of the task's project, and a task is of a project or an opportunity."""
    milestone = caller.first("milestones")
    mine, other = caller.first("projects"), caller.first("projects", 1)
    assert 201 == caller("POST /Tasks", {"TITLE": "A", "PROJECT_ID": mine, "MILESTONE_ID": milestone}).status
    assert 400 == caller("POST /Tasks", {"TITLE": "A", "PROJECT_ID": other, "MILESTONE_ID": milestone}).status
    both = {"TITLE": "A", "PROJECT_ID": mine, "OPPORTUNITY_ID": caller.first("opportunities")}
    assert 400 == caller("POST /Tasks", both).status


def test_event_order(caller: Caller):
    """An event does not end before it starts."""
    body = {"START_DATE_UTC": "2026-05-02 10:00:00", "END_DATE_UTC": "2026-05-02 09:00:00"}
    assert 400 == caller("POST /Events", body).status


def test_category_in_use(caller: Caller):
    """A category in use stays; an unused one is deactivated once, not removed."""
    made = make(caller, "TaskCategories", {"CATEGORY_NAME": "A", "BACKGROUND_COLOR": "abcdef"})
    number = made["CATEGORY_ID"]
    task = make(caller, "Tasks", {"TITLE": "A", "CATEGORY_ID": number})["TASK_ID"]
    assert 409 == caller("DELETE /TaskCategories/{id}", id=number).status
    caller.read("PUT /Tasks", {"TASK_ID": task, "CATEGORY_ID": None})
    assert 202 == caller("DELETE /TaskCategories/{id}", id=number).status
    assert [False] == pick(caller.read("GET /TaskCategories/{id}", id=number), "ACTIVE")
    assert 409 == caller("DELETE /TaskCategories/{id}", id=number).status


def test_lead_settings(caller: Caller):
    """There is one default source; it, one in use, and the last one stay."""
    number = make(caller, "LeadSources", {"LEAD_SOURCE": "New", "DEFAULT_VALUE": True})["LEAD_SOURCE_ID"]
    listed = json.loads(caller("GET /LeadSources").body)
    assert [number] == [source["LEAD_SOURCE_ID"] for source in listed if source["DEFAULT_VALUE"]]
    assert 409 == caller("DELETE /LeadSources", id=number).status
    spare = make(caller, "LeadSources", {"LEAD_SOURCE": "Spare"})["LEAD_SOURCE_ID"]
    make(caller, "Leads", {"LAST_NAME": "A", "LEAD_SOURCE_ID": spare})
    assert 409 == caller("DELETE /LeadSources", id=spare).status
    assert [400, 404] == [caller("DELETE /LeadSources").status, caller("DELETE /LeadSources", id=4).status]


def test_converted_statuses(caller: Caller):
    """Statuses of converted leads are listed only when asked for."""
    counts = [len(json.loads(caller("GET /LeadStatuses", **q).body)) for q in ({}, {"include_converted": "true"})]
    assert [4, 5] == counts


def test_team_members(caller: Caller):
    """A team's members are written with it or one by one, each once, and shown in it."""
    users = caller.instance.tables["users"].order
    body = {"TEAM_NAME": "A", "TEAMMEMBERS": [{"MEMBER_USER_ID": users[0]}, {"MEMBER_USER_ID": users[0]}]}
    team = make(caller, "Teams", body)["TEAM_ID"]
    caller.read("POST /Teams/{id}/TeamMembers", {"MEMBER_USER_ID": users[1]}, id=team)
    assert 400 == caller("POST /Teams/{id}/TeamMembers", {"MEMBER_USER_ID": users[1]}, id=team).status
    shown = json.loads(caller("GET /Teams/{id}", id=team).body)["TEAMMEMBERS"]
    assert users[:2] == [member["MEMBER_USER_ID"] for member in shown]


def test_quotation_sums(caller: Caller):
    """Line items sum up in their quotation; a sync makes them the opportunity's."""
    deal = make(caller, "Opportunities", {"OPPORTUNITY_NAME": "A"})["OPPORTUNITY_ID"]
    body = {"QUOTATION_NAME": "Q", "OPPORTUNITY_ID": deal, "TAX": 1, "SHIPPING_HANDLING": 2}
    quote = make(caller, "Quotation", body)["QUOTE_ID"]
    item = {"PRICEBOOK_ENTRY_ID": caller.first("pricebook_entry"), "QUANTITY": 3, "UNIT_PRICE": 10, "DISCOUNT": 50}
    caller.read("POST /Quotation/{id}/QuotationLineItem", item, id=quote)
    shown = caller.read("GET /Quotation/{id}", id=quote)
    names = ("LINE_ITEM_COUNT", "SUBTOTAL", "DISCOUNT", "TOTAL_PRICE", "GRAND_TOTAL")
    assert [1, 30, 15, 15, 18] == pick(shown, *names)
    caller.read("PUT /Quotation/{id}/Sync", id=quote)
    [line] = json.loads(caller("GET /Opportunities/{id}/OpportunityLineItem", id=deal).body)
    assert [deal, 3, 15] == pick(line, "OPPORTUNITY_ID", "QUANTITY", "TOTAL_PRICE")


def test_sold_product_stays(caller: Caller):
    """A product that was offered cannot be deleted: 417 without a body."""
    sold = caller.instance.tables["pricebook_entry"]
    entry = sold.rows[
        int(
            str(
                caller.instance.tables["quotation_line_item"].get(
                    next(iter(caller.instance.tables["quotation_line_item"].rows.values())), "PRICEBOOK_ENTRY_ID"
                )
            )
        )
    ]
    answer = caller("DELETE /Product/{id}", id=sold.get(entry, "PRODUCT_ID"))
    assert (417, b"") == (answer.status, answer.body)


def test_ticket(caller: Caller):
    """A ticket's first message is its first comment, and moves along when the ticket is merged."""
    body = {"SUBJECT": "A", "TICKET_STATUS": "OPEN", "CONTACT_ID": caller.first("contacts")}
    made = make(caller, "Ticket", {**body, "TicketCommentBodyHtml": "<p>Help</p>"})
    number, target = made["TICKET_ID"], caller.first("ticket")
    assert made["TicketCommentBodyHtml"] is None
    table = caller.instance.tables["ticket"]
    into = {"TARGET_TICKET_NUMBER": table.get(table.rows[target], "TICKET_NUMBER")}
    caller.read("POST /Ticket/{id}/Merge", into, id=number)
    said = json.loads(caller("GET /Ticket/{id}/Comments", id=target).body)
    assert "<p>Help</p>" == said[-1]["BODY_HTML"]
    assert ["CLOSED"] == pick(caller.read("GET /Ticket/{id}", id=number), "TICKET_STATUS")


def upload(caller: Caller, body: bytes) -> Answer:
    """Upload a form to the first contact."""
    return caller("POST /Contacts/{id}/FileAttachments", body, id=caller.first("contacts"), **FORM)


def test_file(caller: Caller):
    """A file comes back byte for byte, or as metadata, until it is deleted."""
    data = bytes(range(256)) + b"\r\n--almost\r\n"
    made = json.loads(upload(caller, form_of({"file_name": "añb.bin"}, data)).body)
    assert ["añb.bin", "text/csv", len(data)] == pick(made, "FILE_NAME", "CONTENT_TYPE", "FILE_SIZE")
    down = caller("GET /FileAttachments/{id}", id=made["FILE_ID"])
    assert (data, "text/csv") == (down.body, down.content_type)
    assert made == caller.read("GET /FileAttachments/{id}", id=made["FILE_ID"], format="json")
    caller.read("DELETE /FileAttachments/{id}", id=made["FILE_ID"])
    assert b"[]" == caller("GET /Contacts/{id}/FileAttachments", id=caller.first("contacts")).body


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/related; boundary=inner", "text/csv; charset=utf-16"])
@pytest.mark.parametrize("data", [b"Subject: Hi\r\n\r\n--inner\r\n\r\n", bytes(range(256)), b"\r\n", b"\n\n--"])
def test_files_of_any_kind(caller: Caller, kind: str, data: bytes):
    """A file comes down as it went up, whatever it says it is: a mail is not taken apart."""
    made = upload(caller, form_of({}, data).replace(b"text/csv", kind.encode()))
    assert data == caller("GET /FileAttachments/{id}", id=json.loads(made.body)["FILE_ID"]).body


def test_file_refused(caller: Caller):
    """No form and an unknown category are 400, an empty file 417, a full storage 402."""
    plain = caller("POST /Contacts/{id}/FileAttachments", b"x", id=caller.first("contacts"))
    assert 400 == plain.status
    assert 400 == upload(caller, form_of({"file_category_id": "4"})).status
    assert 417 == upload(caller, form_of({}, b"")).status
    caller.instance.storage_limit = 10
    full = upload(caller, form_of({}))
    assert (402, b"Storage limit reached.") == (full.status, full.body)


def test_tags_whole_set(caller: Caller):
    """PUT sets all tags, each once in any case; DELETE takes one away; the list of tags knows them."""
    number = caller.first("contacts")
    tags = [{"TAG_NAME": "Zeta #1"}, {"TAG_NAME": "zeta #1"}, {"TAG_NAME": "Eta"}]
    assert [tags[0], tags[2]] == caller.read("PUT /Contacts/{id}/Tags", tags, id=number)
    assert tags[0] in json.loads(caller("GET /Tags", record_type="contacts").body)
    assert 202 == caller("DELETE /Contacts/{id}/Tags", {"TAG_NAME": "ZETA #1"}, id=number).status
    assert [tags[2]] == caller.read("GET /Contacts/{id}/Tags", id=number)
    assert 417 == caller("DELETE /Contacts/{id}/Tags", {"TAG_NAME": "never"}, id=number).status
    assert 400 == caller("GET /Tags", record_type="spoons").status


def test_dates_keep_ids(caller: Caller):
    """A date that is sent back keeps its id; one that is left out is gone."""
    number = caller.first("contacts", 1)
    dates = [{"OCCASION_NAME": "A", "OCCASION_DATE": "2020-01-01"}, {"OCCASION_NAME": "B"}]
    first = caller.read("PUT /Contacts/{id}/Dates", dates, id=number)
    assert isinstance(first, list)
    again = caller.read("PUT /Contacts/{id}/Dates", [first[1]], id=number)
    assert [first[1]] == again
    assert [{"DATES": again}] == [{"DATES": pick(caller.read("GET /Contacts/{id}", id=number), "DATES")[0]}]


def test_follows_by_user(caller: Caller):
    """Each user follows for themselves; the list can be narrowed to a kind."""
    number, other = caller.first("contacts"), caller.instance.users[-1]
    caller.read("POST /Contacts/{id}/Follow", id=number)
    assert b'{"FOLLOWING":false}' == caller("GET /Contacts/{id}/Follow", id=number, as_user=other).body
    assert [{"RECORD_TYPE": "Contact", "RECORD_ID": number}] == caller.read("GET /Follows", record_type="contacts")
    assert [] == caller.read("GET /Follows", record_type="Lead")


@pytest.mark.parametrize(("switch", "status"), [("absent", 404), ("present", 200)])
def test_bulk(caller: Caller, switch: str, status: int):
    """Behind its switch, one call makes many records and tells of each; without, there is no such route."""
    resource, operation = BULK[0]
    switches = Switches(bulk="present" if switch == "present" else "absent")
    caller.switches = switches
    body = json.dumps([{"FIRST_NAME": "A"}, {"LAST_NAME": "B"}, 7]).encode()
    user = caller.instance.users[0]
    call = Call(resource, operation, {}, {}, {}, body, user, caller.now, switches)
    if status == 200:
        told = json.loads(perform(caller.instance, call).body)
        assert [201, 400, 400] == [item["STATUS"] for item in told]
        assert "A" == told[0]["RECORD"]["FIRST_NAME"]
    else:
        with pytest.raises(Exception, match="404"):
            perform(caller.instance, call)
