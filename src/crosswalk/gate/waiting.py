"""Who is next: calls that wait for one account's leave. People go first, then probes, then the lanes by turns.

Whoever has waited `LONGEST_PASSED` at the head of its line is passed no longer, so that nobody starves.
"""

from asyncio import Future
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest
from typing import Generic, TypeVar

from crosswalk.gate.purpose import Caller
from crosswalk.insightly.call import Call

LONGEST_PASSED = 1.0
"""Seconds for which those who go first may pass the head of another line."""
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Ticket(Generic[T]):
    """One waiting call: whose, and where its leave is put. `since` is when it came to the head of its line."""

    caller: Caller
    turn: "Future[T]"
    since: float | None = None
    call: Call | None = None


@dataclass(eq=False, slots=True)
class Waiting(Generic[T]):
    """The lines of one account."""

    _people: deque[Ticket[T]] = field(default_factory=deque)
    _probes: deque[Ticket[T]] = field(default_factory=deque)
    _lanes: "OrderedDict[str, deque[Ticket[T]]]" = field(default_factory=OrderedDict)

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not (self._people or self._probes or self._lanes)

    def add(self, ticket: Ticket[T]) -> None:
        """Put a call at the end of its line."""
        match ticket.caller.purpose:
            case "person":
                self._people.append(ticket)
            case "probe":
                self._probes.append(ticket)
            case "lane":
                self._lanes.setdefault(ticket.caller.name, deque()).append(ticket)

    def head(self, now: float, *, lanes: bool = True) -> Ticket[T] | None:
        """Who is next, of all or without the lanes; whoever gave up is forgotten."""
        lane = self._first_lane() if lanes and self._lanes else None
        if not self._people and not self._probes:
            return _arrived(lane, now)
        lines = (_first(self._people), _first(self._probes), lane)
        heads = [head for head in lines if head is not None]
        for head in heads:
            _arrived(head, now)
        passed = [head for head in heads if head.since is not None and now - head.since >= LONGEST_PASSED]
        return min(passed, key=_since) if passed else next(iter(heads), None)

    def is_overdue(self, ticket: Ticket[T], now: float) -> bool:
        """Whether a call was passed for so long that it takes the next place, wherever that lies."""
        return ticket.since is not None and now - ticket.since >= LONGEST_PASSED

    def pop(self, ticket: Ticket[T]) -> None:
        """Take the head of a line out; of the lanes, the next one's turn has come."""
        match ticket.caller.purpose:
            case "person":
                self._people.popleft()
            case "probe":
                self._probes.popleft()
            case "lane":
                name = ticket.caller.name
                line = self._lanes[name]
                line.popleft()
                self._lanes.move_to_end(name)
                if not line:
                    del self._lanes[name]

    def first(self, most: int) -> Iterator[Ticket[T]]:
        """Those who go next, in their order."""
        rounds = chain.from_iterable(zip_longest(*self._lanes.values()))
        line = chain(self._people, self._probes, rounds)
        return islice((each for each in line if each is not None and not each.turn.done()), most)

    def fail(self, why: Callable[[Ticket[T]], Exception | None]) -> None:
        """Send away those for whom there is a reason."""
        for ticket in [*self._people, *self._probes, *chain.from_iterable(self._lanes.values())]:
            reason = None if ticket.turn.done() else why(ticket)
            if reason is not None:
                ticket.turn.set_exception(reason)

    def _first_lane(self) -> Ticket[T] | None:
        while self._lanes:
            name = next(iter(self._lanes))
            first = _first(self._lanes[name])
            if first is not None:
                return first
            del self._lanes[name]
        return None


def _first(line: deque[Ticket[T]]) -> Ticket[T] | None:
    while line and line[0].turn.done():
        line.popleft()
    return line[0] if line else None


def _arrived(head: Ticket[T] | None, now: float) -> Ticket[T] | None:
    if head is not None and head.since is None:
        head.since = now
    return head


def _since(ticket: Ticket[T]) -> float:
    return ticket.since or 0.0
