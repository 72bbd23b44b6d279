"""Cursors: what opens which list."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.unified.cursor import Cursor, CursorInvalid, name_list, read_cursor, write_cursor

KEY, NOW = b"k" * 32, datetime(2026, 1, 1, tzinfo=UTC)
LIST = name_list("acc", "contacts", {"limit": "5"})
CURSOR = Cursor(of=LIST, last=7, skip=4, began=int(NOW.timestamp()))


@given(st.integers(min_value=0), st.integers(min_value=0), st.sampled_from(["on", "back"]))
def test_reads_what_it_wrote(last, skip, way):
    """A cursor comes back as it was."""
    cursor = Cursor(of=LIST, last=last, skip=skip, began=CURSOR.began, way=way)
    assert cursor == read_cursor(write_cursor(cursor, KEY), KEY, of=LIST, now=NOW)


@given(st.text() | st.binary().map(lambda raw: raw.hex()))
def test_any_other_text_is_refused(text):
    """A text that we did not write opens nothing, whatever it is."""
    with pytest.raises(CursorInvalid):
        read_cursor(text, KEY, of=LIST, now=NOW)


@given(st.integers(min_value=0, max_value=200), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_noticed(place, change):
    """A cursor that was changed anywhere opens nothing."""
    text = write_cursor(CURSOR, KEY)
    place %= len(text)
    changed = text[:place] + chr((ord(text[place]) + change) % 128) + text[place + 1 :]
    if changed != text:
        with pytest.raises(CursorInvalid):
            read_cursor(changed, KEY, of=LIST, now=NOW)


@pytest.mark.parametrize(
    ("account", "noun", "filters"),
    [("other", "contacts", {"limit": "5"}), ("acc", "leads", {"limit": "5"}), ("acc", "contacts", {"limit": "6"})],
)
def test_another_list_refuses_it(account, noun, filters):
    """A cursor belongs to one account, resource and filter."""
    with pytest.raises(CursorInvalid, match="another account, resource or filter"):
        read_cursor(write_cursor(CURSOR, KEY), KEY, of=name_list(account, noun, filters), now=NOW)


def test_a_day_is_its_life():
    """A cursor works for 24 hours from the beginning of its reading."""
    text = write_cursor(CURSOR, KEY)
    assert CURSOR == read_cursor(text, KEY, of=LIST, now=NOW + timedelta(hours=24))
    with pytest.raises(CursorInvalid, match="24 hours"):
        read_cursor(text, KEY, of=LIST, now=NOW + timedelta(hours=24, seconds=1))
