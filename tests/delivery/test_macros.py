"""Macros: what fills them, how it is encoded, and what is refused."""

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.cell import BadValue
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.macros import Clock, FromRecord, encode_url, fill_macros, parse_macros, show_macros

NOON = datetime(2026, 3, 1, 12, 5, 9, 7000, tzinfo=UTC)
CLOCK = Clock(now=NOON)


def filled(text, **cells):
    """A URL's text with its macros filled from one row."""
    return fill_macros(parse_macros(text, CLOCK, encode=encode_url), cells, encode=encode_url)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", "7"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (True, "true"),
        ("a b/ü", "a%20b%2F%C3%BC"),
        ("?x=1&", "%3Fx%3D1%26"),
    ],
)
def test_a_cell_fills_its_place(value, expected):
    """A plain value becomes text, percent-encoded so that it stays in its place."""
    assert f"/Contacts/{expected}/Notes" == filled("/Contacts/{record.id}/Notes", id=value)


@pytest.mark.parametrize("column", ["a.b", "Account #", "what?", "up/down"])
def test_any_column_may_fill(column):
    """A column's name may hold what a URL may not."""
    assert "x1" == filled(f"x{{record.{column}}}", **{column: "1"})


def test_paths_reach_below():
    """Dots reach into an object."""
    assert "7" == filled("{record.company.id}", company={"id": 7})


@pytest.mark.parametrize("cells", [{}, {"id": None}, {"id": ""}, {"id": "  "}])
def test_no_value_no_call(cells):
    """A place that no value fills makes the row invalid; it is never left empty."""
    with pytest.raises(BadValue, match=r"^macro {record\.id} has no value in this row$"):
        filled("/Contacts/{record.id}", **cells)


@pytest.mark.parametrize("value", [[], [1], {"a": 1}])
def test_no_list_in_a_url(value):
    """A list or an object has no one writing."""
    with pytest.raises(BadValue, match=r"macro {record\.id} holds"):
        filled("{record.id}", id=value)


@pytest.mark.parametrize(
    ("text", "unit", "form", "expected"),
    [
        ("{now}", "Day", "yyyy-MM-dd", "2026-03-01"),
        ("{now-5}", "Day", "yyyy-MM-dd", "2026-02-24"),
        ("{now+2}", "Hour", "yyyy-MM-dd'T'HH:mm:ss'Z'", "2026-03-01T14:05:09Z"),
        ("{now-1}", "Week", "dd.MM.yy", "22.02.26"),
        ("{now+0}", "Minute", "HHmmss.SSS", "120509.007"),
    ],
)
def test_time(text, unit, form, expected):
    """Time is written in UTC by letters, and moved by whole units."""
    assert (expected,) == parse_macros(text, Clock(now=NOON, format=form, unit=unit))


def test_time_is_encoded_in_a_url():
    """What time writes is percent-encoded as any value."""
    assert "since=12%3A05" == "".join(parse_macros("since={now}", Clock(now=NOON, format="HH:mm"), encode=encode_url))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{id}", r"no macro {id}"),
        ("{record.}", r"no macro {record\.}"),
        ("{message.json}", "no macro"),
        ("{now*5}", "no macro"),
        ("{}", "no macro"),
        ("a{record.id", "brace that no macro closes"),
        ("a}b", "brace that no macro closes"),
        ("{now+999999999}", "outside the calendar"),
    ],
)
def test_unknown_macros(text, says):
    """A macro that nothing fills is refused before any row."""
    with pytest.raises(PlanError, match=says):
        parse_macros(text, CLOCK)


@pytest.mark.parametrize("form", ["YYYY-MM-DD", "yyyyMMddT", "EEE"])
def test_unknown_letters(form):
    """So is a letter of a date format that means nothing here."""
    with pytest.raises(PlanError, match="is none of yyyy"):
        parse_macros("{now}", Clock(now=NOON, format=form))


def test_shown_as_written():
    """A text can be shown as the person wrote it."""
    assert "/Contacts/{record.id}" == show_macros(("/Contacts/", FromRecord("id")))


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip))
def test_a_value_never_leaves_its_segment(value):
    """No value of any kind adds a segment, a query or a fragment, and each comes out as it went in."""
    made = filled("/{record.x}", x=value)
    assert (value, True) == (unquote(made[1:]), not set("/?#&=") & set(made[1:]))
