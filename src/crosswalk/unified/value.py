"""One plain value, read from Insightly's spelling and written back to it. Pure.

Times come as `2018-04-09 16:58:14` in UTC and go out as RFC 3339; day-like fields lose their midnight. An id is a
number of 64 bits there and text here, because JavaScript holds no more than 53.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from math import isfinite
from typing import Literal

from crosswalk.contract import Field
from crosswalk.insightly.wire import from_moment, to_moment
from crosswalk.unified.errors import FaultCode
from crosswalk.unified.known import JSON

Kind = Literal["text", "integer", "number", "boolean", "moment", "day", "id"]
DIGITS = re.compile(r"[0-9]{1,19}")
SHOWN = 60
"""Characters of a wrong value that a refusal repeats."""
LARGEST = {"int32": 2**31 - 1, "int64": 2**63 - 1}


class Unfit(ValueError):
    """A value that its field cannot hold; `code` says why, `near` what would do, `where` of a list or object it is."""

    def __init__(self, code: FaultCode, detail: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.code: FaultCode = code
        self.near = near
        self.where = ""


@contextmanager
def at(part: int | str) -> Iterator[None]:
    """Say of what is unfit in here that it stands at this item, or under this name."""
    try:
        yield
    except Unfit as error:
        error.where = f"/{part}{error.where}"
        raise


def read_value(kind: Kind, value: JSON) -> JSON:
    """A wire value as the unified model spells it; what cannot be read is `None`, and stays in the remote data."""
    if value is None or value == "":
        return None
    return _READERS[kind](value)


def write_value(kind: Kind, value: JSON, field: Field | None = None) -> JSON:
    """A unified value as Insightly spells it, checked against its field. Raises `Unfit`."""
    if value is None:
        return None
    written = _WRITERS[kind](value)
    if field is not None:
        _check(field, written)
    return written


def write_id(value: JSON) -> int:
    """An id, from text or a number. Raises `Unfit`."""
    given = int(value) if isinstance(value, str) and DIGITS.fullmatch(value) else value
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= LARGEST["int64"]:
        raise Unfit("wrong_type", f'{_short(value)} is no id; give it as text, such as "123"')
    return given


def _short(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _check(field: Field, value: JSON) -> None:
    if isinstance(value, str) and field.max_length is not None and len(value) > field.max_length:
        raise Unfit("too_long", f"{field.name} holds at most {field.max_length} characters, not {len(value)}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        high = field.maximum if field.maximum is not None else LARGEST.get(field.format or "")
        if high is not None and value > high:
            raise Unfit("out_of_range", f"{field.name} holds at most {high}, not {value}")
        if field.minimum is not None and value < field.minimum:
            raise Unfit("out_of_range", f"{field.name} holds at least {field.minimum}, not {value}")


def _read_text(value: JSON) -> JSON:
    return value if isinstance(value, str) else str(value)


def _read_number(value: JSON) -> JSON:
    if isinstance(value, int | float):
        return value
    try:
        number = float(str(value))
    except ValueError:
        return None
    return int(number) if number.is_integer() else number


def _read_boolean(value: JSON) -> JSON:
    return value if isinstance(value, bool) else str(value).lower() in {"true", "1"}


def _read_moment(value: JSON) -> JSON:
    text = str(value)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and not moment.microsecond:
            return f"{moment.isoformat()}Z"  # as nearly all are: half the work
        moment = to_moment(text)
    except ValueError:
        return None
    # `isoformat` gives +00:00; the short form is what public examples of unified APIs show
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _read_day(value: JSON) -> JSON:
    try:
        return to_moment(str(value)).date().isoformat()
    except ValueError:
        return None


def _read_id(value: JSON) -> JSON:
    return str(value) if value else None  # 0 stands for nobody (seen in real records)


_READERS: Mapping[Kind, Callable[[JSON], JSON]] = {
    "text": _read_text,
    "integer": _read_number,
    "number": _read_number,
    "boolean": _read_boolean,
    "moment": _read_moment,
    "day": _read_day,
    "id": _read_id,
}


def _write_text(value: JSON) -> JSON:
    if not isinstance(value, str):
        raise Unfit("wrong_type", f"takes text, not {_short(value)}")
    return value


def _write_integer(value: JSON) -> JSON:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value != int(value):
        raise Unfit("wrong_type", f"takes a whole number, not {_short(value)}")
    return int(value)


def _write_number(value: JSON) -> JSON:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise Unfit("wrong_type", f"takes a number, not {_short(value)}")
    return value


def _write_boolean(value: JSON) -> JSON:
    if not isinstance(value, bool):
        raise Unfit("wrong_type", f"takes true or false, not {_short(value)}")
    return value


def _write_moment(value: JSON) -> JSON:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise Unfit("wrong_type", f"takes a time such as 2026-01-31T12:00:00Z, not {_short(value)}")
    return from_moment(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)


def _write_day(value: JSON) -> JSON:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat() if isinstance(value, str) else _no_day(value)
    except ValueError:
        return _no_day(value)


def _no_day(value: JSON) -> JSON:
    raise Unfit("wrong_type", f"takes a date such as 2026-01-31, not {_short(value)}")


_WRITERS: Mapping[Kind, Callable[[JSON], JSON]] = {
    "text": _write_text,
    "integer": _write_integer,
    "number": _write_number,
    "boolean": _write_boolean,
    "moment": _write_moment,
    "day": _write_day,
    "id": write_id,
}
