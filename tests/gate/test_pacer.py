"""An account's pacer: its day is its own, its second is Insightly's."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from crosswalk.gate.budget import Shares
from crosswalk.gate.ledger import Ask, Ledger
from crosswalk.gate.pacer import AccountPacer
from crosswalk.gate.tally import BudgetSpent, Clocks
from crosswalk.insightly.call import Call
from crosswalk.insightly.patience import WaitedLong, waiting_at_most

CALL = Call(method="GET", path="/Contacts", reads=True)
EVENING = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    """A ledger that nobody has written in."""
    with Ledger(tmp_path / "ledger") as opened:
        yield opened


async def test_daily(ledger):
    """The call after the day's last is refused before it is sent, with the time of the next try."""
    pacer = AccountPacer(ledger, shares=Shares(2), clocks=Clocks(now=lambda: EVENING))
    for _ in range(2):
        await pacer.slot(CALL)
    with pytest.raises(BudgetSpent, match=r"own limit of 2 calls a day.*2026-11-23 00:00 UTC") as caught:
        await pacer.slot(CALL)
    assert datetime(2026, 11, 23, tzinfo=UTC) == caught.value.retry_at


async def test_next_day(ledger):
    """The next day begins at nothing."""
    times = iter([EVENING, EVENING + timedelta(minutes=1)])
    pacer = AccountPacer(ledger, shares=Shares(1), clocks=Clocks(now=lambda: next(times)))
    await pacer.slot(CALL)
    (await pacer.slot(CALL)).sent()


@pytest.mark.parametrize(("rate", "calls"), [(None, 10), (3, 3), (0, None)])
def test_rate(ledger, rate: int | None, calls: int | None):
    """No rate is Insightly's ten a second, nought is none at all."""
    assert calls == AccountPacer(ledger, rate)._pace.calls


async def test_two_clients_share_a_second(ledger):
    """What one client has sent stands in the other's way: together they keep to the account's rate."""
    now = 50.0
    one, other = (AccountPacer(ledger, 1, clocks=Clocks(steady=lambda: now)) for _ in range(2))
    (await one.slot(CALL)).sent()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await other.slot(CALL)


async def test_a_turn_goes_back(ledger):
    """Whoever gives up waiting leaves no call in flight behind."""
    pacer = AccountPacer(ledger, 1, clocks=Clocks(steady=lambda: 50.0))
    ledger.take(50.5, Ask(1, 1.02))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await pacer.slot(CALL)
    assert 0 == pacer._pace.in_flight


async def test_a_caller_waits_so_long_and_no_longer(ledger):
    """A call whose caller waits no longer is refused before it is sent, and leaves its place to others."""
    pacer = AccountPacer(ledger, 1, clocks=Clocks(steady=lambda: 50.0))
    (await pacer.slot(CALL)).sent()
    with waiting_at_most(0), pytest.raises(WaitedLong, match=r"was not|did not come"):
        await pacer.slot(CALL)
    assert 1 == ledger.day.spent


async def test_patience_lasts_for_what_may_go_at_once(ledger):
    """Whoever may not wait is let through where nothing has to be waited for."""
    with waiting_at_most(0):
        (await AccountPacer(ledger, clocks=Clocks(steady=lambda: 50.0)).slot(CALL)).sent()
