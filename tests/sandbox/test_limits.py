"""The limiter: moments in, decisions out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec.structs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.sandbox.limits import Admitted, Burst, Limiter, Limits, Spent
from crosswalk.sandbox.switches import Switches

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENTS = st.integers(0, 8_000).map(lambda ms: ms / 1024)
"""Seconds that floats hold exactly."""


def ask(limiter: Limiter, *ats: float, key: str = "a", now: datetime = NOON, flying: int = 0, **switches: str):
    """Ask for one call at each moment."""
    return [limiter.admit(key, Switches(**switches), at=at, now=now, flying=flying) for at in ats]


def test_ten_calls_fit_into_a_second():
    """The eleventh call of a second is refused, and says when to come again."""
    *first, last = ask(Limiter(Limits()), *[100.0] * 11)
    assert [Admitted(99_999 - n) for n in range(10)] == first
    assert Burst(99_990, 1) == last


def test_a_rolling_second():
    """A rolling second has room when the oldest of the last calls is a second old."""
    assert Admitted(99_997) == ask(Limiter(Limits(per_second=2)), 100.5, 100.9, 101.5)[-1]


def test_a_rolling_second_crosses_the_full_second():
    """Two calls late in one second leave no room early in the next."""
    assert Burst(99_998, 1) == ask(Limiter(Limits(per_second=2)), 100.9, 100.9, 101.1)[-1]


def test_a_fixed_second():
    """A fixed second begins anew at the full second."""
    assert Admitted(99_997) == ask(Limiter(Limits(per_second=2)), 100.9, 100.9, 101.0, rate_window="fixed")[-1]


@given(st.lists(MOMENTS, min_size=1, max_size=80), st.integers(1, 12))
def test_never_more_than_the_limit_in_any_second(moments, most):
    """However calls come, no rolling second holds more admitted calls than the limit."""
    limiter = Limiter(Limits(per_second=most))
    stamps = [at for at in sorted(moments) if isinstance(ask(limiter, at)[0], Admitted)]
    assert all(sum(at - 1.0 < other <= at for other in stamps) <= most for at in stamps)


@given(st.lists(MOMENTS, min_size=1, max_size=60))
def test_a_wait_that_is_kept_is_enough(moments):
    """Who waits the whole seconds that a refusal names is let in."""
    limiter = Limiter(Limits(per_second=3))
    for at in sorted(moments):
        verdict = ask(limiter, at)[0]
        if isinstance(verdict, Burst):
            assert isinstance(ask(replace(limiter), at + verdict.wait)[0], Admitted)
            return


def test_the_day_ends():
    """When the day's calls are spent, a call is refused for the day."""
    assert [Admitted(1), Admitted(0), Spent()] == ask(Limiter(Limits(per_day=2)), 1, 2, 3)


def test_a_day_begins_at_midnight():
    """By default the day's calls are there again at midnight, UTC."""
    limiter = Limiter(Limits(per_day=1))
    ask(limiter, 1, now=NOON)
    assert [Admitted(0)] == ask(limiter, 2, now=datetime(2026, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize(("hours", "verdict"), [(23, Spent()), (24, Admitted(0))])
def test_a_day_begins_with_the_first_call(hours, verdict):
    """By switch the day is 24 hours from its first call."""
    limiter = Limiter(Limits(per_day=1))
    ask(limiter, 1, rate_reset="first_call")
    assert [verdict] == ask(limiter, 2, now=NOON + timedelta(hours=hours), rate_reset="first_call")


@pytest.mark.parametrize(("scope", "verdict"), [("instance", Burst(99_999, 1)), ("key", Admitted(99_999))])
def test_whose_second_it_is(scope, verdict):
    """The second is the instance's, or by switch each key's own."""
    limiter = Limiter(Limits(per_second=1))
    ask(limiter, 1, key="a", rate_scope=scope)
    assert [verdict] == ask(limiter, 1, key="b", rate_scope=scope)


@pytest.mark.parametrize(("refused", "left"), [("free", 99_999), ("counted", 99_998)])
def test_whether_a_refused_call_spends_the_day(refused, left):
    """A refused call is free, or by switch spends one of the day's."""
    assert Burst(left, 1) == ask(Limiter(Limits(per_second=1)), 1, 1, rate_refused=refused)[-1]


def test_calls_at_once():
    """With a limit on calls in flight, one more is a burst."""
    assert [Burst(100_000, 1)] == ask(Limiter(Limits(concurrency=5)), 1, flying=5)


def test_limits_switched_off():
    """Switched off, nothing is refused and nothing counted."""
    limiter = Limiter(Limits(enabled=False, per_day=1))
    assert [Admitted(1)] * 50 == ask(limiter, *[1.0] * 50)


def test_limits_lowered_while_calls_run():
    """A limit lowered below what is used refuses; remaining is never below zero."""
    limiter = Limiter(Limits())
    ask(limiter, 1, 2, 3)
    limiter.limits = msgspec.structs.replace(limiter.limits, per_day=2)
    assert 0 == limiter.remaining("a", Switches(), NOON)
