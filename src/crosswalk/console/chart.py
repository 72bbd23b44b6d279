"""Charts as numbers: where bars and marks stand, for templates that draw them as SVG. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

WIDTH, HEIGHT = 720.0, 150.0
LEFT, TOP, BOTTOM = 44.0, 10.0, 22.0
GAP = 3.0
STEPS = (1, 2, 5)
HOUR = timedelta(hours=1)
HOURS = 24
EVERY = 4
"""Every so many hours a label."""


class Hour(Struct, frozen=True):
    """One hour's calls: those that went well, and those that did not."""

    at: datetime
    good: int
    bad: int


class Bar(Struct, frozen=True):
    """One bar: calls that went well below, others on top."""

    x: float
    width: float
    good_y: float
    good_height: float
    bad_y: float
    bad_height: float
    says: str


class Tick(Struct, frozen=True):
    """One mark of an axis."""

    at: float
    says: str


class Chart(Struct, frozen=True):
    """A bar chart. `top` is the value at its upper edge."""

    bars: tuple[Bar, ...]
    down: tuple[Tick, ...]
    along: tuple[Tick, ...]
    top: int
    good: int
    bad: int


class Strip(Struct, frozen=True):
    """A day's calls as shares of its width, in percent: ours, other clients', what lanes may use, what is kept."""

    spent: float
    foreign: float
    free: float
    kept: float


def list_hours(now: datetime) -> tuple[datetime, ...]:
    """The last day's hours, the one under way last."""
    last = now.replace(minute=0, second=0, microsecond=0)
    return tuple(last - HOUR * back for back in reversed(range(HOURS)))


def draw_hours(hours: Sequence[Hour]) -> Chart:
    """The chart of a day's calls."""
    top = round_up(max((hour.good + hour.bad for hour in hours), default=0))
    step = (WIDTH - LEFT) / max(1, len(hours))
    bars = tuple(_draw(hour, LEFT + step * place, step - GAP, top) for place, hour in enumerate(hours))
    room = HEIGHT - TOP - BOTTOM
    down = tuple(Tick(TOP + room * (1 - part / 2), f"{top * part // 2:,}") for part in (0, 1, 2))
    along = tuple(
        Tick(LEFT + step * place + (step - GAP) / 2, f"{hour.at:%H:%M}")
        for place, hour in enumerate(hours)
        if hour.at.hour % EVERY == 0
    )
    return Chart(bars, down, along, top, sum(hour.good for hour in hours), sum(hour.bad for hour in hours))


def _draw(hour: Hour, x: float, width: float, top: int) -> Bar:
    room = HEIGHT - TOP - BOTTOM
    good, bad = room * hour.good / top, room * hour.bad / top
    base = TOP + room
    says = f"{hour.at:%H:%M}: {hour.good:,} went well, {hour.bad:,} did not"
    return Bar(_px(x), _px(width), _px(base - good), _px(good), _px(base - good - bad), _px(bad), says)


def _px(value: float) -> float:
    return round(value, 1)


def round_up(value: int) -> int:
    """The next round number, an even one: 2, 4, 10, 20, 40, 100."""
    size = 1
    while True:
        for step in STEPS:
            if size * step * 2 >= value:
                return size * step * 2
        size *= 10


def fill_hours(hours: Sequence[datetime], counts: Mapping[datetime, tuple[int, int]]) -> tuple[Hour, ...]:
    """Every hour with its counts, also those without any."""
    return tuple(Hour(at, *counts.get(at, (0, 0))) for at in hours)


def draw_strip(*, quota: int | None, spent: int, foreign: int, remaining: int | None, reserved: int) -> Strip | None:
    """A day's calls as a strip; `None` where nobody knows how many there are."""
    if not quota or remaining is None:
        return None
    used = max(0, quota - remaining)
    others = min(foreign, used)
    ours = used - others
    kept = min(reserved, remaining)
    parts = (ours, others, remaining - kept, kept)
    return Strip(*(round(100 * part / quota, 2) for part in parts))
