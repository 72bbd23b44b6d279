"""One scalar of a body, coerced as ASP.NET's JSON reader does it, or refused with its message."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from crosswalk.contract import Field

Coerce = Callable[[object], object]

RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1), None: (-(2**63), 2**63 - 1)}
CLR = {"integer": "System.Int64", "number": "System.Decimal", "boolean": "System.Boolean", "string": "System.String"}
DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
LARGEST = 7.9e28  # the largest System.Decimal
WORDS = {"true": True, "false": False}


class Unfit(ValueError):
    """This value does not fit its field; the message is what the caller reads."""


def compile_coerce(field: Field) -> Coerce:
    """Make the function that takes a value out of a body and gives the value to store."""
    match field.type:
        case "integer":
            coerce = _integer(field)
        case "number":
            coerce = _number
        case "boolean":
            coerce = _boolean
        case "string":
            coerce = _date if field.format == "date-time" else _string(field)
        case _:
            return _as_is
    return _enumerated(field, coerce) if field.values else coerce


def parse_moment(text: str) -> str | None:
    """Read a date in either format and give it as Insightly writes it: UTC, whole seconds; `None` if unreadable."""
    if not DAY.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat(" ", "seconds")


def format_moment(moment: datetime) -> str:
    """Write a moment as Insightly does: `2018-04-09 16:58:14`, UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def _unfit(value: object, clr: str) -> Unfit:
    shown = f'"{value}"' if isinstance(value, str) else "of that shape" if isinstance(value, dict | list) else value
    return Unfit(f"Error converting value {shown} to type '{clr}'.")


def _as_is(value: object) -> object:
    return value


def _integer(field: Field) -> Coerce:
    low, high = RANGES[None if field.format == "date-time" else field.format]
    low = low if field.minimum is None else field.minimum
    high = high if field.maximum is None else field.maximum

    def coerce(value: object) -> object:
        number = _whole(value)
        if number is not None and not low <= number <= high:
            raise Unfit(f"The field {field.name} must be between {low} and {high}.")
        return number

    return coerce


def _whole(value: object) -> int | None:
    if value.__class__ is int:
        return value
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) < 30 and value.strip().removeprefix("-").isdecimal():  # noqa: PLR2004 (longer is no Int64)
        return int(value)
    raise _unfit(value, CLR["integer"])


def _number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _decimal(value)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            return _decimal(float(value))
        except ValueError:
            raise _unfit(value, CLR["number"]) from None
    raise _unfit(value, CLR["number"])


def _decimal(value: float) -> object:
    if abs(value) < LARGEST:
        return tame(value)
    raise _unfit(value, CLR["number"])


def tame(number: float) -> float:
    """Keep a sum or product storable: past 64 bits a whole number becomes a rounded one."""
    return float(number) if abs(number) >= RANGES["int64"][1] else number


def _boolean(value: object) -> object:
    if value.__class__ is bool or value is None:
        return value
    if isinstance(value, str) and value.strip().lower() in WORDS:
        return WORDS[value.strip().lower()]
    if value in (0, 1):
        return bool(value)
    raise _unfit(value, CLR["boolean"])


def _date(value: object) -> object:
    if value is None or value == "":
        return None
    moment = parse_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise _unfit(value, "System.DateTime")
    return moment


def _string(field: Field) -> Coerce:
    limit = field.max_length

    def coerce(value: object) -> object:
        if value.__class__ is not str:
            if value is None:
                return None
            value = _text(value)
        if limit is not None and len(value) > limit:
            raise Unfit(f"The field {field.name} must be a string with a maximum length of {limit}.")
        return value

    return coerce


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        raise _unfit(value, CLR["string"])
    return str(value)


def _enumerated(field: Field, coerce: Coerce) -> Coerce:
    known = {str(value).lower(): value for value in field.values}

    def choose(value: object) -> object:
        value = coerce(value)
        if value is None or value == "":
            return None
        found = known.get(str(value).strip().lower())
        if found is None:
            choices = ", ".join(map(str, field.values))
            raise Unfit(f"The value '{value}' is not valid for {field.name}. Valid values: {choices}.")
        return found

    return choose
