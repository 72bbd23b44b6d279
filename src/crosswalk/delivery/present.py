"""Reading a record before it is written, so that fields that are filled only if empty leave alone what is there."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from crosswalk.contract import Resource
from crosswalk.delivery.cell import JSON
from crosswalk.delivery.mapping import is_empty
from crosswalk.delivery.payload import Payload
from crosswalk.insightly import BadAnswer, Insightly, InsightlyError
from crosswalk.insightly.call import Call, Watch

CUSTOM = "CUSTOMFIELDS"


async def read_present(
    crm: Insightly, resource: Resource, payload: Payload, *, watch: Watch
) -> Payload | InsightlyError:
    """The payload as it goes out, after one look at the record that it updates."""
    path = f"/{payload.path.partition('?')[0].strip('/')}/{payload.names}"
    try:
        answer = await crm.request("GET", path, watch=watch)
    except InsightlyError as error:
        return error
    try:
        record = msgspec.json.decode(answer.body, type=dict[str, Any])  # msgspec reads no recursive alias
    except msgspec.DecodeError:
        call = Call(method="GET", path=path)
        return BadAnswer(call, "the record's answer cannot be read", "It is read again later.", answer=answer)
    return leave_present(payload, record)


def leave_present(payload: Payload, record: Mapping[str, JSON]) -> Payload:
    """The payload without those of its `if_empty` fields in which the record holds a value."""
    kept = {name for name in payload.if_empty if not is_empty(_hold(record).get(name))}
    body: dict[str, JSON] = {name: value for name, value in (payload.body or {}).items() if name not in kept}
    listed = body.pop(CUSTOM, None)
    custom = [entry for entry in _entries(listed) if entry.get("FIELD_NAME") not in kept]
    whole: dict[str, JSON] = {**body, CUSTOM: [*custom]} if custom else body
    return replace(payload, body=whole, if_empty=())


def says_something(payload: Payload, resource: Resource) -> bool:
    """Whether an update sets any field beside the one that names its record."""
    return bool(set(payload.body or {}) - {resource.id})


def _hold(record: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """What a record holds, its custom fields beside the others."""
    listed = _entries(record.get(CUSTOM))
    return {**record, **{str(entry.get("FIELD_NAME")): entry.get("FIELD_VALUE") for entry in listed}}


def _entries(listed: JSON) -> list[dict[str, JSON]]:
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
