"""An account's pacer: what this client has learned, and what every process of the home has sent."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from crosswalk.gate.ledger import Ledger
from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import Later
from crosswalk.insightly.pace import CALLS, Seen, start
from crosswalk.insightly.pacer import Slot, Turns


class BudgetSpent(Later):
    """The number of calls that the account was given for a day is used up; Insightly was not asked."""

    def __init__(self, call: Call, daily: int, *, retry_at: datetime) -> None:
        says = f"the account's own limit of {daily} calls a day is used up"
        super().__init__(call, says, f"Try again at {retry_at:%Y-%m-%d %H:%M} UTC, or raise it.", retry_at=retry_at)


class AccountPacer:
    """Who lets an account's calls through; `rate` and `daily` as `Limits` has them. A day is a day of UTC."""

    def __init__(
        self,
        ledger: Ledger,
        rate: int | None = None,
        daily: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._turns = Turns(start(CALLS if rate is None else rate or None), clock=clock)
        self._ledger = ledger
        self._daily = daily
        self._clock = clock
        self._now = now

    async def slot(self, call: Call) -> Slot:
        """Wait for leave to make this call. Raises `BudgetSpent`."""
        if self._daily is not None:
            self._spend(call, self._daily)
        turn = await self._turns.slot(call)
        pace = self._turns.pace
        if pace.calls is None:
            return turn
        place, at = self._ledger.take(self._clock(), calls=pace.calls, window=pace.window)
        slot = None
        try:
            await asyncio.sleep(max(at - self._clock(), 0.0))
            slot = _Place(turn, self._ledger, place, self._clock)
        finally:
            if slot is None:  # whoever waited has left; its turn goes back
                turn.note(Seen(None, None))
        return slot

    def _spend(self, call: Call, daily: int) -> None:
        today = self._now().astimezone(UTC).date()
        if self._ledger.spend(today, daily) is None:
            midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
            raise BudgetSpent(call, daily, retry_at=midnight)


class _Place:
    """A slot that also stands in the ledger."""

    def __init__(self, turn: Slot, ledger: Ledger, place: int, clock: Callable[[], float]) -> None:
        self._turn = turn
        self._ledger = ledger
        self._place = place
        self._clock = clock

    def sent(self) -> None:
        self._ledger.sent(self._place, self._clock())
        self._turn.sent()

    def note(self, seen: Seen) -> None:
        self._turn.note(seen)
