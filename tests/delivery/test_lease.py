"""Leases of lanes: one owner an account, whoever stops, and nothing sent or written by one that was."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from crosswalk.delivery.engine import STOPPED, Ending, Engine
from crosswalk.delivery.journal import Line, open_journal
from crosswalk.delivery.lease import LENGTH, MARGIN, LaneLost, Lanes
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.run import Order, begin_run, claim_lane, find_run
from crosswalk.delivery.steering import leave_run
from crosswalk.delivery.template import find_template
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.database import open_database

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
async def database(postgres_url):
    """PostgreSQL: an embedded database has one engine."""
    async with open_database(postgres_url) as opened:
        yield opened


@dataclass
class Machine:
    """A machine's clock."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def lanes_of(database, owner, **more):
    """One process's lanes, on a clock of its own machine."""
    return Lanes(database=database, owner=owner, **{"clock": Machine(), **more})


async def end_all(database):
    """Let time go by at the database."""
    async with database.begin() as connection:
        await connection.exec_driver_sql("UPDATE lanes SET ends_at = 1")


async def begin(database, rng):
    """A queued run of the account `a`."""
    row = {"id": "a", "name": "acme", "base_url": "https://x.example", "status": "active", "created_at": NOW}
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, row)
    order = Order(source="/people.csv", content="c0ffee", account="a", plan=Plan(call=find_template("create-contact")))
    return await begin_run(database, order, "new", now=NOW, rng=rng)


async def test_one_owner_of_many(database):
    """Of eight processes that want a lane at once, one has it; the next one has it when that leaves."""
    everybody = [lanes_of(database, f"owner {number}") for number in range(8)]
    leases = [each for each in await asyncio.gather(*(lanes.take("a") for lanes in everybody)) if each is not None]
    assert 1 == len(leases)
    owner = next(lanes for lanes in everybody if lanes.held)
    await owner.leave(leases[0])
    following = await lanes_of(database, "next").take("a")
    assert leases[0].token + 1 == following.token
    with pytest.raises(LaneLost):
        leases[0].guard()


async def test_no_call_starts_before_the_end(database):
    """Within the margin of a lease's end no call may start; kept in time, it goes on."""
    lanes = lanes_of(database, "one")
    lease = await lanes.take("a")
    lanes.clock.now += LENGTH - MARGIN - 0.1
    lease.guard()
    lanes.clock.now += 0.2
    with pytest.raises(LaneLost, match="not kept in time"):
        lease.guard()
    assert [] == await lanes.keep()
    lease.guard()


async def test_a_lease_that_was_taken_is_not_kept(database):
    """Whoever slept over the end of its lease learns that another process owns the lane."""
    sleeper, other = lanes_of(database, "one"), lanes_of(database, "other")
    lease = await sleeper.take("a")
    assert await other.take("a") is None
    await end_all(database)
    assert await other.take("a") is not None
    assert [lease] == await sleeper.keep()
    assert {} == sleeper.held
    with pytest.raises(LaneLost):
        lease.guard()


async def test_nothing_is_written_by_the_old_owner(database, rng):
    """What a process journals after its lane was taken is refused: intents, outcomes, and how the run was left."""
    run = await begin(database, rng)
    old, new = lanes_of(database, "old"), lanes_of(database, "new")
    lease = await old.take("a")
    assert [run.id] == [each.id for each in await claim_lane(database, lease, orphans=True)]
    async with open_journal(database, run.id, Random(1), lease=lease) as journal:
        await journal.take([Line(number=1)], at=NOW)
    await end_all(database)
    following = await new.take("a")
    assert [run.id] == [each.id for each in await claim_lane(database, following, orphans=True)]

    async def write():
        async with open_journal(database, run.id, Random(1), lease=lease) as journal:
            await journal.take([Line(number=2)], at=NOW)

    with pytest.raises(ExceptionGroup) as caught:
        await write()
    assert caught.group_contains(LaneLost)
    with pytest.raises(LaneLost):
        await leave_run(database, run.id, stopped=None, go_on=True, now=NOW, lease=lease)
    with pytest.raises(LaneLost):
        await claim_lane(database, lease, orphans=True)
    async with open_journal(database, run.id, Random(1), lease=following) as journal:
        assert [1] == [line.number for line in await journal.pending(most=9)]


async def test_an_heir_need_not_wait(database):
    """Whoever holds the lock of a dead process goes on with its lanes at once; others wait for the end."""
    await lanes_of(database, "home").take("a")
    assert await lanes_of(database, "other").take("a") is None
    heir = lanes_of(database, "home", heir=True)
    await heir.inherit()
    assert 2 == (await heir.take("a")).token


class Leaving(Engine):
    """An engine that is told to stop in the middle of every run."""

    async def _send(self, run):
        return Ending(STOPPED)


def engine_of(database, rng, owner):
    """One process's engine."""
    return Leaving(
        database=database,
        accounts=None,
        settle_after=timedelta(seconds=1),
        clock=lambda: NOW,
        rng=rng,
        folder=None,
        patient=True,
        lanes=lanes_of(database, owner),
    )


async def test_engines_share_the_accounts(database, rng):
    """A run is claimed by one engine, which leaves the lane with its last run; the other one goes on with it."""
    run = await begin(database, rng)
    one, other = engine_of(database, rng, "one"), engine_of(database, rng, "other")
    assert ["a"] == await one.lanes.list_open() == await other.lanes.list_open()
    assert [run.id] == [each.id for each in await one.claim("a")]
    assert [] == await other.lanes.list_open() == await other.claim("a")
    await one.send(run)
    assert {} == one.lanes.held
    assert [run.id] == [each.id for each in await other.claim("a")]
    await other.send(run)
    assert "queued" == (await find_run(database, run.id)).state


async def test_a_lost_run_is_left_as_it_is(database, rng):
    """An engine whose lane was taken writes nothing more of its run; the new owner has it."""
    run = await begin(database, rng)
    one, other = engine_of(database, rng, "one"), engine_of(database, rng, "other")
    await one.claim("a")
    await end_all(database)
    assert [run.id] == [each.id for each in await other.claim("a")]
    await one.send(run)
    assert "running" == (await find_run(database, run.id)).state
    assert "other" == await _owner(database)


async def _owner(database):
    async with database.read() as connection:
        return (await connection.exec_driver_sql("SELECT owner FROM lanes WHERE ends_at > 1")).scalar_one()
