"""Endpoints that subscribe are told each event once, in order per record, signed."""

import asyncio
from datetime import UTC, datetime
from random import Random

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from crosswalk.automations.event_errors import UnknownType, UnusableSubscription
from crosswalk.automations.subscription import Draft, Subscriptions, address_events
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.responses import add_responses
from crosswalk.outgoing import endpoints as made
from crosswalk.outgoing.courier import Courier
from crosswalk.outgoing.outbox import Outbox


@pytest.fixture
def subscriptions(post, endpoints) -> Subscriptions:
    """The subscriptions of the watched account's database."""
    return Subscriptions(database=post.database, endpoints=endpoints, now=post.now)


async def tell(post, endpoints) -> None:
    """Put events into the outbox and empty it."""
    while await address_events(post.database, now=post.now(), rng=post.rng):
        pass
    courier = Courier(
        database=post.database,
        endpoints=endpoints,
        add=add_responses,
        tell_disabled=Notices(database=post.database).tell_disabled,
        mail=None,
        clock=post.now,
        rng=Random(1),
    )
    await courier.empty()


def heard(receiver):
    """What the receiver was told: types and records."""
    bodies = [msgspec.json.decode(each.body) for each in receiver.heard]
    return [(each["type"], each["data"].get("id")) for each in bodies]


async def test_told_once_and_signed(post, subscriptions, endpoints, receiver):
    """A change reaches the endpoint signed, under one id however many subscriptions it has, and once."""
    secret = (await endpoints.create(made.Draft(name="log", url=receiver.url))).secret
    for types in (("record:*",), ("record:created",), None):
        await subscriptions.add(Draft(endpoint="log", types=types))
    watch = await post.watch()
    ada = await post.write(FIRST_NAME="Ada")
    await post.look(watch)
    await tell(post, endpoints)
    await tell(post, endpoints)
    assert [("record:created", str(ada))] == heard(receiver)
    sent = receiver.heard[0]
    headers = {name.lower(): value for name, value in sent.headers.items()}
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert headers["webhook-signature"] == Webhook(secret).sign(headers["webhook-id"], at, sent.body.decode())


async def test_filters(post, subscriptions, endpoints, receiver):
    """An endpoint hears of the types, resources and accounts that it asked for."""
    await endpoints.create(made.Draft(name="log", url=receiver.url))
    await subscriptions.add(Draft(endpoint="log", types=("record:updated",), resources=("contacts",)))
    contacts, leads = await post.watch(), await post.watch("leads")
    ada = await post.write(FIRST_NAME="Ada")
    await post.write("Leads", LAST_NAME="Lead")
    await post.look(contacts)
    await post.look(leads)
    await post.write(CONTACT_ID=ada, FIRST_NAME="Augusta")
    await post.look(contacts)
    await tell(post, endpoints)
    assert [("record:updated", str(ada))] == heard(receiver)


async def test_order_per_record(post, subscriptions, endpoints, receiver):
    """Changes of one record arrive in their order, though an attempt fails."""
    await endpoints.create(made.Draft(name="log", url=receiver.url))
    await subscriptions.add(Draft(endpoint="log", types=("record:*",)))
    watch = await post.watch()
    ada = await post.write(FIRST_NAME="0")
    await post.look(watch)
    for number in range(1, 4):
        await post.write(CONTACT_ID=ada, FIRST_NAME=str(number))
        await post.look(watch)
    receiver.statuses(500, 204)
    for _ in range(8):
        await tell(post, endpoints)
        post.later(60)
    names = [msgspec.json.decode(each.body)["data"]["record"]["first_name"] for each in receiver.heard]
    assert ["0", "0", "1", "2", "3"] == names


async def test_from_an_earlier_place(post, subscriptions, endpoints, receiver):
    """A subscription may begin with events of before; without a place it begins now."""
    watch = await post.watch()
    ada = await post.write(FIRST_NAME="Ada")
    await post.look(watch)
    await endpoints.create(made.Draft(name="log", url=receiver.url))
    await subscriptions.add(Draft(endpoint="log"))
    await tell(post, endpoints)
    assert [] == heard(receiver)
    await subscriptions.add(Draft(endpoint="log", after=0, types=("record:*",)))
    await tell(post, endpoints)
    assert [("record:created", str(ada))] == heard(receiver)


async def test_two_processes(post, subscriptions, endpoints, receiver):
    """Several that put events into the outbox at once put each in once."""
    await endpoints.create(made.Draft(name="log", url=receiver.url))
    await subscriptions.add(Draft(endpoint="log", after=0))
    watch = await post.watch()
    for _ in range(5):
        await post.write(FIRST_NAME="Ada")
    await post.look(watch)
    await asyncio.gather(*(address_events(post.database, now=post.now(), rng=Random(n)) for n in range(4)))
    topics = [each.topic for each in await Outbox(database=post.database).list()]
    assert ["record:created"] * 5 + ["integrated_account:linked"] == topics


async def test_what_becomes_of_an_account(post, subscriptions, endpoints):
    """That an account was linked and removed, and how runs ended, are events; a removed account's records are not."""
    watch = await post.watch()
    await post.write(FIRST_NAME="Ada")
    assert 1 == len(await post.look(watch))
    notices = Notices(database=post.database, now=post.now)
    await notices.tell("run.finished", "run-1", "Run run-1 is finished: 3 delivered.", account=post.account.id)
    await notices.tell("source.empty", "source-1", "No event of its own.")
    await post.accounts.remove("acme")
    post.told = 0
    kinds = [(each.type, msgspec.json.decode(each.data)["id" if "account" in each.type else "run_id"])
             for each in await post.news()]  # fmt: skip
    own = post.account.id
    assert kinds == [
        ("integrated_account:linked", own),
        ("run:finished", "run-1"),
        ("integrated_account:removed", own),
    ]


async def test_what_cannot_be_subscribed(post, subscriptions, endpoints, receiver):
    """A type that there is not, and another account's events, are refused."""
    await endpoints.create(made.Draft(name="own", url=receiver.url, account_id=post.account.id))
    with pytest.raises(UnknownType):
        await subscriptions.add(Draft(endpoint="own", types=("record:changed",)))
    with pytest.raises(UnusableSubscription):
        await subscriptions.add(Draft(endpoint="own", integrated_account_id="other"))
    assert post.account.id == (await subscriptions.add(Draft(endpoint="own"))).account_id
