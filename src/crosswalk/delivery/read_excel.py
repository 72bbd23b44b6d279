"""Excel and OpenDocument sheets: typed cells, dates as ISO text, the first row naming the columns."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from python_calamine import CalamineError, CalamineWorkbook

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.plain import to_cell
from crosswalk.delivery.read_csv import COMPARED, name_columns
from crosswalk.delivery.row import Options, Row, Source, Unreadable
from crosswalk.delivery.sniff import has_header
from crosswalk.delivery.xlsx import BadWorkbook, Workbook

Cells = Sequence[JSON]
LARGEST_WHOLE = 256 * 1024 * 1024
"""Unpacked bytes of a workbook that is read whole: .ods and .xlsb."""


def read_excel(path: Path, file: IO[bytes], options: Options) -> Source:
    """Read one sheet. Raises `SourceError` when the workbook or the sheet cannot be read."""
    try:
        names, rows = _open_streamed(path, file, options) if _is_xlsx(file) else _open_whole(path, file, options)
        peeked = list(islice(rows, COMPARED))
    except (BadWorkbook, CalamineError) as error:
        raise SourceError(f"{path} cannot be read: {error}. Save it again without a password.") from error
    if not peeked:
        raise SourceError(f"{path} has nothing in its sheet. It needs a header row and rows.")
    named = has_header(peeked) if options.header is None else options.header
    columns = _read_header(path, peeked.pop(0)) if named else _number_columns(peeked)
    notes = (*_tell_sheets(names, options), *_tell_header(named, options))
    return Source(columns, _read_rows(columns, chain(peeked, rows)), notes=notes)


def _is_xlsx(file: IO[bytes]) -> bool:
    """By content, for many workbooks have the wrong ending."""
    try:
        return "xl/workbook.xml" in ZipFile(file).namelist()
    except BadZipFile:
        return False
    finally:
        file.seek(0)


def _open_streamed(path: Path, file: IO[bytes], options: Options) -> tuple[list[str], Iterator[Cells]]:
    book = Workbook(file)
    return [*book.sheets], book.rows(_choose(path, [*book.sheets], options))


def _open_whole(path: Path, file: IO[bytes], options: Options) -> tuple[list[str], Iterator[Cells]]:
    """.xls holds 65,536 rows at most; .ods and .xlsb are refused where they would fill the memory."""
    try:
        unpacked = sum(each.file_size for each in ZipFile(file).infolist())
    except BadZipFile:
        unpacked = 0
    if unpacked > LARGEST_WHOLE:
        raise SourceError(f"{path} unpacks to {unpacked:,} bytes, too many for its kind. Save it as .xlsx or .csv.")
    file.seek(0)
    book = CalamineWorkbook.from_filelike(file)
    sheet = book.get_sheet_by_name(_choose(path, book.sheet_names, options))
    rows = ([_cell(value) for value in row] for row in sheet.iter_rows())
    return book.sheet_names, (row for row in rows if any(cell is not None for cell in row))


def _cell(value: object) -> JSON:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return to_cell(value) if value != "" else None


def _choose(path: Path, names: Sequence[str], options: Options) -> str:
    if options.sheet is None and names:
        return names[0]
    if options.sheet not in names:
        raise SourceError(f"{path} has no sheet {options.sheet!r}. Its sheets: {', '.join(names) or 'none'}.")
    return str(options.sheet)


def _read_header(path: Path, cells: Cells) -> tuple[str, ...]:
    return name_columns(path, ["" if cell is None else str(cell) for cell in _stripped(cells)])


def _number_columns(peeked: Sequence[Cells]) -> tuple[str, ...]:
    return tuple(f"column_{place}" for place in range(1, max(map(len, peeked)) + 1))


def _stripped(cells: Cells) -> Cells:
    """Without the empty cells at the end, which only look like a table."""
    last = max((place for place, cell in enumerate(cells) if cell is not None), default=-1)
    return cells[: last + 1]


def _tell_sheets(names: Sequence[str], options: Options) -> tuple[str, ...]:
    if options.sheet is not None or len(names) < 2:  # noqa: PLR2004 (one sheet leaves no choice)
        return ()
    return (f"Sheet {names[0]!r} was read, not {', '.join(map(repr, names[1:]))}. --sheet says otherwise",)


def _tell_header(named: bool, options: Options) -> tuple[str, ...]:  # noqa: FBT001 (one flag, one use)
    if named or options.header is not None:
        return ()
    return ("The first row holds values, so the columns are column_1, column_2, …; --header says otherwise",)


def _read_rows(columns: tuple[str, ...], rows: Iterator[Cells]) -> Iterator[Row | Unreadable]:
    number, width = 0, len(columns)
    try:
        for cells in rows:
            number += 1
            missing = width - len(cells)
            if missing < 0 and len(_stripped(cells)) > width:
                yield Unreadable(number, f"has {len(_stripped(cells))} cells, the header {width}")
                continue
            yield Row(number, dict(zip(columns, (*cells[:width], *[None] * missing), strict=True)))
    except (BadWorkbook, BadZipFile, OSError) as error:
        yield Unreadable(number + 1, f"the workbook is damaged: {error}; nothing more was read", rest=True)
