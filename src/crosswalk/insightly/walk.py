"""Reading whole lists: pages in flight, in order, the decisions taken by `page`."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from crosswalk.insightly.errors import PageOrder
from crosswalk.insightly.page import PAGE, Hunt, Rows, ends, fresh, is_whole, joins

T = TypeVar("T")
AHEAD = 10
"""Pages asked for ahead of the one being given out: what the pace lets through at once."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page with its records."""

    rows: Rows
    records: Sequence[T]


@dataclass(frozen=True, slots=True)
class Ask:
    """One page to ask for."""

    skip: int
    top: int
    count: bool = False


Fetch = Callable[[Ask], Awaitable[Page[T]]]


@dataclass(slots=True)
class Walk(Generic[T]):
    """One pass over one list. `fetch` reads a page, `size` is the page asked for, at least 2."""

    fetch: Fetch[T]
    title: str
    size: int = PAGE
    ahead: int = AHEAD
    last: int | None = field(default=None, init=False)
    step: int = field(default=0, init=False)
    total: int | None = field(default=None, init=False)
    resume: int | None = field(default=None, init=False)
    _done: bool = field(default=False, init=False)

    async def pages(self) -> AsyncIterator[Sequence[T]]:
        """Give out every record once, page by page, in id order. Raises `PageOrder` and what `fetch` raises."""
        first = await self.fetch(Ask(0, self.size, count=True))
        if is_whole(first.rows, self.size):
            yield first.records
            return
        self.step, self.total = len(first.rows.ids), first.rows.total
        yield self._take(first)
        queue: deque[asyncio.Future[Page[T]]] = deque()
        try:
            async for records in self._rest(queue):
                yield records
        finally:
            for task in queue:
                task.cancel()
            await asyncio.gather(*queue, return_exceptions=True)

    async def _rest(self, queue: deque[asyncio.Future[Page[T]]]) -> AsyncIterator[Sequence[T]]:
        skip = 0
        while not self.over():
            while not queue or (self.total is not None and len(queue) < self.ahead and skip + self.step < self.total):
                skip += self.step - 1
                queue.append(asyncio.ensure_future(self.fetch(self._ask(skip))))
            page = await queue[0]
            queue.popleft()
            while not self.over() and not joins(page.rows, self.last):
                yield self._take(await self._missing(page.rows))
            self.resume = None
            if not self.over():
                yield self._take(page)

    def over(self) -> bool:
        """Whether the list ended with the page taken last."""
        return self._done

    def _ask(self, skip: int) -> Ask:
        """Ask for the total again where the list may end, since it may have grown."""
        return Ask(skip, self.size, count=self.total is None or skip + self.step >= self.total)

    def _take(self, page: Page[T]) -> Sequence[T]:
        """The page's new records; remembers the last of them and whether the list ended."""
        rows = page.rows
        if not rows.ascends or self.step == 1:
            raise PageOrder(self.title, rows.skip)
        start = fresh(rows, self.last)
        self.last = rows.ids[-1] if start < len(rows.ids) else self.last
        self.total = self.total if rows.total is None else rows.total
        self._done = ends(rows, self.step, brought=len(rows.ids) - start)
        return page.records[start:]

    async def _missing(self, beyond: Rows) -> Page[T]:
        """A page that joins, found by bisection below one that does not, or read on behind the last such page."""
        resume = await self._find(beyond.skip) if self.resume is None else self.resume
        while True:
            page = await self.fetch(Ask(resume, self.size, count=True))
            if joins(page.rows, self.last):
                self.resume = max(page.rows.end - 1, 0)
                return page
            resume = await self._find(resume)

    async def _find(self, high: int) -> int:
        """Where to read on from: at most log2(high) + 1 rows are looked at."""
        hunt = Hunt(high)
        while (probe := hunt.probe) is not None:
            seen = await self.fetch(Ask(probe, 1))
            hunt = hunt.saw(next(iter(seen.rows.ids), None), self.last or 0)
        return hunt.resume
