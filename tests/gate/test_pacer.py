"""An account's pacer: its day is its own, its second is Insightly's."""

from datetime import UTC, datetime, timedelta

import pytest

from crosswalk.gate.pacer import AccountPacer, BudgetSpent
from crosswalk.insightly.call import Call

CALL = Call(method="GET", path="/Contacts", reads=True)
EVENING = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


async def test_daily():
    """The call after the day's last is refused before it is sent, with the time of the next try."""
    pacer = AccountPacer(daily=2, now=lambda: EVENING)
    for _ in range(2):
        await pacer.slot(CALL)
    with pytest.raises(BudgetSpent, match=r"own limit of 2 calls a day.*2026-11-23 00:00 UTC") as caught:
        await pacer.slot(CALL)
    assert datetime(2026, 11, 23, tzinfo=UTC) == caught.value.retry_at


async def test_next_day():
    """The next day begins at nothing."""
    times = iter([EVENING, EVENING + timedelta(minutes=1)])
    pacer = AccountPacer(daily=1, now=lambda: next(times))
    await pacer.slot(CALL)
    (await pacer.slot(CALL)).sent()


@pytest.mark.parametrize(("rate", "calls"), [(None, 10), (3, 3), (0, None)])
def test_rate(rate: int | None, calls: int | None):
    """No rate is Insightly's ten a second, nought is none at all."""
    assert calls == AccountPacer(rate)._turns.pace.calls
