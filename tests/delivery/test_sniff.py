"""What a text file does not say about itself."""

import codecs
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.sniff import DELIMITERS, Dialect, find_dialect, find_encoding, has_header, split

WESTERN = "Name;Straße\nJörg Müller;Königsallee 5\nZoë Ibáñez;Paseo de la Ría\n"
RUSSIAN = "имя;город\nАнна Петровна Иванова;Нижний Новгород\nВладимир Сергеевич;Санкт-Петербург\n" * 4  # noqa: RUF001 (it is Russian)


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        (b"a,b\n", "utf-8"),
        ("Zürich".encode(), "utf-8"),
        ("Zürich".encode()[:2], "utf-8"),
        (codecs.BOM_UTF8 + b"a", "utf-8-sig"),
        ("a".encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + "a".encode("utf-16-be"), "utf-16"),
        ("name,town\n".encode("utf-16-le"), "utf-16-le"),
        ("name,town\n".encode("utf-16-be"), "utf-16-be"),
        ("a".encode("utf-32"), "utf-32"),
        (WESTERN.encode("cp1252"), "cp1252"),
        (RUSSIAN.encode("cp1251"), "cp1251"),
        (b"", "utf-8"),
    ],
)
def test_encodings(sample, name):
    """A mark tells the encoding; else UTF-8 where it reads; else the likeliest of what spreadsheets write."""
    assert name == find_encoding(sample).name


def test_one_broken_row_is_no_other_encoding():
    """A UTF-8 file with a broken byte stays UTF-8: the row is told, the others are not spoilt."""
    assert "utf-8" == find_encoding("Zürich, Genève".encode() + b"\xe9").name


@pytest.mark.parametrize("sample", [WESTERN.encode("cp1252"), "name,town\n".encode("utf-16-le")])
def test_a_guess_is_told(sample):
    """What was guessed is never silent."""
    (note,) = find_encoding(sample).notes
    assert "--encoding" in note


@pytest.mark.parametrize(
    ("text", "preferred", "delimiter"),
    [
        ("a,b\n1,2\n", ",", ","),
        ("a;b\n1,5;2\n", ",", ";"),
        ("a\tb\n1,5\t2\n", ",", "\t"),
        ("a|b\n1|2\n", ",", "|"),
        ('a,b\n"1;5",2\n"x;y",3\n', ",", ","),
        ("a,b\n1\n2,3\n", ",", ","),
        ("only\n1\n", ",", ","),
        ("only\n1\n", "\t", "\t"),
        ("", ",", ","),
    ],
)
def test_delimiters(text, preferred, delimiter):
    """The delimiter is the one that cuts the lines as it cuts the first."""
    assert delimiter == find_dialect(text, preferred).delimiter


def test_two_delimiters_that_do_are_told():
    """Where two would do, the expected one is taken, and the other named."""
    found = find_dialect("Last, First;Town\nLee, Ann;Bern\n", ",")
    assert (",", True) == (found.delimiter, "semicolon" in found.notes[0])


@pytest.mark.parametrize(
    ("text", "quote", "escape"),
    [
        ("a,b\n'x, y','z'\n'u','v'\n'p','q'\n's','t'\n'm','n'\n", "'", None),
        ("a,b\nit's,don't\n", '"', None),
        ('a,b\n"say \\"hi, you\\"",2\n', '"', "\\"),
        ('a,b\n"say ""hi""",2\n', '"', None),
    ],
)
def test_quotes(text, quote, escape):
    """Apostrophes quote where every line has them around cells; a backslash escapes where it must."""
    found = find_dialect(text, ",")
    assert (quote, escape) == (found.quote, found.escape)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["name", "mail"], ["Ann", "a@b.c"]], True),
        ([["Ann", "a@b.c"], ["Bo", "b@b.c"]], False),
        ([["1", "x"], ["2", "y"]], False),
        ([["2026-01-31"], ["2026-02-01"]], False),
        ([["name", "2024", "2025"], ["Ann", "5", "6"]], True),
        ([["name", "1st"], ["Ann", "5"]], True),
        ([["Ann", "Lee"], ["Bo", "Ray"]], True),
        ([["1", "2"]], True),
        ([], True),
    ],
)
def test_headers(rows, expected):
    """A first line is a row only when a number, date or address stands in it as it does below; years name columns."""
    assert expected == has_header(rows)


words = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00", exclude_categories=["Cc"]), max_size=8)


@given(st.lists(st.lists(words, min_size=3, max_size=3), min_size=3, max_size=6), st.sampled_from(DELIMITERS))
def test_what_a_program_writes_is_read(rows, delimiter):
    """Rows quoted by the standard library come back as they were, whatever they hold."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    assert rows == split(out.getvalue(), Dialect(delimiter))
