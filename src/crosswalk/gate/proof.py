"""Proof of the pace: the send times of an account, replayed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What the replay shows: `calls` from `began` to `ended`, the fullest second held `most`, from `at` on."""

    calls: int = 0
    most: int = 0
    at: float = 0.0
    began: float = 0.0
    ended: float = 0.0


def replay(stamps: Sequence[float], *, span: float = SECOND) -> Proof:
    """Find the fullest span of all, wherever it begins; a call that left exactly a span later is not of it."""
    ordered = sorted(stamps)
    if not ordered:
        return Proof()
    most, at, first = 0, ordered[0], 0
    for last, stamp in enumerate(ordered):
        while stamp - ordered[first] >= span:
            first += 1
        if last - first + 1 > most:
            most, at = last - first + 1, ordered[first]
    return Proof(len(ordered), most, at, ordered[0], ordered[-1])
