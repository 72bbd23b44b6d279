"""Settling what nobody knows: presence at once, absence late and twice, everything else held."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.outcome import Absent, Adopt, Hold, LookAgain
from crosswalk.delivery.settle import SEARCH_LAG, SETTLE_AFTER, Doubt, Hit, first_look, settle

SENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
DOUBT = Doubt(first_sent=SENT, last_byte=SENT + timedelta(seconds=1))
RIPE = DOUBT.ripe
OURS = Hit("7", SENT + timedelta(seconds=1))


def after(seconds):
    """A time after the last byte."""
    return DOUBT.last_byte + timedelta(seconds=seconds)


def test_one_hit_made_since_is_adopted():
    """One record made since the first attempt is ours, however early it is found."""
    assert Adopt("7") == settle(DOUBT, (OURS,), after(3))


@pytest.mark.parametrize(
    ("hits", "twins"),
    [
        ((Hit("7", SENT - timedelta(seconds=2)),), 0),
        ((Hit("7", None),), 0),
        ((OURS, Hit("8", SENT)), 0),
        ((OURS,), 1),
        ((Hit("7", OURS.created_at, claimed=True),), 0),
    ],
    ids=["made before", "made when?", "two hits", "the run has the value twice", "another row made it"],
)
def test_everything_doubtful_is_held(hits, twins):
    """A record made before, two of them, or a value that the run has twice: a person decides, and sees every hit."""
    held = settle(Doubt(first_sent=SENT, last_byte=SENT, twins=twins), hits, after(200))
    assert isinstance(held, Hold)
    assert all(hit.id in held.reason for hit in hits)


def test_clock_skew():
    """Insightly's clock is not ours: what it made while its clock was behind is still ours."""
    behind = Doubt(first_sent=SENT, last_byte=SENT, skew=timedelta(seconds=-90))
    assert Adopt("7") == settle(behind, (Hit("7", SENT - timedelta(seconds=89)),), after(3))


def test_whole_seconds():
    """Insightly's times are cut to seconds: a record of the same second is not older."""
    late_in_second = Doubt(first_sent=SENT + timedelta(milliseconds=900), last_byte=SENT + timedelta(seconds=1))
    assert Adopt("7") == settle(late_in_second, (Hit("7", SENT),), after(3))


def test_absence_is_not_believed_early():
    """What is not there yet may still come."""
    assert LookAgain(RIPE) == settle(DOUBT, (), after(3))


def test_absence_is_believed_after_two_looks():
    """After the settling time, two look-ups a search lag apart must find nothing."""
    assert LookAgain(RIPE + SEARCH_LAG) == settle(DOUBT, (), RIPE)
    once = Doubt(first_sent=SENT, last_byte=DOUBT.last_byte, empty_at=RIPE)
    assert LookAgain(RIPE + SEARCH_LAG) == settle(once, (), RIPE + SEARCH_LAG / 2)
    assert Absent() == settle(once, (), RIPE + SEARCH_LAG)


def test_first_look_waits_for_the_index():
    """The first look-up is made when a record just made would be found."""
    assert after(2) == first_look(DOUBT, after(0))
    assert after(9) == first_look(DOUBT, after(9))


TIMES = st.floats(min_value=0, max_value=1000).map(after)


@given(now=TIMES, empty=st.none() | TIMES)
def test_never_absent_before_its_time(now, empty):
    """No order of look-ups believes in absence before the settling time and a search lag are over."""
    doubt = Doubt(first_sent=SENT, last_byte=DOUBT.last_byte, empty_at=empty)
    if isinstance(settle(doubt, (), now), Absent):
        assert now >= DOUBT.last_byte + SETTLE_AFTER
        assert empty is not None
        assert now >= empty + SEARCH_LAG
