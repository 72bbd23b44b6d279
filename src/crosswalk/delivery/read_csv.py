"""CSV and its kin: rows of text cells, whatever encoding, delimiter, quotes and header the file has."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TypeAlias

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.row import MOST_SHOWN, Options, Row, Source, Unreadable
from crosswalk.delivery.sniff import find_dialect, has_header, split
from crosswalk.delivery.unpack import BROKEN, LONGEST_LINE, Overlong, find_text, lines_of, open_bytes

WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|", "space": " "}
Check: TypeAlias = Callable[[list[str]], str | None]
"""Says why a row is no text, `None` when it is."""
SURROGATE = re.compile("[\ud800-\udfff]")
COMPARED = 200
"""Rows of the sample by which a header is known."""


def read_csv(path: Path, file: IO[bytes], options: Options) -> Source:
    """Read a table of text. Raises `SourceError` when it has no columns to name."""
    csv.field_size_limit(LONGEST_LINE)
    plain = open_bytes(path, file)
    encoding, sample = find_text(path, plain, options.encoding)
    preferred = "\t" if ".tsv" in path.suffixes or options.format == "tsv" else ","
    whole = sample if len(sample) < 2**14 else sample[: sample.rfind("\n") + 1] or sample
    dialect = find_dialect(whole.removeprefix("\ufeff"), preferred, _delimiter(path, options))
    peeked = split(whole.removeprefix("\ufeff"), dialect)[:COMPARED]
    rows = csv.reader(
        lines_of(plain, encoding.name),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        strict=True,
    )
    named = has_header(peeked) if options.header is None else options.header
    columns = _read_header(path, rows) if named else _number_columns(path, peeked)
    notes = encoding.notes + dialect.notes + _tell_header(named, options)
    return Source(columns, _read_rows(columns, rows, _checker(columns, encoding.name)), notes=notes)


def _delimiter(path: Path, options: Options) -> str | None:
    if options.delimiter is None:
        return None
    delimiter = WORDS.get(options.delimiter.lower(), options.delimiter)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise SourceError(f"{path}: a delimiter is one character or 'tab', not {options.delimiter!r}")
    return delimiter


def _tell_header(named: bool, options: Options) -> tuple[str, ...]:  # noqa: FBT001 (one flag, one use)
    if named or options.header is not None:
        return ()
    return ("The first line looks like a row, so the columns are column_1, column_2, …; --header says otherwise",)


def _read_header(path: Path, rows: Iterator[list[str]]) -> tuple[str, ...]:
    try:
        cells = next((row for row in rows if row), None)
    except (csv.Error, Overlong, UnicodeError, *BROKEN) as error:
        raise SourceError(f"{path} has no readable header line: {error}.") from error
    if cells is None:
        raise SourceError(f"{path} is empty. It needs a header line and rows.")
    return name_columns(path, cells)


def name_columns(path: Path, cells: Iterable[str]) -> tuple[str, ...]:
    """The columns that a header names; nameless ones go by their place. Raises `SourceError` for a name twice."""
    columns = tuple(cell.strip() or f"column_{place}" for place, cell in enumerate(cells, 1))
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise SourceError(f"{path} names the column {', '.join(map(repr, twice))} twice. Rename one of them.")
    return columns


def _number_columns(path: Path, peeked: list[list[str]]) -> tuple[str, ...]:
    if not peeked:
        raise SourceError(f"{path} is empty. It needs rows.")
    return tuple(f"column_{place}" for place in range(1, len(peeked[0]) + 1))


def _read_rows(columns: tuple[str, ...], rows: Iterator[list[str]], check: Check) -> Iterator[Row | Unreadable]:
    number, width = 0, len(columns)
    try:
        for cells in rows:
            if not cells:
                continue
            number += 1
            if len(cells) != width:
                yield Unreadable(number, f"has {len(cells)} cells, the header {width}", text=_show(cells))
                continue
            made: dict[str, JSON] = dict(zip(columns, cells, strict=True))
            bad = check(cells)
            yield Row(number, made) if bad is None else Unreadable(number, bad, text=_show(cells))
    except (csv.Error, Overlong) as error:
        # A parser that lost its place would read the middle of a cell as rows.
        yield Unreadable(number + 1, f"not CSV: {error}; nothing after it was read", rest=True)
    except UnicodeError as error:
        reason = f"the text is not {getattr(error, 'encoding', 'readable')}; nothing after it was read; say --encoding"
        yield Unreadable(number + 1, reason, rest=True)
    except BROKEN as error:
        yield Unreadable(number + 1, f"the file is damaged or ends half-way: {error}; nothing more was read", rest=True)


def _show(cells: list[str]) -> str:
    """What could be read of a row, for a person."""
    return ",".join(cells)[:MOST_SHOWN].encode("utf-8", "replace").decode()


def _checker(columns: tuple[str, ...], encoding: str) -> Check:
    def check(cells: list[str]) -> str | None:
        """Why a row is no text, by the column that says it."""
        try:
            "".join(cells).encode()
        except UnicodeEncodeError:
            column = next(name for name, cell in zip(columns, cells, strict=True) if SURROGATE.search(cell))
            name = "UTF-8" if encoding.startswith("utf-8") else encoding
            return f"column {column!r} is not {name}; save the file as UTF-8, or say its --encoding"
        return None

    return check
