"""Rows for lists: values that Insightly has a field each for, and small lists that go with the record. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.place import Place, entries, listed
from crosswalk.unified.plan import Draft
from crosswalk.unified.value import Kind, Unfit, at, read_value, write_value


class Several(Struct, frozen=True, kw_only=True):
    """Values that Insightly has one field each for, as a list of `{"type": …, key: …}`; the first type is the default.

    A list that is written says all there is: types that it leaves out are cleared on an update.
    """

    name: str
    key: str
    items: tuple[tuple[str, str], ...]
    writes: bool = True
    note: str = ""

    @property
    def natives(self) -> tuple[str, ...]:
        return tuple(field for _, field in self.items)

    def read(self, wire: Wire, known: Known) -> JSON:
        pairs = ((kind, wire.get(field)) for kind, field in self.items)
        held = [(kind, value) for kind, value in pairs if value is not None and value != ""]
        return [{"type": kind, self.key: read_value("text", value)} for kind, value in held]

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        fields = dict(self.items)
        given: dict[str, JSON] = {}
        for index, item in enumerate(listed(value)):
            with at(index):
                kind, text = self._item(item, fields)
                if kind in given:
                    told = f"Insightly holds one {kind} of {self.name}, not a second one; map it to a custom field"
                    raise Unfit("unsupported_multiplicity", told)
                given[kind] = write_value("text", text, place.resource.field.get(fields[kind]))
        for kind, field in self.items:
            if kind in given or not draft.creates:
                draft.wire[field] = given.get(kind)

    def _item(self, item: JSON, fields: Mapping[str, str]) -> tuple[str, JSON]:
        if isinstance(item, str):
            item = {self.key: item}
        if not isinstance(item, dict) or not item.get(self.key):
            raise Unfit("wrong_type", f'needs {{"{self.key}": …}}')
        kind = item.get("type") or self.items[0][0]
        spare = _EMPTY_EXTRAS.get(self.name, frozenset())
        extra = sorted(key for key in set(item) - {self.key, "type"} - spare if item[key] is not None)
        if extra:
            raise Unfit("unknown_field", f"Insightly has no field for {', '.join(extra)}")
        if not isinstance(kind, str) or kind not in fields:
            told = f"Insightly has no {kind!r} of {self.name}; it has {', '.join(fields)}"
            raise Unfit("unsupported_type", told, tuple(fields))
        return kind, item[self.key]


_EMPTY_EXTRAS: Mapping[str, frozenset[str]] = {"email_addresses": frozenset({"is_primary"})}
"""Keys that callers of other unified APIs send along, and that say nothing which Insightly lacks."""

PARTS = (("city", "CITY"), ("state", "STATE"), ("postal_code", "POSTCODE"), ("country", "COUNTRY"))
ENDS = ("STREET", *(end for _, end in PARTS))


class Addresses(Struct, frozen=True, kw_only=True):
    """Postal addresses, a group of fields for each type; two street lines share Insightly's one, a newline between."""

    name: str
    items: tuple[tuple[str, str], ...]
    writes: bool = True
    note: str = ""

    @property
    def natives(self) -> tuple[str, ...]:
        return tuple(f"{prefix}{end}" for _, prefix in self.items for end in ENDS)

    def read(self, wire: Wire, known: Known) -> JSON:
        held = [each for each in self.items if any(wire.get(f"{each[1]}{end}") for end in ENDS)]
        found = ((kind, self._one(wire, prefix)) for kind, prefix in held)
        return [{"type": kind, **parts} for kind, parts in found if any(parts.values())]

    def _one(self, wire: Wire, prefix: str) -> dict[str, JSON]:
        first, _, rest = str(wire.get(f"{prefix}STREET") or "").replace("\r\n", "\n").partition("\n")
        parts: dict[str, JSON] = {"street_1": first or None, "street_2": rest or None}
        return parts | {ours: read_value("text", wire.get(f"{prefix}{theirs}")) for ours, theirs in PARTS}

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        given: dict[str, Mapping[str, JSON]] = {}
        for index, item in enumerate(listed(value)):
            with at(index):
                kind, parts = self._spell(item)
                if kind in given:
                    raise Unfit("unsupported_multiplicity", f"Insightly holds one {kind} address, not a second")
                given[kind] = parts
        for kind, prefix in self.items:
            if kind in given or not draft.creates:
                self._put(prefix, given.get(kind, {}), draft, place)

    def _spell(self, item: JSON) -> tuple[str, Mapping[str, JSON]]:
        if not isinstance(item, dict):
            raise Unfit("wrong_type", f"takes an address, not {item!r}")
        prefixes = dict(self.items)
        kind = str(item.get("type") or self.items[0][0])
        if kind not in prefixes:
            told = f"Insightly has no {kind!r} address; it has {', '.join(prefixes)}"
            raise Unfit("unsupported_type", told, tuple(prefixes))
        known = {"type", "street_1", "street_2", *(ours for ours, _ in PARTS)}
        extra = sorted(name for name in set(item) - known if item[name] is not None)
        if extra:
            raise Unfit("unknown_field", f"Insightly has no field for {', '.join(extra)} of an address")
        street = "\n".join(str(line) for name in ("street_1", "street_2") if (line := item.get(name)))
        return kind, {"STREET": street or None} | {theirs: item.get(ours) for ours, theirs in PARTS}

    def _put(self, prefix: str, parts: Mapping[str, JSON], draft: Draft, place: Place) -> None:
        for end in ("STREET", *(theirs for _, theirs in PARTS)):
            field = f"{prefix}{end}"
            draft.wire[field] = write_value("text", parts.get(end), place.resource.field.get(field))


class Tags(Struct, frozen=True, kw_only=True):
    """Tags, which Insightly knows by their text alone; a list that is written is the full set.

    They go with the record itself, in one call (the narrative document; Tealium's connector sends them so).
    """

    name: str = "tags"
    writes: bool = True
    note: str = "id and name are the same text; the list that is written is the full set"

    @property
    def natives(self) -> tuple[str, ...]:
        return ("TAGS",)

    def read(self, wire: Wire, known: Known) -> JSON:
        names = [tag.get("TAG_NAME") for tag in entries(wire.get("TAGS"))]
        return [{"id": name, "name": name} for name in names if name]

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        names = [item if isinstance(item, str) else _named(item) for item in listed(value)]
        draft.wire["TAGS"] = [{"TAG_NAME": name} for name in dict.fromkeys(names)]


def _named(item: JSON) -> str:
    text = (item.get("name") or item.get("id")) if isinstance(item, dict) else None
    if not isinstance(text, str) or not text:
        raise Unfit("wrong_type", f'{item!r} is no tag; give its text, or {{"name": …}}')
    return text


class Listed(Struct, frozen=True, kw_only=True):
    """A list of plain texts that Insightly keeps as records of one field, such as a company's e-mail domains."""

    name: str
    field: str
    key: str
    writes: bool = True
    note: str = ""

    @property
    def natives(self) -> tuple[str, ...]:
        return (self.field,)

    def read(self, wire: Wire, known: Known) -> JSON:
        found = [item.get(self.key) for item in entries(wire.get(self.field))]
        return [text for text in found if text]

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        texts = [str(write_value("text", item)) for item in listed(value)]
        draft.wire[self.field] = [{self.key: text} for text in dict.fromkeys(texts)]


class Dated(Struct, frozen=True, kw_only=True):
    """Days that a record keeps by name, such as a birthday; they go with the record, and a list is the full set."""

    name: str = "dates"
    writes: bool = True
    note: str = "items are {name, date, repeats_yearly, creates_task_yearly}; the list that is written is the full set"

    @property
    def natives(self) -> tuple[str, ...]:
        return ("DATES",)

    def read(self, wire: Wire, known: Known) -> JSON:
        found = entries(wire.get("DATES"))
        return [{ours: read_value(kind, item.get(theirs)) for ours, theirs, kind in _DATE} for item in found]

    def write(self, value: JSON, draft: Draft, place: Place) -> None:
        made: list[JSON] = []
        for index, item in enumerate(listed(value)):
            with at(index):
                made.append(_write_date(item))
        draft.wire["DATES"] = made


_DATE: Sequence[tuple[str, str, Kind]] = (
    ("id", "DATE_ID", "id"),
    ("name", "OCCASION_NAME", "text"),
    ("date", "OCCASION_DATE", "day"),
    ("repeats_yearly", "REPEAT_YEARLY", "boolean"),
    ("creates_task_yearly", "CREATE_TASK_YEARLY", "boolean"),
)


def _write_date(item: JSON) -> JSON:
    if not isinstance(item, dict) or not item.get("name") or not item.get("date"):
        raise Unfit("wrong_type", 'needs {"name": …, "date": …}')
    extra = sorted(set(item) - {ours for ours, _, _ in _DATE})
    if extra:
        raise Unfit("unknown_field", f"Insightly has no field for {', '.join(extra)} of a date")
    return {theirs: write_value(kind, item[ours]) for ours, theirs, kind in _DATE if item.get(ours) is not None}
