"""The limiter: the moment of a call in, a decision out. Nothing here reads a clock or waits."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, floor
from typing import Annotated

from msgspec import Meta, Struct

from crosswalk.sandbox.switches import Switches

DAY = timedelta(days=1)
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an account may do: calls a second and a day, calls at once, records in all. `None` is no limit."""

    enabled: bool = True
    per_second: Positive = 10
    per_day: Positive = 100_000
    concurrency: Positive | None = None
    records: Count | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call may go on; `remaining` calls are left today."""

    remaining: int


@dataclass(frozen=True, slots=True)
class Burst:
    """Too many calls in this second; the next may come after `wait` whole seconds."""

    remaining: int
    wait: int


@dataclass(frozen=True, slots=True)
class Spent:
    """The day's calls are used up."""


Verdict = Admitted | Burst | Spent


@dataclass(slots=True)
class Meter:
    """What one instance or key has used: the calls of the last second, and of the day that began at `since`."""

    since: datetime
    used: int = 0
    stamps: deque[float] = field(default_factory=deque)

    def turn(self, now: datetime, switches: Switches) -> None:
        """Begin a new day when the old one is over, or when the clock went back before it."""
        over = now < self.since or (
            now.date() != self.since.date() if switches.rate_reset == "midnight" else now - self.since >= DAY
        )
        if over:
            self.since, self.used = now, 0

    def wait(self, at: float, limits: Limits, switches: Switches) -> int:
        """Whole seconds until the second has room: 0 when it has."""
        rolling = switches.rate_window == "rolling"
        while self.stamps and (self.stamps[0] + 1.0 if rolling else floor(self.stamps[0]) + 1) <= at:
            self.stamps.popleft()
        if len(self.stamps) < limits.per_second:
            return 0
        return max(1, ceil(self.stamps[0] + 1.0 - at)) if rolling else 1


@dataclass(slots=True)
class Limiter:
    """The limits of one account and what has been used of them, for the instance or for each key."""

    limits: Limits
    meters: dict[str, Meter] = field(default_factory=dict)

    def meter(self, key: str, switches: Switches, now: datetime) -> Meter:
        """Find the meter that a key's calls are counted on, turned to today."""
        name = key if switches.rate_scope == "key" else ""
        meter = self.meters.get(name)
        if meter is None:
            meter = self.meters[name] = Meter(now)
        meter.turn(now, switches)
        return meter

    def remaining(self, key: str, switches: Switches, now: datetime) -> int:
        """Calls left today; counts nothing."""
        return max(0, self.limits.per_day - self.meter(key, switches, now).used)

    def admit(self, key: str, switches: Switches, *, at: float, now: datetime, flying: int = 0) -> Verdict:
        """Decide on one call and count it. `at` is seconds of a clock that only goes forward, `now` the day's time."""
        limits = self.limits
        if not limits.enabled:
            return Admitted(self.remaining(key, switches, now))
        meter = self.meter(key, switches, now)
        if meter.used >= limits.per_day:
            return Spent()
        wait = meter.wait(at, limits, switches)
        crowded = limits.concurrency is not None and flying >= limits.concurrency
        refused = wait > 0 or crowded
        if not refused:
            meter.stamps.append(at)
        if not refused or switches.rate_refused == "counted":
            meter.used += 1
        left = max(0, limits.per_day - meter.used)
        return Burst(left, max(1, wait)) if refused else Admitted(left)
