"""The verbs of the unified model, once for every noun: read a record, plan a creation, a change, a deletion. Pure."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

from crosswalk.contract import Resource, load
from crosswalk.unified.custom import CUSTOM, depends, is_written
from crosswalk.unified.errors import Fault, Refused, Unservable
from crosswalk.unified.known import JSON, NOTHING, Known, Reference, Wire
from crosswalk.unified.links import UNLINK, Linked
from crosswalk.unified.maps import Acted, Below, Computed, Custom, Expressed, OneCustom, Plain, Ref, Row, fault
from crosswalk.unified.place import Place, entries
from crosswalk.unified.plan import Draft, Step, WritePlan
from crosswalk.unified.reference import BOOKS
from crosswalk.unified.value import Unfit, write_id

Verb = Literal["list", "get", "create", "update", "delete", "upsert"]


class Default(Struct, frozen=True, kw_only=True):
    """An id that a creation must hold: the reference's record whose `flag` is set, where the body names none."""

    field: str
    reference: Reference
    flag: str


class Noun(Struct, frozen=True, kw_only=True):
    """One unified resource: its table of rows over one of Insightly's resources.

    `object` is the record's kind as links spell it; `match` are unified fields that an upsert may find a record by;
    `preset` and `defaults` are wire values of a creation that says nothing else; `parents` are kinds, with their paths,
    below which alone a record can be made; `overridden` are the fields that overrides made otherwise.
    """

    name: str
    wire: str
    object: str
    rows: tuple[Row, ...]
    match: tuple[str, ...] = ()
    preset: tuple[tuple[str, JSON], ...] = ()
    defaults: tuple[Default, ...] = ()
    parents: tuple[tuple[str, str], ...] = ()
    note: str = ""
    overridden: tuple[str, ...] = ()

    @property
    def resource(self) -> Resource:
        """What the contract says of the resource below."""
        return load().resource(self.wire)

    @property
    def row(self) -> Mapping[str, Row]:
        """Its rows by unified name."""
        return {row.name: row for row in self.rows}

    @property
    def id_field(self) -> str:
        """The wire field that names a record."""
        return str(self.resource.id)


def to_unified(noun: Noun, wire: Wire, known: Known = NOTHING) -> dict[str, JSON]:
    """One record in the unified shape: every field of the noun is there, `None` or empty where nothing is known."""
    shown = {row.name: row.read(wire, known) for row in noun.rows}
    if known.below:
        record_id = wire.get(noun.id_field)
        shown |= {row.name: row.read_below(record_id, known) for row in noun.rows if isinstance(row, Below)}
    return shown


def verbs(noun: Noun) -> frozenset[Verb]:
    """What Insightly can serve for a noun, worked out from its contract and its table."""
    resource = noun.resource
    served: dict[Verb, bool] = {
        "list": resource.serves("GET"),
        "get": resource.serves("GET", "/{id}"),
        "create": resource.serves("POST") or bool(noun.parents),
        "update": resource.serves("PUT"),
        "delete": resource.serves("DELETE", "/{id}"),
    }
    served["upsert"] = served["create"] and served["update"] and bool(noun.match)
    writes = any(row.writes for row in noun.rows)
    return frozenset(verb for verb, here in served.items() if here and (writes or verb in {"list", "get"}))


def expresses(noun: Noun) -> bool:
    """Whether expressions make some of its fields: another process evaluates them, so that reading them waits."""
    return any(isinstance(row, Expressed) for row in noun.rows)


def needs_read(noun: Noun) -> frozenset[Reference]:
    """The references that reading the noun's records wants, for names and types."""
    found: set[Reference] = set()
    for row in noun.rows:
        match row:
            case Ref(reference=reference) if reference is not None:
                found.add(reference)
            case Custom() | OneCustom():
                found.add("custom_fields")
            case Expressed() if CUSTOM in noun.resource.field:
                found.add("custom_fields")  # it sees them by name
            case Computed(references=more) | Acted(references=more):
                found.update(more)
            case _:
                pass
    return frozenset(found)


def needs_write(noun: Noun, body: Mapping[str, JSON], *, creates: bool) -> frozenset[Reference]:
    """The references that writing this body wants: those by whose names it speaks, and custom fields it sets."""
    found: set[Reference] = {each.reference for each in noun.defaults if creates}
    for name, value in body.items():
        match noun.row.get(name):
            case Ref() | Acted() as row if row.wants(value, creates=creates):
                found.update([row.reference] if row.reference else [])
                found.update(row.references if isinstance(row, Acted) else ())
            case Custom() | OneCustom() | Expressed(into=OneCustom()):
                found.add("custom_fields")
            case Expressed(into=Ref(reference=reference)) if reference is not None:
                found.add(reference)  # the expression may answer a name
            case _:
                pass
    return frozenset(found)


def plan_create(noun: Noun, body: Mapping[str, JSON], known: Known = NOTHING) -> WritePlan:
    """The calls that make a record. Raises `Refused` with everything that is wrong, and `Unservable`."""
    _check_verb(noun, "create")
    draft = _write(noun, body, Draft(creates=True), known, None)
    draft.wire = dict(noun.preset) | _defaults(noun, draft, known) | draft.wire
    _require(noun, draft)
    path = _parent_path(noun, draft) if noun.parents else noun.resource.path
    if draft.faults:
        raise Refused(draft.faults)
    first = Step(name=f"create {noun.object}", method="POST", path=path, body=draft.wire)
    return WritePlan(object=noun.object, id_field=noun.id_field, steps=(first, *draft.steps))


def _defaults(noun: Noun, draft: Draft, known: Known) -> Wire:
    """The ids that a creation must hold and does not name, where the account says which is its usual one."""
    found = {each.field: _usual(each, known) for each in noun.defaults if each.field not in draft.wire}
    return {field: value for field, value in found.items() if value is not None}


def _usual(default: Default, known: Known) -> JSON:
    records = known.references.get(default.reference, ())
    return next((record.get(BOOKS[default.reference].id) for record in records if record.get(default.flag)), None)


def _parent_path(noun: Noun, draft: Draft) -> str:
    """Where a record that lives below others is made: below the first it is linked with; the other links stay steps."""
    paths = dict(noun.parents)
    for step in draft.steps:
        kind = str((step.body or {}).get("LINK_OBJECT_NAME"))
        if kind in paths:
            draft.steps.remove(step)
            return f"{paths[kind]}/{(step.body or {})['LINK_OBJECT_ID']}{noun.resource.path}"
    names = sorted(row.name for row in noun.rows if isinstance(row, Linked) and row.object in paths)
    detail = f"{noun.object} is made below another record; name one of {', '.join(names)}"
    draft.faults.append(Fault(pointer="", code="note_parent_required", detail=detail, near=tuple(names)))
    return noun.resource.path


def plan_update(
    noun: Noun,
    record_id: str,
    body: Mapping[str, JSON],
    known: Known = NOTHING,
    *,
    present: Wire | None = None,
    replaces: bool = False,
) -> WritePlan:
    """The calls that change a record: one PUT with the changed fields, and steps of their own.

    With `replaces` the account's PUT erases what it does not hold, so that the present record is sent along. A plan
    with `reads` and no steps wants `present`: read the record and plan again. Raises `Refused` and `Unservable`.
    """
    _check_verb(noun, "update")
    number = _record_id(record_id)
    if present is None and (replaces or _merges(noun, body, known)):
        return WritePlan(object=noun.object, id_field=noun.id_field, id=record_id, reads=True)
    draft = _write(noun, body, Draft(creates=False), known, present)
    if draft.faults:
        raise Refused(draft.faults)
    # what is taken off goes first: Insightly knows no second link between the same two records
    steps = sorted(draft.steps, key=lambda step: not step.name.startswith(UNLINK))
    if draft.wire:
        wire: Wire = {noun.id_field: number} | (
            _over(noun, present or {}, draft.wire, known) if replaces else draft.wire
        )
        steps.insert(0, Step(name=f"update {noun.object}", method="PUT", path=noun.resource.path, body=wire))
    return WritePlan(object=noun.object, id_field=noun.id_field, id=record_id, steps=tuple(steps))


def plan_delete(noun: Noun, record_id: str) -> WritePlan:
    """The call that deletes a record. Raises `Unservable`."""
    _check_verb(noun, "delete")
    path = f"{noun.resource.path}/{_record_id(record_id)}"
    step = Step(name=f"delete {noun.object}", method="DELETE", path=path)
    return WritePlan(object=noun.object, id_field=noun.id_field, id=record_id, steps=(step,))


def _record_id(text: str) -> int:
    try:
        return write_id(text)
    except Unfit as error:
        raise Refused([Fault(pointer="/id", code=error.code, detail=f"id: {error}", field="id")]) from error


def _check_verb(noun: Noun, verb: Verb) -> None:
    if verb not in verbs(noun):
        can = ", ".join(sorted(verbs(noun)))
        raise Unservable(f"Insightly's API cannot {verb} {noun.name}; it can {can}")


def _write(noun: Noun, body: Mapping[str, JSON], draft: Draft, known: Known, present: Wire | None) -> Draft:
    """Put a body into a draft, in the table's order: a stage comes after its pipeline."""
    writers: dict[str, str] = {}
    for name in sorted(body, key=lambda name: _rank(noun, name)):
        row = noun.row.get(name)
        place = Place(noun.resource, known, f"/{name.replace('~', '~0').replace('/', '~1')}", present)
        if row is None:
            draft.faults.append(_unknown(noun, name, place))
        elif not row.writes:
            draft.faults.append(fault(Unfit("read_only", "is read only"), place, row.natives))
        else:
            before = _said(draft.wire)
            try:
                row.write(body[name], draft, place)
                _refuse_two_words(noun, name, before, _said(draft.wire), writers)
            except Unfit as error:
                draft.faults.append(fault(error, place, row.natives))
    return draft


def _said(wire: Wire) -> Mapping[str, JSON]:
    """What a draft says so far of each of Insightly's fields, custom fields one by one."""
    custom = {str(each.get("FIELD_NAME")): each.get("FIELD_VALUE") for each in entries(wire.get(CUSTOM))}
    return {name: value for name, value in wire.items() if name != CUSTOM} | custom


def _refuse_two_words(
    noun: Noun, name: str, before: Mapping[str, JSON], after: Mapping[str, JSON], writers: dict[str, str]
) -> None:
    """Raise `Unfit` where an override leads two fields of a body to one of Insightly's, with different values."""
    for native, value in after.items():
        other = writers.get(native)
        if other is not None and before[native] != value and {name, other} & set(noun.overridden):
            raise Unfit("ambiguous_value", f"is written to {native} as {other} is, with another value; leave one out")
        if native not in before or before[native] != value:
            writers[native] = name


def _rank(noun: Noun, name: str) -> int:
    names = [row.name for row in noun.rows]
    return names.index(name) if name in names else len(names)


def _unknown(noun: Noun, name: str, place: Place) -> Fault:
    near = get_close_matches(name, noun.row, n=3, cutoff=0.6)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    return fault(Unfit("unknown_field", f"is no field of {noun.name}.{hint}", tuple(near)), place, ())


def _require(noun: Noun, draft: Draft) -> None:
    """What a creation must hold: rows that say so, whose fields are empty."""
    for row in noun.rows:
        if isinstance(row, Plain) and row.required and not draft.wire.get(row.field):
            if any(each.field == row.name for each in draft.faults):
                continue
            detail = f"{row.name} is needed to make {noun.name}"
            found = Fault(
                pointer=f"/{row.name}", code="required", detail=detail, field=row.name, native_field=row.field
            )
            draft.faults.append(found)


def _merges(noun: Noun, body: Mapping[str, JSON], known: Known) -> bool:
    """Whether a change depends on what is there: links are merged, a choice or an amount goes with other fields."""
    rows = ((noun.row.get(name), value) for name, value in body.items())
    return any(
        isinstance(row, Linked)
        or (isinstance(row, Acted) and not set(row.goes_with) <= set(body))
        or (isinstance(row, Custom) and depends(value, known.custom))
        or (isinstance(row, OneCustom) and depends({row.field: value}, known.custom))
        for row, value in rows
    )


def _over(noun: Noun, present: Wire, changed: Wire, known: Known) -> Wire:
    """A record's writable fields with the changed ones over them, custom fields one by one."""
    fields: Sequence[str] = [field.name for field in noun.resource.fields if field.put and not field.read_only]
    whole = {name: present[name] for name in fields if name in present}
    found = [each for each in entries(present.get(CUSTOM)) if is_written(each, known.custom)]
    by_name: Wire = {str(each.get("FIELD_NAME")): each for each in (*found, *entries(changed.get(CUSTOM)))}
    return whole | changed | ({CUSTOM: list(by_name.values())} if by_name else {})
