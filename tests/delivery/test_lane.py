"""A lane: batches that are refused are halved until the bad row is alone, and only then."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from aiohttp import web

from crosswalk.contract import load
from crosswalk.delivery.engine import Policy
from crosswalk.delivery.feed import SLICE, Feed
from crosswalk.delivery.grouping import Grouping
from crosswalk.delivery.journal import open_journal
from crosswalk.delivery.lane import Lane
from crosswalk.delivery.payload import make_payload
from crosswalk.delivery.plan import Manual, Plan, Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.run import Order, begin_run, count_states
from crosswalk.delivery.source import Row
from crosswalk.insightly import Insightly
from crosswalk.store.accounts import ADD_ACCOUNT

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
async def bulk():
    """A server with one bulk route: it refuses a list that holds a name in `bad`, or fails with `status`."""
    at = SimpleNamespace(bad=set(), status=0, seen=[], host="")
    app = web.Application()

    async def post(request):
        names = [each["FIRST_NAME"] for each in await request.json()]
        at.seen.append(names)
        if at.status:
            return web.Response(status=at.status)
        if at.bad & set(names):
            return web.json_response([{"Name": "FIRST_NAME", "Message": "is bad"}], status=400)
        return web.json_response([{"CONTACT_ID": int(name)} for name in names], status=201)

    app.router.add_post("/v3.1/Contacts/Bulk", post)
    runner = web.AppRunner(app, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    at.host = f"127.0.0.1:{runner.addresses[0][1]}"
    yield at
    await runner.cleanup()


async def send(database, at, names, rng, *, stop=None, sleep=asyncio.sleep):
    """Send names in batches of eight through a lane; answers rows by state."""
    url = f"http://{at.host}/v3.1"
    call = Manual(method="POST", url=f"{url}/Contacts/Bulk")
    plan = Plan(call=call, grouping=Grouping(algorithm="json_array", size=8))
    settled = settle_plan(plan, load(), Rows(("FIRST_NAME",)), base_url=url, now=NOW)
    row = {"id": "a", "name": "acme", "base_url": url, "status": "active", "created_at": NOW}
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, row)
    order = Order(source="/people.csv", content="c0ffee", account="a", plan=plan)
    run = await begin_run(database, order, "new", now=NOW, rng=rng)
    rows = (Row(number, {"FIRST_NAME": name}) for number, name in enumerate(names, start=1))
    async with (
        Insightly("key", base_url=url, allow_hosts=[at.host], rate=None, sleep=sleep) as crm,
        open_journal(database, run.id, rng) as journal,
    ):
        lane = Lane(
            crm=crm,
            journal=journal,
            feed=Feed(rows=rows, make=lambda row: make_payload(settled, row.cells)),
            plan=settled,
            policy=Policy(in_flight=2, settle_after=timedelta(seconds=1)),
            clock=lambda: datetime.now(UTC),
            rng=rng,
            tell=lambda _state: None,
            stop=stop or asyncio.Event(),
        )
        async with asyncio.timeout(30):
            await lane.run()
    return dict((await count_states(database, run.id)).states)


NAMES = [str(number) for number in range(1, 21)]


async def test_one_call_a_batch(database, bulk, rng):
    """Twenty rows in eights are three calls."""
    assert {"delivered": 20} == await send(database, bulk, NAMES, rng)
    assert [8, 8, 4] == sorted(map(len, bulk.seen), reverse=True)


async def test_halved_until_the_bad_row_is_alone(database, bulk, rng):
    """A refused batch is halved: everybody arrives but the row that is refused by itself."""
    bulk.bad = {"5"}
    assert {"delivered": 19, "dead": 1} == await send(database, bulk, NAMES, rng)
    assert ["5"] in bulk.seen


async def test_unknown_batches_are_held_whole(database, bulk, rng):
    """A batch whose outcome is unknown is never sent in parts: that could double what it did."""
    bulk.status = 502
    assert {"held": 20} == await send(database, bulk, NAMES, rng)
    assert 3 == len(bulk.seen)


async def test_stopped_while_calls_wait(database, bulk, rng):
    """A stop gives up calls that wait for their turn: nothing of them is at Insightly, and their rows wait."""
    bulk.status, stop = 429, asyncio.Event()

    async def wait_for_ever(_):
        stop.set()
        await asyncio.Event().wait()

    assert {"pending": 16} == await send(database, bulk, NAMES[:16], rng, stop=stop, sleep=wait_for_ever)
    assert 2 == len(bulk.seen)


async def test_others_have_turns_while_rows_are_read(database, bulk, rng):
    """However far it reads ahead, no more than a slice of rows is read between two turns of others."""
    turns, reads = 0, Counter()

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def names():
        for number in range(1, 1200):
            reads[turns] += 1
            yield str(number)

    beside = asyncio.create_task(others())
    assert {"delivered": 1199} == await send(database, bulk, names(), rng)
    beside.cancel()
    assert max(reads.values()) <= SLICE
