"""One budget for all processes of a PostgreSQL, wherever they run."""

import asyncio
import json
import os
import subprocess
import sys
import time

import pytest

from crosswalk.gate import BudgetSpent, calling_for, open_paces
from crosswalk.gate.budget import Shares
from crosswalk.gate.proof import replay
from crosswalk.gate.purse import Ask, Wish
from crosswalk.gate.shared_pacer import LATE, SharedPacer
from crosswalk.gate.tally import Clocks
from crosswalk.insightly.call import Call
from crosswalk.insightly.pace import CALLS, WINDOW, Seen
from crosswalk.insightly.patience import WaitedLong, waiting_at_most
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from crosswalk.store.errors import DatabaseUnreachable
from fixtures.served import served

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from crosswalk.gate import Credential, Limits, calling_for, connect, open_paces

async def main(purpose, calls, home, url, key, host, database):
    credential = Credential(base_url=url, api_key=key, allow_hosts=[host])
    async with open_paces(database) as paces:
        async with connect(credential, Limits(), folder=Path(home), paces=paces) as crm:
            print("ready", flush=True)
            sys.stdin.readline()
            with calling_for(purpose, "lane"):
                await asyncio.gather(*(crm.request("GET", "/Users/Me") for _ in range(int(calls))))
    print(json.dumps({"trips": paces.trips, "steps": paces.steps}))

asyncio.run(main(*sys.argv[1:]))
"""
HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
EACH = 60 if HARD else 10
CALL = Call(method="GET", path="/Contacts", reads=True)


@pytest.fixture
def limited():
    """An Insightly with its own limiter on."""
    with served(Sandbox(make_recipes(sizes={"contacts": 2}, limits=Limits()))) as insightly:
        yield insightly


@pytest.mark.hard
def test_machines_share_it(limited, postgres_url, tmp_path):
    """Four processes without a common home: no eleventh call in a second by Insightly's own log, and no 429."""
    words = [limited.base_url, limited.key, limited.host, postgres_url]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, who, str(EACH), str(tmp_path / str(number)), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, who in enumerate(("person", "person", "person", "person" if HARD else "lane"))
    ]
    for each in running:
        assert each.stdout.readline() == "ready\n"
    for each in running:
        each.stdin.write("\n")
        each.stdin.flush()
    told = [json.loads(each.communicate(timeout=120)[0]) for each in running]
    assert [0] * 4 == [each.returncode for each in running]
    limited.control("GET", "clock")
    entries = [entry for entry in limited.running.sandbox.log.entries if entry.path.endswith("/Users/Me")]
    stamps = sorted(entry.at for entry in entries)
    assert (EACH * 4, {200}) == (len(entries), {entry.status for entry in entries})
    assert replay(stamps).most <= CALLS
    assert sum(each["trips"] for each in told) < 20 * len(stamps)
    if HARD:
        assert (len(stamps) - CALLS) / (stamps[-1] - stamps[0]) >= 0.9 * CALLS / WINDOW


@pytest.fixture
async def paces(postgres_url):
    """The rows of an empty database."""
    async with open_paces(postgres_url) as opened:
        yield opened


def pacer_of(paces, rate=None, shares=None):
    """One process's pacer of the account."""
    shares = Shares(reserve=0) if shares is None else shares
    return SharedPacer(paces, "acme", rate, shares, resets=None, clocks=Clocks())


async def day_of(paces):
    """The account's day as its row has it."""
    return (await paces.look("acme"))[0].day


async def test_a_place_that_went_by_is_changed(paces):
    """A process that was stopped between its leave and the first byte takes another place, and pays for one call."""
    pacer = pacer_of(paces)
    slot = await pacer.slot(CALL)
    gone = slot._place
    time.sleep(5 * LATE)  # noqa: ASYNC251 (the whole process stands still, as when it is stopped)
    await slot.leave()
    slot.sent()
    assert slot._place.at >= gone.at + 5 * LATE
    slot.note(Seen(200, time.monotonic()))
    await pacer.close()
    purse, _ = await paces.look("acme")
    assert ([slot._place.at], 1) == ([*purse.places], purse.day.spent)


async def test_what_is_not_used_comes_back(paces):
    """Whoever leaves without a call leaves neither a place nor a call of the day behind."""
    pacer = pacer_of(paces)
    (await pacer.slot(CALL)).note(Seen(None, None))
    await pacer.close()
    purse, _ = await paces.look("acme")
    assert ((), 0) == (purse.places, purse.day.spent)


async def test_the_day_is_shared(paces):
    """Two processes together make as many calls a day as the account has, and the next is told when there are more."""
    one, other = (pacer_of(paces, 0, Shares(3, 0)) for _ in range(2))
    for pacer in (one, other, one):
        slot = await pacer.slot(CALL)
        await slot.leave()
        slot.sent()
        slot.note(Seen(200, time.monotonic()))
    with pytest.raises(BudgetSpent, match="own limit of 3 calls a day"):
        await other.slot(CALL)
    await asyncio.gather(one.close(), other.close())
    assert 3 == (await day_of(paces)).spent


async def test_an_account_without_a_pace_takes_many_at_once(paces):
    """A thousand calls of such an account cost few round trips, and what was taken ahead comes back."""
    pacer = pacer_of(paces, 0)
    for _ in range(1000):
        slot = await pacer.slot(CALL)
        await slot.leave()
        slot.sent()
        slot.note(Seen(200, time.monotonic()))
    await pacer.close()
    assert paces.trips < 100
    assert 1000 == (await day_of(paces)).spent


async def test_round_trips_of_a_process_alone(paces):
    """A process that is alone pays one round trip for each step, whatever it asks for."""
    await paces.step("acme", Wish(calls=10, window=1.05, shares=Shares()))
    trips = paces.trips
    for _ in range(5):
        await paces.step("acme", Wish(calls=10, window=1.05, shares=Shares(), asks=[Ask("person", firm=True)]))
    assert paces.trips - trips <= 5 + 1


async def test_a_refusal_is_everybodys(paces):
    """What a 429 taught one process stands in the way of the others."""
    one, other = pacer_of(paces), pacer_of(paces)
    slot = await one.slot(CALL)
    await slot.leave()
    slot.sent()
    slot.note(Seen(429, time.monotonic(), hold=time.monotonic() + 30))
    await one.close()
    with waiting_at_most(1), pytest.raises(WaitedLong):
        await other.slot(CALL)  # its first step tells
    assert other._pace.hold > time.monotonic() + 20
    await other.close()


async def test_a_guard_speaks_last(paces):
    """Whoever may not call any more does not, even with a place in hand."""

    def refuse():
        raise RuntimeError("no more")

    pacer = pacer_of(paces)
    with calling_for("lane", "a", guard=refuse):
        slot = await pacer.slot(CALL)
    with pytest.raises(RuntimeError, match="no more"):
        await slot.leave()
    slot.note(Seen(None, None))
    await pacer.close()
    assert 0 == (await day_of(paces)).spent


async def test_a_database_that_is_gone():
    """Whoever waits for a place is told why there is none."""
    async with open_paces("postgresql://nobody@127.0.0.1:9/none", wait=0.2) as paces:
        pacer = pacer_of(paces)
        with pytest.raises(DatabaseUnreachable):
            await pacer.slot(CALL)
        await pacer.close()
