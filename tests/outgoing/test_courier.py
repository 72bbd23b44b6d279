"""The courier: at least once, in order per key, whatever receivers do; records exactly once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from aiohttp import web
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from crosswalk.delivery.responses import add_responses
from crosswalk.outgoing.courier import LEASE, Courier
from crosswalk.outgoing.endpoints import Draft
from crosswalk.outgoing.errors import StillWaiting
from crosswalk.outgoing.message import write_message
from crosswalk.outgoing.outbox import Outbox
from crosswalk.store.datasets import ADD_DATASET
from crosswalk.store.outbox import ADD_MESSAGES
from crosswalk.store.records import records
from crosswalk.tracing import span


class Clock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, **span: float) -> None:
        """Move it."""
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    """The clock of the couriers and of what is put into the outbox."""
    return Clock()


@pytest.fixture
def disabled():
    """Endpoints that were disabled, and why."""
    return []


@pytest.fixture
def make(database, endpoints, clock, disabled):
    """Makes couriers of one database."""

    async def tell(endpoint, why):
        disabled.append((endpoint.name, why))

    def made():
        return Courier(
            database=database,
            endpoints=endpoints,
            add=add_responses,
            tell_disabled=tell,
            mail=None,
            clock=clock,
            rng=Random(1),
        )

    return made


@pytest.fixture
async def hook(endpoints, receiver):
    """An endpoint at the receiver, with its secret."""
    return await endpoints.create(Draft(name="hook", url=receiver.url))


async def put(database, clock, target, *keys, kind="post"):
    """Put messages numbered from 1 into the outbox, one for each key."""
    rng = Random(2)
    rows = [
        write_message(kind, target, "response", body=b'{"n":%d}' % n, at=clock(), rng=rng, order_key=key)
        for n, key in enumerate(keys, start=1)
    ]
    async with database.begin() as connection:
        await connection.execute(ADD_MESSAGES, rows)


async def states(database):
    """Every message's state, oldest first."""
    return [each.state for each in reversed(await Outbox(database=database).list())]


def numbers(receiver):
    """What arrived, in its order."""
    return [json.loads(each.body)["n"] for each in receiver.heard]


async def test_arrives_signed(database, make, hook, receiver, clock):
    """A message arrives once, under its id, with a signature that the endpoint's secret verifies."""
    await put(database, clock, hook.endpoint.id, "a")
    courier = make()
    await courier.empty()
    await courier.empty()
    (heard,) = receiver.heard
    (message,) = await Outbox(database=database).list()
    assert Webhook(hook.secret).verify(heard.body, heard.headers) == {"n": 1}
    assert ("sent", 204, message.id) == (message.state, message.status, heard.headers["webhook-id"])


async def test_order_of_a_key(database, make, hook, receiver, clock):
    """Messages of one key arrive in their order; one that fails holds up its own key and no other."""
    await put(database, clock, hook.endpoint.id, "a", "b", "a", "b")

    async def answer(heard):
        return web.Response(status=400 if heard.body == b'{"n":1}' and len(receiver.heard) < 5 else 204)

    receiver.answer = answer
    courier = make()
    await courier.empty()
    assert {1, 2, 4} == set(numbers(receiver))
    clock.go(seconds=2)
    receiver.answer = None
    await courier.empty()
    order = numbers(receiver)
    assert (["sent"] * 4, True, True) == (
        await states(database),
        order.index(3) > len(order) - 1 - order[::-1].index(1),
        order.index(4) > order.index(2),
    )


async def test_tried_for_days(database, make, hook, receiver, clock, disabled):
    """A receiver that fails for days is tried ever more seldom; then its endpoint is disabled, told of once."""
    receiver.statuses(500)
    await put(database, clock, hook.endpoint.id, "a", "b")
    courier = make()
    for _ in range(60):
        await courier.empty()
        clock.go(hours=2)
    (name, why), *more = disabled
    assert ("hook", [], True) == (name, more, "failed since" in why)
    assert 20 < len(receiver.heard) < 60
    assert {"dead"} == set(await states(database))


async def test_goes_on_when_the_receiver_is_back(database, make, hook, receiver, clock, endpoints):
    """What waited while a receiver was down arrives when it is back, and the endpoint counts as healthy again."""
    receiver.statuses(503)
    await put(database, clock, hook.endpoint.id, *"abcdefgh")
    courier = make()
    await courier.empty()
    failing = (await endpoints.find("hook")).failing_since
    receiver.answer = None
    for _ in range(4):
        clock.go(minutes=1)
        await courier.empty()
    assert (["sent"] * 8, True, None) == (
        await states(database),
        failing is not None,
        (await endpoints.find("hook")).failing_since,
    )


async def test_gone(database, make, hook, receiver, clock, disabled, endpoints):
    """410 disables the endpoint at once; what waits for it waits, and goes when it is enabled."""
    receiver.statuses(410)
    await put(database, clock, hook.endpoint.id, "a", "a")
    courier = make()
    await courier.empty()
    clock.go(minutes=5)
    await courier.empty()
    assert ([1], ["dead", "pending"], 1) == (numbers(receiver), await states(database), len(disabled))
    receiver.answer = None
    await endpoints.enable("hook")
    await courier.empty()
    assert [1, 2] == numbers(receiver)


async def test_retry_after(database, make, hook, receiver, clock):
    """A receiver that asks for an hour is left alone for an hour."""

    async def answer(_):
        return web.Response(status=429, headers={"Retry-After": "3600"})

    receiver.answer = answer
    await put(database, clock, hook.endpoint.id, "a")
    courier = make()
    await courier.empty()
    clock.go(minutes=59)
    await courier.empty()
    before = len(receiver.heard)
    clock.go(minutes=2)
    await courier.empty()
    assert (1, 2) == (before, len(receiver.heard))


async def test_two_couriers(database, make, hook, receiver, clock):
    """Two couriers at once tell everything once, each key in its order."""
    await put(database, clock, hook.endpoint.id, *[str(n % 7) for n in range(1, 61)])
    await asyncio.gather(make().empty(), make().empty())
    while "pending" in await states(database):
        await make().empty()
    order = numbers(receiver)
    assert (60, sorted(set(order))) == (len(order), sorted(order))
    assert all(sorted(own) == own for key in range(7) if (own := [n for n in order if n % 7 == key]))


async def test_killed_between_sending_and_marking(database, make, hook, receiver, clock):
    """A courier that dies after sending leaves its lease; when that is over, the message is told again, same id."""
    await put(database, clock, hook.endpoint.id, "a")
    dying = make()
    for message in await dying._take(1):
        await dying._deliver(message)
    await make().empty()
    assert 1 == len(receiver.heard)
    clock.now += LEASE
    await make().empty()
    first, second = receiver.heard
    assert (first.headers["webhook-id"], ["sent"]) == (second.headers["webhook-id"], await states(database))


async def test_lost_lease_is_not_written(database, make, hook, receiver, clock):
    """Whoever took a message and was overtaken writes nothing of it."""
    await put(database, clock, hook.endpoint.id, "a")
    slow = make()
    (message,) = await slow._take(1)
    clock.now += LEASE
    await make().empty()
    receiver.statuses(500)
    await slow._deliver(message)
    await slow._write()
    assert ["sent"] == await states(database)


async def test_slow_receiver_holds_up_nobody(database, make, hook, receiver, clock, endpoints):
    """While one target answers nothing, messages to another one go."""
    other = await endpoints.create(Draft(name="other", url=f"{receiver.url}/other"))
    held = asyncio.Event()

    async def answer(heard):
        if heard.path == "/hook":
            await held.wait()
        elif sum(each.path != "/hook" for each in receiver.heard) == 3:
            held.set()
        return web.Response()

    receiver.answer = answer
    await put(database, clock, hook.endpoint.id, *"abcdefgh")
    clock.go(seconds=1)
    rng = Random(3)
    rows = [write_message("post", other.endpoint.id, "x", body=b"{}", at=clock(), rng=rng) for _ in range(3)]
    async with database.begin() as connection:
        await connection.execute(ADD_MESSAGES, rows)
    async with asyncio.timeout(20):
        await make().empty()
    assert ["sent"] * 11 == await states(database)


async def test_records_once(database, make, clock):
    """Messages for a dataset become records exactly once: an array one each, in the commit that ends the message."""
    row = {"id": "d", "name": "answers", "origin": "responses", "created_at": clock(), "changed_at": clock()}
    rows = [
        write_message("record", "d", "response", body=body, at=clock(), rng=Random(n), order_key=None)
        for n, body in enumerate([b'{"a":1}', b'[{"b":1},{"b":2}]'])
    ]
    async with database.begin() as connection:
        await connection.execute(ADD_DATASET, row)
        await connection.execute(ADD_MESSAGES, rows)
    await asyncio.gather(make().empty(), make().empty())
    outbox = Outbox(database=database, now=clock)
    for message in await outbox.list():
        await outbox.replay(message.id)
    await make().empty()
    async with database.read() as connection:
        found = (await connection.execute(select(records.c.cells).order_by(records.c.number))).scalars().all()
    assert ([b'{"a":1}', b'{"b":1}', b'{"b":2}'], ["sent"] * 2) == (sorted(found), await states(database))


async def test_dataset_is_gone(database, make, clock):
    """A message for a dataset that is gone ends as dead, with the reason."""
    await put(database, clock, "nowhere", None, kind="record")
    await make().empty()
    (message,) = await Outbox(database=database).list()
    assert ("dead", True) == (message.state, "no dataset" in (message.reason or ""))


async def test_removed_endpoint(database, make, hook, clock, endpoints):
    """What waits for an endpoint ends with it."""
    await put(database, clock, hook.endpoint.id, "a")
    await endpoints.remove("hook")
    await make().empty()
    assert ["dead"] == await states(database)


async def test_replay(database, make, hook, receiver, clock):
    """One message, or those of a time, are told once more under their ids; one that waits is refused."""
    await put(database, clock, hook.endpoint.id, "a", "b")
    outbox = Outbox(database=database, now=clock)
    with pytest.raises(StillWaiting):
        await outbox.replay((await outbox.list())[0].id)
    await make().empty()
    await outbox.replay((await outbox.list())[0].id)
    await make().empty()
    since = clock() - timedelta(minutes=1)
    assert (0, 2) == (
        await outbox.replay_range(hook.endpoint.id, since=since),
        await outbox.replay_range(hook.endpoint.id, since=since, state=None),
    )
    await make().empty()
    assert (5, 2) == (len(receiver.heard), len({each.headers["webhook-id"] for each in receiver.heard}))


async def test_kept_for_a_while(database, make, hook, clock):
    """Messages that arrived are forgotten after a week."""
    await put(database, clock, hook.endpoint.id, "a")
    courier = make()
    await courier.empty()
    clock.go(days=8)
    await courier.empty()
    assert [] == await states(database)


async def test_traces_go_on(make, database, clock, hook, receiver, spans):
    """A webhook carries on the trace of what it tells of; its try is a span that names no address."""
    with span("cause"):
        await put(database, clock, hook.endpoint.id, None)
    await make().empty()
    cause, told = spans.named("cause"), spans.named("outbox post")
    assert (cause.context.trace_id, cause.context.span_id) == (told.context.trace_id, told.parent.span_id)
    assert f"00-{cause.context.trace_id:032x}-{told.context.span_id:016x}-" in receiver.heard[0].headers["traceparent"]
    assert (204, hook.endpoint.id) == (
        told.attributes["http.response.status_code"],
        told.attributes["crosswalk.endpoint"],
    )
    assert receiver.place not in told.to_json()
