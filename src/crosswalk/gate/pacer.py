"""An account's pacer: its rate a second, and its own number of calls a day."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import Later
from crosswalk.insightly.pace import CALLS, start
from crosswalk.insightly.pacer import Slot, Turns

NO_LIMIT = 0


class BudgetSpent(Later):
    """The number of calls that the account was given for a day is used up; Insightly was not asked."""

    def __init__(self, call: Call, daily: int, *, retry_at: datetime) -> None:
        says = f"the account's own limit of {daily} calls a day is used up"
        super().__init__(call, says, f"Try again at {retry_at:%Y-%m-%d %H:%M} UTC, or raise it.", retry_at=retry_at)


class AccountPacer:
    """A pacer in memory for one account; `rate` and `daily` as `Limits` has them. A day is a day of UTC."""

    def __init__(
        self,
        rate: int | None = None,
        daily: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._turns = Turns(start(CALLS if rate is None else rate or None), clock=clock)
        self._daily = daily
        self._now = now
        self._day = date.min
        self._spent = 0

    async def slot(self, call: Call) -> Slot:
        """Wait for leave to make this call. Raises `BudgetSpent`."""
        if self._daily is not None:
            self._spend(call, self._daily)
        return await self._turns.slot(call)

    def _spend(self, call: Call, daily: int) -> None:
        today = self._now().astimezone(UTC).date()
        if today != self._day:
            self._day, self._spent = today, 0
        if self._spent >= daily:
            midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
            raise BudgetSpent(call, daily, retry_at=midnight)
        self._spent += 1
