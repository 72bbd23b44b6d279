"""Waiting for a turn: the asynchronous side of `pace`, and what a pacer of another room must offer."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from crosswalk.insightly.call import Call
from crosswalk.insightly.pace import Go, Pace, Seen, Wait, admit, note, send, start


class Slot(Protocol):
    """Leave for one HTTP request. Exactly one `note` follows, whatever happens."""

    async def leave(self) -> None:
        """Return when the call may leave: nothing waits between this and its first byte. Raises what forbids it."""

    def sent(self) -> None:
        """Say that the first byte leaves now."""

    def note(self, seen: Seen) -> None:
        """Say how it ended."""


class Pacer(Protocol):
    """Who lets calls through: the client's own in memory, or an account's budget.

    Times are `time.monotonic()` seconds. Every HTTP request takes a slot, repeats and redirects included.
    """

    async def slot(self, call: Call) -> Slot:
        """Wait for leave to make this call."""


class Turns:
    """A pacer in memory: first come, first served."""

    def __init__(self, pace: Pace | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.pace = start() if pace is None else pace
        self._clock = clock
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    async def slot(self, call: Call) -> Slot:
        """Wait for leave to make this call."""
        async with self._turn:
            while True:
                match admit(self.pace, self._clock()):
                    case Go(pace):
                        self.pace = pace
                        return _Turn(self)
                    case Wait(until):
                        await self._wait(until)

    async def _wait(self, until: float | None) -> None:
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(until - self._clock(), 0.0)):
                await self._changed.wait()

    def sent(self) -> None:
        """A call leaves now."""
        self.pace = send(self.pace, self._clock())
        self._changed.set()

    def note(self, seen: Seen) -> None:
        """A call is over."""
        self.pace = note(self.pace, seen, self._clock())
        self._changed.set()


class _Turn:
    """One slot of `Turns`: a call is counted as sent once, even when a broken connection sends it again."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._sent = False

    async def leave(self) -> None:
        return

    def sent(self) -> None:
        if not self._sent:
            self._sent = True
            self._turns.sent()

    def note(self, seen: Seen) -> None:
        self._turns.note(seen)
