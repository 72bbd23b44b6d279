"""The kinds of rows in a mapping table: each reads one unified field from a wire record, and writes it back. Pure.

A row says its unified `name`, which of Insightly's fields it covers (`natives`), and whether it `writes`. `read` takes
a wire record; `write` puts a value into a draft's main call or adds a step. What Insightly cannot hold raises `Unfit`,
or adds a fault where several things may be wrong at once.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.unified.custom import CUSTOM, put_custom, read_custom
from crosswalk.unified.errors import Fault
from crosswalk.unified.known import JSON, Known, Reference, Wire
from crosswalk.unified.links import Linked
from crosswalk.unified.objects import find_record, read_record
from crosswalk.unified.parts import Addresses, Dated, Listed, Several, Tags
from crosswalk.unified.place import Place
from crosswalk.unified.plan import Draft
from crosswalk.unified.reference import find_id, read_reference, wants_names
from crosswalk.unified.value import Kind, Unfit, read_value, write_value

Read = Callable[[Wire, Known], JSON]


class Plain(Struct, frozen=True, kw_only=True):
    """One value in one field; `reads` is another field that the value is read from."""

    name: str
    field: str
    reads: str | None = None
    kind: Kind = "text"
    writes: bool = True
    required: bool = False
    note: str = ""

    @property
    def natives(self) -> tuple[str, ...]:
        return (self.field,) if self.reads is None else (self.reads, self.field)

    def read(self, wire: Wire, known: Known) -> JSON:
        value = wire.get(self.reads or self.field)
        return None if value is None else read_value(self.kind, value)

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        draft.wire[self.field] = write_value(self.kind, value, place.resource.field.get(self.field))


class Ref(Struct, frozen=True, kw_only=True):
    """Another record, by id and, where `reference` has it, by name: `{"id": "7", "name": "Ada"}`."""

    name: str
    field: str
    reference: Reference | None = None
    object: str | None = None
    writes: bool = True
    note: str = ""

    @property
    def natives(self) -> tuple[str, ...]:
        return (self.field,)

    def read(self, wire: Wire, known: Known) -> JSON:
        value = wire.get(self.field)
        if self.reference is not None:
            return read_reference(known, self.reference, value)
        return read_record(known, self.object or "", value)

    def wants(self, value: JSON, *, creates: bool) -> bool:
        return self.reference is not None and wants_names(value)

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        if value is None:
            draft.wire[self.field] = None
        elif self.reference is not None:
            draft.wire[self.field] = find_id(place.known, self.reference, value)
        else:
            draft.wire[self.field] = find_record(place.known, self.object or "", value)


class Choice(Struct, frozen=True, kw_only=True):
    """One of a closed set, spelt differently here (`low`) and there (1). Unknown spellings there read as `None`."""

    name: str
    field: str
    values: tuple[tuple[str, str | int | bool], ...]
    writes: bool = True
    note: str = ""

    @property
    def natives(self) -> tuple[str, ...]:
        return (self.field,)

    def read(self, wire: Wire, known: Known) -> JSON:
        value = wire.get(self.field)
        return next((ours for ours, theirs in self.values if str(theirs).upper() == str(value).upper()), None)

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        draft.wire[self.field] = None if value is None else pick(self.values, value)


def pick(values: Sequence[tuple[str, str | int | bool]], value: JSON) -> str | int | bool:
    """Insightly's spelling of one of a closed set. Raises `Unfit` that lists the set."""
    for ours, theirs in values:
        if str(value).casefold() in {ours.casefold(), str(theirs).casefold()}:
            return theirs
    spelt = [ours for ours, _ in values]
    near = tuple(get_close_matches(str(value), spelt, n=3, cutoff=0.4))
    raise Unfit("unknown_value", f"{value!r} is none of {', '.join(spelt)}", near)


class Computed(Struct, frozen=True, kw_only=True):
    """A value made of others; it is read only."""

    name: str
    made: Read
    natives: tuple[str, ...] = ()
    writes: bool = False
    references: tuple[Reference, ...] = ()
    note: str = ""

    def read(self, wire: Wire, known: Known) -> JSON:
        return self.made(wire, known)

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        raise Unfit("read_only", f"{self.name} is made of other fields and cannot be written")


class Custom(Struct, frozen=True, kw_only=True):
    """Custom fields by their names, typed both ways: numbers, booleans, dates, and lists for several choices."""

    name: str = "custom_fields"
    writes: bool = True
    note: str = "an object keyed by FIELD_NAME; choices of several as a list"

    @property
    def natives(self) -> tuple[str, ...]:
        return (CUSTOM,)

    def read(self, wire: Wire, known: Known) -> JSON:
        return read_custom(wire.get(CUSTOM), known.custom)

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        if not isinstance(value, dict):
            raise Unfit("wrong_type", "takes an object keyed by field name")
        draft.faults.extend(put_custom(value, draft, place, pointer=place.pointer))


class OneCustom(Struct, frozen=True, kw_only=True):
    """One custom field under a name of the unified model."""

    name: str
    field: str
    writes: bool = True
    note: str = ""

    @property
    def natives(self) -> tuple[str, ...]:
        return (CUSTOM,)

    def read(self, wire: Wire, known: Known) -> JSON:
        found = read_custom(wire.get(CUSTOM), known.custom)
        return found.get(self.field) if isinstance(found, dict) else None

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        faults = put_custom({self.field: value}, draft, place, pointer="/custom_fields")
        draft.faults.extend(replace(each, pointer=place.pointer, field=self.name) for each in faults)


class Constant(Struct, frozen=True, kw_only=True):
    """The same value in every record; it is read only."""

    name: str
    value: JSON
    natives: tuple[str, ...] = ()
    writes: bool = False
    note: str = "the same in every record"

    def read(self, wire: Wire, known: Known) -> JSON:
        return self.value

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        raise Unfit("read_only", f"{self.name} is a constant and cannot be written")


class Below(Struct, frozen=True, kw_only=True):
    """What stands below a record and costs a call of its own: shown where it is expanded, read only.

    `path` is the part of the route below the record; `shape` makes the unified value of what is there.
    """

    name: str
    path: str
    shape: Callable[[Sequence[Wire], Known], JSON]
    natives: tuple[str, ...] = ()
    writes: bool = False
    references: tuple[Reference, ...] = ()
    note: str = "shown where it is expanded"

    def read(self, wire: Wire, known: Known) -> JSON:
        return None

    def read_below(self, record_id: JSON, known: Known) -> JSON:
        """The value of one record, `None` until it was fetched."""
        found = known.below.get((self.path, record_id)) if isinstance(record_id, int) else None
        return None if found is None else self.shape(found, known)

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        raise Unfit("read_only", f"{self.name} is written by calls of its own, through the proxy")


Evaluate = Callable[[str, Mapping[str, JSON]], JSON]
"""Evaluates an expression (JSONata) over a context; raises `ValueError` with the reason."""


class Expressed(Struct, frozen=True, kw_only=True):
    """A value that an expression makes of the record as Insightly spells it.

    It is read only unless it has the row `into`: then `back` makes that row's value of `{"value": …}`.
    """

    name: str
    expression: str
    evaluate: Evaluate
    back: str | None = None
    into: "Plain | Ref | Choice | OneCustom | None" = None
    note: str = "made by an expression"

    @property
    def natives(self) -> tuple[str, ...]:
        return () if self.into is None else self.into.natives

    @property
    def writes(self) -> bool:
        """Whether there is a way back."""
        return self.back is not None and self.into is not None

    def read(self, wire: Wire, known: Known) -> JSON:
        try:
            return self.made_of(wire, known)
        except ValueError:
            return None  # what it cannot read stays in the remote data

    def made_of(self, wire: Wire, known: Known) -> JSON:
        """The value of one record. Raises `ValueError` with the reason where the expression fails."""
        return self.evaluate(self.expression, wire | {"custom_fields": read_custom(wire.get(CUSTOM), known.custom)})

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        if self.back is None or self.into is None:
            raise Unfit("read_only", f"{self.name} is made by an expression without a way back")
        try:
            made = None if value is None else self.evaluate(self.back, {"value": value})
        except ValueError as error:
            raise Unfit("wrong_type", f"the expression cannot take {value!r}: {error}") from error
        if made is None and value is not None:  # it would clear the field, which nobody asked for
            raise Unfit("unknown_value", f"the expression makes nothing of {value!r}; write null to clear the field")
        self.into.write(made, draft, place)


class Absent(Struct, frozen=True, kw_only=True):
    """A field of the unified model that Insightly has no place for, until an override maps it to a custom field."""

    name: str
    natives: tuple[str, ...] = ()
    writes: bool = True
    note: str = "Insightly has no field for it; map it to a custom field"

    def read(self, wire: Wire, known: Known) -> JSON:
        return None

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        if value is not None:
            raise Unfit("unsupported_type", "Insightly has no field for it; map it to a custom field")


Equal = Callable[[tuple[str, ...], str], tuple[str, str] | None]
"""The wire field and value whose equality a filter is, by the path below the field and its value; `None` for none."""


class Acted(Struct, frozen=True, kw_only=True):
    """A field that is written in a way of its own: over several fields, or by further calls. `act` does that.

    Where `goes_with` names fields, a change that has not all of them must know the record as it stands. With `equal`
    Insightly's search can do a filter by it.
    """

    name: str
    shown: Read
    act: Callable[[JSON, Draft, Place], None]
    reference: Reference | None = None
    references: tuple[Reference, ...] = ()
    wanted_to_create: bool = False
    goes_with: tuple[str, ...] = ()
    equal: Equal | None = None
    natives: tuple[str, ...] = ()
    writes: bool = True
    note: str = ""

    def read(self, wire: Wire, known: Known) -> JSON:
        return self.shown(wire, known)

    def wants(self, value: JSON, *, creates: bool) -> bool:
        return self.reference is not None and ((creates and self.wanted_to_create) or wants_names(value))

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        self.act(value, draft, place)


Row: TypeAlias = (
    Plain
    | Ref
    | Choice
    | Several
    | Addresses
    | Tags
    | Listed
    | Dated
    | Linked
    | Below
    | Computed
    | Custom
    | OneCustom
    | Constant
    | Expressed
    | Absent
    | Acted
)


def fault(error: Unfit, place: Place, natives: Sequence[str]) -> Fault:
    """What is wrong with a value, at its place in the body."""
    pointer = place.pointer + error.where
    return Fault(
        pointer=pointer,
        code=error.code,
        detail=f"{pointer.lstrip('/').replace('/', '.')}: {error}",
        field=place.pointer.strip("/").split("/")[0],
        native_field=natives[0] if natives else None,
        near=error.near,
    )
