"""Pipeline sync: both ways, once, without a loop, and who wins where both sides changed."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from crosswalk.automations.errors import FiringRefused, UnusableInput, UnusableSettings
from crosswalk.outgoing.endpoints import Draft, Endpoints
from crosswalk.outgoing.sender import Sender
from crosswalk.store.outbox import outbox
from fixtures.killing import Fuse, kill
from fixtures.receiver import SEALS


@pytest.fixture
async def pipeline(ground):
    """A pipeline for opportunities: its id, name and stages, each with its id and name."""
    open_to = ground.rows("pipelines", "PIPELINE_ID", "PIPELINE_NAME", "FOR_OPPORTUNITIES")
    number, name = next((row[0], row[1]) for row in open_to if row[2])
    stages = ground.rows("pipeline_stages", "STAGE_ID", "STAGE_NAME", "PIPELINE_ID")
    return number, name, [row[:2] for row in stages if row[2] == number]


@pytest.fixture
async def sync(ground, pipeline):
    """Makes the automation, which tells an endpoint; the last stage is not mapped."""
    endpoints = Endpoints(database=ground.database, sender=Sender(), seals=SEALS)
    await endpoints.create(Draft(name="crm", url="https://example.com/hook"))

    async def make(**more):
        _, name, stages = pipeline
        pairs = [{"stage": stage, "external": f"S{n}"} for n, (_, stage) in enumerate(stages[:-1])]
        made = await ground.make("sync", "pipeline_sync", pipeline=name, stages=pairs, endpoint="crm", **more)
        await work(ground)
        return made

    return make


async def work(ground):
    """Look and carry until nothing is due."""
    ground.later(minutes=6)
    worker = ground.worker()
    while await worker.step():
        pass


async def told(ground):
    """What the endpoint is told, in order: opportunity and stage."""
    async with ground.database.read() as connection:
        rows = (await connection.execute(select(outbox.c.body, outbox.c.topic).order_by(outbox.c.number))).all()
    events = [msgspec.json.decode(row.body)["data"] for row in rows if row.topic == "opportunity.stage_changed"]
    return [(int(event["opportunity_id"]), event["stage"]) for event in events]


async def deal_in(ground, pipeline, place):
    """A deal that stands in a stage."""
    deal = await ground.open_deal("Sync me")
    await put(ground, pipeline, deal, place)
    return deal


async def put(ground, pipeline, deal, place):
    """Let a person move a deal in Insightly."""
    number, _, stages = pipeline
    body = {"PIPELINE_ID": number, "PIPELINE_STAGE_CHANGE": {"STAGE_ID": stages[place][0]}}
    await ground.call("PUT", f"Opportunities/{deal}/Pipeline", json=body)


async def place_of(ground, pipeline, deal):
    """In which stage a deal stands."""
    record = await ground.call("GET", f"Opportunities/{deal}")
    return [stage for stage, _ in pipeline[2]].index(record["STAGE_ID"])


async def test_both_ways_without_a_loop(ground, pipeline, sync):
    """A move in Insightly is told once; a stage that comes in moves the deal and is told to nobody."""
    deal = await deal_in(ground, pipeline, 0)
    automation = await sync()
    assert [] == await told(ground), "what stood there before is no news"
    await put(ground, pipeline, deal, 1)
    for _ in range(3):
        await work(ground)
    assert [(deal, "S1")] == await told(ground)
    given = {"id": "m1", "opportunity": str(deal), "stage": "s2"}
    for _ in range(2):
        firing, _ = await ground.worker().fire(automation, given, None)
        assert ("done", 2) == (firing.state, await place_of(ground, pipeline, deal)), firing.reason
        await work(ground)
    assert [(deal, "S1")] == await told(ground)
    with pytest.raises(FiringRefused, match="no record"):
        await ground.firings.undo(firing)
    echo, _ = await ground.worker().fire(automation, given | {"id": "echo"}, None)
    assert ("done", ()) == (echo.state, tuple(await ground.firings.steps(echo.id)))
    await put(ground, pipeline, deal, len(pipeline[2]) - 1)
    await work(ground)
    await put(ground, pipeline, deal, 0)
    await work(ground)
    assert [(deal, "S1"), (deal, "S0")] == await told(ground), "a stage that is not mapped is told to nobody"
    assert "skipped" in {each.state for each in await ground.firings.list(automation)}


@pytest.mark.parametrize(
    ("rule", "hours", "place"), [("newest", -1, 1), ("newest", 1, 2), ("insightly", 1, 1), ("external", -1, 2)]
)
async def test_conflicts(ground, pipeline, sync, rule, hours, place):
    """Both sides changed, and neither knows: the rule says whose stage stands, and the other side hears of it."""
    deal = await deal_in(ground, pipeline, 0)
    automation = await sync(conflict=rule)
    await put(ground, pipeline, deal, 1)
    at = (ground.now() + timedelta(hours=hours)).isoformat()
    given = {"id": "m1", "opportunity": str(deal), "stage": "S2", "at": at}
    firing, _ = await ground.worker().fire(automation, given, None)
    assert place == await place_of(ground, pipeline, deal)
    assert ("done" if place == 2 else "skipped") == firing.state
    await work(ground)
    assert ([] if place == 2 else [(deal, "S1")]) == await told(ground)


async def test_an_older_stage_comes_late(ground, pipeline, sync):
    """Of two stages that come in, the one that was changed later stands, in whatever order they come."""
    deal = await deal_in(ground, pipeline, 0)
    automation = await sync()
    for number, minutes, stage in (("m2", 2, "S2"), ("m1", 1, "S1")):
        at = (ground.now() + timedelta(minutes=minutes)).isoformat()
        given = {"id": number, "opportunity": str(deal), "stage": stage, "at": at}
        await ground.worker().fire(automation, given, None)
    assert 2 == await place_of(ground, pipeline, deal)


async def test_killed_anywhere_tells_once(ground, pipeline, sync):
    """A process killed at any place while it tells: the message is in the outbox once."""
    deal = await deal_in(ground, pipeline, 0)
    await sync()
    moves = []
    for place in (1, 2, 0, 1, 2):
        moves.append((deal, f"S{place}"))
        await put(ground, pipeline, deal, place)
        ground.later(minutes=6)
        assert await kill(ground, Fuse(1 + 2 * len(moves)))
        await work(ground)
        await work(ground)
    assert moves == await told(ground)


async def test_wrong_settings_and_input_are_refused(ground, pipeline, sync):
    """A stage that would be two is refused, and so is what comes in and is not mapped, or not there."""
    pair = {"stage": "A", "external": "X"}
    with pytest.raises(UnusableSettings, match="twice"):
        await ground.make("two", "pipeline_sync", pipeline="p", stages=[pair, pair | {"stage": "B"}])
    automation = await sync()
    for given, says in (
        ({"id": "1", "opportunity": "999999", "stage": "S0"}, "no opportunity"),
        ({"id": "1", "opportunity": "1", "stage": "Nowhere"}, "none of those mapped"),
        ({"id": "1", "stage": "S0"}, "Give opportunity"),
        ({"id": "1", "external_id": "e", "stage": "S0"}, "match_field"),
    ):
        with pytest.raises(UnusableInput, match=says):
            await ground.worker().fire(automation, given, None)
