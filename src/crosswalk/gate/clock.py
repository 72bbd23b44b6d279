"""The database's clock as this machine can tell it: never one number, always between two. Pure."""

from dataclasses import dataclass, replace

DRIFT = 2e-4
"""Seconds that a machine's clock may gain or lose in a second."""
JUMP = 0.05
"""Seconds by which two readings must disagree before the database's clock was set."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What is to be added to this machine's seconds: at least `least`, at most `most`, as known at `at`.

    Of all readings the narrowest counts, widened as time goes by.
    """

    least: float
    most: float
    at: float

    def earliest(self, here: float) -> float:
        """The database's time at `here`, as early as it may be."""
        return here + self.least - DRIFT * abs(here - self.at)

    def latest(self, here: float) -> float:
        """The database's time at `here`, as late as it may be."""
        return here + self.most + DRIFT * abs(here - self.at)

    def soonest(self, there: float) -> float:
        """This machine's seconds from which on the database's time is surely `there`."""
        here = there - self.least
        return here + DRIFT * abs(here - self.at)


def read_clock(known: Clock | None, before: float, there: float, after: float) -> tuple[Clock, bool]:
    """Read the database's clock, which said `there` between `before` and `after`; whether it was set since."""
    fresh = Clock(there - after, there - before, after)
    if known is None:
        return fresh, False
    spent = DRIFT * abs(after - known.at)
    least, most = max(fresh.least, known.least - spent), min(fresh.most, known.most + spent)
    if least <= most:
        return replace(fresh, least=least, most=most), False
    return fresh, least - most > JUMP
