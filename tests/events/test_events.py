"""Events in their order: numbered by commits, read from a place, followed as they come."""

import asyncio
from datetime import UTC, datetime
from random import Random

import msgspec
import pytest

from crosswalk.automations.event import Filter, check_resources, check_types
from crosswalk.automations.event_errors import UnknownEvent, UnknownType
from crosswalk.automations.events import events_after, events_before, find_event, follow, last_number
from crosswalk.store.database import Database
from crosswalk.store.events import append, write_event

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def row(
    kind: str = "record:updated", record: str | None = "7", account: str = "a", place: int = 0, resource="contacts"
):
    """An event as it is written."""
    data = msgspec.json.encode({"place": place})
    named = {"resource": resource, "record": record} if record else {}
    return write_event(kind, at=AT, rng=Random(place), data=data, account=account, **named)


async def put(database: Database, *rows: object) -> None:
    """Write events in one transaction."""
    async with database.begin() as connection:
        await append(connection, [*rows])


async def test_numbers_have_no_gaps(database):
    """Writers that work at once number their events 1, 2, 3 …, also the first of all; one that fails takes none."""

    async def write(place: int) -> None:
        async with database.begin() as connection:
            await append(connection, [row(place=place * 10), row(place=place * 10 + 1)])
            if place == 3:
                raise KeyError(place)

    done = await asyncio.gather(*(write(place) for place in range(6)), return_exceptions=True)
    assert [3] == [place for place, each in enumerate(done) if each is not None]
    assert list(range(1, 11)) == [event.number for event in await events_after(database, 0)]
    assert 10 == await last_number(database)


async def test_a_reader_misses_nothing(database):
    """Whoever follows gets every event once, in order, while others write."""
    stop, heard = asyncio.Event(), []

    async def read() -> None:
        async for group in follow(database, after=0, stop=stop):
            heard.extend(event.number for event in group)
            if len(heard) == 40:
                stop.set()

    reading = asyncio.create_task(read())
    await asyncio.gather(*(put(database, row(place=place)) for place in range(40)))
    async with asyncio.timeout(60):
        await reading
    assert list(range(1, 41)) == heard


async def test_what_is_wanted(database):
    """A filter takes types, families of types, resources and accounts, in SQL as in memory."""
    await put(database, row(place=1), row("record:deleted", place=2), row("run:finished", None, place=3))
    await put(database, row(account="b", place=4), row(resource="leads", place=5))
    every = await events_after(database, 0)
    cases = {
        Filter(): [1, 2, 3, 4, 5],
        Filter(types=("record:*",)): [1, 2, 4, 5],
        Filter(types=("record:deleted", "run:finished")): [2, 3],
        Filter(resources=("leads",)): [5],
        Filter(account="b"): [4],
    }
    for wanted, expected in cases.items():
        assert expected == [event.number for event in await events_after(database, 0, wanted=wanted)]
        assert expected == [event.number for event in every if wanted.takes(event)]


async def test_only_what_may_be_seen(database):
    """Beyond a reader's reach there are no events."""
    await put(database, row(place=1), row(account="b", place=2))
    mine = await events_before(database, None, reach=frozenset({"b"}))
    assert [2] == [event.number for event in mine]
    assert mine[0] == await find_event(database, mine[0].id, reach=frozenset({"b"}))
    with pytest.raises(UnknownEvent):
        await find_event(database, mine[0].id, reach=frozenset({"a"}))


@pytest.mark.parametrize(("check", "name"), [(check_types, "record:changed"), (check_resources, "contact")])
def test_names_that_there_are_not(check, name):
    """A type or a resource that no event has is refused, with names that there are."""
    with pytest.raises(UnknownType, match="There is no"):
        check((name,))
