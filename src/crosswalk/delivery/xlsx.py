"""A sheet of an .xlsx workbook, row by row: a million rows never stand in memory, their shared texts neither."""

import re
import tempfile
from array import array
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from mmap import ACCESS_READ, mmap
from typing import IO
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from zipfile import BadZipFile, ZipFile

from crosswalk.delivery.cell import JSON

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
RELATED = re.compile(r"\{[^}]*relationships\}id")
PIECE = 1 << 16
LARGEST_ROW = 64 * 1024 * 1024
"""Bytes of XML without a row's end; more is no sheet."""
LARGEST_UNPACKED = 16 * 1024**3
DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Built-in number formats that show dates and times (ECMA-376 part 1, 18.8.30)."""
QUOTED = re.compile(r'"[^"]*"|\[(?!h+\]|m+\]|s+\])[^\]]*\]|\\.')
VALUES = frozenset({f"{MAIN}v", f"{STRICT}v"})
TEXTS = frozenset({f"{MAIN}t", f"{STRICT}t"})
HINTS = frozenset({f"{MAIN}rPh", f"{STRICT}rPh"})
KEPT = 10_000
"""Dates whose text is kept."""
COLUMN = re.compile(r"[A-Z]+")


class BadWorkbook(Exception):
    """The file is no workbook that can be read, or not to its end."""


class Workbook:
    """An open .xlsx: its sheets by name, in their order. Raises `BadWorkbook`."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._zip = ZipFile(file)
        except BadZipFile as error:
            raise BadWorkbook(f"it is no workbook or ends half-way: {error}") from error
        if sum(each.file_size for each in self._zip.infolist()) > LARGEST_UNPACKED:
            raise BadWorkbook(f"it unpacks to more than {LARGEST_UNPACKED:,} bytes")
        book = self._whole("xl/workbook.xml")
        places = {each.get("Id"): each.get("Target", "") for each in self._whole("xl/_rels/workbook.xml.rels")}
        self.sheets = {
            each.get("name", ""): _absolute(places.get(_relation(each), "")) for each in _below(book, "sheet")
        }
        late = any(each.get("date1904") in ("1", "true") for each in _below(book, "workbookPr"))
        self._epoch = datetime(1904, 1, 1, tzinfo=UTC) if late else datetime(1899, 12, 30, tzinfo=UTC)

    def rows(self, sheet: str) -> Iterator[list[JSON]]:
        """The sheet's rows that hold anything, each up to its last cell. Raises `BadWorkbook`."""
        read = _Cells(self._read_strings(), self._read_dates(), self._epoch)
        for element in self._stream(self.sheets[sheet], "sheetData"):
            cells = read.row(element)
            if any(cell is not None for cell in cells):
                yield cells

    def _read_strings(self) -> "_Strings":
        strings = _Strings()
        try:
            if "xl/sharedStrings.xml" in self._zip.namelist():
                for element in self._stream("xl/sharedStrings.xml", "sst"):
                    strings.add(_text(element))
        finally:
            strings.close()
        return strings

    def _read_dates(self) -> frozenset[str]:
        """The styles, by their number, that show a number as a date or time."""
        if "xl/styles.xml" not in self._zip.namelist():
            return frozenset()
        styles = self._whole("xl/styles.xml")
        own = {each.get("numFmtId"): each.get("formatCode", "") for each in _below(styles, "numFmt")}
        formats = [each.get("numFmtId", "0") for table in _below(styles, "cellXfs") for each in table]
        return frozenset(str(place) for place, each in enumerate(formats) if _shows_date(each, own.get(each)))

    def _whole(self, name: str) -> Element:
        """A small part as a tree."""
        builder = TreeBuilder()
        parser = XMLParser(target=builder)  # noqa: S314 (the same)
        for _ in self._feed(name, parser):
            pass
        root: Element = parser.close()
        return root

    def _stream(self, name: str, parent: str) -> Iterator[Element]:
        """The children of one element of a part, each once it is whole, and then forgotten."""
        holder: list[Element] = []
        tags = (MAIN + parent, STRICT + parent)

        def make(tag: str, attributes: dict[str, str]) -> Element:
            element = Element(tag, attributes)
            if tag in tags:
                holder.append(element)
            return element

        parser = XMLParser(target=TreeBuilder(element_factory=make))  # noqa: S314 (as in `_whole`)
        since = 0
        for size in self._feed(name, parser):
            since += size
            if holder and len(holder[0]) > 1:
                whole = holder[0][:-1]
                del holder[0][:-1]
                yield from whole
                since = 0
            if since > LARGEST_ROW:
                raise BadWorkbook(f"a row of {name} is longer than {LARGEST_ROW:,} bytes")
        yield from holder[0] if holder else ()

    def _feed(self, name: str, parser: XMLParser) -> Iterator[int]:
        """Parse a part piece by piece, giving the size of each. Raises `BadWorkbook`."""
        try:
            with self._zip.open(name) as part:
                head = True
                while piece := part.read(PIECE):
                    if head and b"<!DOCTYPE" in piece:
                        raise BadWorkbook(f"{name} declares a document type, as no workbook does")
                    head = False
                    parser.feed(piece)
                    yield len(piece)
        except (KeyError, BadZipFile, ParseError, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise BadWorkbook(f"{name} is missing, damaged or locked: {error}") from error


class _Strings:
    """Texts by number, on disk: a workbook may share millions."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="crosswalk-")  # noqa: SIM115 (closed with the strings)
        self._ends = array("Q", [0])
        self._map: mmap | None = None

    def add(self, text: str) -> None:
        self._ends.append(self._ends[-1] + self._file.write(text.encode("utf-8", "surrogatepass")))

    def close(self) -> None:
        """Take no more; give them out from now on. What is mapped outlives its file."""
        self._file.flush()
        if self._ends[-1]:
            self._map = mmap(self._file.fileno(), 0, access=ACCESS_READ)
        self._file.close()

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise BadWorkbook(f"a cell names the shared text {number}, which is not there")
        start, end = self._ends[number], self._ends[number + 1]
        return "" if self._map is None else self._map[start:end].decode("utf-8", "surrogatepass")


class _Cells:
    """Reads the cells of rows."""

    def __init__(self, strings: _Strings, dates: frozenset[str], epoch: datetime) -> None:
        self._strings, self._dates, self._epoch = strings, dates, epoch
        self._places: dict[str, int] = {}
        self._known: dict[str, str] = {}
        self._by_type: dict[str, Callable[[str], JSON]] = {
            "s": lambda text: self._strings[int(text)],
            "str": str,
            "b": lambda text: text in ("1", "true"),
            "e": lambda _: None,
            "d": str,
        }

    def row(self, element: Element) -> list[JSON]:
        cells: list[JSON] = []
        for cell in element:
            reference = cell.get("r")
            place = self._place(reference) if reference else len(cells)
            if place >= len(cells):
                cells.extend([None] * (place - len(cells)))
                cells.append(self._value(cell))
        return cells

    def _place(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        place = self._places.get(letters)
        if place is None:
            place = 0
            for letter in letters:
                place = place * 26 + ord(letter) - 64
            if not COLUMN.fullmatch(letters) or place > 16384:  # noqa: PLR2004 (a sheet's last column, XFD)
                raise BadWorkbook(f"there is no cell {reference!r}")
            self._places[letters] = place
        return place - 1

    def _value(self, cell: Element) -> JSON:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _text(cell) or None
        text = next((part.text for part in cell if part.tag in VALUES), None)
        if not text:
            return None
        try:
            if kind == "n":
                return self._date(text) if cell.get("s") in self._dates else _number(text)
            return self._by_type[kind](text)
        except (ValueError, OverflowError, KeyError) as error:
            raise BadWorkbook(f"cell {cell.get('r')} holds {text!r}, which is no value of its kind") from error

    def _date(self, text: str) -> JSON:
        """The date or time of a serial number; days come again and again, and are kept."""
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            known = self._known[text] = self._make_date(float(text))
        return known

    def _make_date(self, serial: float) -> str:
        """A date where there is no time of day, a time where there is no date, else both."""
        days, milliseconds = divmod(round(serial * 86_400_000), 86_400_000)
        early = self._epoch.year < 1900 and days < 60  # noqa: PLR2004 (Excel counts a 29 February 1900)
        moment = self._epoch + timedelta(days=days + early, milliseconds=milliseconds)
        if serial and not days:
            return moment.time().isoformat()
        return moment.date().isoformat() if not milliseconds else moment.replace(tzinfo=None).isoformat()


def _number(text: str) -> JSON:
    if text.isdecimal():
        return int(text)
    number = float(text)
    if text[0] == "-" and text[1:].isdecimal():
        return int(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _text(element: Element) -> str:
    """The text of an element, of all its runs, without the phonetic hints."""
    parts = []
    for child in element:
        if child.tag in TEXTS:
            parts.append(child.text or "")
        elif child.tag not in HINTS:
            parts.append(_text(child))
    return "".join(parts)


def _below(root: Element, name: str) -> Iterator[Element]:
    return (each for each in root.iter() if each.tag.rpartition("}")[2] == name)


def _relation(sheet: Element) -> str:
    return next((value for name, value in sheet.attrib.items() if RELATED.fullmatch(name)), "")


def _absolute(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _shows_date(number: str, code: str | None) -> bool:
    if code is None:
        return number.isdecimal() and int(number) in DATES
    return bool(re.search(r"[dmyhs]", QUOTED.sub("", code.split(";")[0]), re.IGNORECASE)) and code != "General"
