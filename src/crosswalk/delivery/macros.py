"""Macros in URLs and headers: `{record.field}`, `{now}`, `{now-5}`. Pure; the caller reads the clock, once a run."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from urllib.parse import quote

from msgspec import Struct

from crosswalk.delivery.cell import JSON, BadValue, as_text, look_up
from crosswalk.delivery.errors import PlanError

Unit = Literal["Second", "Minute", "Hour", "Day", "Week"]

MACRO = re.compile(r"\{([^{}]*)\}")
_NOW = re.compile(r"now([+-]\d{1,9})?")
_LETTERS = re.compile(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z]")
_WRITE: Mapping[str, Callable[[datetime], str]] = {
    "yyyy": lambda at: f"{at.year:04}",
    "yy": lambda at: f"{at.year % 100:02}",
    "MM": lambda at: f"{at.month:02}",
    "dd": lambda at: f"{at.day:02}",
    "HH": lambda at: f"{at.hour:02}",
    "mm": lambda at: f"{at.minute:02}",
    "ss": lambda at: f"{at.second:02}",
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
}


class Clock(Struct, frozen=True, kw_only=True):
    """When `{now}` is, in UTC, how it is written, and what one step of `{now-5}` is."""

    now: datetime
    format: str = "yyyy-MM-dd"
    unit: Unit = "Day"


class FromRecord(Struct, frozen=True):
    """A place that a row's cell fills: the column, or a path below it."""

    column: str


Parts: TypeAlias = tuple[str | FromRecord, ...]
"""Text with places that rows fill."""


def encode_url(value: str) -> str:
    """A value as it may stand in a path or query: percent-encoded throughout, slashes too. Raises `BadValue`."""
    try:
        return quote(value, safe="")
    except UnicodeEncodeError as error:
        raise BadValue(f"holds {value!r}, which is no text that can be sent") from error


def parse_macros(text: str, clock: Clock, *, encode: Callable[[str], str] = str) -> Parts:
    """Split text at its macros; those of time become text at once. Raises `PlanError` for one that is not known."""
    parts: list[str | FromRecord] = []
    for number, piece in enumerate(MACRO.split(text)):
        part = read_macro(piece, clock, encode=encode) if number % 2 else piece
        if not number % 2 and ("{" in piece or "}" in piece):
            raise PlanError(f"{text!r} has a brace that no macro closes. Write {{record.field}} or {{now}}.")
        parts.append(part)
    return join_parts(parts)


def read_macro(inside: str, clock: Clock, *, encode: Callable[[str], str] = str) -> str | FromRecord:
    """What stands between two braces: a record's field, or a time that is written down now."""
    kind, _, column = inside.partition(".")
    if kind == "record" and column.strip():
        return FromRecord(column.strip())
    found = _NOW.fullmatch(inside)
    if found is None:
        raise PlanError(f"There is no macro {{{inside}}}. Write {{record.field}}, {{now}}, {{now-5}} or {{now+2}}.")
    return encode(_write_time(clock, int(found[1] or 0)))


def join_parts(parts: Iterable[str | FromRecord]) -> Parts:
    """Neighbouring texts as one, empty ones left out."""
    joined: list[str | FromRecord] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)


def _write_time(clock: Clock, steps: int) -> str:
    try:
        at = clock.now + timedelta(**{f"{clock.unit.lower()}s": steps})
    except OverflowError as error:
        raise PlanError(f"{{now{steps:+}}} in units of {clock.unit} lies outside the calendar.") from error
    return "".join(_write_piece(piece[0], at, clock.format) for piece in _LETTERS.finditer(clock.format))


def _write_piece(piece: str, at: datetime, whole: str) -> str:
    if piece.startswith("'"):
        return piece.strip("'")
    if not piece.isalpha():
        return piece
    if piece not in _WRITE:
        raise PlanError(f"Date format {whole!r}: {piece!r} is none of {', '.join(_WRITE)}. Quote letters: 'T'.")
    return _WRITE[piece](at)


def fill_macros(parts: Parts, cells: Mapping[str, JSON], *, encode: Callable[[str], str] = str) -> str:
    """The text with its places filled from a row. Raises `BadValue` for a cell that is absent, empty or a list."""
    return "".join(part if isinstance(part, str) else _fill(part.column, cells, encode) for part in parts)


def _fill(column: str, cells: Mapping[str, JSON], encode: Callable[[str], str]) -> str:
    try:
        text = as_text(look_up(cells, column))
        if text is not None and text.strip():
            return encode(text)
    except BadValue as error:
        raise BadValue(f"macro {{record.{column}}} {error}") from error
    raise BadValue(f"macro {{record.{column}}} has no value in this row")


def show_macros(parts: Parts) -> str:
    """The text as a person wrote it."""
    return "".join(part if isinstance(part, str) else f"{{record.{part.column}}}" for part in parts)


def columns_of(parts: Parts) -> tuple[str, ...]:
    """The columns that fill a text."""
    return tuple(part.column for part in parts if isinstance(part, FromRecord))
