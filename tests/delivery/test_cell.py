"""One cell: found by name or path, brought to its field's type, or refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.contract import load
from crosswalk.delivery.cell import BadValue, cast, leave_out, look_up, record_id

OPPORTUNITIES = load().resources["Opportunities"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", {"b": {"c": 1}, "l": [{"x": 1, "y": 2}]}),
        ("a.b.c", 1),
        ("d.e", "flat"),
        ("a.nothing", None),
        ("d.e.f", None),
        ("a.l.x", None),
    ],
)
def test_look_up(path, expected):
    """A column's own name comes first, then the path below it; what is not there is no value."""
    assert expected == look_up({"a": {"b": {"c": 1}, "l": [{"x": 1, "y": 2}]}, "d.e": "flat"}, path)


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        ({"a": 1, "b": 2}, "a", {"b": 2}),
        ({"a": {"b": 1, "c": 2}}, "a.b", {"a": {"c": 2}}),
        ([{"a": 1, "b": 2}, {"b": 3}], "a", [{"b": 2}, {"b": 3}]),
        ({"a.b": 1, "c": 2}, "a.b", {"c": 2}),
        ({"a": 1}, "nothing.here", {"a": 1}),
        ("text", "a", "text"),
    ],
)
def test_leave_out(value, path, expected):
    """A path takes one thing out, from every item of a list, and touches nothing else."""
    assert expected == leave_out(value, path)


@pytest.mark.parametrize("value", ["123", 123, 123.0, " 123 ", "123.0"])
def test_ids_in_every_writing(value):
    """An id may come as text, as a number, or as a number with a point."""
    assert "123" == record_id(value, "id")


@pytest.mark.parametrize("value", ["", None, "abc", "1.5", 1.5, "-1", "0", True, [], {}, "٣", "9" * 5000])
def test_what_is_no_id(value):
    """Anything else is refused by the name of where it stands."""
    with pytest.raises(BadValue, match="which is no record id"):
        record_id(value, "id")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("BID_AMOUNT", "12.50", 12.5),
        ("BID_AMOUNT", "4601.0", 4601),
        ("BID_DURATION", "3", 3),
        ("PROBABILITY", 40.0, 40),
        ("OPPORTUNITY_STATE", "won", "WON"),
        ("BID_TYPE", "fixed bid", "Fixed Bid"),
        ("FORECAST_CLOSE_DATE", "2026-01-31", "2026-01-31 00:00:00"),
        ("FORECAST_CLOSE_DATE", "2026-01-31T13:00:00+01:00", "2026-01-31 12:00:00"),
        ("OPPORTUNITY_NAME", 42, "42"),
        ("TAGS", "a; b", [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}]),
    ],
)
def test_cast(name, value, expected):
    """A cell is brought to its field's type."""
    assert expected == cast(OPPORTUNITIES.field[name], value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BID_AMOUNT", "much"),
        ("BID_AMOUNT", "nan"),
        ("BID_DURATION", "1.5"),
        ("BID_DURATION", str(2**31)),
        ("PROBABILITY", "101"),
        ("OPPORTUNITY_STATE", "MAYBE"),
        ("FORECAST_CLOSE_DATE", "tomorrow"),
        ("OPPORTUNITY_NAME", {}),
        ("TAGS", 3),
    ],
)
def test_cast_refuses(name, value):
    """What does not fit is refused with the field's name."""
    with pytest.raises(ValueError, match=name):
        cast(OPPORTUNITIES.field[name], value)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.just({})


@given(st.sampled_from(OPPORTUNITIES.fields), VALUES)
def test_any_value_is_cast_or_refused(field, value):
    """No cell of any kind can end a run: it is cast, or refused by name."""
    try:
        cast(field, value)
    except ValueError as error:
        named = field.name in str(error)
    else:
        named = True
    assert named


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_whole_numbers_keep_every_digit(number):
    """A 64-bit id survives as text; it never passes through a float."""
    assert number == cast(OPPORTUNITIES.field["ORGANISATION_ID"], str(number))


@pytest.mark.parametrize(
    ("value", "expected"), [("yes", True), ("F", False), (1, True), (False, False), (" TRUE ", True)]
)
def test_truth_in_every_writing(value, expected):
    """Truth may come as a word, a letter, a digit or a boolean."""
    assert expected is cast(load().resources["Tasks"].field["COMPLETED"], value)


def test_what_is_neither_true_nor_false():
    """Anything else is refused by the field's name."""
    with pytest.raises(BadValue, match="COMPLETED takes true or false, not 'done'"):
        cast(load().resources["Tasks"].field["COMPLETED"], "done")
