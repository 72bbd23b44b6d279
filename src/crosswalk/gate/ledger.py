"""What an account has sent lately and today, and what was learned of it, in a file that every process of a home shares.

A call takes a place in a ring of send times and is told when it may leave; the lock of the operating system is held
for that moment only, and dies with its holder. No database statement is spent on it. The file is mapped: reading and
writing a number costs no system call, and what is written outlives the process. Send times are `time.monotonic()`
seconds, which all processes of one machine share; after a restart of the machine old times lie far ahead and are void.
"""

import fcntl
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import Self

from crosswalk.gate.day import Day
from crosswalk.gate.purpose import Purpose
from crosswalk.insightly.pace import Lessons

PLACES = 8192
"""Send times kept, a quarter of an hour at Insightly's ten a second: what the pace is proved by."""
NEVER = float("-inf")
VOID = 60.0
"""Seconds ahead at which a time cannot be of this machine's present run."""
PRESENCE = 5.0
"""Seconds after a person's call during which lanes leave half of the places to people."""
SPACED = 0.95
"""How much of its even share of a window a lane's call keeps from the last one: late timers then cost no throughput."""

FORMAT = 20261122.0
TAKEN, LANE_AT, PERSON_AT, LESSON, HOLD, LESSONS, DAY, RING = 1, 2, 3, 4, 5, 8, 24, 64
"""Where each number stands in the file: one float of eight bytes after the other."""
SIZE = (RING + PLACES) * 8
_DAY = Struct(f"={len(Day.__struct_fields__)}d")
_LESSONS = Struct(f"={len(Lessons.__struct_fields__)}d")
_day_values = attrgetter(*Day.__struct_fields__)
_lesson_values = attrgetter(*Lessons.__struct_fields__)


@dataclass(frozen=True, slots=True)
class Ask:
    """What one call asks for: a place among `calls` in any `window` seconds.

    A lane's call keeps its distance from the lane's call before. `firm` takes the place also when it lies ahead.
    """

    calls: int
    window: float
    purpose: Purpose = "person"
    firm: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """A place taken: its number, and when its call may leave."""

    number: int
    at: float


@dataclass(frozen=True, slots=True)
class NotYet:
    """No place was taken; ask again then."""

    until: float


class _Held:
    """The lock of an open file: three of them are taken for a call, so it is no generator."""

    __slots__ = ("_file",)

    def __init__(self, file: int) -> None:
        self._file = file

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)


class Ledger:
    """One account's file. Open with `with`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._held = _Held(-1)
        self._map: mmap.mmap | None = None
        self._cells: memoryview[float] = memoryview(bytes(8)).cast("d")

    def __enter__(self) -> Self:
        """Open the file, made when it is not there; one of another version begins anew."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = _Held(self._file)
        with self._held:
            if os.fstat(self._file).st_size != SIZE:
                os.ftruncate(self._file, 0)
                os.ftruncate(self._file, SIZE)
            self._map = mmap.mmap(self._file, SIZE)
            self._cells = memoryview(self._map).cast("d")
            if self._cells[0] != FORMAT:
                self._cells[:] = memoryview(bytes(SIZE)).cast("d")
                _DAY.pack_into(self._cells, DAY * 8, *_day_values(Day()))
                self._cells[0] = FORMAT
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; what is written stays."""
        self._cells.release()
        if self._map is not None:
            self._map.close()
        os.close(self._file)
        self._file = -1

    def take(self, now: float, ask: Ask) -> Place | NotYet:
        """Take the next place, or learn when there is one."""
        with self._held:
            cells, taken = self._cells, int(self._cells[TAKEN])
            at = max(now, self._time(taken - 1, now), self._time(taken - min(ask.calls, PLACES), now) + ask.window)
            if ask.purpose == "lane":
                at = max(at, self._spaced(now, ask))
            if at > now and not ask.firm:
                return NotYet(at)
            cells[RING + taken % PLACES] = at
            cells[TAKEN] = taken + 1
            if ask.purpose != "probe":
                cells[LANE_AT if ask.purpose == "lane" else PERSON_AT] = at
        return Place(taken, at)

    @property
    def taken(self) -> int:
        """How many places were taken so far."""
        return int(self._cells[TAKEN])

    def sent(self, place: int, now: float, *, lane: bool = False) -> None:
        """Write when the call of a place really left."""
        with self._held:
            self._cells[RING + place % PLACES] = now
            if lane:
                self._cells[LANE_AT] = now

    def busy(self, now: float, window: float) -> int:
        """How many calls left within the last `window` seconds."""
        taken = int(self._cells[TAKEN])
        count = 0
        for place in range(taken - 1, max(0, taken - PLACES) - 1, -1):
            at = self._time(place, now)
            if at <= now - window:
                break
            count += at <= now
        return count

    def stamps(self, now: float) -> tuple[float, ...]:
        """When the calls of the places still kept left, oldest first."""
        taken = int(self._cells[TAKEN])
        times = (self._time(place, now) for place in range(max(0, taken - PLACES), taken))
        return tuple(sorted(at for at in times if NEVER < at <= now))

    def change_day(self, change: Callable[[Day], Day]) -> Day:
        """Read the day, write what comes of it, and tell it."""
        with self._held:
            old = self.day
            new = change(old)
            if new is not old:
                _DAY.pack_into(self._cells, DAY * 8, *_day_values(new))
        return new

    @property
    def day(self) -> Day:
        """The day as last written."""
        return Day(*_DAY.unpack_from(self._cells, DAY * 8))

    @property
    def lesson(self) -> float:
        """The number of the last lesson: when it changes, `lessons` did."""
        return float(self._cells[LESSON])

    def lessons(self, now: float) -> tuple[Lessons | None, float]:
        """What was learned of the account, and until when nothing may leave; `None` while nothing was."""
        with self._held:
            hold = self._cells[HOLD]
            values = _LESSONS.unpack_from(self._cells, LESSONS * 8)
        return (Lessons(*values) if values[0] else None), (0.0 if hold > now + VOID else hold)

    def learn(self, lessons: Lessons, hold: float) -> float:
        """Write what was learned; tells the lesson's number."""
        with self._held:
            _LESSONS.pack_into(self._cells, LESSONS * 8, *_lesson_values(lessons))
            self._cells[HOLD] = hold
            self._cells[LESSON] += 1
            return float(self._cells[LESSON])

    def _time(self, place: int, now: float) -> float:
        """When the call of a place left or leaves; never, for a place not taken or of another run of the machine."""
        if place < 0:
            return NEVER
        at = self._cells[RING + place % PLACES]
        return NEVER if at > now + VOID else at

    def _spaced(self, now: float, ask: Ask) -> float:
        """When a lane's call may leave: lanes go evenly, and leave half of the places to people who were just there."""
        last = self._cells[LANE_AT]
        if last > now + VOID:
            return NEVER
        kept = ask.calls // 2 if abs(now - self._cells[PERSON_AT]) <= PRESENCE else 0
        return last + (ask.window / (ask.calls - kept) if kept else SPACED * ask.window / ask.calls)
