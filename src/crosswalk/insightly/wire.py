"""How Insightly spells times and values, and how we read them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"
"""A decoded JSON value."""


def to_moment(text: str) -> datetime:
    """Read any of Insightly's spellings of a time as an aware UTC datetime; without a zone it is UTC.

    `2018-04-09 16:58:14` is the usual one; a `T`, a `Z`, an offset, fractions and a bare date are read as well.
    Raises `ValueError` for anything else.
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def from_moment(moment: datetime) -> str:
    """Spell an aware datetime as bodies want it: UTC, whole seconds, no zone. Raises `ValueError` without a zone."""
    return _utc(moment).isoformat(sep=" ", timespec="seconds")[:19]


def to_query(moment: datetime) -> str:
    """Spell an aware datetime as query parameters want it: `2018-04-09T16:58:14Z`."""
    return _utc(moment).isoformat(timespec="seconds")[:19] + "Z"


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} names no time zone. Give an aware datetime, such as datetime.now(UTC).")
    return moment.astimezone(UTC)


def to_plain(value: object) -> JSON:
    """Turn a Python value into the JSON that Insightly takes; raises `TypeError` for one it cannot take."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return from_moment(value)
        case date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Mapping():
            return {str(key): to_plain(item) for key, item in value.items()}
        case Iterable():
            return [to_plain(item) for item in value]
        case _:
            raise TypeError(
                f"{type(value).__name__} {value!r} has no JSON form. Give text, a number, a time or a list."
            )


def to_custom(value: object) -> JSON:
    """Turn the value of a custom field into JSON: several choices become one text, joined with `;`."""
    # MULTISELECT is one string, "Music;Sports;Travel" (recorded live fixtures of 2025)
    if isinstance(value, list | tuple | set | frozenset):
        return ";".join(str(item) for item in value)
    return to_plain(value)
