"""The count of an account's day: every call is counted in the ledger, and refused when what is left is not its own.

An account without a pace, such as a sandbox, makes thousands of calls a second. While its day's end is far, its calls
are counted in memory and written every `STEP` seconds, so that they cost no lock of the file each. A process that is
killed then loses the count of one step; Insightly's own count, told with every answer, makes up for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import structlog
from msgspec.structs import replace

from crosswalk.gate.budget import Shares, budget_of, kept_from
from crosswalk.gate.day import Day, Told, hear, refund, spend, turn, unsaid
from crosswalk.gate.ledger import Ledger
from crosswalk.gate.purpose import Purpose
from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import Later

STEP = 0.2
"""Seconds between two writings of a count that is kept in memory."""
FAR = 5000
"""Calls that must be left, beyond what is kept for people, for a count to be kept in memory."""
log = structlog.get_logger()


class BudgetSpent(Later):
    """The number of calls that the account was given for a day is used up; Insightly was not asked."""

    def __init__(self, call: Call, daily: int, *, retry_at: datetime) -> None:
        says = f"the account's own limit of {daily} calls a day is used up"
        super().__init__(call, says, f"Try again at {retry_at:%Y-%m-%d %H:%M} UTC, or raise it.", retry_at=retry_at)


class BudgetReserved(Later):
    """What is left of the day is kept for people; Insightly was not asked."""

    def __init__(self, call: Call, kept: int, *, retry_at: datetime) -> None:
        says = f"the day's last {kept} calls are kept for people" if kept else "the day's calls are used up"
        todo = f"Try again at {retry_at:%Y-%m-%d %H:%M} UTC, raise the plan, or lower the account's --reserve."
        super().__init__(call, says, todo, retry_at=retry_at)


def refuse(call: Call, day: Day, shares: Shares, kept: int) -> Later:
    """Why a call is not made: the account's own limit is reached, or what is left is kept for others."""
    at = budget_of(day, shares).resets_at
    if shares.daily is not None and day.spent >= shares.daily:
        return BudgetSpent(call, shares.daily, retry_at=at)
    return BudgetReserved(call, kept, retry_at=at)


@dataclass(frozen=True, slots=True)
class Clocks:
    """`steady` seconds that only go forward, the day's `now`, and whether the hour of the reset may be learned."""

    steady: Callable[[], float] = monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    learns: bool = True


class Tally:
    """The count of one account's day. With `in_steps` calls are counted in memory while the day's end is far."""

    def __init__(self, ledger: Ledger, shares: Shares, clocks: Clocks, *, in_steps: bool) -> None:
        self._ledger = ledger
        self._shares = shares
        self._clocks = clocks
        self._in_steps = in_steps
        self._until = 0.0
        self._owed = 0
        self._told: Told | None = None

    def spend(self, call: Call, purpose: Purpose) -> None:
        """Count a call, or refuse it. Raises `BudgetSpent` and `BudgetReserved`."""
        if self._clocks.steady() < self._until:
            self._owed += 1
            return
        kept: int | None = None

        def count(day: Day) -> Day:
            nonlocal kept
            kept = kept_from(purpose, day, self._shares)
            return spend(day) if kept is None else day

        day = self._write(count)
        if kept is None:
            self._begin_step(day)
            return
        raise refuse(call, day, self._shares, kept)

    def refund(self) -> None:
        """A call that was counted never left."""
        if self._owed:
            self._owed -= 1
        else:
            self._ledger.change_day(refund)

    def hear(self, told: Told) -> None:
        """Learn what Insightly told of the day; say it once when another client's calls are seen."""
        if self._told is None or told.sent_at >= self._told.sent_at:
            self._told = told
        if self._clocks.steady() >= self._until:
            self._write(lambda day: day)

    def flush(self) -> None:
        """Write what is kept in memory."""
        self._until = 0.0
        if self._owed or self._told is not None:
            self._write(lambda day: day)

    def _begin_step(self, day: Day) -> None:
        budget = budget_of(day, self._shares)
        far = budget.remaining is not None and budget.remaining - budget.reserved > FAR
        if self._in_steps and far:
            self._until = self._clocks.steady() + STEP

    def _write(self, change: Callable[[Day], Day]) -> Day:
        """Write what was counted and told, and what comes of a change."""
        now, owed, told = self._clocks.now().timestamp(), self._owed, self._told
        self._owed, self._told, foreign = 0, None, None

        def write(day: Day) -> Day:
            nonlocal foreign
            day = turn(day, now)
            if owed:
                day = replace(day, spent=day.spent + owed)
            if told is not None:
                day = hear(day, told, now, learns=self._clocks.learns)
                foreign = unsaid(day)
                day = day if foreign is None else replace(day, said=day.foreign)
            return change(day)

        day = self._ledger.change_day(write)
        if foreign is not None:
            log.warning("budget.foreign_use", calls=foreign, quota=int(day.quota), ours=int(day.spent))
        return day
