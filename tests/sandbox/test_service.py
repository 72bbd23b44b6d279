"""The smaller nouns: who calls, images, translations, templates, comments, lists, and calls that name nobody."""

import json

import pytest

from fixtures.caller import Caller

PNG = b"\x89PNG\r\n\x1a\nnot really"


def test_me(caller: Caller):
    """Each key is one user, and is told so."""
    for user in caller.instance.users:
        me = json.loads(caller("GET /Users/Me", as_user=user).body)
        assert (user.id, user.administrator) == (me["USER_ID"], me["ADMINISTRATOR"])


def test_permissions(caller: Caller):
    """Administrators have full permissions, others their own; each kind of record is named once."""
    states = [
        json.loads(caller("GET /Permissions", as_user=u).body)
        for u in (caller.instance.users[0], caller.instance.users[-1])
    ]
    assert ["FULL", "CUSTOM"] == [told["PERMISSIONS_STATE"] for told in states]
    kinds = [right["OBJECT_TYPE"] for right in states[0]["OBJECT_PERMISSIONS"]]
    assert len(set(kinds)) == len(kinds)
    assert "Organisation" in kinds


def test_instance(caller: Caller):
    """The instance tells its name and plan."""
    caller.instance.plan = "Enterprise"
    told = json.loads(caller("GET /Instance").body)
    assert ("exercise", "Enterprise") == (told["INSTANCE_NAME"], told["PLAN_NAME"])


def test_image(caller: Caller):
    """An image comes back byte for byte under its type, and its address stands in the record, until it is deleted."""
    number = caller.first("contacts")
    caller.read("PUT /Contacts/{id}/Image/{filename}", PNG, id=number, filename="me.png")
    down = caller("GET /Contacts/{id}/Image", id=number)
    assert (PNG, "image/png") == (down.body, down.content_type)
    assert json.loads(caller("GET /Contacts/{id}", id=number).body)["IMAGE_URL"].endswith("/me.png")
    assert 202 == caller("DELETE /Contacts/{id}/Image", id=number).status
    assert json.loads(caller("GET /Contacts/{id}", id=number).body)["IMAGE_URL"] is None
    assert [404, 404] == [caller(f"{verb} /Contacts/{{id}}/Image", id=number).status for verb in ("GET", "DELETE")]


def test_image_refused(caller: Caller):
    """No bytes are 417, an unknown field 400, a full storage 402."""
    number, path = caller.first("contacts"), "PUT /Contacts/{id}/Image/{filename}"
    assert 417 == caller(path, b"", id=number, filename="me.png").status
    field = "PUT /Contacts/{id}/ImageField/{fieldName}/{fileName}"
    assert 400 == caller(field, PNG, id=number, fieldName="Nope__c", fileName="me.png").status
    caller.instance.storage_limit = 5
    assert 402 == caller(path, PNG, id=number, filename="me.png").status


def test_translation(caller: Caller):
    """A translation is another version of the article; the article stays as it is."""
    number, path = caller.first("knowledge_article"), "{} /KnowledgeArticle/{{id}}/Translations/{{language}}"
    original = json.loads(caller("GET /KnowledgeArticle/{id}", id=number).body)
    at = {"id": number, "language": "DE"}
    assert b"[]" == caller(path.format("GET"), **at).body
    assert 404 == caller(path.format("PUT"), {"Title": "Zu früh"}, **at).status
    assert 201 == caller(path.format("POST"), {"Title": "Kennwort"}, **at).status
    assert 400 == caller(path.format("POST"), {"Title": "Nochmal"}, **at).status
    [held] = json.loads(caller(path.format("GET"), id=number, language="de").body)
    assert ("Kennwort", "de", original["Body"]) == (held["Title"], held["Language"], held["Body"])
    assert original["Title"] == json.loads(caller("GET /KnowledgeArticle/{id}", id=number).body)["Title"]
    assert 400 == caller(path.format("GET"), id=number, language="not a language").status


@pytest.mark.parametrize(("format_", "type_"), [("pdf", "application/pdf"), ("", "wordprocessingml")])
def test_merged_document(caller: Caller, format_: str, type_: str):
    """A merged document is a file of the record, and a document of a quotation."""
    number = caller.first("quotation")
    at = {"id": number, "documentTemplateId": caller.first("document_templates"), "format": format_}
    caller.read("POST /Quotation/{id}/MergeDocument/{documentTemplateId}", **at)
    [document] = json.loads(caller("GET /Quotation/{id}/QuotationDocument", id=number).body)
    assert type_ in str(caller("GET /FileAttachments/{id}", id=document["FILE_ID"]).content_type)
    path = "DELETE /Quotation/{id}/QuotationDocument/{childEntityId}"
    assert 202 == caller(path, id=number, childEntityId=document["QUOTE_DOCUMENT_ID"]).status
    wrong = {**at, "format": "bmp"}
    assert 400 == caller("POST /Quotation/{id}/MergeDocument/{documentTemplateId}", **wrong).status


def test_inactive_template(caller: Caller):
    """A template that is switched off is a 400."""
    table = caller.instance.tables["document_templates"]
    table.amend(table.rows[table.order[0]], "ACTIVE", value=False)
    at = {"id": caller.first("contacts"), "documentTemplateId": table.order[0]}
    assert 400 == caller("POST /Contacts/{id}/MergeDocument/{documentTemplateId}", **at).status


def test_comments_of_note(caller: Caller):
    """Both routes of the comments show the same; a comment changes by a route of its own and leaves with the note."""
    number = caller.first("notes", 1)
    [made] = json.loads(caller("POST /Notes/{id}/Comments", {"BODY": "One"}, id=number).body)
    assert [made] == json.loads(caller("GET /Notes/{id}/Comment", id=number).body)
    caller.read("PUT /Comments", {"COMMENT_ID": made["COMMENT_ID"], "BODY": "Two"})
    assert "Two" == json.loads(caller("GET /Notes/{id}/Comments", id=number).body)[0]["BODY"]
    other = {"COMMENT_ID": made["COMMENT_ID"], "BODY": "Three"}
    assert 404 == caller("PUT /Notes/{id}/Comment", other, id=caller.first("notes")).status
    caller.read("DELETE /Notes/{id}", id=number)
    assert 404 == caller("DELETE /Comments/{id}", id=made["COMMENT_ID"]).status


def test_static_lists(caller: Caller):
    """A prospect's lists are set whole, added to and left."""
    number, path = caller.first("prospect"), "{} /Prospect/{{id}}/StaticListMembership"
    caller.read(path.format("PUT"), [{"LIST_ID": 1}, {"LIST_ID": 2}, {"LIST_ID": 1}], id=number)
    caller.read(path.format("POST"), {"LIST_ID": "3"}, id=number)
    assert 202 == caller(path.format("DELETE"), {"LIST_ID": 2}, id=number).status
    assert [{"LIST_ID": 1}, {"LIST_ID": 3}] == caller.read(path.format("GET"), id=number)
    assert 417 == caller(path.format("DELETE"), {"LIST_ID": 2}, id=number).status
    assert 400 == caller(path.format("POST"), {}, id=number).status


def test_marketing_event(caller: Caller):
    """What a prospect does counts; a prospect that does not exist is a 400."""
    number = caller.first("prospect")
    before = json.loads(caller("GET /Prospect/{id}", id=number).body)["SCORE"]
    caller.read("POST /MarketingCustomEvent", {"PROSPECT_ID": number, "CATEGORY": "web", "ACTION": "click"})
    assert before + 5 == json.loads(caller("GET /Prospect/{id}", id=number).body)["SCORE"]
    assert 400 == caller("POST /MarketingCustomEvent", {"PROSPECT_ID": 4, "CATEGORY": "web", "ACTION": "x"}).status


@pytest.mark.parametrize("wrong", [{"user_id": 4}, {"user_id": "me"}, {"object_name": "spoons"}, {"record_id": 4}])
def test_display_of_nothing(caller: Caller, wrong: dict[str, object]):
    """A user, kind or record that does not exist is a 404."""
    right = {"user_id": caller.first("users"), "object_name": "Contact", "record_id": caller.first("contacts")}
    path = "POST /cti/user/{user_id}/{object_name}/{record_id}/display"
    assert [202, 404] == [caller(path, **right).status, caller(path, **{**right, **wrong}).status]


def test_mailbox(caller: Caller):
    """The route of a record's mailbox tells what its record does."""
    lead = json.loads(caller("GET /Leads/{id}", id=caller.first("leads")).body)
    told = json.loads(caller("GET /Leads/{id}/LinkEmailAddress", id=lead["LEAD_ID"]).body)
    assert {"EMAIL": lead["LINKED_EMAIL_ADDRESS"]} == told


def test_child_of_other_parent(caller: Caller):
    """A milestone of another project is not found below this one."""
    milestones = caller.instance.tables["milestones"]
    foreign = next(row for row in milestones.all() if milestones.get(row, "PROJECT_ID") != caller.first("projects"))
    at = {"id": caller.first("projects"), "milestoneId": foreign.id}
    assert 404 == caller("DELETE /Projects/{id}/Milestones/{milestoneId}", **at).status


def test_project_takes_milestones_along(caller: Caller):
    """The milestones of a deleted project are gone; its tasks stay without it."""
    project = caller.first("projects")
    task = json.loads(caller("POST /Tasks", {"TITLE": "A", "PROJECT_ID": project}).body)["TASK_ID"]
    caller.read("DELETE /Projects/{id}", id=project)
    milestones = caller.instance.tables["milestones"]
    assert project not in {milestones.get(row, "PROJECT_ID") for row in milestones.all()}
    assert json.loads(caller("GET /Tasks/{id}", id=task).body)["PROJECT_ID"] is None


def test_files_leave_with_record(caller: Caller):
    """The files, images and follows of a deleted record are gone with it."""
    number = caller.first("contacts")
    at = {"id": number, "documentTemplateId": caller.first("document_templates")}
    caller.read("POST /Contacts/{id}/MergeDocument/{documentTemplateId}", **at)
    caller.read("PUT /Contacts/{id}/Image/{filename}", PNG, id=number, filename="me.png")
    caller.read("POST /Contacts/{id}/Follow", id=number)
    [file] = json.loads(caller("GET /Contacts/{id}/FileAttachments", id=number).body)
    caller.read("DELETE /Contacts/{id}", id=number)
    assert 404 == caller("GET /FileAttachments/{id}", id=file["FILE_ID"]).status
    assert [] == caller.read("GET /Follows")
    assert not [name for name in caller.instance.extras.blobs if name.startswith(f"contacts/{number}/")]


def test_team_record(caller: Caller):
    """A record for a team is seen by its members and by nobody else who does not administer."""
    table = caller.instance.tables["team_members"]
    outsider = caller.instance.users[-1]
    teams = {int(str(table.get(row, "TEAM_ID"))) for row in table.where("MEMBER_USER_ID", outsider.id)}
    inside, outside = teams.pop(), caller.first("teams")
    for team, status in ((inside, 200), (outside, 403)):
        body = {"FIRST_NAME": "A", "VISIBLE_TO": "TEAM", "VISIBLE_TEAM_ID": team}
        number = json.loads(caller("POST /Contacts", body).body)["CONTACT_ID"]
        assert status == caller("GET /Contacts/{id}", id=number, as_user=outsider).status


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("POST /Teams", {"TEAM_NAME": "A", "TEAMMEMBERS": [{"MEMBER_USER_ID": 4}]}),
        ("POST /Teams", {"TEAM_NAME": "A", "TEAMMEMBERS": "everybody"}),
        ("POST /TeamMembers", {"MEMBER_USER_ID": 1_000_001}),
        ("POST /TaskCategories", {"CATEGORY_NAME": "A", "BACKGROUND_COLOR": "red"}),
        ("POST /Pricebook", {"NAME": "A", "ACTIVE": True, "CURRENCY_CODE": "XXX"}),
        ("POST /Pricebook/{id}/PricebookEntry", {"PRICE": 1}),
        ("POST /Quotation/{id}/QuotationLineItem", {"QUANTITY": 1, "UNIT_PRICE": 1}),
        ("POST /Ticket/{id}/Merge", {"TARGET_TICKET_NUMBER": 4}),
        ("PUT /Opportunities/{id}/Pricebook", {"PRICEBOOK_ID": 4}),
        ("PUT /Projects/{id}/Pipeline", {"PIPELINE_ID": 4}),
        ("POST /Contacts/{id}/Links", {"LINK_OBJECT_NAME": "Lead", "RELATIONSHIP_ID": 4}),
        ("POST /Contacts/{id}/ActivitySetAssignment", {"START_DATE": "0001-01-01"}),
        ("PUT /Contacts/{id}/Dates", [7]),
        ("PUT /Contacts/{id}/Dates", [{"OCCASION_DATE": "soon"}]),
        ("PUT /Organisations/{id}/EmailDomains", [{"EMAIL_DOMAIN": ""}]),
        ("PUT /Contacts/{id}/Tags", [{"TAG_NAME": "x" * 256}]),
    ],
)
def test_refused(caller: Caller, operation: str, body: object):
    """What does not fit is a 400 that names its place, and changes nothing."""
    at = {"id": caller.first(operation.split("/")[1].lower())} if "{id}" in operation else {}
    before = caller.instance.snapshot()
    answer = caller(operation, body, **at)
    assert 400 == answer.status
    assert json.loads(answer.body)[0]["Name"].startswith("api")
    assert before == caller.instance.snapshot()
