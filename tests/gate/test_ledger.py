"""The ledger: one ring of send times for every process of a home."""

import subprocess
import sys
import time
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from crosswalk.gate import Credential, Limits, budget, track
from crosswalk.gate.day import spend, turn
from crosswalk.gate.ledger import PLACES, VOID, Ask, Ledger
from crosswalk.gate.proof import replay


def most_in_any(times, span):
    """The most times within any span."""
    times = sorted(times)
    return max(sum(start <= each < start + span for each in times) for start in times)


@given(waits=st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=60))
def test_never_more_than_ten_in_a_second(tmp_path_factory, waits):
    """However calls come, no second holds eleven, and a call waits no longer than it must."""
    now, times = 100.0, []
    with Ledger(tmp_path_factory.mktemp("pace") / "ledger") as ledger:
        for wait in waits:
            now += wait
            place = ledger.take(now, Ask(10, 1.02))
            times.append(place.at)
            assert place.at >= now
            assert place.number == len(times) - 1
    assert most_in_any(times, 1.0) <= 10


def test_ten_at_once_after_a_pause(tmp_path):
    """After a pause ten calls may leave at once, the eleventh when the first is old enough."""
    with Ledger(tmp_path / "ledger") as ledger:
        times = [ledger.take(50.0, Ask(10, 1.02)).at for _ in range(11)]
    assert [50.0] * 10 + [51.02] == times


def test_a_late_call_counts_when_it_left(tmp_path):
    """What counts is when a call really left."""
    with Ledger(tmp_path / "ledger") as ledger:
        place = ledger.take(50.0, Ask(1, 1.0))
        ledger.sent(place.number, 50.5)
        assert 51.5 == ledger.take(50.6, Ask(1, 1.0)).at


def test_times_of_another_run_of_the_machine_are_void(tmp_path):
    """After a restart of the machine, its clock begins anew and nobody waits for the old one."""
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.take(90_000.0, Ask(1, 1.02))
        assert 5.0 == ledger.take(5.0, Ask(1, 1.02)).at
        assert 5.0 + 1.02 == ledger.take(5.0, Ask(1, 1.02)).at


def test_ring_goes_round(tmp_path):
    """Old places are used again; the file does not grow."""
    path = tmp_path / "ledger"
    with Ledger(path) as ledger:
        for number in range(PLACES + 5):
            assert float(number) == ledger.take(float(number), Ask(10, 0.5)).at
    assert path.stat().st_size < 80_000
    assert VOID > 1.02


def test_kept_on_disk(tmp_path):
    """The next process goes on where the last one ended."""
    for expected in (50.0, 51.02):
        with Ledger(tmp_path / "ledger") as ledger:
            assert expected == ledger.take(50.0, Ask(1, 1.02)).at


def test_private(tmp_path):
    """The file is its owner's alone."""
    with Ledger(tmp_path / "home" / "ledger"):
        assert 0o600 == (tmp_path / "home" / "ledger").stat().st_mode & 0o777


def test_day(tmp_path):
    """The day is kept with the rest."""
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.change_day(lambda day: spend(turn(day, 1e9)))
    with Ledger(tmp_path / "ledger") as ledger:
        assert (1, 1e9) == (ledger.day.spent, ledger.day.began + 1e9 % 86_400)


SCRIPT = """
import asyncio, sys
from pathlib import Path
from crosswalk.gate import Credential, Limits, calling_for, connect

async def main(purpose, url, key, host, folder):
    credential = Credential(base_url=url, api_key=key, allow_hosts=[host])
    async with connect(credential, Limits(), folder=Path(folder)) as crm:
        with calling_for(purpose, "lane"):
            await asyncio.gather(*(crm.request("GET", "/Users/Me") for _ in range(12)))

asyncio.run(main(*sys.argv[1:]))
"""


def test_processes_share_it(insightly, tmp_path):
    """Three processes at once on one home never send an eleventh call within a second: their stamps are replayed."""
    words = [insightly.base_url, insightly.key, insightly.host, str(tmp_path)]
    running = [subprocess.Popen([sys.executable, "-c", SCRIPT, who, *words]) for who in ("person", "lane", "lane")]
    assert [0, 0, 0] == [each.wait() for each in running]
    credential = Credential(base_url=insightly.base_url, api_key=insightly.key, allow_hosts=[insightly.host])
    proof = replay(track(credential, folder=tmp_path, now=time.monotonic()).stamps)
    assert 36 == proof.calls
    assert proof.most <= 10
    assert 36 == budget(credential, Limits(), folder=tmp_path, now=datetime.now(UTC)).spent
