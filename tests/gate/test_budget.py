"""An account's budget at the gate: what is told to whom, and what is learned from answers."""

from datetime import UTC, datetime, timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from crosswalk.gate import BudgetReserved, Credential, Limits, budget, calling_for, connect
from crosswalk.gate.budget import Shares
from crosswalk.gate.day import left
from crosswalk.gate.ledger import Ledger
from crosswalk.gate.pacer import AccountPacer
from crosswalk.gate.tally import Clocks
from crosswalk.insightly import DailyQuotaSpent
from crosswalk.insightly.call import Call
from crosswalk.insightly.pace import Seen

CALL = Call(method="GET", path="/Contacts", reads=True)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


class Account:
    """A pacer of one account whose Insightly is told by the test."""

    def __init__(self, ledger, *, remaining, quota=1000, reserve=10):
        self.now, self.seconds, self.remaining, self.quota = NOON, 1000.0, remaining, quota
        clocks = Clocks(steady=lambda: self.seconds, now=lambda: self.now)
        self.pacer = AccountPacer(ledger, 0, Shares(reserve=reserve), clocks=clocks)

    async def call(self, purpose="person", *, others=0, status=200):
        """Make one call and hear its answer, after others made some."""
        with calling_for(purpose):
            slot = await self.pacer.slot(CALL)
        slot.sent()
        sent, self.seconds = self.seconds, self.seconds + 0.1
        self.remaining = max(0, self.remaining - 1 - others)
        daily = status == 429 and self.remaining == 0
        slot.note(Seen(status, sent, 0.1, daily=daily, remaining=self.remaining, quota=self.quota))


@pytest.fixture
def ledger(tmp_path):
    """A ledger that nobody has written in."""
    with Ledger(tmp_path / "ledger") as opened:
        yield opened


async def test_lanes_hold_at_the_reserve(ledger):
    """A lane's call is refused at the reserve, with the time of the reset, while a person's goes."""
    account = Account(ledger, remaining=102)
    await account.call("lane")
    await account.call("lane")
    with pytest.raises(BudgetReserved, match=r"last 100 calls are kept for people.*2026-11-23 00:00 UTC") as caught:
        await account.call("lane")
    assert MIDNIGHT == caught.value.retry_at
    await account.call("person")
    account.now = MIDNIGHT + timedelta(seconds=1)
    account.remaining = 1000
    await account.call("lane")


async def test_a_refused_call_is_not_counted(ledger):
    """What never left is not of the day."""
    account = Account(ledger, remaining=101)
    await account.call("lane")
    for _ in range(3):
        with pytest.raises(BudgetReserved):
            await account.call("lane")
    assert 1 == ledger.day.spent


async def test_a_spent_day_is_insightlys_to_refuse(ledger):
    """When nothing is left, nothing can be kept: a lane that is resumed asks, as the plan may have been raised."""
    account = Account(ledger, remaining=1)
    await account.call(status=429)
    account.remaining = 1000
    await account.call("lane")
    assert 999 == left(ledger.day, None)


async def test_foreign_use_is_said_once_a_step(ledger):
    """Calls of another client are an event when they are first seen, and at each further hundredth of the day."""
    account = Account(ledger, remaining=1000)
    with capture_logs() as logs:
        for others in (0, 300, 0, 3, 0, 20):
            await account.call(others=others)
    structlog.reset_defaults()  # so that the next command sets its log up itself
    assert [300, 323] == [each["calls"] for each in logs if each["event"] == "budget.foreign_use"]


async def test_lessons_are_shared_and_kept(tmp_path):
    """What one client learned from a refused burst holds for the next process, and calls are held there too."""
    seconds = 1000.0
    clocks = Clocks(steady=lambda: seconds)
    with Ledger(tmp_path / "ledger") as ledger:
        one, other = AccountPacer(ledger, clocks=clocks), AccountPacer(ledger, clocks=clocks)
        slots = [await one.slot(CALL) for _ in range(8)]
        for slot in slots:
            slot.sent()
        slots[0].note(Seen(429, seconds, 0.05, hold=seconds + 1))  # eight of ten allowed: the rate is lower
        other._recall()
        assert (one._pace.calls, seconds + 1) == (other._pace.calls, other._pace.hold)
        assert 7 == one._pace.calls
    with Ledger(tmp_path / "ledger") as ledger:
        later = AccountPacer(ledger, clocks=clocks)
        later._recall()
        assert 7 == later._pace.calls
        faster = AccountPacer(ledger, 20, clocks=clocks)
        faster._recall()
        assert 20 == faster._pace.calls


async def test_against_the_sandbox(insightly, tmp_path):
    """The ledger's budget is Insightly's own, foreign calls and a spent day included."""
    credential = Credential(base_url=insightly.base_url, api_key=insightly.key, allow_hosts=[insightly.host])
    limits = Limits(reserve=50)
    insightly.control("PUT", "/limits", {"enabled": True, "per_day": 10, "per_second": 100})
    async with connect(credential, limits, folder=tmp_path) as crm:
        for _ in range(3):
            await crm.request("GET", "/Instance")
        known = budget(credential, limits, folder=tmp_path, now=datetime.now(UTC))
        assert (10, 3, 7, 5, 0) == (known.quota, known.spent, known.remaining, known.reserved, known.foreign)
        with calling_for("lane"):
            for _ in range(2):
                await crm.request("GET", "/Instance")
            with pytest.raises(BudgetReserved):
                await crm.request("GET", "/Instance")
        for _ in range(5):
            await crm.request("GET", "/Instance")
        with pytest.raises(DailyQuotaSpent):
            await crm.request("GET", "/Instance")
    assert 0 == budget(credential, limits, folder=tmp_path, now=datetime.now(UTC)).remaining
