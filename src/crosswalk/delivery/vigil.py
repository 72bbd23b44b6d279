"""Waiting until what halts a run is over: a spent day, a refused key, an Insightly that gives no answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from crosswalk.delivery.herald import Herald
from crosswalk.delivery.judge import Try, judge
from crosswalk.delivery.outcome import Halt, Retry
from crosswalk.delivery.run import Run
from crosswalk.gate import calling_for
from crosswalk.insightly import Insightly, InsightlyError

FIRST_PROBE, LAST_PROBE = timedelta(minutes=1), timedelta(minutes=30)
"""How long to wait before asking whether a halted run may go on, at first and at last."""


@dataclass(eq=False, slots=True, kw_only=True)
class Vigil:
    """Waits for one run, longer each time; `herald` tells of it, `stop` ends it."""

    run: Run
    crm: Insightly
    herald: Herald | None
    clock: Callable[[], datetime]
    stop: asyncio.Event
    wait: timedelta = FIRST_PROBE

    async def hold(self, halt: Halt) -> bool:
        """Return when Insightly lets the account in again; `False` when the run is to stop instead."""
        until = halt.until or self.clock() + self.wait
        while not self.stop.is_set():
            if self.herald is not None:
                await self.herald.halted(self.run, halt, until)
            if await self._is_stopped_before(until):
                return False
            self.wait = min(2 * self.wait, LAST_PROBE)
            until = self.clock() + self.wait
            if await _is_healed(self.crm):
                if self.herald is not None:
                    await self.herald.resumed(self.run)
                return True
        return False

    async def _is_stopped_before(self, until: datetime) -> bool:
        try:
            async with asyncio.timeout(max(0.0, (until - self.clock()).total_seconds())):
                return await self.stop.wait()
        except TimeoutError:
            return False


def find_halt(error: InsightlyError, now: datetime) -> Halt | None:
    """How long a question that Insightly did not answer has to wait; `None` where asking again helps nobody."""
    attempt = Try(method="GET", number=1, harmless=True, id_field=None, keys=(), now=now, chance=1.0)
    match judge(error, attempt):
        case Halt() as halt:
            return halt
        case Retry(reason=reason, status=status):
            return Halt(None, status, reason)
        case _:
            return None


async def _is_healed(crm: Insightly) -> bool:
    """Whether Insightly lets this account in: the cheapest call that tells."""
    try:
        with calling_for("probe"):
            await crm.request("GET", "/Users/Me")
    except InsightlyError:
        return False
    return True
