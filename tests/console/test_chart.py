"""Charts as numbers."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from crosswalk.console.chart import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Hour, draw_hours, draw_strip, list_hours, round_up
from crosswalk.console.throughput import Throughput
from crosswalk.store.attempts import attempts
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id
from fixtures.history import write_history

NOW = datetime(2026, 11, 22, 10, 34, tzinfo=UTC)
COUNTS = st.integers(0, 10**9)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=24, max_size=24))
def test_bars_stay_inside(counts: list[tuple[int, int]]):
    """Every bar stands inside the picture, its parts on each other, whatever the numbers are."""
    hours = [Hour(at, good, bad) for at, (good, bad) in zip(list_hours(NOW), counts, strict=True)]
    chart = draw_hours(hours)
    for bar in chart.bars:
        assert LEFT <= bar.x
        assert bar.x + bar.width <= WIDTH + 0.1
        assert TOP - 0.2 <= bar.bad_y <= bar.good_y <= HEIGHT - BOTTOM + 0.1
        assert abs(bar.bad_y + bar.bad_height - bar.good_y) <= 0.2
    assert (chart.good, chart.bad) == (sum(good for good, _ in counts), sum(bad for _, bad in counts))


@given(st.integers(0, 10**12))
def test_round_numbers(value: int):
    """The edge is round, even, not below the value, and below five times it."""
    top = round_up(value)
    assert value <= top <= max(2, 5 * value)
    assert 0 == top % 2


@given(
    quota=st.integers(1, 10**6),
    spent=COUNTS,
    foreign=COUNTS,
    remaining=st.integers(0, 10**6),
    reserved=st.integers(0, 10**6),
)
def test_strip_fills_its_width(quota: int, spent: int, foreign: int, remaining: int, reserved: int):
    """The parts of a day are never negative, and together the whole day."""
    left = min(remaining, quota)
    strip = draw_strip(quota=quota, spent=spent, foreign=foreign, remaining=left, reserved=reserved)
    parts = (strip.spent, strip.foreign, strip.free, strip.kept)
    assert min(parts) >= 0
    assert abs(sum(parts) - 100) < 0.1


def test_unknown_day_has_no_picture():
    """Where nobody knows a day's calls, none are drawn."""
    assert draw_strip(quota=None, spent=3, foreign=0, remaining=None, reserved=0) is None


def test_hours_end_with_this_one():
    """A day has 24 hours, of which the last is under way."""
    hours = list_hours(NOW)
    assert (24, datetime(2026, 11, 22, 10, tzinfo=UTC)) == (len(hours), hours[-1])


async def test_counts_by_hour(database: Database, rng: Random):
    """Calls are counted in the hour in which they began, sends only, on both databases; hours that are over stay."""
    await write_history(database)
    made = (("delivered", 0), ("delivered", 59), ("rejected", 61), ("unknown", 23 * 60), ("delivered", 25 * 60))
    begun = [(outcome, NOW - timedelta(minutes=back)) for outcome, back in made]
    blank = dict.fromkeys(("body", "status", "response", "reason", "found"))
    rows = [
        blank | {"id": new_id(at, rng), "run_id": "a", "number": 4, "kind": "send", "began_at": at, "ended_at": at}
        | {"request": "POST /Contacts", "outcome": outcome}
        for outcome, at in begun
    ]  # fmt: skip
    look = rows[0] | {"id": new_id(NOW, rng), "kind": "look", "outcome": "found"}
    async with database.begin() as connection:
        await connection.execute(insert(attempts), [*rows, look])
    throughput = Throughput(database)
    hours = {hour.at.hour: (hour.good, hour.bad) for hour in await throughput.count(NOW) if hour.good + hour.bad}
    assert {10: (1, 0), 9: (1, 1), 11: (0, 1)} == hours
    assert hours == {
        hour.at.hour: (hour.good, hour.bad) for hour in await throughput.count(NOW) if hour.good + hour.bad
    }
