"""What a look at a record says, compared with the last one: new, changed, the same, or too old to be believed. Pure.

Records are told apart by id and a digest of their content, never by id and time: a second change within one second of
Insightly's clock has its own digest. A time alone decides only that a look is older than what was seen already, as
answers of a search that lags are.
"""

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal, TypeAlias, cast

import msgspec
from msgspec import Struct

from crosswalk.automations.event import FieldChange, FoundBy, RecordChange, RecordType, Seen
from crosswalk.insightly.wire import JSON
from crosswalk.unified.known import Known, Wire
from crosswalk.unified.mapping import Noun, to_unified

UPDATED, CREATED = "DATE_UPDATED_UTC", "DATE_CREATED_UTC"
VOLATILE = frozenset({"ETAG"})
"""What differs between two answers about the same content."""
CUSTOM = "CUSTOMFIELDS"
DIGEST_SIZE = 16
Verdict: TypeAlias = Literal["created", "updated", "same", "stale", "doubtful"]


class Sight(Struct, frozen=True, kw_only=True):
    """One look at one record: its content in one spelling, and when it changed last, as it says itself."""

    id: int
    wire: Wire
    digest: bytes
    updated_at: datetime | None


class Kept(Struct, frozen=True, kw_only=True):
    """How a record was seen last; `seen_at` by Insightly's clock."""

    wire: Wire
    digest: bytes
    updated_at: datetime | None
    seen_at: datetime


def look(noun: Noun, wire: Wire) -> Sight | None:
    """A record as one look; `None` where it has no whole number for its id."""
    record_id = wire.get(noun.id_field)
    if not isinstance(record_id, int) or isinstance(record_id, bool):
        return None
    content = settle(wire)
    lasting = {name: value for name, value in content.items() if name.upper() not in VOLATILE}
    digest = blake2b(_encode(lasting), digest_size=DIGEST_SIZE).digest()
    return Sight(id=record_id, wire=content, digest=digest, updated_at=read_moment(wire.get(UPDATED)))


def settle(wire: Wire) -> Wire:
    """The content of a record in one spelling: an absent field is a null one, and the order of parts says nothing."""
    content: Wire = {}
    for name, value in wire.items():
        if value in (None, [], {}):
            continue
        content[name] = _settle_parts(name, value) if isinstance(value, list) else value
    return {name: value for name, value in content.items() if value != []}


def judge(kept: Kept | None, sight: Sight, *, searched: bool) -> Verdict:
    """Decide on one look. A `searched` one may be behind: where the time says nothing, the record itself is asked."""
    if kept is None:
        return "created"
    if kept.digest == sight.digest:
        return "same"
    if kept.updated_at is not None and sight.updated_at is not None:
        if sight.updated_at < kept.updated_at:
            return "stale"
        if searched and sight.updated_at == kept.updated_at:
            return "doubtful"
    return "updated"


def learn_lag(lag: float, sight: Sight, *, mark: datetime | None, most: float) -> float:
    """The seconds that searches lag, learned: a change that the poll at `mark` should have shown lay so far before it.

    Twice what was seen is believed, so that a lag that grows is met before it exceeds the overlap.
    """
    if mark is None or sight.updated_at is None or sight.updated_at >= mark:
        return lag
    return max(lag, min(2 * (mark - sight.updated_at).total_seconds(), most))


def describe(
    kind: RecordType,
    noun: Noun,
    *,
    account: str,
    before: Wire | None,
    after: Wire | None,
    known: Known,
    seen: Seen,
    found_by: FoundBy,
    based_at: datetime | None,
) -> RecordChange:
    """What an event says of a record, from how it was and how it is."""
    old = None if before is None else to_unified(noun, before, known)
    new = None if after is None else to_unified(noun, after, known)
    shown, wire = (new, after) if new is not None else (old, before)
    made = read_moment((wire or {}).get(CREATED))
    return RecordChange(
        id=str((wire or {})[noun.id_field]),
        integrated_account_id=account,
        resource=noun.name,
        record=shown or {},
        changes=[] if old is None or new is None else compare(_flatten(old), _flatten(new)),
        remote_changes=[] if before is None or after is None else compare(_spread(before), _spread(after)),
        seen=seen,
        found_by=found_by,
        appeared=kind == "record:created" and made is not None and based_at is not None and made < based_at,
    )


def compare(before: Mapping[str, JSON], after: Mapping[str, JSON]) -> list[FieldChange]:
    """The fields whose values differ, in the order of the record as it is."""
    names = dict.fromkeys((*after, *before))
    return [
        FieldChange(field=name, before=before.get(name), after=after.get(name))
        for name in names
        if name.upper() not in VOLATILE and before.get(name) != after.get(name)
    ]


def pack(wire: Wire) -> bytes:
    """A record for the database."""
    return zlib.compress(_encode(wire), 1)


def unpack(packed: bytes) -> Wire:
    """A record from the database."""
    return cast("Wire", msgspec.json.decode(zlib.decompress(packed)))


def read_moment(value: object) -> datetime | None:
    """A time as Insightly's API writes it, such as `2026-11-22T09:00:00Z`; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _settle_parts(name: str, parts: Sequence[JSON]) -> list[JSON]:
    if name == CUSTOM:  # an unset custom field is absent here and null there (two recordings against one)
        parts = [part for part in parts if not (isinstance(part, dict) and part.get("FIELD_VALUE") is None)]
    return sorted(parts, key=_encode)


def _spread(wire: Wire) -> dict[str, JSON]:
    """A record's fields with its custom fields beside them, by their names."""
    plain = {name: value for name, value in wire.items() if name != CUSTOM}
    parts = wire.get(CUSTOM)
    own = {
        str(part.get("FIELD_NAME")): part.get("FIELD_VALUE")
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict)
    }
    return plain | own


def _flatten(record: Mapping[str, JSON]) -> dict[str, JSON]:
    """A unified record's fields, custom ones as `custom_fields.NAME`."""
    flat: dict[str, JSON] = {}
    for name, value in record.items():
        if name == "custom_fields" and isinstance(value, dict):
            flat |= {f"{name}.{key}": each for key, each in value.items()}
        else:
            flat[name] = value
    return flat


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")
