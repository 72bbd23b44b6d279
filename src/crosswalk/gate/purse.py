"""What all processes and machines have taken of one account: the second's places, the day, the lessons. Pure.

A process takes places ahead, each a time at which one call may leave, and gives back those that it does not use. Times
are the database's, in seconds since 1970, so that no machine's own clock matters.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.gate.budget import Shares, kept_from
from crosswalk.gate.day import Day, Told, fix, hear, refund, spend, turn, unsaid
from crosswalk.gate.ledger import PRESENCE, SPACED
from crosswalk.gate.purpose import Purpose
from crosswalk.insightly.pace import Lessons

FORMAT = 1
KEPT = 64
"""Places kept: six windows of Insightly's ten; of a higher rate two windows."""
AHEAD = 0.2
"""Seconds ahead for which a place is taken when nobody must have the next one."""
TINY = 1e-6
"""Seconds that a sum of times is exact to."""
VOID, LONGEST_HOLD = 10.0, 60.0
"""Seconds ahead at which a place, or the end of a refusal, cannot be of this database's present clock."""


class Purse(Struct, frozen=True, kw_only=True):
    """What an account's row holds. `places` are the times taken last, in order; `lesson` counts the lessons."""

    places: tuple[float, ...] = ()
    lane_at: float = 0.0
    person_at: float = 0.0
    day: Day = Day()
    lessons: Lessons | None = None
    hold: float = 0.0
    lesson: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """One call's wish for a place. A `firm` one takes the next place wherever it lies."""

    purpose: Purpose
    firm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One step: `asks` in their order, `back` are places given back, `learned` and `hold` what a refusal taught.

    `calls` go in `window` seconds; `None` asks for the day's calls alone.
    """

    calls: int | None
    window: float
    shares: Shares
    asks: Sequence[Ask] = ()
    back: Sequence[float] = ()
    told: Told | None = None
    learned: Lessons | None = None
    hold: float = 0.0
    resets: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a step came to. `refused` has the calls that the day keeps from a purpose; `again` is when to ask next.

    `foreign` are other clients' calls to be told of.
    """

    purse: Purse
    places: tuple[tuple[Purpose, float], ...] = ()
    refused: dict[Purpose, int] = field(default_factory=dict)
    again: float | None = None
    foreign: int | None = None


def grant(purse: Purse, wish: Wish, now: float) -> Granted:
    """Take back, learn, and give what may be given at `now`."""
    purse = _settle(purse, wish, now)
    foreign = unsaid(purse.day)
    if foreign is not None:
        purse = replace(purse, day=replace(purse.day, said=purse.day.foreign))
    places: list[tuple[Purpose, float]] = []
    refused: dict[Purpose, int] = {}
    again: float | None = None
    for ask in wish.asks:
        kept = kept_from(ask.purpose, purse.day, wish.shares)
        if kept is not None:
            refused[ask.purpose] = kept
            continue
        at = now if wish.calls is None else next_place(purse, wish.calls, wish.window, ask.purpose, now)
        if not ask.firm and at > now + AHEAD:
            again = at if again is None else min(again, at)
            continue
        purse = _take(purse, ask.purpose, at, wish.calls)
        places.append((ask.purpose, at))
    return Granted(purse=purse, places=tuple(places), refused=refused, again=again, foreign=foreign)


def next_place(purse: Purse, calls: int, window: float, purpose: Purpose, now: float) -> float:
    """When the next call of a purpose may leave: no window ever holds more than `calls`.

    It may stand before places that are taken already, where one was given back.
    """
    least = now
    if purpose == "lane":
        kept = calls // 2 if abs(now - purse.person_at) <= PRESENCE else 0
        spaced = window / (calls - kept) if kept else SPACED * window / calls
        least = max(least, purse.lane_at + spaced)
    taken = purse.places
    free = (at + window for at in taken if at + window > least)
    return next(at for at in chain((least,), free) if _fits(taken, at, calls, window))


def _fits(taken: Sequence[float], at: float, calls: int, window: float) -> bool:
    """Whether one more call at a time leaves every window with `calls` at most."""
    place = bisect_right(taken, at)
    around = (*taken[max(0, place - calls) : place], at, *taken[place : place + calls])
    return all(late - early >= window - TINY for early, late in zip(around, around[calls:], strict=False))


def busy(purse: Purse, now: float, window: float) -> int:
    """How many calls left within the last `window` seconds."""
    return sum(now - window < at <= now for at in purse.places)


def _settle(purse: Purse, wish: Wish, now: float) -> Purse:
    """The purse with what came back and was told, on the day that it is."""
    places = [at for at in purse.places if at <= now + VOID]
    day = purse.day if wish.resets is None else fix(purse.day, wish.resets, now)
    day = turn(day, now)
    for at in wish.back:
        if at in places:
            places.remove(at)
        day = refund(day)
    if wish.told is not None:
        day = hear(day, wish.told, now, learns=wish.resets is None)
    purse = replace(
        purse,
        places=tuple(places),
        day=day,
        lane_at=purse.lane_at if purse.lane_at <= now + VOID else 0.0,
        hold=purse.hold if purse.hold <= now + LONGEST_HOLD else 0.0,
    )
    if wish.learned is None:
        return purse
    return replace(purse, lessons=wish.learned, hold=max(purse.hold, wish.hold), lesson=purse.lesson + 1)


def _take(purse: Purse, purpose: Purpose, at: float, calls: int | None) -> Purse:
    places = purse.places if calls is None else tuple(sorted((*purse.places, at)))[-max(KEPT, 2 * calls) :]
    purse = replace(purse, places=places, day=spend(purse.day))
    match purpose:
        case "lane":
            return replace(purse, lane_at=at)
        case "person":
            return replace(purse, person_at=at)
        case "probe":
            return purse
