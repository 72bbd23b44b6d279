"""Bodies of writes: our field names or Insightly's, checked against the contract before a call is spent."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

import msgspec

from crosswalk.contract import Field
from crosswalk.insightly.errors import UnknownField
from crosswalk.insightly.record import Record, names_of, to_custom_fields, to_fields
from crosswalk.insightly.wire import JSON, to_custom, to_plain

CUSTOM = "CUSTOMFIELDS"
# `X__c`, and the older `CONTACT_FIELD_3` (recorded in production lambdas)
_CUSTOM_NAME = re.compile(r"\w+__c|[A-Z]+_FIELD_\d+", re.IGNORECASE)


class Shape(msgspec.Struct, frozen=True):
    """What may stand in a body: a name for messages, the fields, and the struct that gives them our names.

    `checks` says that the contract knows which of the fields may be written; of children it knows only the names.
    """

    title: str
    fields: tuple[Field, ...]
    kind: type[Record]
    id: str | None = None
    checks: bool = True

    def names(self) -> dict[str, str]:
        """Any accepted spelling, in lower case, to Insightly's."""
        ours = names_of(self.kind)
        return {**ours, **{field.name.lower(): field.name for field in self.fields}}

    @property
    def has_custom_fields(self) -> bool:
        """Whether records of it carry custom fields."""
        return any(field.name == CUSTOM for field in self.fields)


def to_body(shape: Shape, values: Record | Mapping[str, object], *, creates: bool) -> dict[str, JSON]:
    """Spell a write: a record as it is set, a mapping by any accepted names, `X__c` keys as custom fields.

    Insightly ignores read-only fields of a record that is sent back; named in a mapping they raise `UnknownField`,
    as does a name that the contract does not know.
    """
    if isinstance(values, Record):
        return to_fields(values)
    names = shape.names()
    body: dict[str, JSON] = {}
    custom: dict[str, JSON] = {}
    for key, value in values.items():
        wire = names.get(key.lower())
        if wire is None and shape.has_custom_fields and _CUSTOM_NAME.fullmatch(key):
            custom[key] = to_custom(value)
        else:
            body[_writable(shape, key, wire, creates=creates)] = _value(wire, value)
    if custom:
        listed = body.get(CUSTOM)
        body[CUSTOM] = [*(listed if isinstance(listed, list) else []), *_listed(custom)]
    return body


def _listed(custom: Mapping[str, JSON]) -> list[JSON]:
    entries = to_custom_fields(custom)
    return entries if isinstance(entries, list) else []


def _value(wire: str | None, value: object) -> JSON:
    if wire == CUSTOM and isinstance(value, Mapping):
        return to_custom_fields(value)
    if isinstance(value, Record):
        return to_fields(value)
    if isinstance(value, list | tuple):
        return [_value(None, item) for item in value]
    return to_plain(value)


def _writable(shape: Shape, key: str, wire: str | None, *, creates: bool) -> str:
    """Insightly's name of a field that this write may set. Raises `UnknownField`."""
    field = next((field for field in shape.fields if field.name == wire), None)
    if wire is None or field is None:
        near = get_close_matches(key.lower(), shape.names(), n=3, cutoff=0.6)
        hint = f"Did you mean {', '.join(dict.fromkeys(shape.names()[name] for name in near))}?" if near else ""
        todo = hint or f"`crosswalk describe {shape.title}` lists its fields."
        raise UnknownField(f"{shape.title} has no field {key!r}. {todo}")
    if wire == shape.id or not shape.checks:
        return wire
    if field.read_only:
        raise UnknownField(f"{shape.title}.{wire} is read only: Insightly sets it. Leave it out.")
    if not (field.post if creates else field.put):
        verb = "creating" if creates else "updating"
        raise UnknownField(f"{shape.title}.{wire} cannot be set by {verb} a record: it has a call of its own.")
    return wire
