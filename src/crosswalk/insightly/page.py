"""Reading a list that moves while it is read: the decisions, without any I/O.

Rows come in ascending id order, so all that deletions and insertions can do is shift rows along the list. Every page
is asked for one row early. Where its first row is not beyond the last id given out, nothing lies between; where it
is, rows slid past and their place is found again by bisection. Rows not beyond the last id are dropped, so none is
given out twice.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

PAGE = 500
"""The most rows Insightly gives at once."""

DEFAULT_PAGE = 100
"""The rows it gives unasked: no source knows of a smaller maximum."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One page as far as paging cares: where it was asked for, its ids, the total if the answer told."""

    skip: int
    ids: Sequence[int]
    total: int | None = None

    @property
    def end(self) -> int:
        """Place behind its last row."""
        return self.skip + len(self.ids)

    @property
    def ascends(self) -> bool:
        """Whether its ids grow strictly, as Insightly's lists are seen to."""
        return all(a < b for a, b in pairwise(self.ids))


def joins(rows: Rows, last: int | None) -> bool:
    """Whether nothing can lie between the last id given out and this page."""
    if last is None or rows.skip == 0:
        return True
    return bool(rows.ids) and rows.ids[0] <= last


def fresh(rows: Rows, last: int | None) -> int:
    """Place within the page of its first row beyond the last id."""
    return 0 if last is None else bisect_right(rows.ids, last)


def is_whole(rows: Rows, size: int) -> bool:
    """Whether the first page holds the whole list.

    A short page ends it when the total says so. Without a total a page of 100 rows or more may have been clamped.
    """
    if rows.total is not None:
        return rows.end >= rows.total or not rows.ids
    return len(rows.ids) < min(size, DEFAULT_PAGE)


def ends(rows: Rows, step: int, *, brought: int) -> bool:
    """Whether the list ended with this page when it was read; `brought` counts its fresh rows."""
    if rows.total is not None and rows.end >= rows.total:
        return True
    short = len(rows.ids) < step
    return short and (rows.total is None or brought == 0)


@dataclass(frozen=True, slots=True)
class Hunt:
    """A bisection for how many rows are not beyond an id: `low` at least, `high` at most."""

    high: int
    low: int = 0

    @property
    def probe(self) -> int | None:
        """The row to look at next, `None` when the place is known."""
        return (self.low + self.high) // 2 if self.low < self.high else None

    def saw(self, found: int | None, last: int) -> "Hunt":
        """Narrow by the id found at `probe`; `None` says that the list ends before it."""
        middle = (self.low + self.high) // 2
        before = found is not None and found <= last
        return replace(self, low=middle + 1) if before else replace(self, high=middle)

    @property
    def resume(self) -> int:
        """Where to read on: one row early, so that the page proves that it joins."""
        return max(self.low - 1, 0)
