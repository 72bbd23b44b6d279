"""What single writes do at the sandbox: moves, states, links by name, notes' formats, upserts, versions."""

import pytest

from crosswalk.unified.errors import Refused
from crosswalk.unified.expand import plan_expansion
from crosswalk.unified.known import Known
from crosswalk.unified.mapping import plan_update, to_unified
from crosswalk.unified.nouns import CRM
from crosswalk.unified.objects import KINDS
from crosswalk.unified.search import match_search

ACCOUNTS, CONTACTS, LEADS, NOTES = CRM["accounts"], CRM["contacts"], CRM["leads"], CRM["notes"]
DEALS, PROJECTS, TASKS = CRM["opportunities"], CRM["projects"], CRM["tasks"]


def codes(refused):
    """Where and why a body was refused."""
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


async def hits(desk, search):
    """What a search finds."""
    path = f"{KINDS[search.object].resource.path}/Search"
    return await desk.get(path, field_name=search.field, field_value=search.value)


async def test_a_lead_gets_the_usual_source_and_status(desk):
    """A lead that names neither gets the account's own defaults, by id."""
    shown = await desk.read(LEADS, await desk.create(LEADS, {"last_name": "Hopper"}))
    assert ("Web", "New") == (shown["lead_source"]["name"], shown["status"]["name"])


async def test_a_lead_is_moved_without_a_trace(desk):
    """Insightly takes a lead's pipeline and stage, and shows neither."""
    lead = await desk.create(LEADS, {"last_name": "Hopper", "pipeline": "Sales", "stage": "Meet"})
    shown = await desk.read(LEADS, lead)
    assert (None, None) == (shown["pipeline"], shown["stage"])


async def test_a_stage_brings_its_pipeline(desk):
    """A new deal with a stage alone is put into that stage's pipeline."""
    shown = await desk.read(DEALS, await desk.create(DEALS, {"name": "Deal", "stage": "Propose"}))
    assert ("Sales", "Propose") == (shown["pipeline"]["name"], shown["stage"]["name"])


async def test_a_pipeline_alone_begins_at_its_first_stage(desk):
    """A pipeline without a stage means its first one; taken away, the deal stands in none."""
    deal = await desk.create(DEALS, {"name": "Deal", "pipeline": "Sales"})
    assert "Qualify" == (await desk.read(DEALS, deal))["stage"]["name"]
    await desk.update(DEALS, deal, {"stage": "Commit"})
    assert "Commit" == (await desk.read(DEALS, deal))["stage"]["name"]
    await desk.update(DEALS, deal, {"pipeline": None})
    shown = await desk.read(DEALS, deal)
    assert (None, None) == (shown["pipeline"], shown["stage"])


async def test_a_stage_of_another_pipeline_is_refused(desk):
    """A stage is looked for in the pipeline beside it, before any call."""
    with pytest.raises(Refused) as refused:
        await desk.create(DEALS, {"name": "Deal", "pipeline": "Sales", "stage": "Review"})
    assert [("/stage", "unknown_value")] == codes(refused)


async def test_a_state_keeps_its_reason(desk):
    """A deal is lost for a reason: the change of state holds it, and the history says when."""
    deal = await desk.create(DEALS, {"name": "Deal"})
    await desk.update(DEALS, deal, {"status": "lost", "status_reason": "Price"})
    history = await desk.get(f"/Opportunities/{deal}/StateHistory")
    assert ("LOST", "Price") == (history[-1]["FOR_OPPORTUNITY_STATE"], history[-1]["STATE_REASON"])
    shown = await desk.read(DEALS, deal, expand=("status_changed_at",))
    assert ("lost", history[-1]["DATE_CHANGED_UTC"][:10]) == (shown["status"], shown["status_changed_at"][:10])


async def test_a_reason_of_another_state_is_refused(desk):
    """A reason goes with its own state."""
    deal = await desk.create(DEALS, {"name": "Deal"})
    with pytest.raises(Refused) as refused:
        await desk.update(DEALS, deal, {"status": "won", "status_reason": "Price"})
    assert [("/status_reason", "unknown_value")] == codes(refused)


async def test_an_amount_is_the_whole_value(desk):
    """The value of a deal by the month stays what was written, whichever of its parts a change names."""
    deal = await desk.create(DEALS, {"name": "Deal", "amount": 600, "amount_basis": "per_month", "amount_duration": 3})
    assert 600 == (await desk.read(DEALS, deal))["amount"]
    await desk.update(DEALS, deal, {"amount": 900})
    shown = await desk.read(DEALS, deal)
    assert (900, "per_month", 3, 300) == (
        shown["amount"],
        shown["amount_basis"],
        shown["amount_duration"],
        (await desk.wire(DEALS, deal))["BID_AMOUNT"],
    )


async def test_a_closed_deal_closes_on_its_actual_date(desk):
    """The close date of a closed deal is its actual one, also when a change names nothing else."""
    deal = await desk.create(DEALS, {"name": "Deal", "status": "won", "close_date": "2026-01-02"})
    await desk.update(DEALS, deal, {"close_date": "2026-01-03"})
    shown = await desk.read(DEALS, deal)
    assert ("2026-01-03", "2026-01-03", None) == (
        shown["close_date"],
        shown["actual_close_date"],
        shown["forecast_close_date"],
    )


async def test_records_are_named(desk):
    """A company by name, a person by e-mail address or full name stand for their records."""
    account, ada = await desk.any(ACCOUNTS), {"name": "Ada Lovelace", "email_addresses": ["ada@engine.example"]}
    contact = await desk.read(CONTACTS, await desk.create(CONTACTS, ada))
    by_name = {"name": "Deal", "account": account["name"].upper(), "contact": [contact["name"]]}
    deal = await desk.read(DEALS, await desk.create(DEALS, by_name), expand=("account", "contact"))
    assert ({"id": account["id"], "name": account["name"]}, [contact["name"]]) == (
        deal["account"],
        [each["name"] for each in deal["contact"]],
    )
    by_email = {"contact": [{"email": contact["email_addresses"][0]["email"]}]}
    project = await desk.create(PROJECTS, {"name": "Build", **by_email})
    assert [contact["id"]] == [each["id"] for each in (await desk.read(PROJECTS, project))["contact"]]


async def test_no_record_of_this_name(desk):
    """A name that nobody has is refused; one that several have too, with their ids."""
    twins = [await desk.create(ACCOUNTS, {"name": "Twin"}) for _ in range(2)]
    with pytest.raises(Refused) as refused:
        await desk.create(DEALS, {"name": "Deal", "account": {"name": "Nobody & Sons"}})
    assert [("/account", "unknown_value")] == codes(refused)
    with pytest.raises(Refused, match=f"{twins[0]}, {twins[1]}") as refused:
        await desk.create(DEALS, {"name": "Deal", "account": "Twin"})
    assert [("/account", "ambiguous_value")] == codes(refused)


async def test_no_person_of_this_full_name(desk):
    """Somebody with the same last name is no hit, and is told of."""
    contact = await desk.any(CONTACTS)
    with pytest.raises(Refused, match=contact["name"]) as refused:
        await desk.create(DEALS, {"name": "Deal", "contact": [f"Zzz {contact['last_name']}"]})
    assert [("/contact/0", "unknown_value")] == codes(refused)


async def test_a_link_says_another_role(desk):
    """A link whose role changes stays the same link; one that is named without a role keeps it."""
    contact = (await desk.any(CONTACTS))["id"]
    deal = await desk.create(DEALS, {"name": "Deal", "contact": [{"id": contact, "role": "Buyer"}]})
    first = (await desk.read(DEALS, deal))["links"]
    await desk.update(DEALS, deal, {"contact": [{"id": contact, "role": "Judge", "details": "strict"}]})
    await desk.update(DEALS, deal, {"contact": [{"id": contact}]})
    shown = await desk.read(DEALS, deal)
    assert ([("Judge", "strict")], [each["id"] for each in first]) == (
        [(each["role"], each["details"]) for each in shown["contact"]],
        [each["id"] for each in shown["links"]],
    )


async def test_a_task_says_another_role(desk):
    """Where Insightly changes no links, the old one goes and a new one comes."""
    contact = (await desk.any(CONTACTS))["id"]
    task = await desk.create(TASKS, {"subject": "Call", "contact": [{"id": contact, "role": "Buyer"}]})
    await desk.update(TASKS, task, {"contact": [{"id": contact, "role": "Judge"}]})
    assert ["Judge"] == [each["role"] for each in (await desk.read(TASKS, task))["contact"]]


async def test_a_link_is_seen_from_both_sides(desk):
    """A link made at one record shows at the other."""
    contact = (await desk.any(CONTACTS))["id"]
    before = [each["id"] for each in (await desk.read(CONTACTS, contact))["project"]]
    project = await desk.create(PROJECTS, {"name": "Build", "contact": [{"id": contact}]})
    assert [*before, project] == [each["id"] for each in (await desk.read(CONTACTS, contact))["project"]]


async def test_a_task_of_a_deal_is_linked(desk):
    """A task's own deal is linked too, since Insightly's deal shows its links alone; beside a project only linked."""
    deal, project = (await desk.any(DEALS))["id"], (await desk.any(PROJECTS))["id"]
    task = await desk.wire(TASKS, await desk.create(TASKS, {"subject": "Call", "opportunity": [{"id": deal}]}))
    assert (int(deal), [int(deal)]) == (task["OPPORTUNITY_ID"], [each["LINK_OBJECT_ID"] for each in task["LINKS"]])
    body = {"subject": "Call", "project": {"id": project}, "opportunity": [{"id": deal}]}
    task = await desk.wire(TASKS, await desk.create(TASKS, body))
    assert (None, [int(deal)]) == (task["OPPORTUNITY_ID"], [each["LINK_OBJECT_ID"] for each in task["LINKS"]])


async def test_a_project_shows_its_deal_and_milestones(desk):
    """What an expansion fetches fills names, the deal's amount and currency, and the milestones."""
    deal = await desk.create(DEALS, {"name": "Deal", "amount": 70, "currency": "EUR"})
    project = await desk.create(PROJECTS, {"name": "Build", "opportunity": [{"id": deal}]})
    mile = {"TITLE": "Half way", "DUE_DATE": "2026-12-01", "COMPLETED": False}
    await desk.crm.request("POST", f"/Projects/{project}/Milestones", json=mile)
    bare = await desk.read(PROJECTS, project)
    assert (None, None, None) == (bare["amount"], bare["milestones"], bare["opportunity"][0]["name"])
    shown = await desk.read(PROJECTS, project, expand=("opportunity", "milestones"))
    assert (70, "EUR", "Deal", ["Half way"]) == (
        shown["amount"],
        shown["currency"],
        shown["opportunity"][0]["name"],
        [each["title"] for each in shown["milestones"]],
    )


def test_an_expansion_is_bounded():
    """An expansion makes so many reads, each once, and says what it left out."""
    wires = [{"CONTACT_ID": at, "ORGANISATION_ID": at // 2 + 1} for at in range(1, 9)]
    planned = plan_expansion(CONTACTS, ("account",), wires, most=3)
    assert (["/Organisations/1", "/Organisations/2", "/Organisations/3"], 2) == (
        [want.path for want in planned.wants],
        planned.left_out,
    )


def test_what_cannot_be_expanded():
    """A field that points nowhere cannot be expanded; those that can are listed."""
    with pytest.raises(Refused, match="account") as refused:
        plan_expansion(CONTACTS, ("accounts",), [])
    assert ("account",) == refused.value.faults[0].near


@pytest.mark.parametrize(
    ("form", "content", "body", "title"),
    [
        ("markdown", "# Talk\n\nthey *agree*", "<h1>Talk</h1>\n<p>they <em>agree</em></p>", "Talk they agree"),
        ("text", "1 < 2\nyes", "1 &lt; 2<br>yes", "1 < 2 yes"),
        ("html", "<p>Hi<script>x()</script></p>", "<p>Hi</p>", "Hi"),
        (None, "<p>Hi <b>you</b></p>", "<p>Hi <b>you</b></p>", "Hi you"),
    ],
)
async def test_a_note_is_written_in_a_format(desk, form, content, body, title):
    """A note's text becomes HTML out of what it is said to be, its title the beginning of its words."""
    contact = (await desk.any(CONTACTS))["id"]
    written = {"content": content, "contact": [{"id": contact}]} | ({"content_format": form} if form else {})
    wire = await desk.wire(NOTES, await desk.create(NOTES, written))
    assert (body, title) == (wire["BODY"], wire["TITLE"])


@pytest.mark.parametrize(
    ("how", "content"),
    [
        ("original", "<p>a &lt; b</p><p>c<script>x()</script></p>"),
        ("text", "a < b\nc"),
        ("html", "<p>a &lt; b</p><p>c</p>"),
    ],
)
def test_a_note_is_shown_in_a_format(how, content):
    """A note's text is shown as it is, as plain words, or as HTML that runs nothing."""
    wire = {"NOTE_ID": 1, "BODY": "<p>a &lt; b</p><p>c<script>x()</script></p>"}
    shown = to_unified(NOTES, wire, Known(content_format=how))
    assert (content, "html" if how == "original" else how) == (shown["content"], shown["content_format"])


async def test_a_notes_comments_are_expanded(desk):
    """Comments stand below a note, and are shown where they are asked for."""
    contact = (await desk.any(CONTACTS))["id"]
    note = await desk.create(NOTES, {"content": "x", "contact": [{"id": contact}]})
    await desk.crm.request("POST", f"/Notes/{note}/Comments", json={"BODY": "I agree"})
    shown = await desk.read(NOTES, note, expand=("comments", "attachments"))
    assert (["I agree"], []) == ([each["content"] for each in shown["comments"]], shown["attachments"])


async def test_an_upsert_finds_its_record(desk):
    """The key of an upsert finds the record that has it: an address, a name, a domain, a custom field."""
    contact = await desk.create(
        CONTACTS,
        {
            "first_name": "Ada",
            "email_addresses": [{"email": "ada@engine.example"}],
            "custom_fields": {"CROSSWALK_KEY__c": "k-1"},
        },
    )
    key, search = match_search(CONTACTS, {"email_addresses": ["ADA@engine.example"]})
    assert ("email_addresses", [int(contact)]) == (key, [each["CONTACT_ID"] for each in await hits(desk, search)])
    body = {"custom_fields": {"CROSSWALK_KEY__c": "k-1"}}
    key, search = match_search(CONTACTS, body, ("custom_fields.CROSSWALK_KEY__c",))
    assert [int(contact)] == [each["CONTACT_ID"] for each in await hits(desk, search)]
    account = await desk.any(ACCOUNTS)
    key, search = match_search(ACCOUNTS, {"name": account["name"]})
    assert int(account["id"]) in [each["ORGANISATION_ID"] for each in await hits(desk, search)]
    key, search = match_search(ACCOUNTS, {"email_domains": account["email_domains"]})
    assert ("email_domains", True) == (
        key,
        int(account["id"]) in [each["ORGANISATION_ID"] for each in await hits(desk, search)],
    )


@pytest.mark.parametrize(
    ("body", "keys", "found"),
    [
        ({"first_name": "Ada"}, (), ("/email_addresses", "required")),
        ({"email_addresses": []}, (), ("/email_addresses", "required")),
        ({"owner": {"id": "1"}}, ("owner",), ("/match", "unknown_field")),
        ({"custom_fields": {}}, ("custom_fields",), ("/match", "unknown_field")),
        ({}, ("nothing",), ("/match", "unknown_field")),
    ],
)
def test_an_upsert_without_its_key(body, keys, found):
    """An upsert whose body has no key, or whose key cannot be searched, is refused before any call."""
    with pytest.raises(Refused) as refused:
        match_search(CONTACTS, body, keys)
    assert [found] == codes(refused)


async def test_a_version_is_of_the_record(desk):
    """A record has one version in a list and alone; any change gives it another."""
    contact = await desk.any(CONTACTS)
    assert contact["etag"] == (await desk.read(CONTACTS, contact["id"]))["etag"]
    await desk.update(CONTACTS, contact["id"], {"custom_fields": {"Hobby__c": "chess"}})
    assert contact["etag"] != (await desk.read(CONTACTS, contact["id"]))["etag"]


async def test_a_put_that_replaces(desk):
    """Where PUT erases what it does not hold, the record goes along, each custom field too."""
    body = {"first_name": "Ada", "title": "Countess", "custom_fields": {"Hobby__c": "chess", "Score__c": 4}}
    contact = await desk.create(CONTACTS, body)
    change = {"last_name": "Lovelace", "custom_fields": {"Score__c": 5}}
    assert plan_update(CONTACTS, contact, change, replaces=True).reads
    present, known = await desk.wire(CONTACTS, contact), await desk.known(CONTACTS, change)
    sent = plan_update(CONTACTS, contact, change, known, present=present, replaces=True).steps[0].body
    assert ("Ada", "Countess", "Lovelace", {"Hobby__c": "chess", "Score__c": 5}) == (
        sent["FIRST_NAME"],
        sent["TITLE"],
        sent["LAST_NAME"],
        {each["FIELD_NAME"]: each["FIELD_VALUE"] for each in sent["CUSTOMFIELDS"]},
    )


async def test_a_currency_is_one_of_insightlys(desk):
    """A currency that Insightly lacks is refused before any call, with near ones."""
    with pytest.raises(Refused) as refused:
        await desk.create(DEALS, {"name": "Deal", "currency": "EUX"})
    assert [("/currency", "unknown_value")] == codes(refused)
    assert "EUR" in refused.value.faults[0].near


@pytest.mark.parametrize("parent", ["contact", "account", "opportunity", "lead", "project"])
async def test_a_note_on_any_record(desk, parent):
    """A note stands on a record of any kind that Insightly lets it stand on."""
    nouns = {"contact": CONTACTS, "account": ACCOUNTS, "opportunity": DEALS, "lead": LEADS, "project": PROJECTS}
    link = {"id": (await desk.any(nouns[parent]))["id"]}
    shown = await desk.read(
        NOTES, await desk.create(NOTES, {"content": "x", parent: link if parent == "account" else [link]})
    )
    assert link["id"] == (shown[parent] if parent == "account" else shown[parent][0])["id"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            {"email_addresses": [{"email": "a@b.c"}, {"type": "home", "email": "x"}]},
            ("/email_addresses/1", "unsupported_type"),
        ),
        ({"phone_numbers": [{"number": "1", "extension": "2"}]}, ("/phone_numbers/0", "unknown_field")),
        ({"phone_numbers": [{"number": "1" * 300}]}, ("/phone_numbers/0", "too_long")),
        ({"addresses": [{"street_1": "x"}, {"street_1": "y"}]}, ("/addresses/1", "unsupported_multiplicity")),
        ({"dates": [{"name": "Founded", "date": "soon"}]}, ("/dates/0", "wrong_type")),
        ({"contact": [{"id": "1"}, {"id": "x"}]}, ("/contact", "unknown_field")),
        ({"opportunity": [{"id": "1"}, {"id": "x", "role": "y"}]}, ("/opportunity/1", "wrong_type")),
        ({"opportunity": [{"id": "1", "colour": "red"}]}, ("/opportunity/0", "unknown_field")),
    ],
)
def test_a_refusal_points_into_lists(body, found):
    """What is wrong within a list is pointed at, item by item."""
    with pytest.raises(Refused) as refused:
        plan_update(CONTACTS, "7", body, present={})
    assert [found] == codes(refused)
