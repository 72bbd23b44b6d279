"""Files read as rows: every row is a value, and what cannot be read says so."""

import gzip
import io
import json
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from arro3.core import DataType, Field, Schema
from arro3.io import read_json, write_parquet
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery import unpack
from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.source import Options, Row, Unreadable, open_source, read_content


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
        (b"a,b\n1,Z\xc3\xbcrich\xe9\n2,3\n", "column 'b' is not UTF-8"),
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
        ("a.pdf", b"a", "Crosswalk reads .csv"),
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


def source_of(path, /, **options):
    """An open source's columns, notes and rows."""
    with open_source(path, Options(**options)) as source:
        return source.columns, source.notes, list(source.rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(write, encoding):
    """A file reads the same in whatever encoding it was saved; a guess is told."""
    columns, notes, rows = source_of(write("a.csv", "name,town\r\nJörg,Zürich\r\nZoë,Genève\r\n".encode(encoding)))
    assert (("name", "town"), {"name": "Zoë", "town": "Genève"}) == (columns, rows[1].cells)
    assert (encoding in {"cp1252", "utf-16-le", "utf-16-be"}) == bool(notes)


def test_encoding_far_into_the_file(write):
    """Letters that are not ASCII are found wherever they first stand."""
    path = write("a.csv", b"name\n" + b"plain\n" * 400_000 + "Müller\nLöwe\n".encode("cp1252"))
    _, notes, rows = source_of(path)
    assert ("Löwe", True) == (rows[-1].cells["name"], "cp1252" in notes[0])


def test_options_win(write):
    """What a person says is not guessed."""
    path = write("a.csv", "Müller;1\nLöwe;2\n".encode("cp850"))
    columns, notes, rows = source_of(path, encoding="cp850", delimiter="semicolon", header=False)
    assert (("column_1", "column_2"), (), "Müller") == (columns, notes, rows[0].cells["column_1"])


def test_no_header(write):
    """A file without a header loses no row: columns go by their place, and that is told."""
    columns, notes, rows = source_of(write("a.csv", b"Ann,a@b.c\nBo,b@b.c\n"))
    assert (("column_1", "column_2"), 2) == (columns, len(rows))
    assert "--header" in notes[0]
    assert ("Ann", "a@b.c") == source_of(write("a.csv", b"Ann,a@b.c\nBo,b@b.c\n"), header=True)[0]


def test_nameless_columns_go_by_their_place(write):
    """A column without a name is none the less a column."""
    assert ("column_1", "a") == source_of(write("a.csv", b",a\nx,1\n"))[0]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.json.gz", "a.tsv.gz"])
def test_packed(write, name):
    """A packed text file is read as what it holds."""
    texts = {
        "csv": b"a,b\n1,2\n",
        "tsv": b"a\tb\n1\t2\n",
        "jsonl": b'{"a":"1","b":"2"}\n',
        "json": b'[{"a":"1","b":"2"}]',
    }
    assert {"a": "1", "b": "2"} == rows_of(write(name, gzip.compress(texts[name.split(".")[1]])))[0].cells


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.json.gz"])
def test_packed_file_that_ends_half_way(write, name):
    """What could be read is read; the end says that more was meant."""
    rng = Random(7)
    lines = [f'{{"a":"{rng.random()}"}}' for _ in range(20_000)]
    texts = {"csv": "a\n" + "\n".join(lines).translate({ord(c): None for c in '{}":a,'}), "jsonl": "\n".join(lines)}
    text = texts.get(name.split(".")[1], f"[{','.join(lines)}]")
    rows = rows_of(write(name, gzip.compress(text.encode())[:-5000]))
    assert len(rows) > 1000
    assert isinstance(rows[-1], Unreadable)
    assert rows[-1].rest


def test_json_array(write):
    """A document's array of objects is rows, an element that is no object a value of its own."""
    path = write("a.json", b' [ {"a": 1}, [2], {"a": {"b": "\xc3\xbc"}} ] ')
    assert [Row(1, {"a": 1}), Row(3, {"a": {"b": "ü"}})] == [row for row in rows_of(path) if isinstance(row, Row)]
    assert "[2]" == rows_of(path)[1].text


def test_json_path(write):
    """An array inside a document is named by its path; without one the likely path is proposed."""
    path = write("a.json", b'{"meta": {"rows": 0}, "data": {"x": null, "rows": [{"a": 1}]}}')
    assert [Row(1, {"a": 1})] == source_of(path, path="data.rows")[2]
    for wrong in ("data", "meta.rows", "nothing", "data.rows.a"):
        with pytest.raises(SourceError, match="cannot be read"):
            source_of(path, path=wrong)
    with pytest.raises(SourceError, match="--path rows"):
        rows_of(write("b.json", b'{"n": {"m": 1}, "rows": []}'))


def test_json_lines_under_another_name(write):
    """A .json file with an object a line is read by lines."""
    assert [Row(1, {"a": 1}), Row(2, {"a": 2})] == rows_of(write("a.json", b'{"a":1}\n{"a":2}\n'))


@pytest.mark.parametrize("rest", [b"", b",", b', {"a"', b", nonsense]", b' {"a": 2}]', b', {"a": NaN}]'])
def test_json_that_breaks_off(write, rest):
    """Rows before the damage are read, and what follows is one unreadable row."""
    first, second = rows_of(write("a.json", b'[{"a": 1}' + rest))
    assert (Row(1, {"a": 1}), 2, True) == (first, second.number, second.rest)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_bytes_that_are_no_text_cost_one_row(write, name):
    """A row with bytes that are not UTF-8 is told, and the next one is read: JSON's encoding is not guessed."""
    text = b'{"a": "1"}\n{"a": "\xff"}\n{"a": "3"}\n'
    rows = rows_of(write(name, b"[" + text.strip().replace(b"\n", b",") + b"]" if name == "a.json" else text))
    assert [Row, Unreadable, Row] == [type(row) for row in rows]


def test_half_characters_are_no_text(write):
    """JSON can write half of a character; such a row is told, for nobody could send it."""
    first, second = rows_of(write("a.json", b'[{"a": "\\ud800"}, {"a": 1}]'))
    assert (Unreadable, Row(2, {"a": 1})) == (type(first), second)


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.text() | st.integers() | st.lists(st.booleans()), max_size=3),
        min_size=1,
    )
)
def test_json_in_any_spelling(records):
    """Whatever its spaces and escapes, a document gives the objects that were put in."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        path.write_text(json.dumps({"x": [1], "rows": records}, indent=len(records) % 3 or None))
        assert records == [row.cells for row in source_of(path, path="rows")[2]]


def test_large_elements_are_read_whole(write):
    """An element longer than a piece of the file is one row."""
    records = [{"a": "x" * 700_000}, {"a": "y"}]
    assert records == [row.cells for row in rows_of(write("a.json", json.dumps(records).encode()))]


def test_folder(tmp_path):
    """A folder's files are one stream in the order of their names, each row knowing its file."""
    (tmp_path / "b.jsonl").write_bytes(b'{"a":"3"}\n')
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,x\n2\n")
    (tmp_path / "notes.pdf").write_bytes(b"")
    with open_source(tmp_path) as source:
        rows = list(source.rows)
    assert [(1, "a.csv"), (2, "a.csv"), (3, "b.jsonl")] == [(row.number, row.file) for row in rows]
    assert (("a", "b"), False) == (source.columns, source.closed)
    assert ("Left out: notes.pdf", True) == (source.notes[0], "b.jsonl" in source.notes[1])


def test_pattern(tmp_path):
    """A pattern takes what it matches, and says when that is nothing."""
    for name in ("1.csv", "2.csv", "3.txt"):
        (tmp_path / name).write_bytes(f"a\n{name}\n".encode())
    with open_source(tmp_path / "*.csv") as source:
        assert (["1.csv", "2.csv"], True) == ([row.cells["a"] for row in source.rows], source.closed)
    with pytest.raises(SourceError, match="no file that can be read"):
        rows_of(tmp_path / "*.xlsx")


def test_folder_is_named_by_its_contents(tmp_path):
    """A folder's digest tells every change: of a byte, of a name, of the number of files."""
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    seen = {read_content(tmp_path).digest}
    (tmp_path / "a.csv").write_bytes(b"a\n2\n")
    seen.add(read_content(tmp_path).digest)
    (tmp_path / "b.csv").write_bytes(b"a\n1\n")
    seen.add(read_content(tmp_path).digest)
    (tmp_path / "b.csv").rename(tmp_path / "c.csv")
    seen.add(read_content(tmp_path).digest)
    assert 4 == len(seen)


def test_damage_in_one_file_leaves_the_others(tmp_path):
    """What ends one file's reading does not end the folder's."""
    (tmp_path / "a.csv").write_bytes(b'a,b\n1,"2\n')
    (tmp_path / "b.csv").write_bytes(b"a,b\n3,4\n")
    first, second = rows_of(tmp_path)
    assert (False, {"a": "3", "b": "4"}, 2) == (first.rest, second.cells, second.number)


def test_file_that_changes_while_it_is_read(write):
    """A file that is written to meanwhile says so at its end."""
    path = write("a.csv", b"a\n1\n2\n")
    with open_source(path) as source:
        next(source.rows)
        path.write_bytes(b"a\n1\n2\n3\n")
        *_, last = source.rows
    assert "changed while it was read" in last.reason


def test_parquet(tmp_path):
    """Parquet's types stay what they are: decimals exact, times ISO text, nested values nested."""
    kinds = {
        "i": DataType.int64(),
        "d": DataType.decimal128(20, 2),
        "t": DataType.timestamp("us", tz="UTC"),
        "l": DataType.list(Field("item", DataType.int64())),
        "f": DataType.float64(),
        "b": DataType.binary(),
    }
    row = {
        "i": 2**53 + 1,
        "d": "123456789012345678.10",
        "t": "2026-01-31T12:00:00Z",
        "l": [1, None],
        "f": 1.5,
        "b": "00ff",
    }
    text = io.BytesIO("\n".join(map(json.dumps, [row, {}])).encode())
    path = tmp_path / "a.parquet"
    write_parquet(read_json(text, Schema([Field(name, kind) for name, kind in kinds.items()])), path)
    first, second = rows_of(path)
    assert row | {"t": "2026-01-31T12:00:00+00:00", "b": "AP8="} == first.cells
    assert dict.fromkeys(kinds) == second.cells


@pytest.mark.parametrize("cut", [0, 3, 50, -1, -20])
def test_parquet_that_ends_half_way(tmp_path, cut):
    """A Parquet file's index stands at its end: without that it is refused in a sentence."""
    path = tmp_path / "a.parquet"
    write_parquet(read_json(io.BytesIO(b'{"a":1}'), Schema([Field("a", DataType.int64())])), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SourceError, match="Write or copy it again"):
        rows_of(path)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("a.csv", {"sheet": "x"}, "takes no sheet"),
        ("a.jsonl", {"delimiter": ";"}, "takes no delimiter"),
        ("a.csv", {"delimiter": ";;"}, "one character"),
        ("a.csv", {"encoding": "nonsense"}, "no encoding 'nonsense'"),
        ("a.csv", {"format": "doc"}, "has the format doc"),
        ("a.xlsx.gz", {}, r"the ending .xlsx.gz"),
    ],
)
def test_options_without_effect_are_refused(write, name, options, says):
    """No option is left without effect, and no nonsense taken."""
    with pytest.raises(SourceError, match=says):
        source_of(write(name, b"a\n1\n"), **options)


def test_format_in_place_of_the_ending(write):
    """A file of any name is read as what one says it is."""
    assert [Row(1, {"a": 1})] == source_of(write("download", b'{"a":1}\n'), format="jsonl")[2]


def test_endless_line(write, monkeypatch):
    """A line that never ends fills no memory. Patched: the real bound is 64 MB."""
    monkeypatch.setattr(unpack, "LONGEST_LINE", 1000)
    first, second = rows_of(write("a.csv", b"a\n1\n" + b"x" * 5000))
    assert (Row(1, {"a": "1"}), True) == (first, second.rest)


def test_packed_bomb(write, monkeypatch):
    """A packed file that unpacks without end is left. Patched: the real bound is 64 GB."""
    monkeypatch.setattr(unpack, "LARGEST_UNPACKED", 100_000)
    rows = rows_of(write("a.csv.gz", gzip.compress(b"a\n" + b"1\n" * 500_000)))
    assert ("unpacks to more" in rows[-1].reason, True) == (True, rows[-1].rest)
