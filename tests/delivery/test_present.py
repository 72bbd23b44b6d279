"""Fields that are filled only if empty: the record is read first, and what it holds is left alone."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from crosswalk.contract import load
from crosswalk.delivery.feed import Feed
from crosswalk.delivery.journal import open_journal
from crosswalk.delivery.lane import Lane, Policy
from crosswalk.delivery.mapping import Lookup, Rule
from crosswalk.delivery.payload import Payload, make_payload
from crosswalk.delivery.plan import Plan, Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.present import leave_present, says_something
from crosswalk.delivery.references import list_tables, load_references
from crosswalk.delivery.row import Row
from crosswalk.delivery.run import Order, begin_run, count_states
from crosswalk.delivery.template import find_template
from crosswalk.insightly import Insightly
from crosswalk.store.accounts import ADD_ACCOUNT

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CONTACTS = load().resources["Contacts"]


@pytest.fixture
def send(database, sandbox, rng):
    """Sends rows by a plan through a lane; answers counts by state, and the calls that the lane made."""

    async def send(plan, rows):
        url = sandbox.base_url
        row = {"id": "a", "name": "acme", "base_url": url, "status": "active", "created_at": NOW}
        async with database.begin() as connection:
            await connection.execute(ADD_ACCOUNT, row)
        run = await begin_run(
            database, Order(source="/x.csv", content="c0ffee", account="a", plan=plan), "new", now=NOW, rng=rng
        )
        host = sandbox.url.removeprefix("http://")
        async with (
            Insightly(sandbox.key, base_url=url, allow_hosts=[host], rate=None) as crm,
            open_journal(database, run.id, rng) as journal,
        ):
            seen = Rows(tuple(rows[0]))
            settled = settle_plan(plan, load(), seen, base_url=url, now=NOW)
            references = await load_references(crm, list_tables(settled.lookups))
            settled = settle_plan(plan, load(), seen, base_url=url, now=NOW, references=references)
            numbered = iter([Row(number, cells) for number, cells in enumerate(rows, start=1)])
            lane = Lane(
                crm=crm,
                journal=journal,
                feed=Feed(rows=numbered, make=lambda row: make_payload(settled, row.cells)),
                plan=settled,
                policy=Policy(in_flight=2, settle_after=timedelta(seconds=1)),
                clock=lambda: datetime.now(UTC),
                rng=rng,
                tell=lambda _state: None,
                stop=asyncio.Event(),
            )
            async with asyncio.timeout(30):
                await lane.run()
        states = (await count_states(database, run.id)).states
        return SimpleNamespace(states=states, calls=lane.flights.left)

    return send


def update(**rules):
    """A plan that updates contacts by the column `id`."""
    mapping = tuple((name, Rule(column=name.lower(), write=write)) for name, write in rules.items())
    return Plan(call=find_template("update-contact"), id_column="id", mapping=mapping)


def contacts(sandbox, *fields):
    """Some fields of every contact, by id."""
    table = sandbox.instance.tables["contacts"]
    return {table.get(row, "CONTACT_ID"): tuple(table.get(row, name) for name in fields) for row in table.all()}


async def test_only_what_is_empty_is_filled(send, sandbox):
    """A field with a value stays as it is, one without is filled; a row that would change nothing is unchanged."""
    first, second = list(contacts(sandbox))[:2]
    clear = [{"id": str(first), "phone": None, "title": "Buyer"}, {"id": str(second), "phone": "7", "title": "Buyer"}]
    done = await send(update(PHONE="always", TITLE="always"), clear)
    assert ({"delivered": 2}, 2) == (done.states, done.calls)
    assert {first: (None, "Buyer"), second: ("7", "Buyer")} == {
        id_: contacts(sandbox, "PHONE", "TITLE")[id_] for id_ in (first, second)
    }


async def test_reading_costs_a_call(send, sandbox):
    """The record is read once, and written only where something is left to say."""
    first, second = list(contacts(sandbox))[:2]
    held = {id_: contacts(sandbox, "FIRST_NAME", "TITLE")[id_] for id_ in (first, second)}
    assert all(names[0] for names in held.values())
    rows = [
        {"id": str(first), "first_name": "New", "assistant_name": "Kim"},
        {"id": str(second), "first_name": "New", "assistant_name": ""},
        {"id": "999999", "first_name": "New", "assistant_name": "Kim"},
    ]
    done = await send(update(FIRST_NAME="only_if_empty", ASSISTANT_NAME="only_if_empty"), rows)
    assert ({"delivered": 1, "unchanged": 1, "dead": 1}, 4) == (done.states, done.calls)
    now = contacts(sandbox, "FIRST_NAME", "ASSISTANT_NAME")
    assert (held[first][0], "Kim") == now[first]
    assert held[second][0] == now[second][0]


async def test_names_become_ids(send, sandbox):
    """A user's e-mail goes out as the user's id; a name that nobody has is a dead letter, and costs no call."""
    users = sandbox.instance.tables["users"]
    user = next(iter(users.all()))
    mail, id_ = users.get(user, "EMAIL_ADDRESS"), users.get(user, "USER_ID")
    mapping = (
        ("FIRST_NAME", Rule(column="first")),
        ("OWNER_USER_ID", Rule(column="owner", lookup=Lookup(table="users"))),
    )
    rows = [{"first": "Zed", "owner": mail.upper()}, {"first": "Nobody", "owner": "nobody@example.com"}]
    done = await send(Plan(call=find_template("create-contact"), mapping=mapping), rows)
    assert ({"delivered": 1, "dead": 1}, 1) == (done.states, done.calls)
    assert ("Zed", id_) in contacts(sandbox, "FIRST_NAME", "OWNER_USER_ID").values()


def test_custom_fields_too():
    """Custom fields are left alone one by one."""
    entries = [{"FIELD_NAME": "A__c", "FIELD_VALUE": "1"}, {"FIELD_NAME": "B__c", "FIELD_VALUE": "2"}]
    payload = Payload("PUT", "/Contacts", {"CONTACT_ID": 7, "CUSTOMFIELDS": entries}, "7", if_empty=("A__c", "B__c"))
    left = leave_present(payload, {"CUSTOMFIELDS": [{"FIELD_NAME": "A__c", "FIELD_VALUE": "old"}]})
    assert {"CONTACT_ID": 7, "CUSTOMFIELDS": entries[1:]} == left.body
    none = leave_present(
        payload, {"CUSTOMFIELDS": [{"FIELD_NAME": e["FIELD_NAME"], "FIELD_VALUE": 1} for e in entries]}
    )
    assert not says_something(none, CONTACTS)
