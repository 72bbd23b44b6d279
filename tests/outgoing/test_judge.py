"""What one attempt to tell somebody comes to."""

from datetime import UTC, datetime, timedelta

import pytest

from crosswalk.outgoing.judge import WAITS, Again, Over, Sent, judge, read_retry_after
from crosswalk.outgoing.result import Answered, Refused, Silent

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def answered(status: int, **headers: str) -> Answered:
    """An answer."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(status=status, headers=names, body=b"said", cut=False, elapsed_ms=1)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_arrived(status):
    """Every status of success is arrival."""
    assert Sent(status) == judge(answered(status), attempts=0, now=NOW, chance=0.5)


def test_gone():
    """410 says that the receiver wants nothing more."""
    assert judge(answered(410), attempts=0, now=NOW, chance=0.5) == Over(410, "answered 410: said", gone=True)


@pytest.mark.parametrize("result", [answered(500), answered(302), answered(404), Refused("no"), Silent("no")])
def test_again(result):
    """Anything else is tried again, the first time a second later."""
    outcome = judge(result, attempts=0, now=NOW, chance=0.5)
    assert isinstance(outcome, Again)
    assert NOW + timedelta(seconds=1) == outcome.at


def test_about_three_days():
    """The waits add up to about three days, none above six hours, and then it is over."""
    assert timedelta(days=2.5) < timedelta(seconds=sum(WAITS)) < timedelta(days=3.5)
    assert isinstance(judge(Silent("no"), attempts=len(WAITS), now=NOW, chance=0.5), Over)


def test_retry_after_is_respected():
    """A receiver that asks for more time than we would wait gets it, but no more than six hours."""
    for asked, seconds in (("30", 30), ("0", 1), ("999999", 6 * 3600)):
        outcome = judge(answered(429, retry_after=asked), attempts=0, now=NOW, chance=0.5)
        assert isinstance(outcome, Again)
        assert NOW + timedelta(seconds=seconds) == outcome.at


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("Sun, 22 Nov 2026 10:00:07 GMT", 7), ("Sun, 22 Nov 2026 09:00:00 GMT", 0), ("soon", 0), (None, 0)],
)
def test_retry_after(text, seconds):
    """Seconds and dates are read; nonsense and the past are no wait."""
    assert timedelta(seconds=seconds) == read_retry_after(text, NOW)
