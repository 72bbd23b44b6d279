"""The unified verbs against a sandbox: what is written is read back, in the unified shape."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from crosswalk.insightly import BadRequest, Insightly, NotFound
from crosswalk.unified.cursor import CursorInvalid
from crosswalk.unified.filters import parse_filters
from crosswalk.unified.nouns import CRM, DIRECTORY
from crosswalk.unified.service import Asker, Service, Wish
from crosswalk.unified.writing import Order, write

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
async def asker(sandbox) -> AsyncIterator[Asker]:
    """Whoever asks for the sandbox's records."""
    host = sandbox.url.removeprefix("http://")
    async with Insightly(sandbox.key, base_url=sandbox.base_url, allow_hosts=[host], rate=None) as crm:
        yield Asker(account="a", crm=crm)


@pytest.fixture
def service() -> Service:
    """The service, with nothing kept."""
    return Service(key=b"k" * 32)


@pytest.mark.parametrize("noun", [*CRM.values(), *DIRECTORY.values()], ids=lambda noun: f"{noun.name} of {noun.wire}")
async def test_lists_go_on_to_their_end(service, asker, noun):
    """A list read by its cursors gives every record once, in id order."""
    cursor, ids = None, []
    while True:
        part = await service.list(asker, noun, Wish(limit=3, cursor=cursor), now=NOW)
        ids += [int(shown.record["id"]) for shown in part.records]
        cursor = part.next_cursor
        if cursor is None:
            break
    answer = await asker.crm.request("GET", noun.resource.path, params={"top": "500"})
    assert [record[noun.resource.id] for record in answer.json()] == ids


async def test_back_again(service, asker):
    """The cursor back from a second page leads to the first."""
    noun = CRM["contacts"]
    first = await service.list(asker, noun, Wish(limit=3), now=NOW)
    second = await service.list(asker, noun, Wish(limit=3, cursor=first.next_cursor), now=NOW)
    again = await service.list(asker, noun, Wish(limit=3, cursor=second.prev_cursor), now=NOW)
    assert (None, [each.record for each in first.records]) == (
        first.prev_cursor,
        [each.record for each in again.records],
    )


async def test_a_cursor_keeps_to_its_filter(service, asker):
    """A cursor opens no list with another filter."""
    noun = CRM["contacts"]
    first = await service.list(asker, noun, Wish(limit=3), now=NOW)
    other = Wish(limit=3, cursor=first.next_cursor, filters=parse_filters(noun, [("first_name", "Ada")]))
    with pytest.raises(CursorInvalid):
        await service.list(asker, noun, other, now=NOW)


BODIES = {
    "accounts": {
        "name": "Analytical Engines",
        "website": "https://example.com",
        "phone_numbers": [{"type": "work", "number": "1"}, {"type": "fax", "number": "2"}],
        "addresses": [
            {
                "type": "billing",
                "street_1": "1 A St",
                "street_2": "B",
                "city": "C",
                "state": None,
                "postal_code": None,
                "country": "Chile",
            }
        ],
        "email_domains": ["example.com"],
        "tags": [{"id": "big", "name": "big"}],
    },
    "contacts": {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email_addresses": [{"type": "work", "email": "ada@example.com"}],
        "date_of_birth": "1815-12-10",
        "email_opted_out": True,
        "tags": [{"id": "vip", "name": "vip"}],
    },
    "leads": {"first_name": "Grace", "last_name": "Hopper", "company": "Navy", "number_of_employees": 7},
    "opportunities": {"name": "Deal", "amount": 500, "status": "open", "forecast_close_date": "2026-12-24"},
    "projects": {"name": "Build it", "status": "in_progress", "start_date": "2026-12-01"},
    "tasks": {"subject": "Call", "status": "open", "priority": "high", "due_date": "2026-12-01"},
}


@pytest.mark.parametrize("name", BODIES)
async def test_what_is_written_is_read_back(service, asker, name):
    """A record holds what its creation said, and after a change what the change said; deleted, it is gone."""
    noun, body = CRM[name], BODIES[name]
    made = await write(service, asker, noun, Order(verb="create", body=body))
    assert made.is_whole
    read = await service.get(asker, noun, made.id)
    assert body == {field: read.record[field] for field in body}
    first = next(iter(body))
    changed = await write(service, asker, noun, Order(verb="update", id=made.id, body={first: "Changed"}))
    assert body | {first: "Changed"} == {field: changed.shown.record[field] for field in body}
    await write(service, asker, noun, Order(verb="delete", id=made.id))
    with pytest.raises(NotFound):
        await service.get(asker, noun, made.id)


async def test_a_deal_with_everything(service, asker):
    """Pipeline, stage, state and links of a new deal are made in one write, and shown in what it answers."""
    stages = await service.list(asker, CRM["stages"], Wish(limit=100), now=NOW)
    pipelines = await service.list(asker, CRM["pipelines"], Wish(limit=100), now=NOW)
    sales = next(each.record for each in pipelines.records if "opportunity" in each.record["entities"])
    stage = [each.record for each in stages.records if each.record["pipeline"]["id"] == sales["id"]][1]
    contact = (await service.list(asker, CRM["contacts"], Wish(limit=1), now=NOW)).records[0].record["id"]
    body = {
        "name": "Deal",
        "pipeline": sales["name"],
        "stage": stage["name"],
        "status": "won",
        "contact": [{"id": contact, "role": "Buyer"}],
        "tags": ["big"],
    }
    made = await write(service, asker, CRM["opportunities"], Order(verb="create", body=body))
    shown = made.shown.record
    assert (True, stage["id"], sales["name"], "won") == (
        made.is_whole,
        shown["stage"]["id"],
        shown["pipeline"]["name"],
        shown["status"],
    )
    assert [{"id": contact, "name": None, "role": "Buyer"}] == shown["contact"]


async def test_a_note_on_two_records(service, asker):
    """A note is made below its first parent and linked with the second."""
    contact = (await service.list(asker, CRM["contacts"], Wish(limit=1), now=NOW)).records[0].record["id"]
    account = (await service.list(asker, CRM["accounts"], Wish(limit=1), now=NOW)).records[0].record["id"]
    body = {"content": "Called them", "contact": [{"id": contact}], "account": {"id": account}}
    made = await write(service, asker, CRM["notes"], Order(verb="create", body=body))
    shown = made.shown.record
    assert (contact, account, "Called them") == (shown["contact"][0]["id"], shown["account"]["id"], shown["title"])


async def test_a_step_that_fails_is_told(service, asker):
    """When a later call is refused the record is there, and the steps say what is done, failed and open."""
    contact = (await service.list(asker, CRM["contacts"], Wish(limit=1), now=NOW)).records[0].record["id"]
    body = {"name": "Deal", "contact": [{"id": "999999999"}, {"id": contact}]}
    made = await write(service, asker, CRM["opportunities"], Order(verb="create", body=body))
    assert ["done", "failed", "open"] == [step.status for step in made.steps]
    assert not made.is_whole
    assert (await service.get(asker, CRM["opportunities"], made.id)).record["name"] == "Deal"


async def test_a_first_call_that_fails_is_raised(service, asker):
    """When the first call is refused nothing was made, and Insightly's refusal is raised."""
    order = Order(verb="update", id="999999999", body={"first_name": "Ada"})
    with pytest.raises((BadRequest, NotFound)):
        await write(service, asker, CRM["contacts"], order)
