"""What a call is for: said once around a piece of work, read by the gate at every call inside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Purpose = Literal["person", "probe", "lane"]
"""Someone waits for the answer; a test, a check or a look whether the way is clear; a run's or a sync's own calls."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what for. `name` tells the lanes of one account apart; `guard` raises when no call may start."""

    purpose: Purpose = "person"
    name: str = ""
    guard: Callable[[], None] | None = None

    def check(self) -> None:
        """Raise what forbids this caller to call now."""
        if self.guard is not None:
            self.guard()


PERSON = Caller()
_caller: ContextVar[Caller] = ContextVar("crosswalk_caller")


@contextmanager
def calling_for(purpose: Purpose, name: str = "", *, guard: Callable[[], None] | None = None) -> Iterator[None]:
    """Mark every call made in the block, tasks started there included; a guard around it stays."""
    token = _caller.set(Caller(purpose, name, guard if guard is not None else caller().guard))
    try:
        yield
    finally:
        _caller.reset(token)


def caller() -> Caller:
    """Who calls now: a person, unless a block around says otherwise."""
    return _caller.get(PERSON)
