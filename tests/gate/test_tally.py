"""The count of a day in steps: written now and then, right at the end, and never past what is kept."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crosswalk.gate.budget import Shares
from crosswalk.gate.day import Told
from crosswalk.gate.ledger import Ledger
from crosswalk.gate.tally import FAR, STEP, BudgetReserved, Clocks, Tally
from crosswalk.insightly.call import Call

CALL = Call(method="GET", path="/Contacts", reads=True)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    """Seconds as a test wants them."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A fresh ledger."""
    with Ledger(tmp_path / "a") as ledger:
        yield ledger


def make(ledger: Ledger, clock: Clock, *, in_steps: bool = True) -> Tally:
    """A tally of an account that leaves a tenth of its day to people."""
    return Tally(ledger, Shares(), Clocks(steady=clock, now=lambda: NOW), in_steps=in_steps)


def tell(tally: Tally, clock: Clock, remaining: int, quota: int = 100_000) -> None:
    """An answer that tells of the day."""
    tally.hear(Told(remaining, quota, clock.seconds, clock.seconds))


def test_calls_far_from_the_end_are_written_in_steps(ledger, clock):
    """While the day's end is far a call costs no writing; the next step writes all of them."""
    tally = make(ledger, clock)
    tally.spend(CALL, "lane")
    tell(tally, clock, 90_000)
    for _ in range(10):
        tally.spend(CALL, "lane")
    assert 2 == ledger.day.spent
    clock.seconds += STEP
    tally.spend(CALL, "lane")
    assert 12 == ledger.day.spent


def test_nothing_is_forgotten_at_the_end(ledger, clock):
    """What is counted in memory is written when the client closes."""
    tally = make(ledger, clock)
    tally.spend(CALL, "lane")
    tell(tally, clock, 90_000)
    for _ in range(10):
        tally.spend(CALL, "lane")
    tally.refund()
    tally.flush()
    assert 10 == ledger.day.spent


@pytest.mark.parametrize(("in_steps", "remaining"), [(False, 90_000), (True, 10_000 + FAR), (True, None)])
def test_every_call_is_written_where_it_matters(ledger, clock, in_steps, remaining):
    """With a pace, close to what is kept, or before anything is told, each call is written at once."""
    tally = make(ledger, clock, in_steps=in_steps)
    tally.spend(CALL, "lane")
    if remaining is not None:
        tell(tally, clock, remaining)
    for _ in range(10):
        tally.spend(CALL, "lane")
    assert 11 == ledger.day.spent


def test_what_is_kept_for_people_stays_kept(ledger, clock):
    """A count in steps goes back to single calls long before a lane comes to what is kept."""
    tally = make(ledger, clock)
    tally.spend(CALL, "lane")
    tell(tally, clock, 10_000)
    with pytest.raises(BudgetReserved, match="10000 calls are kept for people"):
        tally.spend(CALL, "lane")
    tally.spend(CALL, "person")
