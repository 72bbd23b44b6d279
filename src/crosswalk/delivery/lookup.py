"""Looking for the record that a call may have made: by the field that names it."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import msgspec

from crosswalk.contract import Resource
from crosswalk.delivery.cell import JSON
from crosswalk.delivery.payload import Payload
from crosswalk.delivery.settle import Hit
from crosswalk.insightly import Answer, BadAnswer, Insightly, InsightlyError
from crosswalk.insightly.call import Call, Watch

MOST = 10
"""Hits that are looked at: two are too many already."""


def match_of(payload: Payload) -> str | None:
    """What a look-up finds the record by, as text: `EMAIL_ADDRESS=ann@example.com`; an upsert's as it is remembered."""
    if payload.match is None:
        return None
    return f"{payload.match[0]}={payload.key if payload.upsert else payload.match[1]}"


def date_of(answer: Answer) -> datetime | None:
    """When Insightly's clock says that it answered, `None` when it does not say."""
    said = answer.headers.get("date")
    return None if said is None else _read_date(said)


@lru_cache(maxsize=8)  # all answers of a second say the same
def _read_date(said: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


async def look_up(
    crm: Insightly, resource: Resource, payload: Payload, *, watch: Watch | None = None
) -> tuple[tuple[Hit, ...], Answer] | InsightlyError:
    """Search for the payload's match; answers the hits whose field really holds the value."""
    assert payload.match is not None, "only a payload with a match can be looked for"
    name, value = payload.match
    params = {"field_name": name, "field_value": str(value), "top": str(MOST)}
    try:
        answer = await crm.request("GET", f"{resource.path}/Search", params=params, watch=watch)
    except InsightlyError as error:
        return error
    try:
        records = msgspec.json.decode(answer.body, type=list[dict[str, Any]])  # msgspec reads no recursive alias
    except msgspec.DecodeError:
        call = Call(method="GET", path=f"{resource.path}/Search")
        return BadAnswer(call, "the search's answer cannot be read", "It is looked for again later.", answer=answer)
    return tuple(_hit(resource, record) for record in records if _holds(record, name, value)), answer


def _holds(record: dict[str, JSON], name: str, value: JSON) -> bool:
    """Whether a record's field has the value; a search may find more than was asked for."""
    held = record.get(name)
    custom = record.get("CUSTOMFIELDS")
    for entry in custom if isinstance(custom, list) else []:
        if isinstance(entry, dict) and entry.get("FIELD_NAME") == name:
            held = entry.get("FIELD_VALUE")
    return held is not None and str(held).strip().lower() == str(value).strip().lower()


def _hit(resource: Resource, record: dict[str, JSON]) -> Hit:
    return Hit(str(record.get(resource.id or "")), _time(record.get("DATE_CREATED_UTC")))


def _time(value: JSON) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
