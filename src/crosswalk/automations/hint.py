"""What Insightly's own workflow webhooks say: that a record changed. Nothing else of them is believed. Pure.

They post `{"entity": {…}}` with the API's field names; nothing in it names the object or what was done. Times come as
`2019-06-25T17:18:46.877` without a zone (recorded in 2019) or `/Date(1489132800000-0800)/` (Insightly's article of
2017). Lambda functions post `{"insightly": {"recordId": 7, …}}`. None is signed.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from crosswalk.automations.event_errors import UnusableHint

MOST_BYTES = 1024 * 1024
DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_ID = 2**53


class Hint(Struct, frozen=True):
    """A record that changed, and when, as far as a hint can be believed."""

    record: int
    said_at: datetime | None


def read_hint(body: bytes, id_field: str) -> Hint:
    """The record that a call names. Raises `UnusableHint`."""
    try:
        whole = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableHint(f"The body cannot be read as JSON: {error}") from error
    entity = _find_entity(whole)
    record = _find(entity, id_field)
    if record is None:
        record = _find(entity, "RECORDID")
    number = _read_id(record)
    if number is None:
        raise UnusableHint(f"The body names no record: it has no {id_field}. Is the workflow of another object?")
    return Hint(number, read_moment(_find(entity, "DATE_UPDATED_UTC")))


def read_moment(value: object) -> datetime | None:
    """A time in either form. The milliseconds of `/Date(…)/` are UTC already, the offset only shows them."""
    if not isinstance(value, str):
        return None
    found = DATE.fullmatch(value.strip())
    try:
        if found is not None:
            return EPOCH + timedelta(milliseconds=int(found[1]))
        moment = datetime.fromisoformat(value.strip())
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_behind(said_at: datetime | None, updated_at: datetime | None) -> bool:
    """Whether a record that was read is older than its hint says, so that it is worth reading once more."""
    return said_at is not None and updated_at is not None and updated_at < said_at.replace(microsecond=0)


def _find_entity(whole: object) -> Mapping[str, object]:
    """The record in a body: below `entity`, below `insightly`, or the body itself."""
    if not isinstance(whole, dict):
        raise UnusableHint("The body is no JSON object")
    for name in ("entity", "insightly"):
        inner = _find(whole, name)
        if isinstance(inner, dict):
            return inner
    return whole


def _find(entity: Mapping[str, object], name: str) -> object:
    """A member by its name in any case."""
    return next((value for key, value in entity.items() if key.upper() == name.upper()), None)


def _read_id(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) <= 16:  # noqa: PLR2004 (2**53 has 16)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= MOST_ID else None
