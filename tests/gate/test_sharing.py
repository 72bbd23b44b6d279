"""One account's second, shared by people, probes and lanes, in virtual time."""

import asyncio
import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crosswalk.gate.ledger import Ledger
from crosswalk.gate.pacer import AccountPacer
from crosswalk.gate.purpose import calling_for
from crosswalk.gate.tally import Clocks
from crosswalk.gate.waiting import LONGEST_PASSED
from crosswalk.insightly.call import Call
from crosswalk.insightly.pace import WINDOW, Seen
from fixtures.virtual import run_virtually

CALL = Call(method="GET", path="/Contacts", reads=True)
SPACING = WINDOW / 10
LATENCY = 0.2


def most_in_a_second(stamps):
    """The most sends within any second."""
    stamps = sorted(stamps)
    return max(
        sum(start <= each < start + 1.0 for each in stamps[place : place + 20]) for place, start in enumerate(stamps)
    )


class Hub:
    """Pacers of one account in virtual time, and when the calls of each caller left."""

    def __init__(self, ledger):
        self.clock = asyncio.get_running_loop().time
        self.pacer = AccountPacer(ledger, clocks=Clocks(steady=self.clock))
        self.left = {}

    async def call(self, purpose, name="", *, pacer=None, latency=LATENCY):
        """Make one call; tells how long it waited for its leave."""
        asked = self.clock()
        with calling_for(purpose, name):
            slot = await (pacer or self.pacer).slot(CALL)
        at = self.clock()
        slot.sent()
        self.left.setdefault(name or purpose, []).append(at)
        await asyncio.sleep(latency)
        slot.note(Seen(200, at, latency))
        return at - asked

    async def lane(self, name, until, *, workers=6, pacer=None):
        """Call without pause until then, as a lane's workers do."""

        async def work():
            while self.clock() < until:
                await self.call("lane", name, pacer=pacer)

        await asyncio.gather(*(work() for _ in range(workers)))

    @property
    def stamps(self):
        """Every send of every caller."""
        return [at for times in self.left.values() for at in times]


@pytest.fixture
def virtually(tmp_path):
    """Run `play(hub)` in virtual time."""

    def run(play):
        async def main(ledger):
            return await play(Hub(ledger))

        with Ledger(tmp_path / "ledger") as ledger:
            return run_virtually(main(ledger))

    return run


def test_a_lane_alone_is_fast(virtually):
    """A lane alone reaches what the pace allows, evenly, and never more than ten in a second."""

    async def play(hub):
        await hub.lane("a", hub.clock() + 300)
        return hub.left["a"]

    left = virtually(play)
    assert 300 / SPACING * 0.98 <= len(left)
    assert 10 == most_in_a_second(left)
    assert max(b - a for a, b in itertools.pairwise(left)) <= 1.5 * SPACING


def test_a_person_passes_the_lanes(virtually):
    """A person's call waits about one spacing at most, however many calls of lanes wait before it."""

    async def play(hub):
        lanes = asyncio.gather(*(hub.lane(name, hub.clock() + 60) for name in "abc"))
        waits = []
        for _ in range(7):
            await asyncio.sleep(7.3)
            waits.append(await hub.call("person"))
        await lanes
        return waits, hub.stamps

    waits, stamps = virtually(play)
    assert max(waits) <= 1.5 * SPACING
    assert most_in_a_second(stamps) <= 10


def test_people_who_come_find_five_places(virtually):
    """While people call, lanes leave half of the places: five calls at once wait about one spacing."""

    async def play(hub):
        lane = asyncio.create_task(hub.lane("a", hub.clock() + 30))
        await asyncio.sleep(5)
        await hub.call("person")
        await asyncio.sleep(2)
        waits = await asyncio.gather(*(hub.call("person") for _ in range(5)))
        await lane
        return waits, hub.left["a"], hub.stamps

    waits, lane, stamps = virtually(play)
    assert max(waits) <= 1.5 * SPACING
    assert most_in_a_second(stamps) <= 10
    assert len([at for at in lane if 1020 < at < 1030]) >= 93  # and takes all of them when people have gone


def test_a_person_in_another_process_passes_too(virtually, tmp_path):
    """Lanes take no place ahead of time, so that another process's person finds the next one free."""

    async def play(hub):
        with Ledger(tmp_path / "ledger") as other:
            pacer = AccountPacer(other, clocks=Clocks(steady=hub.clock))
            lane = asyncio.create_task(hub.lane("a", hub.clock() + 30))
            waits = []
            for _ in range(5):
                await asyncio.sleep(5.3)
                waits.append(await hub.call("person", pacer=pacer))
            await lane
            return waits, hub.stamps

    waits, stamps = virtually(play)
    assert max(waits) <= 1.5 * SPACING
    assert most_in_a_second(stamps) <= 10


def test_people_starve_nobody(virtually):
    """While people ask for more than there is, probes and lanes still get a call through about each second."""

    async def play(hub):
        until = hub.clock() + 60

        async def people():
            while hub.clock() < until:
                await hub.call("person")

        async def probe():
            while hub.clock() < until:
                await hub.call("probe")

        await asyncio.gather(*(people() for _ in range(20)), probe(), hub.lane("a", until))
        return hub

    hub = virtually(play)
    assert 60 / (LONGEST_PASSED + 2 * LATENCY) * 0.8 <= len(hub.left["probe"])
    assert 60 / (LONGEST_PASSED + 2 * LATENCY) * 0.8 <= len(hub.left["a"])
    assert most_in_a_second(hub.stamps) <= 10


def test_a_probe_passes_the_lanes(virtually):
    """A test send waits for no lane."""

    async def play(hub):
        lane = asyncio.create_task(hub.lane("a", hub.clock() + 20))
        await asyncio.sleep(8.05)
        wait = await hub.call("probe")
        await lane
        return wait

    assert virtually(play) <= 1.5 * SPACING


@settings(deadline=None, max_examples=25)
@given(workers=st.lists(st.integers(1, 12), min_size=2, max_size=6))
def test_lanes_share_fairly(tmp_path_factory, workers):
    """However many calls each of several lanes has waiting, all of them that wait get the same share."""

    async def play(ledger):
        hub = Hub(ledger)
        until = hub.clock() + 30
        lanes = (hub.lane(str(number), until, workers=count + 6) for number, count in enumerate(workers))
        await asyncio.gather(*lanes)
        return Counter({name: sum(at < until for at in left) for name, left in hub.left.items()})

    with Ledger(tmp_path_factory.mktemp("pace") / "ledger") as ledger:
        shares = run_virtually(play(ledger))
    assert len(workers) == len(shares)
    assert max(shares.values()) - min(shares.values()) <= 6


def test_slow_answers_of_lanes_hold_no_person_up(virtually):
    """When lanes have all they may in flight, a person's call still goes."""

    async def play(hub):
        lanes = [asyncio.create_task(hub.call("lane", "a", latency=20)) for _ in range(8)]
        await asyncio.sleep(5)
        wait = await hub.call("person")
        await asyncio.gather(*lanes)
        return wait

    assert 0 == virtually(play)


def test_a_place_taken_ahead_goes_to_the_next(virtually):
    """Whoever gives up waiting leaves its place to the next in line."""

    async def play(hub):
        await asyncio.gather(*(hub.call("person") for _ in range(10)))
        leaver = asyncio.create_task(hub.call("person"))
        stayer = asyncio.create_task(hub.call("person"))
        await asyncio.sleep(0.1)
        leaver.cancel()
        await asyncio.gather(leaver, return_exceptions=True)
        await stayer
        return sorted(hub.stamps)

    stamps = virtually(play)
    assert [1000.0] * 6 == stamps[:6]
    assert 11 == len(stamps)
    assert stamps[10] <= 1000 + WINDOW + LATENCY + 0.01


def test_a_timer_that_fires_too_early(tmp_path):
    """A loop whose clock runs ahead of ours wakes too early; the call still goes, and not too early."""

    async def play(ledger):
        clock = asyncio.get_running_loop().time
        pacer = AccountPacer(ledger, clocks=Clocks(steady=lambda: clock() * 0.999))
        for _ in range(30):
            with calling_for("lane", "a"):
                slot = await pacer.slot(CALL)
            slot.sent()
            slot.note(Seen(200, clock() * 0.999, 0.0))
        return ledger.stamps(clock())

    with Ledger(tmp_path / "ledger") as ledger:
        stamps = run_virtually(asyncio.wait_for(play(ledger), 60))
    assert (30, 10) == (len(stamps), most_in_a_second(stamps))


@settings(deadline=None, max_examples=30)
@given(delays=st.lists(st.floats(0, 3), min_size=12, max_size=60))
def test_calls_that_leave_late(tmp_path_factory, delays):
    """However long calls take from their leave to their first byte, as when they connect, no second sees eleven."""

    async def play(ledger):
        clock = asyncio.get_running_loop().time
        pacer = AccountPacer(ledger, clocks=Clocks(steady=clock))

        async def call(delay):
            slot = await pacer.slot(CALL)
            await asyncio.sleep(delay)
            at = clock()
            slot.sent()
            slot.note(Seen(200, at, 0.0))
            return at

        return await asyncio.gather(*(call(delay) for delay in delays))

    with Ledger(tmp_path_factory.mktemp("pace") / "ledger") as ledger:
        stamps = run_virtually(play(ledger))
    assert len(delays) == len(stamps)
    assert most_in_a_second(stamps) <= 10
