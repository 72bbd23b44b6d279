"""Overrides: what an installation, an environment or an account maps otherwise than the tables do. Pure.

An override says for one unified field what it is made of, by exactly one of:

field        another of Insightly's fields, both ways
custom_field one of the account's custom fields, both ways and typed
constant     the same value in every record
expression   JSONata over the record as Insightly spells it, and its `custom_fields` by name; with `into`, a field of
             Insightly's, and `back`, over `value`, it is written too
hidden       the field is not there
standard     the table's own row, whatever a wider layer says

The narrowest layer that names a field wins it whole: base, then environment, then account.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from crosswalk.contract import Field
from crosswalk.insightly.custom_fields import FieldTypes
from crosswalk.unified.custom import CUSTOM
from crosswalk.unified.errors import Fault, FaultCode, Refused
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.mapping import Noun, to_unified
from crosswalk.unified.maps import Choice, Constant, Evaluate, Expressed, OneCustom, Plain, Ref, Row
from crosswalk.unified.value import Kind

Scalar: TypeAlias = str | int | float | bool | None
Layer = Literal["base", "environment", "account"]
LAYERS: Sequence[Layer] = ("base", "environment", "account")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MOST_CHARACTERS = 4_000
"""Characters of one expression."""
MOST = 200
"""Overrides of one resource in one layer."""


class Override(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one unified field is made of instead; exactly one of the first six is given."""

    field: str | None = None
    custom_field: str | None = None
    constant: Scalar | UnsetType = UNSET
    expression: str | None = None
    hidden: bool = False
    standard: bool = False
    into: str | None = None
    back: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Which of the six are given."""
        here = {
            "field": self.field is not None,
            "custom_field": self.custom_field is not None,
            "constant": self.constant is not UNSET,
            "expression": self.expression is not None,
            "hidden": self.hidden,
            "standard": self.standard,
        }
        return tuple(name for name, given in here.items() if given)


Overrides: TypeAlias = Mapping[str, Override]
"""Overrides of one resource in one layer, by unified field."""
Layers: TypeAlias = Mapping[Layer, Overrides]


class Explanation(Struct, frozen=True, kw_only=True):
    """Where one unified field comes from: the layer that set it, by what; `beneath` are layers that it covers."""

    field: str
    layer: Layer | Literal["standard"]
    source: str
    natives: tuple[str, ...]
    writes: bool
    note: str
    beneath: tuple[str, ...] = ()


class Traced(Struct, frozen=True, kw_only=True):
    """One value of one record: where it comes from, and what Insightly has there."""

    explanation: Explanation
    value: JSON
    remote: dict[str, JSON]


class Failure(Struct, frozen=True, kw_only=True):
    """An expression that fails on one record, and why."""

    id: str
    field: str
    detail: str


class Difference(Struct, frozen=True, kw_only=True):
    """One value that would change: what it is, what it would be; a field that comes or goes is `None` on one side."""

    id: str
    field: str
    before: Any
    after: Any


def overlay(noun: Noun, layers: Layers, evaluate: Evaluate) -> Noun:
    """The noun with its overrides. They have passed `check_overrides`; `evaluate` is asked when a record is read."""
    rows: dict[str, Row] = {row.name: row for row in noun.rows}
    for name, (_, override) in _winners(layers).items():
        if override.hidden:
            rows.pop(name, None)
        elif not override.standard:
            rows[name] = _row(noun, name, override, evaluate)
    made = tuple(name for name, (_, override) in _winners(layers).items() if name in rows and not override.standard)
    match = tuple(name for name in noun.match if name in rows)
    return replace(noun, rows=tuple(rows.values()), match=match, overridden=made)


def check_overrides(
    noun: Noun,
    overrides: Overrides,
    custom: FieldTypes | None,
    check: Callable[[str], object],
    *,
    wider: Collection[str] = (),
) -> None:
    """Raise `Refused` with everything that cannot be: `check` raises `ValueError` for an expression that is none.

    Names of custom fields are looked at where the account's are known; `wider` are fields that wider layers name, so
    that there is something to hide.
    """
    faults = [
        fault for name, override in overrides.items() for fault in _faults(noun, name, override, custom, check, wider)
    ]
    if len(overrides) > MOST:
        faults.append(Fault(pointer="", code="out_of_range", detail=f"at most {MOST} overrides fit in one layer"))
    if faults:
        raise Refused(faults)


def explain(noun: Noun, name: str, layers: Layers) -> Explanation:
    """Where a field comes from. Raises `Refused` for one that neither the table nor an override has."""
    said = [(layer, layers[layer][name]) for layer in LAYERS if name in layers.get(layer, {})]
    if not said and name not in noun.row:
        near = tuple(get_close_matches(name, [*noun.row, *_winners(layers)], n=3))
        detail = f"{name} is no field of {noun.name}"
        raise Refused([Fault(pointer="", code="unknown_field", field=name, detail=detail, near=near)])
    beneath = ("standard",)[: name in noun.row] + tuple(layer for layer, _ in said)
    if not said or (said[-1][1].standard and name in noun.row):
        row = noun.row[name]
        return Explanation(
            field=name,
            layer=said[-1][0] if said else "standard",
            source="standard",
            natives=row.natives,
            writes=row.writes,
            note=row.note,
            beneath=beneath[:-1],
        )
    layer, override = said[-1]
    row_of = None if override.hidden or override.standard else _row(noun, name, override, _unasked)
    return Explanation(
        field=name,
        layer=layer,
        source=override.sources[0],
        natives=_natives(override, row_of),
        writes=False if row_of is None else row_of.writes,
        note="not shown" if row_of is None else row_of.note,
        beneath=beneath[:-1],
    )


def trace(noun: Noun, layers: Layers, wire: Wire, known: Known, evaluate: Evaluate) -> Iterator[Traced]:
    """Every value of a record, with where it comes from and what Insightly has there."""
    for name, value in to_unified(overlay(noun, layers, evaluate), wire, known).items():
        told = explain(noun, name, layers)
        yield Traced(explanation=told, value=value, remote={native: wire.get(native) for native in told.natives})


def preview(before: Noun, after: Noun, wires: Sequence[Wire], known: Known) -> Iterator[Difference]:
    """What records would say otherwise; the values of a field that stays as it is are left out."""
    for wire in wires:
        old, new = to_unified(before, wire, known), to_unified(after, wire, known)
        for name in old | new:
            if old.get(name) != new.get(name):
                yield Difference(
                    id=str(wire.get(before.id_field)), field=name, before=old.get(name), after=new.get(name)
                )


def failures(noun: Noun, wires: Sequence[Wire], known: Known) -> Iterator[Failure]:
    """Where expressions fail on records; what is read shows `None` there."""
    for wire in wires:
        record_id = str(wire.get(noun.id_field))
        for row in noun.rows:
            if isinstance(row, Expressed):
                try:
                    row.made_of(wire, known)
                except ValueError as error:
                    yield Failure(id=record_id, field=row.name, detail=str(error))


def _winners(layers: Layers) -> dict[str, tuple[Layer, Override]]:
    return {name: (layer, override) for layer in LAYERS for name, override in layers.get(layer, {}).items()}


def _natives(override: Override, row: Row | None) -> tuple[str, ...]:
    if override.custom_field is not None:
        return (override.custom_field,)
    return () if row is None else row.natives


def _unasked(expression: str, context: Mapping[str, JSON]) -> JSON:
    raise AssertionError("an explanation evaluates nothing")


def _row(noun: Noun, name: str, override: Override, evaluate: Evaluate) -> Row:
    if override.field is not None:
        return _native_row(noun, name, override.field)
    if override.custom_field is not None:
        return OneCustom(name=name, field=override.custom_field)
    if override.expression is not None:
        into = None if override.into is None else _target(noun, name, override.into)
        return Expressed(name=name, expression=override.expression, evaluate=evaluate, back=override.back, into=into)
    return Constant(name=name, value=None if override.constant is UNSET else override.constant)


def _target(noun: Noun, name: str, native: str) -> Plain | Ref | Choice | OneCustom:
    return _native_row(noun, name, native) if native in noun.resource.field else OneCustom(name=name, field=native)


def _native_row(noun: Noun, name: str, native: str) -> Plain | Ref | Choice:
    """A row for one of Insightly's fields: as the table reads it where it does, else by the contract's type."""
    for row in noun.rows:
        match row:
            case Plain(field=field) if field == native:
                return replace(row, name=name, required=False, note="")
            case Ref(field=field) | Choice(field=field) if field == native:
                return replace(row, name=name, note="")
            case _:
                pass
    told = noun.resource.field[native]
    return Plain(name=name, field=native, kind=_kind(told), writes=(told.post or told.put) and not told.read_only)


def _kind(field: Field) -> Kind:
    if field.format == "date-time":
        return "moment"
    if field.type == "integer":
        return "id" if field.name.endswith("_ID") else "integer"
    kinds: Mapping[str, Kind] = {"number": "number", "boolean": "boolean"}
    return kinds.get(field.type, "text")


def _faults(
    noun: Noun,
    name: str,
    override: Override,
    custom: FieldTypes | None,
    check: Callable[[str], object],
    wider: Collection[str],
) -> Iterator[Fault]:
    def fault(code: FaultCode, detail: str, near: Sequence[str] = ()) -> Fault:
        return Fault(pointer=f"/{name}", code=code, field=name, detail=f"{name}: {detail}", near=tuple(near))

    sources = override.sources
    if NAME.fullmatch(name) is None:
        yield fault("unknown_field", "a unified field is named in small letters, digits and underscores")
    if len(sources) != 1:
        told = f"not {' and '.join(sources)}" if sources else "none is given"
        yield fault("wrong_type", f"takes one of field, custom_field, constant, expression, hidden, standard; {told}")
        return
    yield from (fault(*each) for each in _unheld(noun, name, override, wider))
    if override.field is not None:
        yield from (fault(*each) for each in _no_field(noun, override.field))
    if override.custom_field is not None:
        yield from (fault(*each) for each in _no_custom(noun, override.custom_field, custom))
    if override.expression is None and (override.into is not None or override.back is not None):
        yield fault("wrong_type", "into and back go with an expression")
    if override.expression is not None:
        yield from (fault(*each) for each in _no_expression(noun, override, custom, check))


_Said: TypeAlias = tuple[FaultCode, str, Sequence[str]]


def _unheld(noun: Noun, name: str, override: Override, wider: Collection[str]) -> Iterator[_Said]:
    """What nobody could do without: the id, the version, and what Insightly wants in every new record."""
    row = noun.row.get(name)
    if name in {"id", "etag"} and not override.standard:
        told = "every record is named by it" if name == "id" else "every record's version is told by it"
        yield "read_only", told, ()
    elif isinstance(row, Plain) and row.required and not override.standard and override.field != row.field:
        yield "required", f"Insightly makes no record without {row.field}", ()
    elif row is None and name not in wider and (override.hidden or override.standard):
        yield "unknown_field", f"is no field of {noun.name}", get_close_matches(name, noun.row, n=3)


def _no_field(noun: Noun, native: str) -> Iterator[_Said]:
    field = noun.resource.field.get(native)
    if field is None:
        near = get_close_matches(native.upper(), noun.resource.field, n=3)
        yield "unknown_field", f"Insightly's {noun.wire} have no field {native}", near
    elif field.type in {"array", "object"}:
        yield "wrong_type", f"{native} is a list of records; it has a row of its own", ()


def _no_custom(noun: Noun, native: str, custom: FieldTypes | None) -> Iterator[_Said]:
    if CUSTOM not in noun.resource.field:
        yield "unknown_field", f"Insightly's {noun.wire} have no custom fields", ()
    elif custom is not None and native not in custom.fields:
        yield (
            "unknown_field",
            f"the account has no custom field {native}",
            get_close_matches(native, custom.fields, n=3),
        )


def _no_expression(
    noun: Noun, override: Override, custom: FieldTypes | None, check: Callable[[str], object]
) -> Iterator[_Said]:
    for what in filter(None, (override.expression, override.back)):
        if len(what) > MOST_CHARACTERS:
            yield "too_long", f"an expression holds at most {MOST_CHARACTERS:,} characters, not {len(what):,}", ()
            continue
        try:
            check(what)
        except ValueError as error:
            yield "wrong_type", f"the expression cannot be read: {error}", ()
    if (override.into is None) != (override.back is None):
        yield "wrong_type", "a way back has both: the field it goes into, and the expression back over {value}", ()
    if override.into is not None:
        here = override.into in noun.resource.field
        yield from _no_field(noun, override.into) if here else _no_custom(noun, override.into, custom)
