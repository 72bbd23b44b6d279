"""The only pacer: when the next call to one Insightly instance may start. A clock goes in, a decision comes out.

A call may start when the oldest of the last ten send stamps is 1.05 s old: 9.5 calls a second for ever, never 11 in
any second, and up to ten at once after a pause. How many calls fit into a second and how many may be in flight are
learned apart: a refused burst or slow answers bring them down, quiet running brings them slowly back.
"""

from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

CALLS = 10
WINDOW = 1.05
"""Seconds. At 1.00 every sender put an eleventh call into some second, at 1.02 a busy one did (decision 6)."""
NUDGE = 0.03
"""Seconds by which a window grows when a burst is refused at the full rate, and shrinks again after quiet running."""
WIDEST = 1.11
"""The longest window at the full rate; whoever is refused then allows fewer calls."""
IN_FLIGHT = 6
MOST_IN_FLIGHT = 20
URGENT = 2
"""Calls in flight that someone who waits may add to those of lanes."""
LONGEST_WINDOW = 4.0
"""Seconds between two calls at most, however many were refused."""
LONGEST_PATIENCE = 800
"""Quiet answers at the full rate before a call a second more is tried, however often that went wrong."""
CLEAR = 3
"""Answers without a refusal after which a window that grew is halved."""
SLOW = 1.0
"""Seconds that an answer must take before latency is blamed on our own calls."""


class Pace(Struct, frozen=True):
    """What is known of one instance's pace. Times are seconds of the caller's clock.

    `calls` fit into one window, `None` for no limit; `stamps` are the last sends, oldest first; `unsent` were let
    through and have not left yet; `room` may be in flight. `remaining` and `quota` are the day's, as last told.
    """

    calls: int | None = CALLS
    most: int | None = CALLS
    window: float = WINDOW
    stamps: tuple[float, ...] = ()
    unsent: int = 0
    in_flight: int = 0
    room: float = IN_FLIGHT
    hold: float = 0.0
    cut_at: float = 0.0
    quiet: int = 0
    patience: int = 100
    usual: float = 0.0
    recent: float = 0.0
    remaining: int | None = None
    quota: int | None = None


class Go(Struct, frozen=True):
    """A call may start now; `pace` counts it."""

    pace: Pace


class Wait(Struct, frozen=True):
    """No call may start before `until`, or before something changes when that is `None`."""

    until: float | None


Admission: TypeAlias = Go | Wait


class Seen(Struct, frozen=True):
    """What came of one call. `status` is `None` without an answer; `hold` is when to go on after a 429."""

    status: int | None
    sent_at: float | None
    seconds: float = 0.0
    hold: float | None = None
    daily: bool = False
    remaining: int | None = None
    quota: int | None = None


def start(rate: int | None = CALLS, *, in_flight: int = IN_FLIGHT) -> Pace:
    """A fresh pace of `rate` calls in any second, or of none to keep to."""
    return Pace(calls=rate, most=rate, room=in_flight if rate is not None else 100)


class Lessons(Struct, frozen=True):
    """What is worth keeping of a pace when its client is gone: how many calls, of at most how many, and how apart."""

    calls: float
    most: float
    window: float
    room: float
    patience: float


def lessons(pace: Pace) -> Lessons | None:
    """What this pace has learned; `None` where there is no rate to learn."""
    if pace.calls is None or pace.most is None:
        return None
    return Lessons(pace.calls, pace.most, pace.window, float(int(pace.room)), pace.patience)


def recall(pace: Pace, learned: Lessons | None, hold: float) -> Pace:
    """The pace with what another client has learned; lessons about another rate are void."""
    if learned is None or learned.most != pace.most:
        return pace
    room = pace.room if int(pace.room) == learned.room else learned.room
    return replace(
        pace,
        calls=int(learned.calls),
        window=learned.window,
        room=room,
        patience=int(learned.patience),
        hold=max(pace.hold, hold),
    )


def has_room(pace: Pace, *, urgent: bool = False) -> bool:
    """Whether one more call may be in flight; an urgent one may where only latency limits them, two above the rest."""
    spare = URGENT if urgent and pace.room >= IN_FLIGHT else 0
    return pace.in_flight < int(pace.room) + spare


def let_through(pace: Pace) -> Pace:
    """Count a call that may start now."""
    return replace(pace, unsent=pace.unsent + 1, in_flight=pace.in_flight + 1)


def admit(pace: Pace, now: float) -> Admission:
    """Whether a call may start now."""
    if not has_room(pace):
        return Wait(None)
    if now < pace.hold:
        return Wait(pace.hold)
    until = _window_opens(pace, now)
    if until is not None and now < until:
        return Wait(until)
    if until is None and pace.calls is not None and pace.unsent >= pace.calls:
        return Wait(None)
    return Go(let_through(pace))


def _window_opens(pace: Pace, now: float) -> float | None:
    """When enough stamps are old; `None` when no stamp stands in the way. Calls not yet sent count as sent now."""
    if pace.calls is None or pace.calls <= pace.unsent:
        return None
    free = pace.calls - pace.unsent
    return pace.stamps[-free] + pace.window if len(pace.stamps) >= free else None


def send(pace: Pace, now: float) -> Pace:
    """A call that was let through leaves now."""
    stamps = () if pace.most is None else (*pace.stamps, now)[-pace.most :]
    return replace(pace, unsent=pace.unsent - 1, stamps=stamps)


def note(pace: Pace, seen: Seen, now: float, *, busy: int | None = None) -> Pace:
    """A call that was let through is over: learn from it. `busy` calls left within a window, where others send too."""
    pace = replace(
        pace,
        in_flight=pace.in_flight - 1,
        unsent=pace.unsent - (seen.sent_at is None),
        remaining=pace.remaining if seen.remaining is None else seen.remaining,
        quota=pace.quota if seen.quota is None else seen.quota,
    )
    match seen:
        case Seen(status=None) | Seen(daily=True):
            return pace
        case Seen(status=429):
            return _cut(pace, seen, now, _busy(pace, now) if busy is None else busy)
        case _:
            return _ease(_feel(pace, seen), seen)


def _busy(pace: Pace, now: float) -> int:
    return sum(1 for stamp in pace.stamps if now - stamp < pace.window)


def _cut(pace: Pace, seen: Seen, now: float, busy: int) -> Pace:
    """A burst was refused. Of calls sent together one is enough to learn from."""
    pace = replace(pace, hold=max(pace.hold, now + pace.window if seen.hold is None else seen.hold), quiet=0)
    if seen.sent_at is not None and seen.sent_at <= pace.cut_at:
        return pace
    pace = replace(pace, cut_at=now, patience=min(pace.patience * 2, LONGEST_PATIENCE))
    if pace.calls is None or busy * 2 <= pace.calls:
        # far below the rate and still refused: it counts calls in flight (S22 met 429 "on concurrency")
        return replace(pace, room=max(1.0, pace.room / 2))
    if pace.calls == pace.most and pace.window < WIDEST and busy + 1 >= pace.calls:
        # all left in time and came too close: a busy machine held one up on its way (measured, decision 6)
        return replace(pace, window=round(pace.window + NUDGE, 2))
    fewer = max(1, pace.calls * 7 // 10)
    slower = pace.window if pace.calls > 1 else min(pace.window * 2, LONGEST_WINDOW)
    return replace(pace, calls=fewer, window=slower)


def _feel(pace: Pace, seen: Seen) -> Pace:
    """Follow the latency: when recent answers take three times the usual, fewer calls in flight help."""
    usual = seen.seconds if pace.usual == 0 else pace.usual + (seen.seconds - pace.usual) * 0.02
    recent = pace.recent + (seen.seconds - pace.recent) * 0.2
    pace = replace(pace, usual=usual, recent=recent)
    if recent > max(SLOW, 3 * usual) and pace.room > 2:  # noqa: PLR2004 (one call, and one to overlap it)
        return replace(pace, room=max(2.0, pace.room * 0.8), recent=usual, quiet=0)
    return pace


def _ease(pace: Pace, seen: Seen) -> Pace:
    """Quiet running earns room at once in small steps, and calls a second after `patience` answers."""
    full = pace.in_flight + 1 >= int(pace.room)
    room = min(MOST_IN_FLIGHT, pace.room + 0.05) if full and pace.room < MOST_IN_FLIGHT else pace.room
    pace = replace(pace, quiet=pace.quiet + 1, room=room)
    if pace.window > WIDEST and pace.quiet >= CLEAR:
        return replace(pace, quiet=0, window=max(WIDEST, pace.window / 2))
    if pace.quiet < _due(pace):
        return pace
    if pace.calls is not None and pace.most is not None and pace.calls < pace.most:
        return replace(pace, quiet=0, calls=pace.calls + 1)
    if pace.window > WINDOW:
        return replace(pace, quiet=0, window=max(WINDOW, round(pace.window - NUDGE, 2)))
    return replace(pace, quiet=0, patience=100)


def _due(pace: Pace) -> float:
    """How many quiet answers earn a call a second: few far below the full rate, the whole patience close to it."""
    return pace.patience if pace.calls is None or pace.most is None else pace.patience * pace.calls / pace.most
