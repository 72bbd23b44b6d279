"""One account's day: calls spent, what Insightly last told of it, when it is over. Pure: times go in, a day comes out.

Insightly says on every answer how many calls the day has and how many are left, and nowhere when the day begins anew.
Midnight UTC is assumed; when the calls left jump up at another hour, that hour is learned. Calls that are gone and that
nobody here made were another client's. Times are seconds since 1970, but for `sent_at` and `lowest_at`, which stand on
a clock that only goes forward.
"""

from msgspec import Struct
from msgspec.structs import replace

SECONDS = 86_400.0
HOUR = 3_600.0
SLACK = 20
"""Calls of a young day that may be another client's before the day is taken for one that has not ended."""
SHIFT = 4 * HOUR
"""A jump is evidence of its hour only when the answer before it is no older than this."""


class Day(Struct, frozen=True):
    """A day from `began` to `ends`; -1 is "never told".

    `spent` calls of it are ours, `foreign` another client's, of `quota` in all. `lowest` were left at least, told at
    `lowest_at`; the last answer came at `told_at`. `resets` is the second of the UTC day at which a day begins.
    `before` and `used_before` are the last day's, until an answer proves that it is over. `said` foreign calls are
    reported.
    """

    began: float = 0.0
    ends: float = 0.0
    spent: float = 0.0
    quota: float = -1.0
    lowest: float = -1.0
    lowest_at: float = 0.0
    told_at: float = 0.0
    foreign: float = 0.0
    said: float = 0.0
    resets: float = 0.0
    before: float = 0.0
    used_before: float = -1.0


class Told(Struct, frozen=True):
    """What one answer said: calls left, of how many; when its call left, and when it came."""

    remaining: int
    quota: int | None
    sent_at: float
    at: float


def turn(day: Day, now: float) -> Day:
    """The day that it is at `now`: the same one, or a fresh one when it is over."""
    if day.began <= now < day.ends:
        return day
    began = now - (now - day.resets) % SECONDS
    if now < day.began and day.began - now < SECONDS:
        return day  # the clock was set back: a day is not counted twice
    known = day.lowest >= 0 and now - day.ends < SECONDS
    return Day(
        began=began,
        ends=began + SECONDS,
        quota=day.quota,
        told_at=day.told_at,
        resets=day.resets,
        before=day.spent,
        used_before=day.quota - day.lowest if known else -1.0,
    )


def fix(day: Day, resets: int, now: float) -> Day:
    """The day with a reset that the operator knows; what was counted stays counted."""
    if day.resets == resets or not day.ends:
        return replace(day, resets=float(resets))
    began = now - (now - resets) % SECONDS
    return replace(day, resets=float(resets), ends=began + SECONDS)


def spend(day: Day) -> Day:
    """One more call is ours."""
    return replace(day, spent=day.spent + 1)


def refund(day: Day) -> Day:
    """A call that was counted never left."""
    return replace(day, spent=max(0.0, day.spent - 1))


def hear(day: Day, told: Told, now: float, *, learns: bool = True) -> Day:
    """Learn from an answer: calls left, calls of others, and whether the day began anew at another hour."""
    if now - (told.at - told.sent_at) < day.began:
        return day  # its call left on the day before
    quota = day.quota if told.quota is None else float(told.quota)
    day = replace(day, quota=max(quota, float(told.remaining)))
    if day.lowest >= 0 and told.sent_at >= day.lowest_at and told.remaining > day.lowest + _margin(day):
        day = _begin(day, told, now, learns=learns)
    elif day.used_before >= 0:
        day = _doubt(day, told)
    if day.lowest < 0 or told.remaining <= day.lowest:
        day = replace(day, lowest=float(told.remaining), lowest_at=told.at)
    return replace(day, told_at=now, foreign=max(day.foreign, day.quota - told.remaining - day.spent))


def _margin(day: Day) -> float:
    return max(5.0, day.quota / 100)


def _begin(day: Day, told: Told, now: float, *, learns: bool) -> Day:
    """The calls left jumped up: a day begins here, at an hour that is learned when it can be told."""
    resets = day.resets
    if learns and now - day.told_at <= SHIFT:
        hour = now - now % HOUR
        resets = (hour if hour > day.told_at else now) % SECONDS
    began = now - (now - resets) % SECONDS
    spent = min(day.spent, day.quota - told.remaining)
    return Day(began=began, ends=began + SECONDS, spent=spent, quota=day.quota, resets=resets)


def _doubt(day: Day, told: Told) -> Day:
    """The first answer of a day that we believe fresh: if the old one's calls are still gone, it has not ended."""
    used = day.quota - told.remaining
    goes_on = used >= day.used_before and used - day.spent > SLACK
    return replace(day, spent=day.spent + day.before if goes_on else day.spent, before=0.0, used_before=-1.0)


def total(day: Day, daily: int | None) -> int | None:
    """Calls that the day has: as told, or as the account's own limit says, whichever is less."""
    known = [int(most) for most in (day.quota if day.quota >= 0 else None, daily) if most is not None]
    return min(known, default=None)


def left(day: Day, daily: int | None) -> int | None:
    """Calls that may still be made, `None` when nobody knows."""
    known: list[float] = [] if daily is None else [daily - day.spent]
    if day.lowest >= 0:
        known.append(min(day.quota - day.spent - day.foreign, day.lowest))
    elif day.quota >= 0:
        known.append(day.quota - day.spent)
    return max(0, int(min(known))) if known else None


def unsaid(day: Day) -> int | None:
    """Foreign calls to report now: a hundredth of the day's more than were reported; `None` for nothing new."""
    return int(day.foreign) if day.foreign - day.said >= max(10.0, day.quota / 100) else None
