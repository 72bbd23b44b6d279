"""One page of a list that moves while it is read, from a cursor's place on or back. No I/O but the `fetch` given in.

The decisions are those of `insightly.page`: ids ascend, so that only deletions before the place move it. A page is
asked for one row early; where its first row is not beyond the last id given out, nothing lies between. Where it is, the
place is found again by bisection. The total that comes with an answer says when the list ends, so that no empty page is
ever asked for.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from msgspec import Struct

from crosswalk.insightly.errors import PageOrder
from crosswalk.insightly.page import PAGE, Hunt, Rows, fresh, joins
from crosswalk.insightly.walk import Ask, Fetch, Page
from crosswalk.unified.known import Wire

MAX_SCAN = 5000
"""Rows that one answer looks through at most for those that a local filter lets pass."""


class Place(Struct, frozen=True):
    """A place in a list: behind the row `last`, or before it, which stood at `skip` counted from 0."""

    last: int
    skip: int


class Leaf(Struct, frozen=True, kw_only=True):
    """One page: its records, and the places to go on and back from; `None` where the list ends there.

    `scanned` rows were read for it; it is `partial` when a local filter let too few of them pass and more may come.
    """

    records: Sequence[Wire]
    on: Place | None
    back: Place | None
    total: int | None
    scanned: int
    partial: bool = False


def _keep_all(_: Wire) -> bool:
    return True


async def read_on(
    fetch: Fetch[Wire],
    after: Place | None,
    *,
    limit: int,
    keep: Callable[[Wire], bool] = _keep_all,
    max_scan: int = MAX_SCAN,
) -> Leaf:
    """The next `limit` records behind a place, or from the start; raises `PageOrder` and what `fetch` raises.

    With a place and 500 as the limit 499 come, since one row of a page proves that it joins.
    """
    found: list[tuple[int, Wire]] = []
    place, scanned, begins = after, 0, None
    filtered = keep is not _keep_all
    while True:
        page, start = await _joining(fetch, place, PAGE if filtered else limit)
        rows, scanned = page.rows, scanned + len(page.rows.ids)
        begins = rows.skip + start if begins is None else begins
        last = start
        for index in range(start, len(rows.ids)):
            if len(found) == limit:
                break
            last = index + 1
            if keep(page.records[index]):
                found.append((rows.skip + index, page.records[index]))
        if last > 0 and rows.ids:
            place = Place(rows.ids[last - 1], rows.skip + last)
        over = last == len(rows.ids) and _is_end(rows, limit if not filtered else PAGE)
        if over or len(found) == limit or not filtered or scanned >= max_scan:
            break
    return Leaf(
        records=[record for _, record in found],
        on=None if over or place is None else place,
        back=_back(after, page, begins),
        total=rows.total,
        scanned=scanned,
        partial=not over and len(found) < limit and filtered,
    )


async def read_back(fetch: Fetch[Wire], before: Place, *, limit: int) -> Leaf:
    """The `limit` records before a place."""
    skip = max(before.skip - limit, 0)
    page = await fetch(Ask(skip, limit + 1 if limit < PAGE else PAGE, count=True))
    count = bisect_left(page.rows.ids, before.last)
    if skip > 0 and count < min(limit, PAGE - 1):
        position = await _find(fetch, before.last - 1, before.skip)
        skip = max(position - limit, 0)
        page = await fetch(Ask(skip, limit, count=True))
        count = bisect_left(page.rows.ids, before.last)
    _check(page.rows)
    records = page.records[:count]
    first = page.rows.ids[0] if count else None
    return Leaf(
        records=records,
        on=Place(page.rows.ids[count - 1], skip + count) if count else Place(0, 0),
        back=Place(first, skip) if first is not None and skip > 0 else None,
        total=page.rows.total,
        scanned=len(page.rows.ids),
    )


async def _joining(fetch: Fetch[Wire], after: Place | None, limit: int) -> tuple[Page[Wire], int]:
    """A page that nothing was lost before, and the place within it of its first new row."""
    last = None if after is None else after.last
    skip = 0 if after is None else max(after.skip - 1, 0)
    top = min(limit + (skip > 0 or after is not None), PAGE)
    while True:
        page = await fetch(Ask(skip, top, count=True))
        _check(page.rows)
        if joins(page.rows, last):
            return page, fresh(page.rows, last)
        assert last is not None, "a page from the start joins"
        skip = max(await _find(fetch, last, skip) - 1, 0)


async def _find(fetch: Fetch[Wire], last: int, high: int) -> int:
    """How many rows are not beyond an id: at most log2(high) + 1 rows are looked at."""
    hunt = Hunt(high)
    while (probe := hunt.probe) is not None:
        seen = await fetch(Ask(probe, 1))
        hunt = hunt.saw(next(iter(seen.rows.ids), None), last)
    return hunt.low


def _check(rows: Rows) -> None:
    if not rows.ascends:
        raise PageOrder("this list", rows.skip)


def _is_end(rows: Rows, asked: int) -> bool:
    return rows.end >= rows.total if rows.total is not None else len(rows.ids) < asked


def _back(after: Place | None, page: Page[Wire], begins: int | None) -> Place | None:
    if after is None or not begins:
        return None
    return Place(after.last + 1, begins)
