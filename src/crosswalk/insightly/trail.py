"""Which calls a piece of work made, written down where a block asks for it; and the how-manieth try one is."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from crosswalk.insightly.call import Call

_tries: ContextVar[int] = ContextVar("crosswalk_tries", default=1)
_trail: ContextVar[list[str] | None] = ContextVar("crosswalk_trail", default=None)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Write down every call made in the block, tasks started there included: method and path, without the query."""
    trail: list[str] = []
    token = _trail.set(trail)
    try:
        yield trail
    finally:
        _trail.reset(token)


def step(call: Call) -> None:
    """Write a call down, if anyone asks."""
    trail = _trail.get()
    if trail is not None:
        trail.append(call.title)


def begin_try(number: int) -> None:
    """Say that a call is tried for this time, from 1."""
    _tries.set(number)


def this_try() -> int:
    """The how-manieth try of its call is made now."""
    return _tries.get()
