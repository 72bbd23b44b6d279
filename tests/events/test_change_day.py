"""A day of changes against the sandbox, its clock moved: what is told is what happened, whenever a reader dies."""

import asyncio
from contextlib import suppress
from random import Random

import pytest

from crosswalk.automations.change import look
from crosswalk.automations.change_reader import LEASE
from crosswalk.automations.change_work import ChangeWork
from crosswalk.unified.contacts import CONTACTS

WATCHED = ("FIRST_NAME", "LAST_NAME", "TITLE")


class Mortal(ChangeWork):
    """A reader whose process dies: nothing is given back."""

    async def _leave(self, *_: object, **__: object) -> None:
        return


async def die(post, watch: str, turns: int) -> None:
    """Read a watch, and die after some turns of the event loop, wherever that is."""
    mortal = Mortal(
        database=post.database,
        accounts=post.accounts,
        notices=post.work().notices,
        clock=post.now,
        rng=post.rng,
        references=post.references,
    )
    task = asyncio.create_task(mortal.read(watch))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def read_all(post) -> dict[int, dict[str, object]]:
    """Every contact as Insightly has it."""
    found: dict[int, dict[str, object]] = {}
    skip = 0
    while True:
        async with post.http.get("Contacts", params={"skip": str(skip), "top": "500"}) as answer:
            page = await answer.json()
        found |= {each["CONTACT_ID"]: each for each in page}
        skip += 500
        if len(page) < 500:
            return found


def pick(record: dict[str, object]) -> tuple[object, ...]:
    """The fields that the day changes."""
    return tuple(record.get(name) for name in WATCHED)


async def live(post, *, changes: int, polls: int, deaths: int, rng: Random) -> None:
    """A day: changes between polls, some in one second, some deletions and sweeps, some readers that die."""
    watch = await post.watch(every=60, slowest=60, sweep_every=None)
    world = {number: pick(each) for number, each in (await read_all(post)).items()}
    history = {number: [state] for number, state in world.items()}
    alive = list(world)
    seen_last, merged, swept, events = {**world}, 0, 0, []
    dying = set(rng.sample(range(polls), deaths))
    for poll in range(polls):
        for _ in range(changes // polls):
            choice = rng.random()
            text = f"n{rng.randrange(10**9)}"
            if choice < 0.25:
                number = await post.write(FIRST_NAME=text)
                alive.append(number)
                history[number] = [(text, None, None)]
            elif choice < 0.3 and len(alive) > 15:
                number = alive.pop(rng.randrange(len(alive)))
                await post.delete(number)
                history[number].append(None)
            else:
                number = rng.choice(alive)
                field = rng.choice(WATCHED)
                await post.write(CONTACT_ID=number, **{field: text})
                state = list(history[number][-1])
                state[WATCHED.index(field)] = text
                history[number].append(tuple(state))
            post.later(rng.choice((0, 0, 0.2, 3)))
        if poll in dying:
            await post.watches.poll(watch.id)
            await die(post, watch.id, rng.randrange(60))
            post.later(LEASE.total_seconds() + 1)
        events += await post.look(watch, seconds=rng.choice((0, 1, 30)))
        now = {number: states[-1] for number, states in history.items() if states[-1] is not None}
        assert now == {number: pick(each) for number, each in (await read_all(post)).items()}
        told = {int(event.record_id) for event in events[-len(now) * 4 :]}
        missing = [number for number, state in now.items() if seen_last.get(number) != state and number not in told]
        assert [] == missing, "what a poll could see was not told"
        merged += sum(len(history[number]) for number in history)
        seen_last = now
        if poll % 4 == 3:
            await post.watches.release(watch.id)
            events += await post.sweep(watch, seconds=1)
            swept += 1
    await post.watches.release(watch.id)
    events += await post.sweep(watch)
    check_story(world, history, events)
    spent = (await post.watches.find(watch.id)).calls_today
    deleted = sum(states[-1] is None for states in history.values())
    doubts = sum(len(states) for states in history.values())
    assert polls <= spent <= 2 * (polls + swept + 2) * 3 + deleted * 2 + doubts, "calls are counted"


def check_story(world, history, events) -> None:
    """Told in order, the events lead from the first state to the last; each is a state that there was, told once."""
    told = dict(world)
    place = dict.fromkeys(world, 0)
    for event in events:
        number, change = int(event.record_id), event.change
        if event.type == "record:deleted":
            assert number in told
            assert history[number][-1] is None
            del told[number]
            continue
        remote = {each.field: (each.before, each.after) for each in change.remote_changes}
        names = ("first_name", "last_name", "title")
        after = tuple(change.record[name] for name in names) if "title" in change.record else None
        if event.type == "record:created":
            assert number not in told, "a record was told as created twice"
            state = tuple(change.record.get(name) for name in names)
        else:
            state = tuple(remote.get(name, (None, told[number][at]))[1] for at, name in enumerate(WATCHED))
            for at, name in enumerate(WATCHED):
                if name in remote:
                    assert told[number][at] == remote[name][0], "the state before is the one told last"
            assert state != told[number], "an event told nothing new"
        if after is not None:
            assert after == state
        known = history[number]
        place[number] = known.index(state, place.get(number, 0))  # raises for a state that never was, or an older one
        told[number] = state
    assert told == {number: states[-1] for number, states in history.items() if states[-1] is not None}


async def test_a_day(post):
    """What is told is what happened, in order, whenever readers die."""
    await live(post, changes=80, polls=8, deaths=4, rng=Random(5))


@pytest.mark.hard
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_busy_day(post, seed):
    """The same with ten thousand changes."""
    await live(post, changes=10_000, polls=80, deaths=30, rng=Random(seed))


async def test_any_spelling_is_one_content():
    """Null, empty and absent are one; the order of parts, custom fields without values and the ETag say nothing."""
    one = {"CONTACT_ID": 7, "TITLE": None, "TAGS": [{"TAG_NAME": "b"}, {"TAG_NAME": "a"}], "ETag": "x"}
    two = {
        "CONTACT_ID": 7,
        "TAGS": [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}],
        "CUSTOMFIELDS": [{"FIELD_NAME": "A__c", "FIELD_VALUE": None}],
        "LINKS": [],
    }
    assert look(CONTACTS, one).digest == look(CONTACTS, two).digest
    assert look(CONTACTS, one).digest != look(CONTACTS, one | {"TITLE": "Dr"}).digest
