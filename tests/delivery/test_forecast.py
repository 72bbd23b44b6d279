"""Forecasts: calls, days and the hour of the end, from the pace and the day."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.forecast import PACE, Pace, forecast, rate_of
from crosswalk.gate.budget import Budget

NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
RESET = datetime(2026, 11, 23, tzinfo=UTC)


def paced(*, quota: int | None = 60_000, remaining: int | None = 60_000, reserved: int = 0, rate: float | None = 10):
    """A pace on a day like this."""
    budget = Budget(quota=quota, spent=0, remaining=remaining, reserved=reserved, resets_at=RESET)
    return Pace(rate=rate, budget=budget)


def test_sentence():
    """A forecast that fits says calls, the share of the day, and the hour."""
    made = forecast(41_200, 41_200, paced(), NOW)
    assert "41,200 calls, 69% of today's 60,000, done 14:08 UTC" == made.says


def test_several_days():
    """What does not fit waits for the next reset, and the sentence names the day of the end."""
    made = forecast(130_000, 130_000, paced(remaining=10_000), NOW)
    assert (10_000, 3, datetime(2026, 11, 24, 1, 40, tzinfo=UTC)) == (made.today, made.days, made.done_at)
    assert made.says.endswith("10,000 left today, 3 days, done 24 November 2026 01:40 UTC")


def test_reserve_is_left():
    """Calls kept for people are not counted on, today or later."""
    made = forecast(60_000, 60_000, paced(reserved=6_000), NOW)
    assert (54_000, 54_000, 2) == (made.left, made.today, made.days)
    assert "6,000 kept for people" in made.says


def test_never():
    """Where a day leaves no call, the forecast says so instead of a date."""
    made = forecast(5, 5, paced(remaining=0, reserved=60_000), NOW)
    assert (None, True) == (made.done_at, "never done" in made.says)


def test_unknown_quota():
    """Without a known quota only the pace counts."""
    made = forecast(100, 100, paced(quota=None, remaining=None), NOW)
    assert ("100 calls, done 13:00 UTC", None, 10.0) == (made.says, made.share, made.seconds)


def test_nothing():
    """No rows are no calls, and done at once."""
    made = forecast(0, 0, paced(), NOW)
    assert (0, NOW) == (made.days, made.done_at)


def test_rates():
    """An account's own rate is held to with the same margin as Insightly's; 0 is no limit."""
    assert (PACE, PACE / 2, None) == (rate_of(None), rate_of(5), rate_of(0))


@given(
    calls=st.integers(0, 10_000_000),
    quota=st.integers(1, 100_000),
    spent=st.integers(0, 100_000),
    reserved=st.integers(0, 100_000),
    rate=st.floats(0.1, 50),
)
def test_days_hold_the_calls(calls: int, quota: int, spent: int, reserved: int, rate: float):
    """The days that a forecast counts can hold its calls, and a day fewer could not."""
    pace = paced(quota=quota, remaining=max(0, quota - spent), reserved=reserved, rate=rate)
    made = forecast(calls, calls, pace, NOW)
    daily = min(max(0, quota - reserved), int(rate * 86_400))
    later = made.days - (made.today > 0)
    if made.done_at is None:
        assert calls > made.today + 3_650 * daily
        return
    assert made.today + later * daily >= calls
    assert later == 0 or made.today + (later - 1) * daily < calls
    assert made.done_at >= (NOW if later == 0 else RESET)


@given(calls=st.integers(0, 1_000_000), more=st.integers(0, 1_000_000))
def test_more_is_never_sooner(calls: int, more: int):
    """More calls are never done before fewer."""
    first, second = (forecast(n, n, paced(remaining=20_000), NOW) for n in (calls, calls + more))
    assert first.done_at is not None
    assert second.done_at is not None
    assert first.done_at <= second.done_at + timedelta(milliseconds=1)
