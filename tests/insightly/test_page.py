"""Paging over a list that moves: no record lost, none doubled."""

import asyncio
from itertools import count
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.insightly.errors import PageOrder
from crosswalk.insightly.page import Hunt, Rows, ends, fresh, is_whole, joins
from crosswalk.insightly.walk import Ask, Page, Walk


class Source:
    """A list of ids that changes between any two pages, as the script of `moves` says."""

    def __init__(self, ids, *, moves=(), most=500, tells_total=True, yields=()):
        self.ids = list(ids)
        self.moves = list(moves)
        self.most = most
        self.tells_total = tells_total
        self.yields = list(yields)
        self.newest = count(1_000_000)
        self.asks = []
        self.deleted = set()

    async def fetch(self, ask: Ask) -> Page[int]:
        """Answer one page after a few turns of the loop, then change."""
        self.asks.append(ask)
        for _ in range(self.yields.pop() if self.yields else 0):
            await asyncio.sleep(0)
        ids = self.ids[ask.skip : ask.skip + min(ask.top, self.most)]
        total = len(self.ids) if ask.count and self.tells_total else None
        self.move()
        return Page(Rows(ask.skip, ids, total), ids)

    def move(self):
        """Delete or insert some rows: new ones come last unless the script says that they enter elsewhere."""
        if not self.moves:
            return
        deletes, inserts, enters = self.moves.pop()
        for place in deletes:
            if self.ids:
                self.deleted.add(self.ids.pop(place % len(self.ids)))
        self.ids += [next(self.newest) for _ in range(inserts)]
        for odd in enters:
            self.ids = sorted({*self.ids, 2 * odd + 1})

    async def read(self, **options):
        """Walk the whole list."""
        return [id_ async for page in Walk(self.fetch, "GET /Contacts", **options).pages() for id_ in page]


def run(work):
    """Run to the end, in a loop of its own."""
    return asyncio.run(work)


MOVES = st.lists(
    st.tuples(
        st.lists(st.integers(0, 10_000), max_size=40),
        st.integers(0, 8),
        st.lists(st.integers(0, 200), max_size=3),
    ),
    max_size=60,
)


@given(
    rows=st.integers(0, 130),
    moves=MOVES,
    size=st.integers(2, 30),
    most=st.integers(2, 30),
    ahead=st.integers(1, 12),
    yields=st.lists(st.integers(0, 5), max_size=60),
)
def test_nothing_lost_nothing_doubled(rows, moves, size, most, ahead, yields):
    """Every row that was there from start to end comes once, in order, however rows go and come meanwhile."""
    # ids are even, so that rows can enter between them as a search's do; deleted rows may or may not be seen
    source = Source(range(2, 2 * rows + 2, 2), moves=moves, most=most, yields=yields)
    before = set(source.ids)
    got = run(source.read(size=size, ahead=ahead))
    assert sorted(set(got)) == got
    stayed = before - source.deleted
    assert stayed <= set(got), stayed - set(got)


@given(rows=st.integers(0, 130), moves=MOVES, size=st.integers(2, 30))
def test_the_same_without_a_total(rows, moves, size):
    """An Insightly that tells no total is read as safely."""
    only_deletes = [(deletes, inserts, []) for deletes, inserts, _ in moves]
    source = Source(range(1, rows + 1), moves=only_deletes, tells_total=False)
    before = set(source.ids)
    got = run(source.read(size=size))
    assert sorted(set(got)) == got
    assert before - source.deleted <= set(got)


@pytest.mark.parametrize(
    ("rows", "asks"), [(0, 1), (1, 1), (499, 1), (500, 1), (501, 2), (999, 2), (1000, 3), (20_000, 41)]
)
def test_no_empty_page(rows, asks):
    """A quiet list is read without a call more than its pages: one row of each is read twice."""
    source = Source(range(1, rows + 1))
    assert rows == len(run(source.read()))
    assert asks == len(source.asks)


@pytest.mark.parametrize(("rows", "asks"), [(0, 1), (99, 1), (100, 2), (499, 2), (500, 2), (700, 2)])
def test_without_a_total(rows, asks):
    """Without a total a page below 100 rows is the end; a longer one may have been clamped."""
    source = Source(range(1, rows + 1), tells_total=False)
    assert rows == len(run(source.read()))
    assert asks == len(source.asks)


@pytest.mark.parametrize("tells_total", [True, False])
def test_clamped_pages(tells_total):
    """An Insightly that gives fewer rows than asked for is read to the end."""
    source = Source(range(1, 1251), most=100, tells_total=tells_total)
    assert list(range(1, 1251)) == run(source.read())


def test_a_lost_place_is_found_by_bisection():
    """After deletions the place of the last id is found with at most log2(total) + 1 rows looked at."""
    source = Source(range(1, 20_001), moves=[(range(300), 0, [])])
    got = run(source.read(ahead=1))
    assert 20_000 - 300 <= len(got)
    probes = [ask for ask in source.asks if ask.top == 1]
    assert 0 < len(probes) <= log2(20_000) + 1


def test_pages_in_flight_are_bounded():
    """No more pages are asked for ahead than are given leave to: memory does not grow with the list."""
    source = Source(range(1, 20_001))

    async def first():
        async for _ in Walk(source.fetch, "GET /Contacts", ahead=4).pages():
            await asyncio.sleep(0)
            if len(source.asks) > 1:
                break
        return len(source.asks)

    assert 5 >= run(first())


def test_unordered_list():
    """A list that is not in id order cannot be paged, and says so instead of losing rows."""
    with pytest.raises(PageOrder, match="GET /Contacts"):
        run(Source([5, 3, *range(10, 2000)]).read())


def test_unordered_list_of_one_page():
    """In one page order does not matter."""
    assert [5, 3, 4] == run(Source([5, 3, 4]).read())


def test_a_failing_page_fails_the_reading():
    """An error of a page in flight comes out, and the other pages are let go."""
    source = Source(range(1, 5001))

    async def fetch(ask):
        if ask.skip > 1500:
            raise ConnectionError("gone")
        return await source.fetch(ask)

    async def read():
        async for _ in Walk(fetch, "GET /Contacts").pages():
            pass

    with pytest.raises(ConnectionError):
        run(read())


def test_joins():
    """A page joins when its first row is not beyond the last id given out."""
    assert [True, True, False, False, True] == [
        joins(Rows(499, [500, 501]), 500),
        joins(Rows(499, [400, 501]), 500),
        joins(Rows(499, [501]), 500),
        joins(Rows(499, []), 500),
        joins(Rows(0, [501]), 500),
    ]


def test_fresh():
    """What was given out is dropped."""
    assert (1, 2, 0) == (fresh(Rows(4, [5, 6]), 5), fresh(Rows(4, [5, 6]), 9), fresh(Rows(0, [5]), None))


def test_whole_and_ends():
    """A total decides where it is told; otherwise a short page does."""
    assert is_whole(Rows(0, range(500), 500), 500)
    assert not is_whole(Rows(0, range(500), 501), 500)
    assert ends(Rows(499, range(501), 1000), 500, brought=500)
    assert not ends(Rows(499, range(500), 1000), 500, brought=499)
    assert ends(Rows(499, range(3)), 500, brought=2)
    # rows that are counted and not shown must not make a reading endless
    assert ends(Rows(499, range(1), 1000), 500, brought=0)


@given(st.lists(st.integers(0, 1000), unique=True).map(sorted), st.integers(0, 1000), st.integers(0, 50))
def test_hunt(ids, last, slack):
    """Bisection finds how many rows are not beyond an id, within its bound."""
    hunt, looked = Hunt(len(ids) + slack), 0
    while (probe := hunt.probe) is not None:
        hunt, looked = hunt.saw(ids[probe] if probe < len(ids) else None, last), looked + 1
    assert sum(id_ <= last for id_ in ids) == hunt.low
    assert looked <= log2(len(ids) + slack + 1) + 1
