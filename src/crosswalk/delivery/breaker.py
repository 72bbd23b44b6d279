"""The breaker: a wave of equal refusals stops a lane before it spends the day on them. Pure."""

import re
from collections import Counter

from msgspec import Struct

SEEN = 50
"""Outcomes that are looked at."""
SHARE = 0.5
"""Of them, more than this share of one refusal trips the breaker."""
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")


class Breaker(Struct, frozen=True):
    """The latest outcomes: `None` for a success, a refusal's normalised words otherwise."""

    latest: tuple[str | None, ...] = ()

    def note(self, refusal: str | None) -> "Breaker":
        """The breaker after one more outcome."""
        return Breaker((*self.latest, None if refusal is None else normalise(refusal))[-SEEN:])

    @property
    def tripped(self) -> str | None:
        """Why the lane should stop, `None` when it should not."""
        if len(self.latest) < SEEN:
            return None
        refusals = Counter(each for each in self.latest if each is not None)
        if not refusals:
            return None
        words, number = refusals.most_common(1)[0]
        if number <= SEEN * SHARE:
            return None
        return f"{number} of the last {SEEN} rows were refused alike: {words}"


def normalise(reason: str) -> str:
    """A reason without what differs from row to row: quoted values and numbers."""
    return _VARIES.sub("…", reason)
