"""The breaker: a wave of equal refusals stops a lane."""

from functools import reduce

from crosswalk.delivery.breaker import SEEN, Breaker, normalise


def noted(*refusals):
    """A breaker that has seen these outcomes."""
    return reduce(Breaker.note, refusals, Breaker())


def test_a_wave_trips_it():
    """More than half of the last outcomes refused alike: stop."""
    wave = [f"POST /Contacts (400): PHONE: '{number}' is odd" for number in range(30)]
    assert "30 of the last 50 rows were refused alike" in noted(*[None] * 20, *wave).tripped


def test_half_does_not():
    """Half of them is a bad file, not a wave."""
    assert noted(*[None, "refused"] * (SEEN // 2)).tripped is None


def test_a_few_do_not():
    """The first refusals of a run are no wave yet."""
    assert noted(*["refused"] * (SEEN - 1)).tripped is None


def test_different_refusals_are_no_wave():
    """Refusals of many kinds are rows that differ."""
    assert noted(*(f"refused for {chr(97 + number % 26)}" for number in range(SEEN))).tripped is None


def test_successes_wash_it_out():
    """What lies further back than the last outcomes does not count."""
    assert noted(*["refused"] * 49, *[None] * 30).tripped is None


def test_normalise():
    """Rows differ in quoted values and numbers; their refusals are alike."""
    assert normalise("row 7: 'Ann' is not valid") == normalise("row 12: 'Bo' is not valid")
