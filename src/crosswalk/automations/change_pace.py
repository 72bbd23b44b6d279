"""How often to look, and what that costs: often while records change, seldom when nothing does. Pure."""

from datetime import datetime, timedelta

from msgspec import Struct

DAY = 86_400
SHORTEST, LONGEST = 10, DAY
"""Seconds between two polls that may be asked for."""
USUAL, USUAL_SLOWEST, USUAL_SWEEP = 60, 900, DAY
SHORTEST_SWEEP = 900
PAGE = 499
"""Records that each further page of 500 brings: pages share one record, so that nothing is lost between them."""
LEAST_OVERLAP = 2.0
FIRST_LAG = 60.0
"""Seconds that a search is believed to lag before anything is learned; reading so far back costs no call more."""
MOST_LAG = 900.0


class Cost(Struct, frozen=True, kw_only=True):
    """Calls that a watch makes in a day: `quiet` when nothing changes, `busy` when something does all day.

    What a change itself costs comes on top only where more than a page changes between two polls.
    """

    quiet: int
    busy: int
    sweeps: int


def overlap(lag: float) -> timedelta:
    """How far before the mark to read again: the larger of 2 seconds and the search lag.

    Insightly compares whole seconds, and perhaps leaves the second itself out.
    """
    return timedelta(seconds=max(LEAST_OVERLAP, lag))


def next_interval(interval: int, *, every: int, slowest: int, changed: bool) -> int:
    """Seconds to the next poll: the shortest after a change, and twice as long after each look that found none."""
    return every if changed else min(max(interval, every) * 2, slowest)


def cost(*, every: int, slowest: int, sweep_every: int | None, records: int, whole: bool) -> Cost:
    """The calls of a day. `whole` says that each poll reads the whole list, as where Insightly has no search."""
    pages = 1 + max(0, records - 1) // PAGE
    sweeps = 0 if sweep_every is None or whole else pages * DAY // sweep_every
    poll = pages if whole else 1
    return Cost(quiet=poll * DAY // slowest + sweeps, busy=poll * DAY // every + sweeps, sweeps=sweeps)


def day_of(now: datetime) -> str:
    """The day that calls are counted on."""
    return f"{now:%Y-%m-%d}"
