"""How long a caller waits for leave: said once around a piece of work, kept by every call inside it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import Later

_until: ContextVar[float | None] = ContextVar("crosswalk_patience", default=None)


class WaitedLong(Later):
    """Leave for a call did not come in the time that its caller waits; it was not sent."""

    def __init__(self, call: Call, *, now: datetime) -> None:
        says = "the account's calls are busy, and leave did not come in the time that was waited"
        super().__init__(call, says, "Try again, or wait longer (max_wait).", retry_at=now + timedelta(seconds=1))


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """Bound what the calls made in the block wait for their turn, all together; a call that was sent is not cut."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def patience() -> float | None:
    """Seconds that a call may still wait; `None` is for ever."""
    until = _until.get()
    return None if until is None else max(until - time.monotonic(), 0.0)
