"""Every noun against a sandbox: all that can be written is written, read back, changed, taken away, deleted."""

import pytest

from crosswalk.insightly import NotFound
from crosswalk.unified.maps import Absent
from crosswalk.unified.nouns import CRM

ADDRESS = {
    "street_1": "1 A St",
    "street_2": "Flat 2",
    "city": "C",
    "state": "S",
    "postal_code": "1",
    "country": "Chile",
}
DATES = [{"name": "Founded", "date": "1999-05-01", "repeats_yearly": True, "creates_task_yearly": False}]
CUSTOM = {
    "Hobby__c": "chess",
    "Score__c": 4.5,
    "Newsletter__c": True,
    "First_Met__c": "2020-02-29",
    "Last_Call__c": "2026-01-31T12:00:00Z",
    "Tier__c": "Gold",
    "Interests__c": ["Music", "Travel"],
}
FULL = {
    "accounts": {
        "name": "Analytical Engines",
        "owner": {"email": "carmen"},
        "description": "<p>Brass</p>",
        "addresses": [{"type": "billing", **ADDRESS}, {"type": "shipping", **ADDRESS}],
        "phone_numbers": [{"type": "work", "number": "1"}, {"type": "fax", "number": "2"}],
        "urls": [
            {"type": "website", "url": "https://example.com"},
            {"type": "linkedin", "url": "https://linkedin.example/ae"},
            {"type": "facebook", "url": "https://facebook.example/ae"},
            {"type": "twitter", "url": "https://twitter.example/ae"},
        ],
        "website": "https://example.com",
        "image_url": "https://example.com/logo.png",
        "email_domains": ["example.com", "example.org"],
        "tags": ["big", "old"],
        "dates": DATES,
        "contact": "contacts",
        "opportunity": "opportunities",
        "project": "projects",
        "custom_fields": CUSTOM,
        "visibility": "team",
        "visible_team": "teams",
    },
    "contacts": {
        "name": "Ada Lovelace",
        "salutation": "Lady",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "title": "Countess",
        "account": "accounts",
        "email_addresses": [{"type": "work", "email": "ada@example.com"}],
        "phone_numbers": [
            {"type": kind, "number": str(at)}
            for at, kind in enumerate(("work", "home", "mobile", "other", "assistant", "fax"))
        ],
        "addresses": [{"type": "mailing", **ADDRESS}, {"type": "other", **ADDRESS}],
        "urls": [{"type": "linkedin", "url": "https://linkedin.example/ada"}],
        "owner": {"email": "carmen"},
        "background": "Numbers",
        "date_of_birth": "1815-12-10",
        "assistant_name": "Charles",
        "email_opted_out": True,
        "tags": ["vip"],
        "dates": DATES,
        "opportunity": "opportunities",
        "project": "projects",
        "custom_fields": CUSTOM,
        "visibility": "owner",
        "visible_team": None,
    },
    "leads": {
        "name": "Grace Hopper",
        "salutation": "Dr",
        "first_name": "Grace",
        "last_name": "Hopper",
        "title": "Admiral",
        "company": "Navy",
        "email_addresses": [{"type": "work", "email": "grace@example.com"}],
        "phone_numbers": [{"type": kind, "number": kind} for kind in ("work", "mobile", "fax")],
        "addresses": [{"type": "work", **ADDRESS}],
        "urls": [{"type": "website", "url": "https://navy.example"}],
        "lead_source": {"name": "Referral"},
        "status": "Contacted",
        "owner": {"email": "carmen"},
        "assignee": {"email": "dai"},
        "description": "Compilers",
        "industry": "Sea",
        "number_of_employees": 7,
        "rating": 3,
        "email_opted_out": True,
        "pipeline": None,
        "stage": None,
        "tags": ["sea"],
        "custom_fields": CUSTOM,
        "visibility": "everyone",
        "visible_team": None,
    },
    "opportunities": {
        "name": "Engine",
        "description": "One of brass",
        "amount": 500,
        "currency": "EUR",
        "amount_basis": "per_month",
        "amount_duration": 3,
        "owner": {"email": "carmen"},
        "assignee": {"email": "dai"},
        "account": "accounts",
        "contact": "contacts",
        "project": "projects",
        "pipeline": {"name": "Sales"},
        "stage": {"name": "Propose"},
        "status": "won",
        "status_reason": "Best offer",
        "probability": 80,
        "forecast_close_date": "2026-12-24",
        "actual_close_date": "2026-12-20",
        "close_date": "2026-12-20",
        "category": "Upgrade",
        "image_url": "https://example.com/engine.png",
        "tags": ["brass"],
        "custom_fields": CUSTOM,
        "visibility": "everyone",
        "visible_team": None,
    },
    "projects": {
        "name": "Build it",
        "description": "Of brass",
        "owner": {"email": "carmen"},
        "assignee": {"email": "dai"},
        "account": "accounts",
        "contact": "contacts",
        "opportunity": "opportunities",
        "pipeline": "Delivery",
        "stage": "Build",
        "status": "in_progress",
        "start_date": "2026-12-01",
        "close_date": "2026-12-31",
        "category": "Customer",
        "image_url": "https://example.com/engine.png",
        "tags": ["brass"],
        "custom_fields": {},
    },
    "tasks": {
        "subject": "Call",
        "content": "About brass",
        "type": "Phone call",
        "status": "open",
        "native_status": "waiting",
        "owner": {"email": "carmen"},
        "assignee": {"email": "dai"},
        "team": None,
        "due_date": "2026-12-01",
        "start_date": "2026-11-30",
        "priority": "high",
        "percent_complete": 20,
        "project": "projects",
        "milestone": None,
        "parent_task": "tasks",
        "opportunity": "opportunities",
        "contact": "contacts",
        "account": "accounts",
        "lead": "leads",
        "reminder_at": "2026-11-30T09:00:00Z",
        "recurrence": "FREQ=WEEKLY;COUNT=3",
        "is_public": True,
        "is_owner_visible": True,
        "custom_fields": {},
    },
    "notes": {
        "title": "Talk",
        "content": "Called *them*",
        "content_format": "markdown",
        "contact": "contacts",
        "account": "accounts",
        "opportunity": "opportunities",
        "lead": "leads",
        "project": "projects",
    },
}
"""A body with every field that can be written. The name of a noun stands for one of its records, by name if it can."""


async def fill(desk, noun, body):
    """Put records in place of nouns' names, people's addresses in place of their first names."""
    return {name: await _one(desk, noun.row[name], value) for name, value in body.items()}


async def _one(desk, row, value):
    if row.name in {"owner", "assignee"}:
        user = next(each for each in await desk.get("/Users") if each["FIRST_NAME"].casefold() == value["email"])
        return {"email": user["EMAIL_ADDRESS"]}
    if value == "teams":
        return {"name": (await desk.get("/Teams"))[0]["TEAM_NAME"]}
    if not isinstance(value, str) or value not in CRM:
        return value
    record = await desk.any(CRM[value])
    item = {"name": record["name"]} if value == "accounts" else {"id": record["id"]}
    return [item] if getattr(row, "many", False) else item


def agrees(given, shown) -> bool:
    """Whether what is shown holds all that was given."""
    match given, shown:
        case {"email": str()}, {"name": str()}:
            return True
        case dict(), dict():
            return all(agrees(value, shown[name]) for name, value in given.items())
        case list(), list():
            return len(given) == len(shown) and all(map(agrees, given, shown))
        case str(), {"name": name}:
            return given == name
        case _:
            return given == shown


@pytest.mark.parametrize("name", FULL)
def test_all_that_is_written(name):
    """The bodies of these tests hold every field that can be written."""
    rows = CRM[name].rows
    assert {row.name for row in rows if row.writes and not isinstance(row, Absent)} == set(FULL[name])


OTHERWISE = {
    "leads": {"pipeline", "stage"},
    "notes": {"content", "content_format"},
    "opportunities": {"status_reason"},
}
"""What is shown otherwise than written, each with a test of its own."""


@pytest.mark.parametrize("name", FULL)
async def test_everything_is_read_back(desk, name):
    """A record made with every field shows every one of them, and Insightly no less."""
    noun, body = CRM[name], await fill(desk, CRM[name], FULL[name])
    expand = tuple({"account"} & set(body))
    shown = await desk.read(noun, await desk.create(noun, body), expand=expand)
    kept = set(body) - OTHERWISE.get(name, set())
    assert {} == {field: (body[field], shown[field]) for field in kept if not agrees(body[field], shown[field])}


@pytest.mark.parametrize("name", FULL)
async def test_what_is_shown_can_be_written(desk, name):
    """A record's shown fields, written as they are into the same record, change nothing."""
    noun, body = CRM[name], await fill(desk, CRM[name], FULL[name])
    record_id = await desk.create(noun, body)
    before = await desk.read(noun, record_id)
    again = {field: before[field] for field in body if noun.row[field].writes and field != "custom_fields"}
    await desk.update(noun, record_id, again)
    after = await desk.read(noun, record_id)
    moving = {"updated_at", "etag", "last_activity_at", "dates", "links"}
    assert {field: before[field] for field in before if field not in moving} == {
        field: after[field] for field in after if field not in moving
    }


@pytest.mark.parametrize("name", FULL)
async def test_everything_is_taken_away(desk, name):
    """Every field that may be empty can be emptied again, links too."""
    noun, body = CRM[name], await fill(desk, CRM[name], FULL[name])
    record_id = await desk.create(noun, body)
    stays = {
        "name",
        "first_name",
        "last_name",
        "subject",
        "status",
        "assignee",
        "amount_basis",
        "native_status",
        "title",
        "owner",
        "visibility",
    }
    stays |= {"content_format", "pipeline", "stage", "status_reason", "custom_fields", "priority", "lead_source"}
    stays |= {"email_opted_out", "is_public", "is_owner_visible", "percent_complete", "number_of_employees", "rating"}
    empty = {field: [] if isinstance(value, list) else None for field, value in body.items() if field not in stays}
    await desk.update(noun, record_id, empty)
    shown = await desk.read(noun, record_id)
    assert {} == {field: shown[field] for field in empty if shown[field]}


@pytest.mark.parametrize("name", FULL)
async def test_deleted_it_is_gone(desk, name):
    """A record that was deleted is not found."""
    noun, body = CRM[name], await fill(desk, CRM[name], FULL[name])
    record_id = await desk.create(noun, body)
    await desk.delete(noun, record_id)
    with pytest.raises(NotFound):
        await desk.read(noun, record_id)
