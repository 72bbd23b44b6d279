"""Calls on their way: how many left, and how those of which nothing has left are given up when the lane stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

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
            self._wait(scope)

    @asynccontextmanager
    async def call(self) -> AsyncIterator[Watch]:
        """Make one call in the block, its `watch` given. Raises `TimeoutError` when it is given up: nothing left."""
        async with asyncio.timeout(None) as scope:

            def watch(*, flying: bool) -> None:
                if flying:
                    self.left += 1
                    self._waiting.discard(scope)
                    scope.reschedule(None)
                else:
                    self._wait(scope)

            self._wait(scope)
            try:
                yield watch
            finally:
                self._waiting.discard(scope)

    def _wait(self, scope: asyncio.Timeout) -> None:
        self._waiting.add(scope)
        if self._stopped:
            scope.reschedule(asyncio.get_running_loop().time())
