"""What a complete list of ids says: which records are gone, which were never seen, which are newer. Pure.

A record is deleted only when a complete sweep misses it and asking for it by id answers 404.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

LEAST = 5
"""So many missing records are nothing unusual, whatever share of all they are, unless they are all."""
SHARE = 0.1
"""Of the records known; more of them gone at once is unlikely, and a person is asked."""


class Findings(Struct, frozen=True, kw_only=True):
    """What a sweep found, by ids in their order; `known` is how many were known before."""

    known: int
    missing: tuple[int, ...]
    unknown: tuple[int, ...]
    newer: tuple[int, ...]

    @property
    def unlikely(self) -> bool:
        """Whether so many are missing that something else is the cause: a user who sees less, a wrong instance."""
        gone = len(self.missing)
        return gone > max(LEAST, SHARE * self.known) or (gone == self.known and gone > 1)


def compare(known: Iterable[tuple[int, datetime | None]], found: Mapping[int, datetime | None]) -> Findings:
    """Compare what was known, each with when it changed last, with what a complete list has."""
    missing: list[int] = []
    newer: list[int] = []
    met: set[int] = set()
    count = 0
    for record, updated_at in known:
        count += 1
        if record not in found:
            missing.append(record)
            continue
        met.add(record)
        latest = found[record]
        if latest is not None and updated_at is not None and latest > updated_at:
            newer.append(record)
    unknown = sorted(found.keys() - met)
    return Findings(known=count, missing=tuple(sorted(missing)), unknown=tuple(unknown), newer=tuple(sorted(newer)))
