"""Pages of a list that loses and gains rows between any two of them: none is lost, none comes twice."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.insightly.errors import PageOrder
from crosswalk.insightly.page import PAGE, Rows
from crosswalk.insightly.walk import Ask, Page
from crosswalk.unified.paging import Leaf, Place, read_back, read_on


@dataclass
class Shelf:
    """Rows by ascending id, as Insightly's lists stand; it counts what it is asked."""

    ids: list[int]
    asked: list[Ask] = field(default_factory=list)

    async def fetch(self, ask: Ask) -> Page:
        """One page by place."""
        assert ask.top <= PAGE
        self.asked.append(ask)
        found = self.ids[ask.skip : ask.skip + ask.top]
        total = len(self.ids) if ask.count else None
        return Page(Rows(ask.skip, found, total), [{"ID": one} for one in found])

    def lose(self, share: float) -> None:
        """Lose every so many rows."""
        step = max(2, round(1 / share))
        self.ids = [one for index, one in enumerate(self.ids) if index % step]

    def gain(self, rows: int) -> None:
        """Gain rows, with ids above all others."""
        self.ids += range(self.top + 1, self.top + 1 + rows)

    @property
    def top(self) -> int:
        """The highest id there ever was."""
        return max([*self.ids, self._top])

    _top: int = 0


def ids_of(leaf: Leaf) -> list[int]:
    """The ids of a page."""
    return [int(record["ID"]) for record in leaf.records]


@given(
    size=st.integers(0, 60),
    limit=st.integers(1, 12),
    turns=st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5]), st.integers(0, 5)), max_size=12),
)
async def test_nothing_is_lost_or_doubled(size, limit, turns):
    """Rows that stay are given out once, whatever goes and comes between two pages."""
    shelf = Shelf(list(range(1, size + 1)))
    started, out, place, moves = set(shelf.ids), [], None, iter(turns)
    while True:
        leaf = await read_on(shelf.fetch, place, limit=limit)
        out += ids_of(leaf)
        place = leaf.on
        if place is None:
            break
        share, more = next(moves, (0.0, 0))
        shelf._top = shelf.top
        if share:
            shelf.lose(share)
        shelf.gain(more)
    assert len(out) == len(set(out))
    assert started & set(shelf.ids) <= set(out)
    assert sorted(out) == out


@given(size=st.integers(0, 60), limit=st.integers(1, 12), cut=st.sets(st.integers(1, 60)))
async def test_back_gives_what_went_before(size, limit, cut):
    """A page back holds the rows just before, also when some of them went meanwhile."""
    shelf = Shelf(list(range(1, size + 1)))
    first = await read_on(shelf.fetch, None, limit=limit)
    if first.on is None:
        return
    second = await read_on(shelf.fetch, first.on, limit=limit)
    shelf.ids = [one for one in shelf.ids if one not in cut]
    before = await read_back(shelf.fetch, second.back, limit=limit)
    wanted = [one for one in shelf.ids if one <= ids_of(first)[-1]][-limit:]
    assert wanted == ids_of(before)
    if wanted and before.on is not None:
        again = await read_on(shelf.fetch, before.on, limit=limit)
        assert [one for one in shelf.ids if one > wanted[-1]][:limit] == ids_of(again)


@pytest.mark.parametrize(
    ("size", "limit", "calls"), [(0, 10, 1), (10, 10, 1), (11, 10, 2), (30, 10, 3), (1000, 500, 3)]
)
async def test_no_empty_page_is_asked_for(size, limit, calls):
    """A whole list costs its pages and no call more; pages of 500 bring 499 after the first."""
    shelf = Shelf(list(range(1, size + 1)))
    place, out = None, 0
    while True:
        leaf = await read_on(shelf.fetch, place, limit=limit)
        out += len(leaf.records)
        place = leaf.on
        if place is None:
            break
    assert (size, calls) == (out, len(shelf.asked))


async def test_a_local_filter_reads_on_and_stops():
    """A filter of our own looks through further pages, no more than it may, and says that it did not finish."""
    shelf = Shelf(list(range(1, 3001)))
    leaf = await read_on(shelf.fetch, None, limit=5, keep=lambda row: row["ID"] % 400 == 0)
    assert ([400, 800, 1200, 1600, 2000], False) == (ids_of(leaf), leaf.partial)
    cut = await read_on(shelf.fetch, None, limit=5, keep=lambda row: row["ID"] > 2999, max_scan=1000)
    assert ([], True) == (ids_of(cut), cut.partial)
    rest = await read_on(shelf.fetch, cut.on, limit=5, keep=lambda row: row["ID"] > 2999)
    assert ([3000], None) == (ids_of(rest), rest.on)


async def test_another_order_is_an_error():
    """A list whose ids do not ascend cannot be paged without losing rows."""
    shelf = Shelf([3, 1, 2])
    with pytest.raises(PageOrder):
        await read_on(shelf.fetch, None, limit=2)


async def test_a_place_whose_row_is_gone_is_found_again():
    """When the rows before a place go, its row is found by bisection."""
    shelf = Shelf(list(range(1, 1001)))
    place = Place(600, 600)
    shelf.ids = [one for one in shelf.ids if one > 300]
    leaf = await read_on(shelf.fetch, place, limit=3)
    assert [601, 602, 603] == ids_of(leaf)
    assert 13 >= len(shelf.asked)
