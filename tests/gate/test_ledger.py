"""The ledger: one ring of send times for every process of a home."""

import subprocess
import sys
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from crosswalk.gate.ledger import PLACES, VOID, Ledger

DAY = date(2026, 1, 31)


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
            place, at = ledger.take(now, calls=10, window=1.02)
            times.append(at)
            assert at >= now
            assert place == len(times) - 1
    assert most_in_any(times, 1.0) <= 10


def test_ten_at_once_after_a_pause(tmp_path):
    """After a pause ten calls may leave at once, the eleventh when the first is old enough."""
    with Ledger(tmp_path / "ledger") as ledger:
        times = [ledger.take(50.0, calls=10, window=1.02)[1] for _ in range(11)]
    assert [50.0] * 10 + [51.02] == times


def test_a_late_call_counts_when_it_left(tmp_path):
    """What counts is when a call really left."""
    with Ledger(tmp_path / "ledger") as ledger:
        place, _ = ledger.take(50.0, calls=1, window=1.0)
        ledger.sent(place, 50.5)
        assert 51.5 == ledger.take(50.6, calls=1, window=1.0)[1]


def test_times_of_another_run_of_the_machine_are_void(tmp_path):
    """After a restart of the machine, its clock begins anew and nobody waits for the old one."""
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.take(90_000.0, calls=1, window=1.02)
        assert 5.0 == ledger.take(5.0, calls=1, window=1.02)[1]
        assert 5.0 + 1.02 == ledger.take(5.0, calls=1, window=1.02)[1]


def test_ring_goes_round(tmp_path):
    """Old places are used again; the file does not grow."""
    path = tmp_path / "ledger"
    with Ledger(path) as ledger:
        for number in range(PLACES + 5):
            assert float(number) == ledger.take(float(number), calls=10, window=0.5)[1]
    assert path.stat().st_size < 16_384
    assert VOID > 1.02


def test_kept_on_disk(tmp_path):
    """The next process goes on where the last one ended."""
    for expected in (50.0, 51.02):
        with Ledger(tmp_path / "ledger") as ledger:
            assert expected == ledger.take(50.0, calls=1, window=1.02)[1]


def test_private(tmp_path):
    """The file is its owner's alone."""
    with Ledger(tmp_path / "home" / "ledger"):
        assert 0o600 == (tmp_path / "home" / "ledger").stat().st_mode & 0o777


def test_day(tmp_path):
    """Calls of a day are counted to the day's most, and the next day begins at nothing."""
    with Ledger(tmp_path / "ledger") as ledger:
        assert [1, 2, None] == [ledger.spend(DAY, 2) for _ in range(3)]
        assert 1 == ledger.spend(DAY.replace(month=2, day=1), 2)


SCRIPT = """
import sys, time
from pathlib import Path
from crosswalk.gate.ledger import Ledger
with Ledger(Path(sys.argv[1])) as ledger:
    for _ in range(8):
        print(ledger.take(time.monotonic(), calls=10, window=1.02)[1])
"""


def test_processes_share_it(tmp_path):
    """Four processes at once never take eleven places within a second."""
    words = [sys.executable, "-c", SCRIPT, str(tmp_path / "ledger")]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    times = [float(line) for each in running for line in each.communicate()[0].split()]
    assert 32 == len(times)
    assert most_in_any(times, 1.0) <= 10
