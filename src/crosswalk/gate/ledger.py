"""What an account has sent lately and today, in a file that every process of a home shares.

A call takes a place in a ring of send times and is told when it may leave; the lock of the operating system is held
for that moment only, and dies with its holder. No database statement is spent on it. Times are `time.monotonic()`
seconds, which all processes of one machine share; after a restart of the machine old times lie far ahead and are void.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

PLACES = 1024
"""Send times kept: the most calls a second that can be held to."""
NEVER = float("-inf")
VOID = 60.0
"""Seconds ahead at which a time cannot be of this machine's present run."""
HEAD = struct.Struct("<QiI")  # places taken so far, day as an ordinal, calls of that day
TIME = struct.Struct("<d")


class Ledger:
    """One account's file. Open with `with`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> Self:
        """Open the file, made when it is not there."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; what is written stays."""
        os.close(self._file)
        self._file = -1

    def take(self, now: float, *, calls: int, window: float) -> tuple[int, float]:
        """Take the next place among `calls` in any `window` seconds: its number, and when its call may leave."""
        with self._held() as (taken, day, spent):
            at = max(now, self._time(taken - 1, now), self._time(taken - min(calls, PLACES), now) + window)
            self._put(HEAD, HEAD.pack(taken + 1, day, spent), 0)
            self._put(TIME, TIME.pack(at), taken % PLACES + 1)
        return taken, at

    def sent(self, place: int, now: float) -> None:
        """Write when the call of a place really left."""
        with self._held():
            self._put(TIME, TIME.pack(now), place % PLACES + 1)

    def spend(self, today: date, most: int | None) -> int | None:
        """Count one call of a day: how many that makes, or `None`, uncounted, when `most` were made already."""
        with self._held() as (taken, day, before):
            spent = before + 1 if day == today.toordinal() else 1
            if most is not None and spent > most:
                return None
            self._put(HEAD, HEAD.pack(taken, today.toordinal(), spent), 0)
        return spent

    @contextmanager
    def _held(self) -> Iterator[tuple[int, int, int]]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            head = os.pread(self._file, HEAD.size, 0)
            yield HEAD.unpack(head) if len(head) == HEAD.size else (0, 0, 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _time(self, place: int, now: float) -> float:
        """When the call of a place left or leaves; never, for a place not taken or of another run of the machine."""
        if place < 0:
            return NEVER
        raw = os.pread(self._file, TIME.size, HEAD.size + (place % PLACES) * TIME.size)
        at = float(TIME.unpack(raw)[0]) if len(raw) == TIME.size else NEVER
        return NEVER if at > now + VOID else at

    def _put(self, kind: struct.Struct, data: bytes, place: int) -> None:
        os.pwrite(self._file, data, 0 if kind is HEAD else HEAD.size + (place - 1) * TIME.size)
