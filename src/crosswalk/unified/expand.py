"""Expansions: names of linked records and what stands below a record, which reads they cost and how many. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.unified.errors import Fault, Refused
from crosswalk.unified.known import Known, Wire
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Below, Ref
from crosswalk.unified.objects import KINDS

MOST = 100
"""Reads that one answer's expansion makes at most; what is beyond keeps its id without a name."""


class Want(Struct, frozen=True):
    """One read of an expansion: a record of the kind `name`, or the list `name` `below` a record."""

    path: str
    name: str
    id: int
    below: bool = False


class Expansion(Struct, frozen=True, kw_only=True):
    """The reads of an expansion, each once, and how many were left out."""

    wants: tuple[Want, ...] = ()
    left_out: int = 0


def expandable(noun: Noun) -> tuple[str, ...]:
    """The fields that `expand=` takes."""
    return tuple(row.name for row in noun.rows if isinstance(row, Below | Linked) or _points(row))


def plan_expansion(noun: Noun, fields: Sequence[str], records: Sequence[Wire], *, most: int = MOST) -> Expansion:
    """The reads that fill these fields of these records. Raises `Refused` for a field that cannot be expanded."""
    able = expandable(noun)
    faults = [_refuse(noun, name, able) for name in fields if name not in able]
    if faults:
        raise Refused(faults)
    wants = list(dict.fromkeys(want for record in records for name in fields for want in _wants(noun, name, record)))
    return Expansion(wants=tuple(wants[:most]), left_out=max(0, len(wants) - most))


def learn(known: Known, found: Mapping[Want, Wire | Sequence[Wire]]) -> Known:
    """What is known, with what an expansion's reads gave; a read that failed is simply not among them."""
    records = {(want.name, want.id): each for want, each in found.items() if isinstance(each, dict)}
    below = {(want.name, want.id): each for want, each in found.items() if not isinstance(each, dict)}
    return replace(known, records={**known.records, **records}, below={**known.below, **below})


def _points(row: object) -> bool:
    return isinstance(row, Ref) and row.object in KINDS


def _refuse(noun: Noun, name: str, able: Sequence[str]) -> Fault:
    near = get_close_matches(name, able, n=2) or able
    detail = f"{name} of {noun.name} cannot be expanded; these can: {', '.join(able) or 'none'}"
    return Fault(pointer="", code="unknown_field", field="expand", detail=detail, near=tuple(near))


def _wants(noun: Noun, name: str, record: Wire) -> Iterator[Want]:
    row = noun.row[name]
    match row:
        case Below(path=path):
            record_id = record.get(noun.id_field)
            if isinstance(record_id, int):
                yield Want(f"{noun.resource.path}/{record_id}/{path}", path, record_id, below=True)
        case Linked(object=kind):
            yield from (_want(kind, other) for other in row.ends(record))
        case Ref(object=str(kind), field=field):
            other = record.get(field)
            if isinstance(other, int) and other:
                yield _want(kind, other)
        case _:
            return


def _want(kind: str, other: int) -> Want:
    return Want(f"{KINDS[kind].resource.path}/{other}", kind, other)
