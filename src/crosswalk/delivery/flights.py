"""Calls on their way: how many left, and how those of which nothing has left are given up when the lane stops."""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType

from crosswalk.insightly.call import Watch


@dataclass(eq=False, slots=True)
class Flights:
    """One lane's calls: `left` counts every request that went out, repeats included."""

    left: int = 0
    _stopped: bool = False
    _waiting: set[asyncio.Timeout] = field(default_factory=set)

    def stop(self) -> None:
        """Give up all calls that wait for their turn; those on the wire go on to their answer."""
        self._stopped = True
        for scope in tuple(self._waiting):
            self.wait(scope)

    def call(self) -> "Flight":
        """Make one call in the block, its `watch` given. Raises `TimeoutError` when it is given up: nothing left."""
        return Flight(self)

    def wait(self, scope: asyncio.Timeout) -> None:
        """A call waits for its turn."""
        self._waiting.add(scope)
        if self._stopped:
            scope.reschedule(asyncio.get_running_loop().time())

    def leave(self, scope: asyncio.Timeout) -> None:
        """A call's first byte leaves: from now on it goes to its answer."""
        self.left += 1
        self._waiting.discard(scope)
        scope.reschedule(None)

    def end(self, scope: asyncio.Timeout) -> None:
        """A call is over."""
        self._waiting.discard(scope)


@dataclass(eq=False, slots=True)
class Flight:
    """One call, as a block."""

    flights: Flights
    scope: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))

    async def __aenter__(self) -> Watch:
        """Wait for a turn, from now on."""
        await self.scope.__aenter__()
        self.flights.wait(self.scope)
        return self._watch

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It is over, or was given up."""
        self.flights.end(self.scope)
        await self.scope.__aexit__(kind, exc, trace)

    def _watch(self, *, flying: bool) -> None:
        if flying:
            self.flights.leave(self.scope)
        else:
            self.flights.wait(self.scope)
