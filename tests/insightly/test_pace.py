"""When the next call may start."""

from bisect import bisect_right
from collections import deque
from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.insightly.pace import (
    CALLS,
    IN_FLIGHT,
    NUDGE,
    WIDEST,
    WINDOW,
    Go,
    Pace,
    Seen,
    Wait,
    admit,
    note,
    send,
    start,
)


def leave(pace, now):
    """Let one call through and send it at once."""
    match admit(pace, now):
        case Go(after):
            return send(after, now)
        case Wait(until):
            pytest.fail(f"had to wait until {until}")


def end(pace, now, status=200, **seen):
    """End the call sent last."""
    return note(pace, Seen(status, pace.stamps[-1] if pace.stamps else None, **seen), now)


def most_in_a_second(stamps):
    """The most sends in any second, ends included."""
    ordered = sorted(stamps)
    return max((bisect_right(ordered, at + 1.0) - place for place, at in enumerate(ordered)), default=0)


def test_ten_at_once():
    """After a pause ten calls may start together, the eleventh when the first is old enough."""
    pace = start(in_flight=100)
    for _ in range(CALLS):
        pace = leave(pace, 50.0)
    assert Wait(50.0 + WINDOW) == admit(pace, 50.5)
    assert isinstance(admit(pace, 50.0 + WINDOW), Go)


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 3)), max_size=120))
def test_never_eleven_in_a_second(script):
    """Whenever calls ask and however long they take to leave, no second sees more than ten leave."""
    pace, now, stamps, waiting = start(in_flight=1000), 0.0, [], []
    for pause, delay in script:
        now += pause
        for due in sorted(due for due in waiting if due <= now):
            pace, stamps = send(pace, due), [*stamps, due]
        waiting = [due for due in waiting if due > now]
        match admit(pace, now):
            case Go(after):
                pace, waiting = after, [*waiting, now + delay]
    assert most_in_a_second(stamps) <= CALLS


def test_a_busy_hour():
    """Asked for without pause, calls leave at the full rate for ever."""
    pace, now, stamps = start(), 0.0, []
    while now < 3600:
        match admit(pace, now):
            case Go(after):
                pace = note(send(after, now), Seen(200, now, 0.1), now)
                stamps.append(now)
            case Wait(until):
                now = until
    assert CALLS / WINDOW * 3600 * 0.999 < len(stamps)
    assert CALLS == most_in_a_second(stamps)


def test_unsent_calls_count():
    """A call that has leave and has not left yet, such as one that still connects, holds its place."""
    pace = start(in_flight=100)
    for _ in range(CALLS):
        pace = admit(pace, 0.0).pace
    assert Wait(None) == admit(pace, 5.0)
    assert Wait(5.0 + WINDOW) == admit(_sent_all(pace, 5.0), 5.5)


def _sent_all(pace, now):
    for _ in range(CALLS):
        pace = send(pace, now)
    return pace


def test_room_in_flight():
    """No more calls are in flight than there is room for."""
    pace = start()
    for at in range(IN_FLIGHT):
        pace = leave(pace, at * 2.0)
    assert Wait(None) == admit(pace, 100.0)
    assert isinstance(admit(end(pace, 100.0), 100.0), Go)


def test_a_call_that_never_left():
    """Without a connection nothing was sent: the place is free again."""
    pace = note(admit(start(), 0.0).pace, Seen(None, None), 1.0)
    assert (0, 0, ()) == (pace.unsent, pace.in_flight, pace.stamps)


def refused(pace, now):
    """A full burst whose first call is refused."""
    for _ in range(pace.calls):
        pace = leave(pace, now)
    for number in range(pace.calls):
        pace = end(pace, now + 0.1, 200 if number else 429, hold=None if number else now + 3)
    return pace


def test_refused_at_full_rate():
    """A burst refused at the full rate came too close: the window grows a little, and all calls are held."""
    pace = refused(start(in_flight=100), 10.0)
    assert (CALLS, WINDOW + NUDGE) == (pace.calls, pace.window)
    assert Wait(13.0) == admit(pace, 12.9)


def test_refused_again_and_again():
    """When a longer window helps nothing, fewer calls in it do."""
    pace, now = start(in_flight=100), 10.0
    while pace.calls == CALLS:
        assert now < 100
        pace, now = refused(pace, now), now + 10
    assert (7, WIDEST) == (pace.calls, pace.window)


def test_refused_below_the_full_rate():
    """Refused with fewer calls in the window than allowed: that many are too many."""
    pace = start(in_flight=100)
    for _ in range(CALLS - 2):
        pace = leave(pace, 10.0)
    assert (7, WINDOW) == (end(pace, 10.1, 429).calls, pace.window)


def test_the_window_shrinks_again():
    """Quiet running makes the window what it was."""
    pace, now = refused(start(in_flight=100), 10.0), 20.0
    for _ in range(pace.patience):
        pace, now = end(leave(pace, now), now + 0.1), now + 1
    assert WINDOW == pace.window


def test_one_burst_is_learned_once():
    """Ten refusals of calls sent together are one lesson."""
    pace = start(in_flight=100)
    for _ in range(CALLS):
        pace = leave(pace, 10.0)
    for _ in range(CALLS):
        pace = end(pace, 10.1, 429)
    assert (CALLS, WINDOW + NUDGE) == (pace.calls, pace.window)


def test_refused_far_below_the_rate():
    """Refused although few calls left: it is the calls in flight that are too many."""
    pace = leave(start(), 10.0)
    pace = end(leave(pace, 20.0), 20.1, 429)
    assert (CALLS, IN_FLIGHT / 2) == (pace.calls, pace.room)


def test_a_spent_day_teaches_nothing():
    """A spent day says nothing about the second."""
    pace = end(leave(start(), 0.0), 0.1, 429, daily=True)
    assert (CALLS, 0.0) == (pace.calls, pace.hold)


def test_slowly_up_again():
    """Quiet running earns one call a second more, after twice the patience that the last lesson cost."""
    pace = Pace(calls=7, patience=200)
    for at in range(200):
        pace = end(leave(pace, at * 1.0), at + 0.1)
    assert 8 == pace.calls


def test_slow_answers():
    """When answers take three times as long as usual, fewer calls are in flight, and never less than two."""
    pace = start()
    for at in range(100):
        pace = end(leave(pace, at * 9.0), at * 9.0 + 0.2, seconds=0.2)
    for at in range(100, 130):
        pace = end(leave(pace, at * 9.0), at * 9.0 + 8, seconds=8.0)
    assert 2 <= pace.room < IN_FLIGHT


def test_room_grows_when_it_is_short():
    """When all room is in use and answers come as usual, room grows slowly."""
    pace = Pace(room=1.0)
    for at in range(40):
        pace = end(leave(pace, at * 9.0), at * 9.0 + 0.1, seconds=0.1)
    assert 2 <= pace.room <= 3.1


def test_no_limit():
    """Without a rate nothing waits but for room, and no stamps pile up."""
    pace = start(None)
    for _ in range(99):
        pace = leave(pace, 0.0)
    assert () == pace.stamps
    assert isinstance(admit(pace, 0.0), Go)


def test_less_than_one_a_second():
    """Refused even at one call a second, the window grows."""
    pace = end(leave(Pace(calls=1, most=10, room=100.0), 10.0), 10.1, 429)
    assert (1, 2 * WINDOW) == (pace.calls, pace.window)


def test_a_storm_is_over_soon():
    """After sixty refusals in a row, one way or another, a call a second leaves again within two minutes."""
    pace, now = start(), 0.0
    for _ in range(60):
        now = max(now, pace.hold) + pace.window
        pace = end(leave(pace, now), now + 0.1, 429)
    began = now
    while pace.window > WINDOW:
        now = max(now, pace.hold) + pace.window
        pace = end(leave(pace, now), now + 0.1)
    assert now - began < 120


def test_the_days_count():
    """The day's quota is what the last answer told."""
    pace = end(leave(start(), 0.0), 0.1, remaining=99_986, quota=100_000)
    assert (99_986, 100_000) == (pace.remaining, pace.quota)


class Strict:
    """An Insightly that allows fewer calls in a second than its document says, asked without pause."""

    def __init__(self, limit, *, latency=0.2):
        self.limit, self.latency = limit, latency
        self.pace, self.now, self.ends, self.taken = start(), 0.0, [], deque()
        self.refused, self.answered = [], []

    def run(self, seconds):
        """Ask until then."""
        while self.now < seconds:
            while self.ends and self.ends[0][0] <= self.now:
                at, _, seen = heappop(self.ends)
                self.pace = note(self.pace, seen, at)
            match admit(self.pace, self.now):
                case Go(after):
                    self.pace = send(after, self.now)
                    self.answer()
                case Wait(until):
                    dues = [due for due in (until, self.ends[0][0] if self.ends else None) if due is not None]
                    self.now = max(min(dues), self.now + 1e-6)
        return self

    def answer(self):
        """Refuse or take the call sent now."""
        while self.taken and self.now - self.taken[0] > 1:
            self.taken.popleft()
        full = len(self.taken) >= self.limit
        (self.refused if full else self.answered).append(self.now)
        if not full:
            self.taken.append(self.now)
        status, took, hold = (429, 0.05, self.now + 1) if full else (200, self.latency, None)
        heappush(
            self.ends, (self.now + took, len(self.refused) + len(self.answered), Seen(status, self.now, took, hold))
        )


@pytest.mark.parametrize("limit", [1, 3, 5, 8])
def test_a_lower_limit_is_learned(limit):
    """Where fewer calls are allowed than documented, the pace finds it and stays near it, seldom refused again."""
    strict = Strict(limit).run(600)
    late = [at for at in strict.answered if at > 300]
    assert limit * 0.6 <= len(late) / 300 <= limit
    assert len([at for at in strict.refused if at > 300]) <= 6


@pytest.mark.parametrize("latency", [0.05, 0.2, 1.0, 1.5])
def test_latency_alone_slows_nothing_for_long(latency):
    """Answers that are always slow get enough calls in flight to keep the pace."""
    strict = Strict(10, latency=latency).run(300)
    assert 9.5 <= len([at for at in strict.answered if at > 200]) / 100
    assert [] == strict.refused
