"""What one record is: typed fields by our names, and the bytes that Insightly sent."""

from abc import ABC
from collections.abc import Mapping
from datetime import datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from crosswalk.insightly.wire import JSON, to_custom, to_moment, to_plain

if TYPE_CHECKING:
    Moment: TypeAlias = datetime
    CustomValues: TypeAlias = Mapping[str, object]
else:
    # msgspec asks its hook only for types that it does not know: these two stand for values that the hook makes

    class Moment(ABC):  # noqa: B024 (a name for datetimes, never made)
        """An aware UTC datetime."""

    class CustomValues(ABC):  # noqa: B024 (a name for mappings, never made)
        """Custom fields by name, such as `{"Tier__c": "Gold"}`."""

    Moment.register(datetime)
    Moment.register(type(None))  # an empty text in place of a time means none
    CustomValues.register(dict)

Text: TypeAlias = str | UnsetType | None
Whole: TypeAlias = int | UnsetType | None
Number: TypeAlias = float | UnsetType | None
Flag: TypeAlias = bool | UnsetType | None
Time: TypeAlias = Moment | UnsetType | None
Custom: TypeAlias = CustomValues | UnsetType | None
Loose: TypeAlias = str | int | UnsetType | None
"""Documented as text, a number by its meaning: either is read."""


class Record(Struct, frozen=True, kw_only=True, rename="upper", dict=True, repr_omit_defaults=True):
    """One record or part of one. A field that is `UNSET` was absent or is not to be sent; `None` clears."""

    @cached_property
    def wire(self) -> bytes:
        """The exact JSON that Insightly sent, or for a record made here, the JSON that would be sent."""
        return msgspec.json.encode(to_fields(self))

    @cached_property
    def raw(self) -> dict[str, JSON]:
        """Everything that Insightly sent, unknown fields included, in its order and spelling."""
        decoded: dict[str, JSON] = msgspec.json.decode(self.wire)
        return decoded


R = TypeVar("R", bound=Record)


def to_fields(record: Record) -> dict[str, JSON]:
    """Spell a record as Insightly does: only what is set, times and custom fields in wire form."""
    pairs = zip(record.__struct_encode_fields__, record.__struct_fields__, strict=True)
    values = ((wire, getattr(record, name)) for wire, name in pairs)
    return {wire: _field(wire, value) for wire, value in values if value is not UNSET}


def _field(wire: str, value: object) -> JSON:
    if wire == "CUSTOMFIELDS" and isinstance(value, Mapping):
        return to_custom_fields(value)
    if isinstance(value, Record):
        return to_fields(value)
    if isinstance(value, tuple | list):
        return [_field("", item) for item in value]
    return to_plain(value)


def to_custom_fields(values: Mapping[str, object]) -> JSON:
    """Spell custom fields as Insightly does: a list of names with values."""
    return [{"FIELD_NAME": name, "FIELD_VALUE": to_custom(value)} for name, value in values.items()]


def _hook(kind: type, value: object) -> object:
    """Make what msgspec cannot: a time from text, a mapping from the list of custom fields."""
    if kind is Moment and isinstance(value, str):
        return to_moment(value) if value else None
    if kind is CustomValues and isinstance(value, list):
        return {entry["FIELD_NAME"]: entry.get("FIELD_VALUE") for entry in value}
    raise TypeError(f"Expected {kind.__name__}, got {type(value).__name__}")


@cache
def _decoder(kind: type[R]) -> msgspec.json.Decoder[R]:
    # not strict: ids arrive as numbers or as text, flags as true or "True" (clients.md of the contract's sources)
    return msgspec.json.Decoder(kind, dec_hook=_hook, strict=False)


_rows: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def read_one(body: bytes | msgspec.Raw, kind: type[R]) -> R:
    """Read one record and keep its bytes. Raises `msgspec.DecodeError` for JSON of another shape."""
    record: R = _decoder(kind).decode(body)
    record.__dict__["wire"] = bytes(body)
    return record


def read_many(body: bytes, kind: type[R]) -> tuple[R, ...]:
    """Read a bare array of records; an empty body is an empty list (seen live). Raises `msgspec.DecodeError`."""
    if not body.strip():
        return ()
    return tuple(read_one(row, kind) for row in _rows.decode(body))


@cache
def names_of(kind: type[Record]) -> Mapping[str, str]:
    """Our field names to Insightly's, in the record's order."""
    return dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
