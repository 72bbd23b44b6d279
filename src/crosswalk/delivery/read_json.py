"""JSON Lines, and JSON documents that hold an array of objects, however large: read one element at a time."""

import codecs
import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO

import msgspec

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.row import MOST_SHOWN, Options, Row, Source, Unreadable
from crosswalk.delivery.sniff import Encoding
from crosswalk.delivery.unpack import BROKEN, LONGEST_LINE, Overlong, find_text, lines_of, open_bytes

PIECE = 1 << 18
"""Bytes read at a time; a longer element is read in doubling pieces."""
PEEKED = 100
"""Rows by which columns are known."""
DAMAGED = "the file is damaged or ends half-way: {}; nothing more was read"


class _Ended(Exception):
    """The document ends, or is no JSON, where something must follow; says what is wrong."""


def read_json_lines(path: Path, file: IO[bytes], options: Options) -> Source:
    """Read a JSON object a line. Raises `SourceError` for an empty file."""
    plain = open_bytes(path, file)
    encoding, _ = _find_encoding(path, plain, options)
    if encoding.name in ("utf-8", "utf-8-sig"):
        lines = _lines(plain)
    else:
        lines = (line.encode("utf-8", "surrogatepass") for line in lines_of(plain, encoding.name))
    return _open(path, _read_lines(lines), encoding.notes)


def _find_encoding(path: Path, file: IO[bytes], options: Options) -> tuple[Encoding, str]:
    """JSON is Unicode (RFC 8259, 8.1): no other encoding is guessed, only taken from whoever says it."""
    found, sample = find_text(path, file, options.encoding)
    if options.encoding is None and not found.name.startswith("utf"):
        found = Encoding("utf-8")
    return found, sample


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise Overlong(f"a line is longer than {LONGEST_LINE:,} bytes")
        yield line


def _open(path: Path, rows: Iterator[Row | Unreadable], notes: tuple[str, ...] = ()) -> Source:
    """Know the columns by the first rows."""
    peeked = list(islice(rows, PEEKED))
    if not peeked:
        raise SourceError(f"{path} is empty. It needs JSON objects.")
    columns = dict.fromkeys(name for row in peeked if isinstance(row, Row) for name in row.cells)
    return Source(tuple(columns), chain(peeked, rows), closed=False, notes=notes)


def _read_lines(lines: Iterator[bytes]) -> Iterator[Row | Unreadable]:
    number = 0
    decode = msgspec.json.Decoder(dict).decode
    try:
        for line in lines:
            if not line.strip():
                continue
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 (the mark stands before the first line alone)
            try:
                yield Row(number, decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                text = line[:MOST_SHOWN].decode("utf-8", "replace")
                yield Unreadable(number, f"not a JSON object: {error}", text=text)
    except Overlong as error:
        yield Unreadable(number + 1, f"{error}; nothing after it was read", rest=True)
    except (UnicodeDecodeError, *BROKEN) as error:
        yield Unreadable(number + 1, DAMAGED.format(error), rest=True)


def read_json(path: Path, file: IO[bytes], options: Options) -> Source:
    """Read an array of objects, or the one that `options.path` names. Raises `SourceError` where there is none."""
    plain = open_bytes(path, file)
    encoding, sample = _find_encoding(path, plain, options)
    if options.path is None and _is_lines(sample):
        return read_json_lines(path, plain, msgspec.structs.replace(options, format=None))
    scan = _Scan(plain, encoding.name)
    try:
        scan.enter(options.path)
    except (_Ended, Overlong, *BROKEN, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    return _open(path, _read_elements(scan), encoding.notes)


def _is_lines(sample: str) -> bool:
    """Whether a file that ends in .json holds an object a line."""
    lines = [line for line in sample.removeprefix("\ufeff").splitlines() if line.strip()]
    try:
        return len(lines) > 1 and all(isinstance(msgspec.json.decode(line), dict) for line in lines[:2])
    except msgspec.DecodeError:
        return False


def _read_elements(scan: "_Scan") -> Iterator[Row | Unreadable]:
    number = 0
    try:
        for element in scan.elements():
            number += 1
            if isinstance(element, dict):
                yield _row(number, element)
            else:
                text = json.dumps(element, ensure_ascii=False)[:MOST_SHOWN]
                yield Unreadable(number, f"not a JSON object, but {type(element).__name__}", text=text)
    except (_Ended, Overlong, *BROKEN, UnicodeDecodeError) as error:
        yield Unreadable(number + 1, DAMAGED.format(error), rest=True)


def _row(number: int, cells: dict[str, JSON]) -> Row | Unreadable:
    """A row, unless a text in it is half of a character, which JSON can write and nobody can send."""
    try:
        msgspec.json.encode(cells)
    except (ValueError, RecursionError) as error:
        return Unreadable(number, f"holds text that is no Unicode: {error}", text=json.dumps(cells)[:MOST_SHOWN])
    return Row(number, cells)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse)


class _Scan:
    """A place in a JSON document, of which only a piece is in memory."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        # Bytes that are no text become surrogates, and cost no more than their row.
        self._text = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self._file = file
        self._piece, self._at, self._whole = "", 0, False
        self._damage: Exception | None = None

    def enter(self, path: str | None) -> None:
        """Go to the beginning of the array at a dotted path. Raises `_Ended`."""
        steps = path.split(".") if path else []
        for step in steps:
            self._find(step)
        found = self._peek()
        if found == "{":
            raise _Ended(f"it holds an object. Say which property holds the rows: --path {self._first_array()}")
        if found != "[":
            raise _Ended(f"there is no array of objects{f' at {path}' if path else ''}")
        self._at += 1

    def _find(self, name: str) -> None:
        """Go to the value of a property, past those before it."""
        if self._peek() != "{":
            raise _Ended(f"nothing is named {name!r}: no object stands there")
        self._at += 1
        for key in self._keys():
            if key == name:
                return
            self._value()
        raise _Ended(f"nothing is named {name!r}")

    def _first_array(self) -> str:
        """The property to propose: the first that holds an array."""
        self._at += 1
        for key in self._keys():
            if self._peek() == "[":
                return key
            self._value()
        return "NAME"

    def _keys(self) -> Iterator[str]:
        """The properties of an object, each time with the place at its value."""
        while (mark := self._peek()) != "}":
            if mark == ",":
                self._at += 1
                continue
            key = self._value()
            if not isinstance(key, str) or self._peek() != ":":
                raise _Ended("it is no JSON")
            self._at += 1
            yield key

    def elements(self) -> Iterator[object]:
        """The elements of the array that the place is in. Raises `_Ended` where it breaks off."""
        if self._peek() == "]":
            return
        while True:
            yield self._value()
            mark = self._peek()
            if mark == "]":
                return
            if mark != ",":
                raise _Ended("a comma is missing between two elements")
            self._at += 1

    def _peek(self) -> str:
        """The next character that is no space. Raises `_Ended`."""
        while True:
            while self._at < len(self._piece):
                character = self._piece[self._at]
                if character not in " \t\r\n\ufeff":
                    return character
                self._at += 1
            if not self._more(PIECE):
                raise _Ended("it ends where more must follow")

    def _value(self) -> object:
        """The value at the place, and the place behind it. Raises `_Ended`."""
        self._peek()
        size = PIECE
        while True:
            try:
                value, end = _decoder.raw_decode(self._piece, self._at)
            except ValueError as error:
                # Whether it is broken or only cut can be told once more of it, or all, is there.
                if size > LONGEST_LINE or not self._more(size):
                    raise _Ended(f"no JSON value stands there: {error}") from error
                size *= 2
                continue
            except RecursionError as error:
                raise _Ended("a value is nested too deeply") from error
            if end < len(self._piece) or not self._more(PIECE):
                self._at = end
                return value

    def _more(self, size: int) -> bool:
        """Read on; `False` at the end of the document. Raises what reading a damaged file raises."""
        if self._damage is not None:
            raise self._damage
        parts, got = [self._piece[self._at :]], 0
        while got < size and not self._whole and self._damage is None:
            block = self._read()
            self._whole = not block and self._damage is None
            parts.append(self._text.decode(block, final=self._whole))
            got += len(block)
        self._piece, self._at = "".join(parts), 0
        return got > 0 or self._damage is not None

    def _read(self) -> bytes:
        """The bytes that come next. A damage is kept until what came before it was used."""
        try:
            block: bytes = self._file.read1(PIECE)  # type: ignore[attr-defined]  # buffered files have it, IO says no
        except (Overlong, *BROKEN) as error:
            self._damage = error
            return b""
        return block
