"""Changes are found out by polls and sweeps: none lost, none doubled, none made up."""

import asyncio

import pytest

from crosswalk.api.asking import make_mappings
from crosswalk.automations.change_watch import Pace
from crosswalk.automations.event_errors import Unwatchable, WatchTaken
from crosswalk.delivery.notices import Notices
from crosswalk.sandbox.clock import ClockChange
from crosswalk.sandbox.faults import Rule, SearchLag, Status, Where
from crosswalk.unified.mappings import Draft as Overridden
from crosswalk.unified.mappings import Spot
from crosswalk.unified.overrides import Override


def kinds(events):
    """Types and records of events."""
    return [(event.type, int(event.record_id)) for event in events]


async def test_the_first_reading_tells_nothing(post):
    """What is there when a watch begins is learned and not announced; quiet polls tell nothing and cost a call each."""
    watch = await post.watch()
    assert (20, []) == (watch.records, await post.news())
    assert [] == await post.look(watch)
    assert [] == await post.look(watch)
    spent = (await post.watches.find(watch.id)).calls_today
    assert [] == await post.look(watch)
    assert spent + 1 == (await post.watches.find(watch.id)).calls_today


async def test_created_and_updated(post):
    """A new record and a changed one are told with their fields before and after, and between which looks it was."""
    watch = await post.watch()
    ada = await post.write(FIRST_NAME="Ada", LAST_NAME="Lovelace")
    made = await post.look(watch)
    assert [("record:created", ada)] == kinds(made)
    assert ("Ada", [], False) == (made[0].change.record["first_name"], made[0].change.changes, made[0].change.appeared)
    await post.write(CONTACT_ID=ada, LAST_NAME="King")
    (changed,) = await post.look(watch)
    change = changed.change
    told = {each.field: (each.before, each.after) for each in change.changes}
    remote = {each.field: (each.before, each.after) for each in change.remote_changes}
    assert ("Lovelace", "King") == told["last_name"] == remote["LAST_NAME"]
    assert {"updated_at", "last_name", "name"} >= set(told)
    assert {"DATE_UPDATED_UTC", "LAST_NAME"} == set(remote)
    assert change.seen.after < change.seen.until == post.now()


async def test_what_lay_between_two_polls_is_merged(post):
    """Two changes between two looks are one event, from the first state to the last."""
    watch = await post.watch()
    ada = await post.write(FIRST_NAME="Ada")
    await post.look(watch)
    await post.write(CONTACT_ID=ada, FIRST_NAME="Augusta")
    post.later(5)
    await post.write(CONTACT_ID=ada, FIRST_NAME="Ada K.")
    (told,) = await post.look(watch)
    assert ("Ada", "Ada K.") == next((c.before, c.after) for c in told.change.changes if c.field == "first_name")


async def test_a_second_change_in_the_same_second(post):
    """A change in the second of the poll before it, after it, has its own digest: it is told."""
    watch = await post.watch()
    ada = await post.write(FIRST_NAME="Ada")
    assert [("record:created", ada)] == kinds(await post.look(watch, seconds=0))
    await post.write(CONTACT_ID=ada, FIRST_NAME="Augusta")
    assert [("record:updated", ada)] == kinds(await post.look(watch, seconds=0))
    assert [] == await post.look(watch, seconds=0)


async def test_search_that_lags(post):
    """A record that searches show late is told when they do, and the lag is learned for the next time."""
    watch = await post.watch()
    await post.look(watch)
    post.sandbox.state.script.load([Rule(Where(route="*/Search"), SearchLag(seconds=50))])
    ada = await post.write(FIRST_NAME="Ada")
    assert [] == await post.look(watch, seconds=45)
    assert [("record:created", ada)] == kinds(await post.look(watch, seconds=45))
    assert 90 <= (await post.watches.find(watch.id)).lag
    eve = await post.write(FIRST_NAME="Eve")
    assert [("record:created", eve)] == kinds(await post.look(watch, seconds=85))


async def test_an_answer_of_yesterday(post):
    """A search that shows an older state than was seen changes nothing: what is told is never taken back."""
    watch = await post.watch()
    ada = await post.write(FIRST_NAME="Ada")
    await post.look(watch)
    row = post.sandbox.instance.tables["contacts"].rows[ada]
    old = list(row.values)
    post.later(10)
    await post.write(CONTACT_ID=ada, FIRST_NAME="Augusta")
    assert [("record:updated", ada)] == kinds(await post.look(watch))
    table = post.sandbox.instance.tables["contacts"]
    table.replace(row, old, version=row.version)
    assert [] == await post.look(watch, seconds=1)


async def test_deletions(post):
    """A deleted record is told after a complete sweep and a 404, with how it was; polls alone tell nothing."""
    watch = await post.watch()
    ada = await post.write(FIRST_NAME="Ada")
    await post.look(watch)
    await post.delete(ada)
    assert [] == await post.look(watch)
    (gone,) = await post.sweep(watch)
    assert [("record:deleted", ada)] == kinds([gone])
    assert ("Ada", "sweep") == (gone.change.record["first_name"], gone.change.found_by)
    assert [] == await post.sweep(watch)


async def test_sweeps_come_by_themselves(post):
    """Sweeps are due as often as asked; a watch without them looks for no deletions."""
    watch = await post.watch(sweep_every=3600)
    never = await post.watch("leads", sweep_every=None)
    ada = next(iter(post.sandbox.instance.tables["contacts"].rows))
    await post.delete(ada)
    assert [] == await post.look(watch, seconds=1800)
    assert [("record:deleted", ada)] == kinds(await post.look(watch, seconds=1801))
    assert None is (await post.watches.find(never.id)).sweep_at


async def test_a_list_that_is_incomplete(post):
    """A sweep that Insightly breaks off tells of no deletion; the next whole one does."""
    watch = await post.watch()
    ada = next(iter(post.sandbox.instance.tables["contacts"].rows))
    await post.delete(ada)
    post.sandbox.state.script.load([Rule(Where(route="Contacts"), Status(status=403))])
    assert [] == await post.sweep(watch)
    broken = await post.watches.find(watch.id)
    assert "403" in broken.trouble
    assert broken.next_at > post.now()
    post.sandbox.state.script.load([])
    assert [("record:deleted", ada)] == kinds(await post.sweep(watch))
    assert None is (await post.watches.find(watch.id)).trouble


async def test_too_many_deletions_are_held(post):
    """When an unlikely share is gone nothing is told but a notice, once, until a person releases them."""
    watch = await post.watch()
    gone = list(post.sandbox.instance.tables["contacts"].rows)[:8]
    for each in gone:
        await post.delete(each)
    assert [] == await post.sweep(watch)
    assert [] == await post.sweep(watch)
    assert 8 == (await post.watches.find(watch.id)).held
    notices = Notices(database=post.database)
    assert ["deletions.held"] == [each.kind for each in await notices.list()]
    await post.watches.release(watch.id)
    assert [("record:deleted", each) for each in gone] == kinds(await post.sweep(watch))
    assert 0 == (await post.watches.find(watch.id)).held
    assert None is not (await notices.list())[0].over_at


async def test_a_record_that_became_visible(post):
    """A record older than the watch that polls do not show is found by a sweep, and marked as having appeared."""
    table = post.sandbox.instance.tables["contacts"]
    hidden = next(iter(table.rows))
    row = table.rows[hidden]
    table.drop(row)
    watch = await post.watch()
    await post.look(watch)
    assert 19 == (await post.watches.find(watch.id)).records
    table.order.insert(0, hidden)
    table.rows[hidden] = row
    (told,) = await post.sweep(watch, seconds=600)
    assert ("record:created", hidden, True) == (told.type, int(told.record_id), told.change.appeared)


async def test_resources_without_a_search(post):
    """Pipelines and stages are read whole each time; what is gone is told at once."""
    watch = await post.watch("stages")
    async with post.http.get("PipelineStages") as answer:
        stage = (await answer.json())[-1]
    table = post.sandbox.instance.tables["pipeline_stages"]
    table.amend(table.rows[stage["STAGE_ID"]], "STAGE_NAME", value="Renamed")
    (told,) = await post.look(watch)
    assert ("record:updated", "Renamed") == (told.type, told.change.record["name"])
    table.drop(table.rows[stage["STAGE_ID"]])
    assert [("record:deleted", stage["STAGE_ID"])] == kinds(await post.look(watch))


async def test_pace(post):
    """Polls slow down while nothing changes, and come often again after a change or when asked."""
    watch = await post.watch(every=60, slowest=400)
    seen = []
    for _ in range(4):
        post.later(1000)
        await post.work().read(watch.id)
        seen.append((await post.watches.find(watch.id)).interval)
    assert [120, 240, 400, 400] == seen
    await post.write(FIRST_NAME="Ada")
    post.later(1000)
    await post.work().read(watch.id)
    assert 60 == (await post.watches.find(watch.id)).interval


async def test_only_one_reads(post):
    """A watch that is being read is left alone by others, and by whoever lost it."""
    watch = await post.watch()
    await post.write(FIRST_NAME="Ada")
    post.later(60)
    await post.watches.poll(watch.id)
    made = await asyncio.gather(*(post.work().read(watch.id) for _ in range(3)))
    assert [0, 0, 1] == sorted(made)


async def test_paused(post):
    """A paused watch is not read; what changed meanwhile is told when it goes on."""
    watch = await post.watch()
    await post.watches.pause(watch.id)
    ada = await post.write(FIRST_NAME="Ada")
    assert [] == await post.look(watch)
    await post.watches.resume(watch.id)
    await post.work().read(watch.id)
    assert [("record:created", ada)] == kinds(await post.news())


async def test_what_cannot_be_watched(post):
    """A resource is watched once, and not faster than every ten seconds."""
    await post.watch()
    with pytest.raises(WatchTaken, match="watched already"):
        await post.watches.add("acme", "contacts")
    for pace in (Pace(every=5), Pace(every=600, slowest=60), Pace(sweep_every=60)):
        with pytest.raises(Unwatchable):
            await post.watches.add("acme", "leads", pace)


async def test_a_clock_set_back(post):
    """When Insightly's clock goes back, the mark goes with it: nothing is left out until it catches up."""
    watch = await post.watch()
    await post.look(watch, seconds=7200)
    post.sandbox.state.clock.change(ClockChange(advance=-3600))
    await post.look(watch)
    ada = await post.write(FIRST_NAME="Ada")
    assert [("record:created", ada)] == kinds(await post.look(watch))


async def test_overrides_of_the_account(post):
    """Records are told as the account's overrides have them."""
    watch = await post.watch()
    own = Overridden(
        spot=Spot("account", post.account.id, "contacts"), overrides={"origin": Override(field="TITLE")}, by="Ada"
    )
    await make_mappings(post.database).save(own)
    await post.write(FIRST_NAME="Ada", TITLE="Countess")
    (told,) = await post.look(watch)
    assert "Countess" == told.change.record["origin"]
