"""What a call is for: said once around a piece of work, read by the gate at every call inside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Purpose = Literal["person", "probe", "lane"]
"""Someone waits for the answer; a test, a check or a look whether the way is clear; a run's or a sync's own calls."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what for. `name` tells the lanes of one account apart."""

    purpose: Purpose = "person"
    name: str = ""


PERSON = Caller()
_caller: ContextVar[Caller] = ContextVar("crosswalk_caller")


@contextmanager
def calling_for(purpose: Purpose, name: str = "") -> Iterator[None]:
    """Mark every call made in the block, tasks started there included."""
    token = _caller.set(Caller(purpose, name))
    try:
        yield
    finally:
        _caller.reset(token)


def caller() -> Caller:
    """Who calls now: a person, unless a block around says otherwise."""
    return _caller.get(PERSON)
