"""Files read as rows: every row is a value, and what cannot be read says so."""

import pytest

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.source import Row, Unreadable, open_source, read_content


def rows_of(path):
    """All rows of a file."""
    with open_source(path) as source:
        return list(source.rows)


@pytest.fixture
def write(tmp_path):
    """Write bytes to a file of a name and answer its path."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def test_csv(write):
    """Quoted commas, line breaks, accents and a byte order mark are read as they are meant."""
    path = write("a.csv", '\ufeffname,town\r\n"Lee, Ann","Zürich\nWest"\r\n\r\nBo,\r\n'.encode())
    expected = [Row(1, {"name": "Lee, Ann", "town": "Zürich\nWest"}), Row(2, {"name": "Bo", "town": ""})]
    assert expected == rows_of(path)


def test_tsv(write):
    """A .tsv file is split at tabs."""
    assert [Row(1, {"a": "1,5", "b": "2"})] == rows_of(write("a.tsv", b"a\tb\n1,5\t2\n"))


def test_json_lines(write):
    """A .jsonl file holds an object a line; empty lines do not count."""
    assert [Row(1, {"a": 1}), Row(2, {"a": [2]})] == rows_of(write("a.jsonl", b'{"a":1}\n\n{"a":[2]}\n'))


def test_columns(write):
    """The header names the columns."""
    with open_source(write("a.csv", b" a ,b\n")) as source:
        assert ("a", "b") == source.columns


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1\n2,3\n", "has 1 cells, the header 2"),
        (b"a,b\n1,2,3\n2,3\n", "has 3 cells, the header 2"),
        (b"a,b\n1,\xe9\n2,3\n", "column 'b' is not UTF-8"),
    ],
)
def test_one_unreadable_row(write, content, says):
    """A row that cannot be read is told, and the next one is read."""
    first, second = rows_of(write("a.csv", content))
    assert says in first.reason
    assert Row(2, {"a": "2", "b": "3"}) == second


def test_open_quote_ends_the_reading(write):
    """After a quote that nobody closed nothing is guessed: the rest is one unreadable row."""
    (only,) = rows_of(write("a.csv", b'a,b\n1,"2\n3,4\n'))
    assert (1, True) == (only.number, only.rest)


@pytest.mark.parametrize("line", [b"[1]", b"{", b"nonsense", b"\xff", b"1"])
def test_unreadable_json_line(write, line):
    """A line that is no object is told by its number."""
    rows = rows_of(write("a.jsonl", b'{"a":1}\n' + line + b'\n{"a":2}\n'))
    assert [Row, Unreadable, Row] == [type(row) for row in rows]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b"\n", "is empty"),
        ("a.csv", b"a,a\n", "'a' twice"),
        ("a.txt", b"a", "Crosswalk reads .csv"),
    ],
)
def test_files_that_cannot_be_used(write, name, content, says):
    """A file that is no source is refused in a sentence."""
    with pytest.raises(SourceError, match=says):
        rows_of(write(name, content))


def test_missing_file(tmp_path):
    """So is one that is not there, for reading and for its digest."""
    with pytest.raises(SourceError, match="No such file"):
        rows_of(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="No such file"):
        read_content(tmp_path / "none.csv")


def test_content_names_the_file(write):
    """Two files of one content have one name."""
    assert read_content(write("a.csv", b"x\ny\n")) == read_content(write("b.csv", b"x\ny\n"))
