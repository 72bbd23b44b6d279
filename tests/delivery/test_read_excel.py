"""Workbooks as rows of typed cells."""

from zipfile import ZipFile

import pytest

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.row import Options, Row
from crosswalk.delivery.source import open_source
from fixtures.workbook import write_ods, write_xlsx

HEAD = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c><c r="B1" t="inlineStr"><is><t>value</t></is></c></row>'
)


def read(path, **options):
    """Columns, rows and notes of a workbook."""
    with open_source(path, Options(**options)) as source:
        return source.columns, list(source.rows), source.notes


def value_of(tmp_path, cell, **more):
    """How one cell is read."""
    path = write_xlsx(tmp_path / "a.xlsx", {"One": f'{HEAD}<row r="2"><c r="A2"><v>1</v></c>{cell}</row>'}, **more)
    ((row,)) = read(path)[1]
    return row.cells["value"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<c r="B2"><v>5</v></c>', 5),
        ('<c r="B2"><v>5.0</v></c>', 5),
        ('<c r="B2"><v>-1.25</v></c>', -1.25),
        ('<c r="B2"><v>12345678901234567890</v></c>', 12345678901234567890),
        ('<c r="B2" t="b"><v>1</v></c>', True),
        ('<c r="B2" t="s"><v>1</v></c>', "Zürich"),
        ('<c r="B2" t="s"><v>2</v></c>', "two runs"),
        ('<c r="B2" t="str"><f>A1</f><v>made</v></c>', "made"),
        ('<c r="B2" t="e"><v>#N/A</v></c>', None),
        ('<c r="B2"/>', None),
        ("", None),
        ('<c r="B2" s="1"><v>45000</v></c>', "2023-03-15"),
        ('<c r="B2" s="2"><v>45000.5</v></c>', "2023-03-15T12:00:00"),
        ('<c r="B2" s="3"><v>45000</v></c>', "2023-03-15"),
        ('<c r="B2" s="4"><v>3</v></c>', 3),
        ('<c r="B2" s="5"><v>0.25</v></c>', "06:00:00"),
        ('<c r="B2" s="1"><v>1</v></c>', "1900-01-01"),
        ('<c r="B2" s="1"><v>61</v></c>', "1900-03-01"),
    ],
)
def test_cells(tmp_path, cell, expected):
    """Numbers, truth values, shared and own texts, dates by their format: each as what it is."""
    shared = "<si><t>x</t></si><si><t>Zürich</t></si><si><r><t>two </t></r><r><t>runs</t></r><rPh><t>no</t></rPh></si>"
    assert expected == value_of(tmp_path, cell, shared=shared)


def test_dates_from_1904(tmp_path):
    """A workbook of an old Mac counts from 1904."""
    assert "2027-03-16" == value_of(tmp_path, '<c r="B2" s="1"><v>45000</v></c>', book='date1904="1"')


def test_gaps_and_empty_rows(tmp_path):
    """A cell stands where its reference says; empty rows do not count; too many cells are told."""
    rows = (
        f'{HEAD}<row r="2"><c r="B2"><v>2</v></c></row><row r="3"/><row r="9"><c r="A9"><v>9</v></c></row>'
        '<row r="10"><c r="D10"><v>1</v></c></row>'
    )
    _, (first, second, third), _ = read(write_xlsx(tmp_path / "a.xlsx", {"One": rows}))
    assert Row(1, {"name": None, "value": 2}) == first
    assert Row(2, {"name": 9, "value": None}) == second
    assert (3, "has 4 cells, the header 2") == (third.number, third.reason)


def test_sheets(tmp_path):
    """The first sheet is read, and the others are told; one is chosen by its name."""
    other = HEAD.replace("name", "other")
    path = write_xlsx(tmp_path / "a.xlsx", {"One": HEAD, "Two": other})
    assert ("name", "value") == read(path)[0]
    assert "'Two'" in read(path)[2][0]
    assert (("other", "value"), ()) == (read(path, sheet="Two")[0], read(path, sheet="Two")[2])
    with pytest.raises(SourceError, match="Its sheets: One, Two"):
        read(path, sheet="Three")


def test_no_header(tmp_path):
    """A first row of values names no columns, and the note says so."""
    path = write_xlsx(
        tmp_path / "a.xlsx", {"One": '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c><v>2</v></c></row>'}
    )
    columns, rows, notes = read(path)
    assert (("column_1",), [1, 2]) == (columns, [row.cells["column_1"] for row in rows])
    assert "--header" in notes[0]


@pytest.mark.parametrize("ending", ["ods", "xlsx"])
def test_opendocument(tmp_path, ending):
    """An .ods is read as well, also under the wrong ending."""
    path = write_ods(tmp_path / f"a.{ending}", [["name", "town"], ["Ann", "Zürich"]])
    assert [Row(1, {"name": "Ann", "town": "Zürich"})] == read(path)[1]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04cut"])
@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods", "xlsb"])
def test_damaged_workbook(tmp_path, content, ending):
    """What is no workbook says so."""
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"cannot be read"):
        read(path)


def test_entities_are_refused(tmp_path):
    """A workbook that declares entities, to fill the memory, is not parsed."""
    path = write_xlsx(tmp_path / "a.xlsx", {"One": HEAD}, shared="<si/>")
    bomb = write_xlsx(tmp_path / "b.xlsx", {"One": HEAD})
    with ZipFile(bomb, "a") as file:
        file.writestr("xl/sharedStrings.xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><sst>&a;</sst>')
    assert ("name", "value") == read(path)[0]
    with pytest.raises(SourceError, match="document type"):
        read(bomb)


def test_sheet_that_breaks_off(tmp_path):
    """The rows before the damage are read, the rest is one unreadable row."""
    rows = HEAD + "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, 20_000))
    path = write_xlsx(tmp_path / "a.xlsx", {"One": rows + "<row><c></row>"})
    _, found, _ = read(path)
    assert (True, True) == (len(found) > 10_000, found[-1].rest)
    assert [row.number for row in found] == list(range(1, len(found) + 1))
