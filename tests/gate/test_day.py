"""An account's day: what is counted, what is told, when it is over."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crosswalk.gate.budget import Shares, budget_of, kept_from
from crosswalk.gate.day import HOUR, SECONDS, Day, Told, fix, hear, left, refund, spend, turn, unsaid

MIDNIGHT = 20_000 * SECONDS
NOON = MIDNIGHT + 12 * HOUR


def after(day, calls):
    """The day after some calls of ours."""
    return replace(day, spent=day.spent + calls)


def told(remaining, at, quota=1000):
    """An answer to a call that left a moment before."""
    return Told(remaining, quota, at - 0.1, at)


def test_begins_at_midnight():
    """A day is one of UTC until something else is learned."""
    day = turn(Day(), NOON)
    assert (MIDNIGHT, MIDNIGHT + SECONDS) == (day.began, day.ends)
    assert day is turn(day, day.ends - 1)
    assert day.ends == turn(after(day, 7), day.ends).began
    assert 0 == turn(after(day, 7), day.ends).spent


def test_counts():
    """Calls are counted, and those that never left are given back."""
    assert 1 == refund(spend(spend(turn(Day(), NOON)))).spent


def test_a_clock_set_back_counts_no_day_twice():
    """Shortly before midnight again: the calls of the day that had begun stay counted."""
    day = after(turn(Day(), MIDNIGHT + 60), 5)
    assert day is turn(day, MIDNIGHT - 60)


def test_foreign_use():
    """Calls that are gone and that nobody here made were another client's."""
    day = hear(after(turn(Day(), NOON), 10), told(690, NOON), NOON)
    assert (300, 690) == (day.foreign, left(day, None))
    assert 300 == unsaid(day)
    assert unsaid(replace(day, said=day.foreign)) is None


@given(st.permutations(range(20)))
def test_late_answers_are_no_foreign_use(order):
    """Twenty calls of ours in flight, answered in any order, are nobody else's, and no new day."""
    day = after(turn(Day(), NOON), 20)
    for place in order:
        day = hear(day, Told(999 - place, 1000, NOON, NOON + 1), NOON)
    assert (0, 20, 980) == (day.foreign, day.spent, left(day, None))
    assert 0 == day.resets


def test_the_hour_of_the_reset_is_learned():
    """Calls left that jump up at another hour than midnight begin a day, and tell when the next one does."""
    at = MIDNIGHT + 15 * HOUR
    day = hear(after(turn(Day(), at), 900), told(100, at - 600), at - 600)
    day = hear(after(day, 1), told(999, at + 30), at + 30)
    assert (15 * HOUR, at, at + SECONDS, 1) == (day.resets, day.began, day.ends, day.spent)
    assert 999 == left(day, None)


def test_a_fixed_hour_is_not_learned():
    """Where the operator says when a day begins, a jump moves nothing but the calls left."""
    at = MIDNIGHT + 15 * HOUR
    day = hear(after(turn(Day(), at), 900), told(100, at - 600), at - 600)
    day = hear(after(day, 1), told(999, at + 30), at + 30, learns=False)
    assert (0, 999) == (day.resets, left(day, None))


def test_a_jump_after_a_long_silence_tells_no_hour():
    """Seen hours after the answer before, the jump may have come at any of them."""
    day = hear(after(turn(Day(), MIDNIGHT), 900), told(100, MIDNIGHT + HOUR), MIDNIGHT + HOUR)
    assert 0 == hear(day, told(999, NOON), NOON).resets


def test_midnight_was_no_reset():
    """When yesterday's calls are still gone after midnight, the day goes on, and they stay ours."""
    day = hear(after(turn(Day(), NOON), 600), told(400, NOON), NOON)
    late = MIDNIGHT + SECONDS + 5
    day = hear(spend(turn(day, late)), told(399, late), late)
    assert (601, 0, 399) == (day.spent, day.foreign, left(day, None))


def test_midnight_was_a_reset():
    """When the calls left are back after midnight, yesterday's are forgotten."""
    day = hear(after(turn(Day(), NOON), 600), told(400, NOON), NOON)
    late = MIDNIGHT + SECONDS + 5
    day = hear(spend(turn(day, late)), told(999, late), late)
    assert (1, 0, 999, 0) == (day.spent, day.foreign, left(day, None), day.resets)


def test_what_is_kept():
    """Lanes stop at the reserve, probes at four fifths of it, people nowhere; the account's own limit stops all."""
    day, shares = hear(after(turn(Day(), NOON), 900), told(100, NOON), NOON), Shares(reserve=10)
    assert (100, None, None) == tuple(kept_from(who, day, shares) for who in ("lane", "probe", "person"))
    day = hear(after(day, 20), told(80, NOON + 1), NOON + 1)
    assert (100, 80, None) == tuple(kept_from(who, day, shares) for who in ("lane", "probe", "person"))
    assert 0 == kept_from("person", day, Shares(daily=920))


def test_nothing_known_keeps_nothing():
    """Before Insightly has told of the day, and without a limit of our own, nobody is stopped."""
    day = after(turn(Day(), NOON), 10**6)
    assert [None] * 3 == [kept_from(who, day, Shares()) for who in ("lane", "probe", "person")]


def test_budget():
    """A budget tells the day as it is known."""
    day = hear(after(turn(Day(), NOON), 10), told(690, NOON), NOON)
    budget = budget_of(day, Shares(daily=500, reserve=20))
    assert (500, 10, 490, 100, 300) == (
        budget.quota,
        budget.spent,
        budget.remaining,
        budget.reserved,
        budget.foreign,
    )
    assert MIDNIGHT + SECONDS == budget.resets_at.timestamp()


@given(
    quota=st.integers(1, 2000),
    reserve=st.integers(0, 100),
    foreign=st.lists(st.integers(0, 30), max_size=80),
)
def test_lanes_never_touch_the_reserve(quota, reserve, foreign):
    """Whatever others use, a lane's call never leaves when no more than the reserve is left."""
    day, there, at = turn(Day(), NOON), quota, NOON
    for others in foreign:
        at += 1
        there = max(0, there - others)
        if kept_from("lane", day, Shares(reserve=reserve)) is not None:
            continue
        known = left(day, None)
        assert not known or known > quota * reserve // 100
        day = spend(day)
        there = max(0, there - 1)
        day = hear(day, Told(there, quota, at - 0.1, at), at)
        assert there == left(day, None)


def test_an_answer_over_midnight():
    """What an answer says of yesterday, arriving today, says nothing of today."""
    day = hear(after(turn(Day(), NOON), 600), told(400, NOON), NOON)
    late = MIDNIGHT + SECONDS + 1
    day = spend(turn(day, late))
    assert day is hear(day, Told(400, 1000, late - 3, late), late)


def test_a_reset_that_the_operator_knows():
    """A fixed hour ends the present day there, and every day after it; what was counted stays counted."""
    day = fix(after(turn(Day(), NOON), 7), int(15 * HOUR), NOON)
    assert (7, MIDNIGHT + 15 * HOUR) == (day.spent, day.ends)
    day = turn(day, day.ends)
    assert (0, MIDNIGHT + 39 * HOUR) == (day.spent, day.ends)
    assert MIDNIGHT + 15 * HOUR == turn(fix(Day(), int(15 * HOUR), NOON), NOON).ends
