"""Rows for records that a record is linked with. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext

from msgspec import Struct

from crosswalk.unified.known import JSON, Known, Search, Wire
from crosswalk.unified.objects import find_record, read_record, search_for
from crosswalk.unified.place import Place, entries, listed
from crosswalk.unified.plan import Draft, Step
from crosswalk.unified.value import Unfit, at, read_value, write_value

SAID = (("role", "ROLE"), ("details", "DETAILS"))
"""What a link says beside its two ends."""
NAMING = frozenset({"id", "name", "email"})
UNLINK = "unlink"


class Linked(Struct, frozen=True, kw_only=True):
    """Records of one kind that this one is linked with; a link may stand on either side.

    `object` is the record's kind as links spell it; `field` holds the first of them where the record has one for it,
    unless the field `unless` is filled. Written links are further calls; an update compares with what is there, adds
    what is missing and takes off what the list leaves out.
    """

    name: str
    object: str
    many: bool = True
    field: str | None = None
    unless: str | None = None
    writes: bool = True
    note: str = ""

    @property
    def natives(self) -> tuple[str, ...]:
        return ("LINKS",) if self.field is None else (self.field, "LINKS")

    def read(self, wire: Wire, known: Known) -> JSON:
        found = [_shown(self.object, other, link, known) for other, link in self.ends(wire).items()]
        return found if self.many else found[0] if found else None

    def ends(self, wire: Wire) -> Mapping[int, Wire]:
        """The ids of the linked records, each with its link."""
        links = dict(self._links(wire)) if wire.get("LINKS") else {}
        own = wire.get(self.field) if self.field else None
        return {own: links.get(own, {})} | links if isinstance(own, int) and own else links

    def _links(self, wire: Wire) -> Iterator[tuple[int, Wire]]:
        seen: set[int] = set()
        for link in entries(wire.get("LINKS")):
            other = _other_end(link, self.object)
            if other is not None and other not in seen:
                seen.add(other)
                yield other, link

    def asked(self, value: JSON) -> Sequence[JSON]:
        """The items of a value as a body gives it. Raises `Unfit`."""
        return listed(value) if self.many else [] if value is None else [value]

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        want: dict[int, Wire] = {}
        for index, item in enumerate(self.asked(value)):
            with at(index) if self.many else nullcontext():
                want.setdefault(find_record(place.known, self.object, item), _said(item))
        if self.field is not None and not self._is_taken(draft, place):
            draft.wire[self.field] = next(iter(want), None)
        have = {} if draft.creates else dict(self._links(place.present or {}))
        for other, said in want.items():
            draft.steps.extend(self._join(other, said, have.get(other), place))
        for other, link in have.items():
            if other not in want:
                draft.steps.append(self._part(other, link, place))

    def _is_taken(self, draft: Draft, place: Place) -> bool:
        """Whether another field stands against ours: Insightly takes a task's project or its opportunity (S5)."""
        return self.unless is not None and bool(draft.wire.get(self.unless, (place.present or {}).get(self.unless)))

    def _join(self, other: int, said: Wire, link: Wire | None, place: Place) -> Iterator[Step]:
        """The calls that make a link, or that change what one says."""
        path = f"{place.resource.path}/{{id}}/Links"
        body: Wire = {"LINK_OBJECT_NAME": self.object, "LINK_OBJECT_ID": other}
        if link is None:
            yield Step(name=f"link {self.object} {other}", method="POST", path=path, body=body | said)
        elif all((link.get(field) or None) == value for field, value in said.items()):
            return
        elif place.resource.serves("PUT", "/{id}/Links"):
            kept = {field: link.get(field) for _, field in SAID}
            whole: Wire = {"LINK_ID": link.get("LINK_ID")} | body | kept | said
            yield Step(name=f"relink {self.object} {other}", method="PUT", path=path, body=whole)
        else:
            yield self._part(other, link, place)
            yield Step(name=f"link {self.object} {other}", method="POST", path=path, body=body | said)

    def _part(self, other: int, link: Wire, place: Place) -> Step:
        path = f"{place.resource.path}/{{id}}/Links/{link.get('LINK_ID')}"
        return Step(name=f"{UNLINK} {self.object} {other}", method="DELETE", path=path)


def wanted_searches(row: Linked, value: JSON) -> Iterator[Search]:
    """The searches that the names among a value's items want."""
    return (found for item in row.asked(value) if (found := search_for(row.object, item)) is not None)


def read_links(wire: Wire, known: Known) -> JSON:
    """Every link of a record, whatever stands at its other end."""
    return [_one_link(link) for link in entries(wire.get("LINKS"))]


def _one_link(link: Wire) -> JSON:
    said: Wire = {ours: read_value("text", link.get(theirs)) for ours, theirs in SAID}
    ends = {
        ours: read_value("id", link.get(theirs))
        for ours, theirs in (("id", "LINK_ID"), ("record_id", "LINK_OBJECT_ID"))
    }
    return ends | {"object": link.get("LINK_OBJECT_NAME")} | said | {"is_forward": link.get("IS_FORWARD")}


def _shown(name: str, other: int, link: Wire, known: Known) -> JSON:
    shown = read_record(known, name, other)
    said: Wire = {ours: value for ours, theirs in SAID if (value := link.get(theirs))}
    return shown | said if isinstance(shown, dict) else shown


def _said(item: JSON) -> Wire:
    """What an item says of its link. Raises `Unfit` for what a link cannot say."""
    if not isinstance(item, dict):
        return {}
    extra = sorted(set(item) - NAMING - {ours for ours, _ in SAID})
    if extra:
        raise Unfit("unknown_field", f"a link says role and details, not {', '.join(extra)}")
    return {theirs: write_value("text", item[ours]) for ours, theirs in SAID if ours in item}


def _other_end(link: Wire, wanted: str) -> int | None:
    for name, key in (("LINK_OBJECT_NAME", "LINK_OBJECT_ID"), ("OBJECT_NAME", "OBJECT_ID")):
        found = link.get(key)
        if str(link.get(name) or "").casefold() == wanted.casefold() and isinstance(found, int):
            return found
    return None
