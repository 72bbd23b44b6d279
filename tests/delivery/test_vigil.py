"""A vigil: what halts a run is waited out, an hour or a minute at a time, and never without end."""

import asyncio
from datetime import UTC, datetime, timedelta

from crosswalk.delivery.outcome import Halt
from crosswalk.delivery.vigil import LAST_PROBE, Vigil
from crosswalk.insightly import InsightlyError
from crosswalk.insightly.call import Call
from fixtures.virtual import run_virtually

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


class Silent(InsightlyError):
    """No answer."""

    def __init__(self) -> None:
        super().__init__(Call(method="GET", path="/Users/Me"), "no answer", "Try again.")


class Account:
    """An Insightly that lets nobody in before a time; it keeps when it was asked."""

    def __init__(self, opens: float) -> None:
        self.opens = opens
        self.asked: list[float] = []

    async def request(self, *_: str) -> None:
        now = asyncio.get_running_loop().time() - 1000.0
        self.asked.append(now)
        if now < self.opens:
            raise Silent


def hold(account: Account, halt: Halt, *, stops: float | None = None) -> bool:
    """Hold a vigil in virtual time that begins at the start; `stops` is when the run is asked to stop."""

    async def work() -> bool:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        if stops is not None:
            loop.call_later(stops, stop.set)
        clock = lambda: START + timedelta(seconds=loop.time() - 1000.0)  # noqa: E731 (a clock, used once)
        return await Vigil(run=None, crm=account, herald=None, clock=clock, stop=stop).hold(halt)

    return run_virtually(work())


def test_the_day_is_waited_for():
    """A spent day is asked about when it is over, and not before."""
    account = Account(opens=0.0)
    assert (True, [7200.0]) == (hold(account, Halt(START + timedelta(hours=2), 429, "spent")), account.asked)


def test_longer_each_time():
    """A day that goes on past its end, or a refused key, is asked about ever more seldom, and never in a hurry."""
    account = Account(opens=4 * 3600.0)
    assert hold(account, Halt(START, 429, "spent"))
    gaps = [after - before for before, after in zip(account.asked, account.asked[1:], strict=False)]
    assert (0.0, True, LAST_PROBE.total_seconds()) == (account.asked[0], gaps == sorted(gaps), max(gaps))
    assert min(gaps) >= 60.0


def test_a_stop_ends_it():
    """A run that is asked to stop waits no longer."""
    account = Account(opens=1e9)
    assert (False, []) == (hold(account, Halt(START + timedelta(hours=2), 429, "spent"), stops=5.0), account.asked)
