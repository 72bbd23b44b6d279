"""How times and values are spelled."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.insightly.wire import from_moment, to_custom, to_moment, to_plain, to_query

NOON = datetime(2018, 4, 9, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2018-04-09 12:00:05", "2018-04-09T12:00:05", "2018-04-09T12:00:05Z", "2018-04-09T14:00:05+02:00"],
)
def test_every_spelling_of_a_time(text):
    """Insightly's own spelling and the ISO ones are the same UTC moment."""
    assert NOON == to_moment(text)


def test_fraction_and_bare_date():
    """Webhooks send fractions, date fields a bare date at times."""
    assert 877000 == to_moment("2019-06-25T17:18:46.877").microsecond
    assert datetime(2018, 4, 9, tzinfo=UTC) == to_moment("2018-04-09")


def test_no_time():
    """Anything else is refused."""
    with pytest.raises(ValueError, match="isoformat"):
        to_moment("soon")


@given(st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)), st.integers(-14, 14))  # noqa: DTZ001 (hypothesis wants naive limits)
def test_times_come_back(naive, hours):
    """A time in any zone is the same moment after a trip to the wire, to the second."""
    moment = naive.replace(tzinfo=timezone(timedelta(hours=hours)), microsecond=0)
    assert moment == to_moment(from_moment(moment))
    assert moment == to_moment(to_query(moment))


def test_body_and_query_differ():
    """Bodies take a blank and no zone, queries a T and a Z: mixing them is a common 400."""
    assert ("2018-04-09 12:00:05", "2018-04-09T12:00:05Z") == (from_moment(NOON), to_query(NOON))


def test_naive_time_is_refused():
    """A time without a zone could be anybody's."""
    with pytest.raises(ValueError, match="names no time zone"):
        from_moment(NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        (None, None),
        (True, True),
        (7, Decimal("7.00")),
        (7.5, Decimal("7.5")),
        ("2018-04-09 12:00:05", NOON),
        ("2018-04-09", date(2018, 4, 9)),
        (["a", {"b": 1}], ("a", {"b": 1})),
    ],
)
def test_values(wire, value):
    """Python's values have one JSON form each."""
    assert wire == to_plain(value)


def test_no_json_form():
    """A value without a JSON form is refused by its type."""
    with pytest.raises(TypeError, match="object"):
        to_plain(object())


def test_several_choices():
    """The choices of a multi-select travel as one text."""
    assert "Music;Sports" == to_custom(["Music", "Sports"])
