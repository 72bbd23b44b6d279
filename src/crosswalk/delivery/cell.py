"""One cell of a row: found by its column's name or path, and brought to its field's type. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from crosswalk.contract import Field

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None

TRUE = frozenset({"true", "yes", "1", "t", "y"})
FALSE = frozenset({"false", "no", "0", "f", "n"})
RANGES = {"int32": 2**31, "int64": 2**63}
DIGITS = 19
"""Digits of the largest 64-bit id."""
SHOWN = 60
"""Characters of a value that a message shows."""


class BadValue(ValueError):
    """A cell that its place in the call cannot hold."""


def shorten(value: JSON) -> str:
    """A value as a message shows it: quoted, and cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"


def look_up(cells: Mapping[str, JSON], path: str) -> JSON:
    """The cell of a column, or the value below it that a path such as `address.city` names; `None` when absent."""
    if path in cells:
        return cells[path]
    head, dot, rest = path.partition(".")
    below = cells.get(head) if dot else None
    return look_up(below, rest) if isinstance(below, dict) else None


def leave_out(value: JSON, path: str) -> JSON:
    """A value without what a path names below it; a list loses it from each of its items."""
    if isinstance(value, list):
        return [leave_out(item, path) for item in value]
    if not isinstance(value, dict):
        return value
    head, _, rest = path.partition(".")
    if path in value or not rest:
        return {name: item for name, item in value.items() if name != path}
    return {name: leave_out(item, rest) if name == head else item for name, item in value.items()}


def as_text(value: JSON) -> str | None:
    """A plain value as text, `123` for 123.0; `None` for what is empty. Raises `BadValue` for a list or an object."""
    match value:
        case None | "":
            return None
        case bool():
            return "true" if value else "false"
        case list() | dict():
            raise BadValue(f"holds {shorten(value)}, which is no plain value")
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def record_id(value: JSON, shown: str) -> str:
    """A record's id as digits; `123`, `"123"` and `123.0` are the same. Raises `BadValue` that names `shown`."""
    plain = not isinstance(value, bool | list | dict)
    text = (as_text(value) or "").strip().removesuffix(".0") if plain else ""
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS and int(text) > 0):
        raise BadValue(f"{shown} holds {shorten(value)}, which is no record id")
    return str(int(text))


def cast(field: Field, value: JSON) -> JSON:
    """Bring a cell to its field's type. Raises `ValueError` that names field, value and what it should be."""
    made = CASTS[field.format if field.format == "date-time" else field.type](field, value)
    if field.values and isinstance(made, str | int):
        made = _one_of(field, made)
    if isinstance(made, str) and field.max_length is not None and len(made) > field.max_length:
        raise BadValue(f"{field.name} holds {len(made)} characters, at most {field.max_length} fit")
    return made


def _one_of(field: Field, value: str | int) -> JSON:
    for allowed in field.values:
        if str(allowed).lower() == str(value).lower():
            return allowed
    raise BadValue(f"{field.name} is {shorten(value)}, not one of {', '.join(map(str, field.values))}")


def _string(field: Field, value: JSON) -> JSON:
    if isinstance(value, list | dict):
        raise BadValue(f"{field.name} takes text, not {shorten(value)}")
    return str(value)


def _integer(field: Field, value: JSON) -> JSON:
    try:
        number = float(str(value)) if not isinstance(value, int) else value
        whole = int(number)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"{field.name} takes a whole number, not {shorten(value)}") from error
    if isinstance(value, bool) or whole != number:
        raise BadValue(f"{field.name} takes a whole number, not {shorten(value)}")
    if isinstance(value, str) and "." not in value and "e" not in value.lower():
        whole = int(value)
    limit = RANGES.get(field.format or "", 2**63)
    low = field.minimum if field.minimum is not None else -limit
    high = field.maximum if field.maximum is not None else limit - 1
    if not low <= whole <= high:
        raise BadValue(f"{field.name} is {whole}, outside {low} to {high}")
    return whole


def _number(field: Field, value: JSON) -> JSON:
    if isinstance(value, bool | list | dict):
        raise BadValue(f"{field.name} takes a number, not {shorten(value)}")
    try:
        number = float(str(value))
    except ValueError as error:
        raise BadValue(f"{field.name} takes a number, not {shorten(value)}") from error
    if number != number or number in {float("inf"), float("-inf")}:  # noqa: PLR0124 (NaN alone differs from itself)
        raise BadValue(f"{field.name} takes a number, not {shorten(value)}")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _boolean(field: Field, value: JSON) -> JSON:
    text = str(value).strip().lower()
    if text in TRUE | FALSE:
        return text in TRUE
    raise BadValue(f"{field.name} takes true or false, not {shorten(value)}")


def _date(field: Field, value: JSON) -> JSON:
    """Insightly's bodies hold `YYYY-MM-DD HH:MM:SS` in UTC; a time without a zone is UTC already."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError as error:
        raise BadValue(
            f"{field.name} takes a date such as 2026-01-31 or 2026-01-31 12:00:00, not {shorten(value)}"
        ) from error
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(" ", "seconds")


def _array(field: Field, value: JSON) -> JSON:
    if isinstance(value, list):
        return [{"TAG_NAME": tag} if field.items == "Tag" and isinstance(tag, str) else tag for tag in value]
    if field.items == "Tag" and isinstance(value, str):
        return [{"TAG_NAME": tag.strip()} for tag in value.split(";") if tag.strip()]
    raise BadValue(f"{field.name} takes a list, not {shorten(value)}")


def _as_is(field: Field, value: JSON) -> JSON:
    return value


CASTS = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date-time": _date,
    "array": _array,
    "object": _as_is,
    "any": _as_is,
}
