"""The sandbox's clock: the machine's, moved or stopped by the control plane."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate

from msgspec import Struct

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC).timestamp()
LATEST = datetime(3000, 1, 1, tzinfo=UTC).timestamp() - 1


class ClockChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `PUT /_sandbox/clock` takes: the time to show, seconds to add to the machine's or to now, stopped or not."""

    now: datetime | None = None
    offset: float | None = None
    advance: float = 0.0
    frozen: bool | None = None


class Clock:
    """Tells the time that records, the day's quota and the `Date` header go by."""

    def __init__(self, read: Callable[[], float] = time.time) -> None:
        self.read = read
        self.offset = 0.0
        self.stopped: float | None = None
        self._date = (0, b"")

    @property
    def seconds(self) -> float:
        """Seconds since 1970 as this clock shows them."""
        return self.read() + self.offset if self.stopped is None else self.stopped

    @property
    def now(self) -> datetime:
        """The time as this clock shows it, in UTC."""
        return datetime.fromtimestamp(self.seconds, UTC)

    def shown_at(self, wall: float) -> datetime:
        """What this clock shows when the machine's shows `wall`."""
        shown = wall + self.offset if self.stopped is None else self.stopped
        return datetime.fromtimestamp(shown, UTC)

    @property
    def date(self) -> bytes:
        """The `Date` header's value, made anew once a second."""
        second = int(self.seconds)
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]

    def change(self, change: ClockChange) -> None:
        """Set, move, stop or start the clock. Raises `ValueError` outside the years 1971 to 2999."""
        shown = self.seconds if change.now is None else _aware(change.now).timestamp()
        if change.offset is not None:
            shown = self.read() + change.offset
        shown += change.advance
        if not EARLIEST <= shown <= LATEST:
            raise ValueError("the clock shows the years 1971 to 2999")
        frozen = self.stopped is not None if change.frozen is None else change.frozen
        self.offset = shown - self.read()
        self.stopped = shown if frozen else None

    def reset(self) -> None:
        """Show the machine's time again."""
        self.offset, self.stopped = 0.0, None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
