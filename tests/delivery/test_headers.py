"""Request headers in one line: read, written, refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.headers import OURS, format_headers, parse_headers

NAMES = st.text("abcXYZ09-_.!~", min_size=1).filter(lambda name: name.lower() not in OURS)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from('",:\\ \ta'))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ()),
        ("  ", ()),
        ("header1:value1,header2:value2", (("header1", "value1"), ("header2", "value2"))),
        (" X-A : 1 , X-B: 2 ", (("X-A", "1"), ("X-B", "2"))),
        ("Accept:text/html, text/plain,X:1", (("Accept", "text/html, text/plain"), ("X", "1"))),
        ("X-Time:12:30:00", (("X-Time", "12:30:00"),)),
        ('X-A:"a,b:c",X-B:1', (("X-A", "a,b:c"), ("X-B", "1"))),
        (r'X-A:"say \"hi\" \\ "', (("X-A", r'say "hi" \ '),)),
        ('If-Match:W/"5,f:2",X:1', (("If-Match", 'W/"5,f:2"'), ("X", "1"))),
        ("X-A:,X-B:1", (("X-A", ""), ("X-B", "1"))),
        ("X-A:1,X-A:2", (("X-A", "1"), ("X-A", "2"))),
    ],
)
def test_parse(line, expected):
    """A comma splits where a name and a colon follow; the first colon splits a pair; quotes protect."""
    assert expected == parse_headers(line)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nothing", "'nothing' is no header"),
        (":value", "'' is no header name"),
        ("two words:x", "'two words' is no header name"),
        ("X:a\r\nEvil:1", "has the character '\\\\r'"),
        ("X:a\0", "has the character '\\\\x00'"),
        ('X:"open', "never close it"),
        ("Authorization:Basic abc", "sets Authorization itself"),
        ("X:1,content-TYPE:text/xml", "sets content-TYPE itself"),
        ("host:evil.example", "sets host itself"),
        ("Content-Length:0", "sets Content-Length itself"),
    ],
)
def test_refused(line, says):
    """What cannot be read, what no header may have, and what is ours, is refused by name."""
    with pytest.raises(PlanError, match=says):
        parse_headers(line)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4).map(tuple))
def test_written_headers_read_back(pairs):
    """Whatever is written in one line reads back the same."""
    assert pairs == parse_headers(format_headers(pairs))
