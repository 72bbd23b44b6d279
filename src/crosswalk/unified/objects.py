"""Kinds of records that others point to: how a link spells them, where they are, what they are called. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from crosswalk.contract import Resource, load
from crosswalk.unified.known import JSON, Known, Search, Wire
from crosswalk.unified.value import Unfit, read_value, write_id


class Kind(Struct, frozen=True, kw_only=True):
    """One kind: its resource, the fields of its name, the field that a search by name takes, and its e-mail's."""

    wire: str
    name: tuple[str, ...]
    email: str | None = None

    @property
    def resource(self) -> Resource:
        """What the contract says of it."""
        return load().resource(self.wire)

    @property
    def is_searched(self) -> bool:
        """Whether Insightly finds its records by a field."""
        return self.resource.serves("GET", "/Search")


KINDS: Mapping[str, Kind] = {
    "ActivitySet": Kind(wire="ActivitySets", name=("NAME",)),
    "Contact": Kind(wire="Contacts", name=("FIRST_NAME", "LAST_NAME"), email="EMAIL_ADDRESS"),
    "Event": Kind(wire="Events", name=("TITLE",)),
    "Lead": Kind(wire="Leads", name=("FIRST_NAME", "LAST_NAME"), email="EMAIL"),
    "Milestone": Kind(wire="Milestones", name=("TITLE",)),
    "Note": Kind(wire="Notes", name=("TITLE",)),
    "Opportunity": Kind(wire="Opportunities", name=("OPPORTUNITY_NAME",)),
    "Organisation": Kind(wire="Organisations", name=("ORGANISATION_NAME",)),
    "Pricebook": Kind(wire="Pricebook", name=("NAME",)),
    "Project": Kind(wire="Projects", name=("PROJECT_NAME",)),
    "Task": Kind(wire="Tasks", name=("TITLE",)),
}
SHOWN = 5
"""How many records are told of when several have the name."""


def record_name(kind: Kind, record: Wire) -> str | None:
    """What a record is called."""
    return " ".join(str(part) for field in kind.name if (part := record.get(field))) or None


def read_record(known: Known, name: str, record_id: JSON) -> JSON:
    """An id as `{"id": "7", "name": "Acme"}`; the name is `None` until the record was fetched."""
    text = read_value("id", record_id)
    if text is None:
        return None
    found = known.records.get((name, record_id)) if isinstance(record_id, int) else None
    return {"id": text, "name": None if found is None else record_name(KINDS[name], found)}


def search_for(name: str, value: JSON) -> Search | None:
    """The search that a value wants before it stands for an id; `None` where it holds one, or cannot be searched."""
    kind, given = KINDS.get(name), _given(value)
    if kind is None or given is None or not kind.is_searched:
        return None
    text, by_email = given
    if by_email:
        return None if kind.email is None else Search(name, kind.email, text)
    # a search takes one field: of a person's name the last part, the rest is compared here
    return Search(name, kind.name[-1], text.split()[-1] if len(kind.name) > 1 else text)


def find_record(known: Known, name: str, value: JSON) -> int:
    """The id that `"7"`, `7`, `{"id": "7"}`, `{"name": …}`, `{"email": …}` or a name stands for. Raises `Unfit`."""
    given = _given(value)
    if given is None:
        return write_id(value.get("id") if isinstance(value, dict) else value)
    search, kind = search_for(name, value), KINDS.get(name)
    if search is None or kind is None:
        raise Unfit("unknown_value", f"{given[0]!r}: Insightly finds no {name} by this; give the id")
    found = known.hits.get(search, ())
    hits = found if given[1] else [each for each in found if _same(record_name(kind, each), given[0])]
    ids = [each for record in hits if isinstance(each := record.get(str(kind.resource.id)), int)]
    if len(ids) == 1:
        return ids[0]
    if ids:
        these = ", ".join(map(str, ids[:SHOWN])) + (", …" if len(ids) > SHOWN else "")
        raise Unfit(
            "ambiguous_value", f"{len(ids)} records of {kind.wire} are called {given[0]!r}: {these}. Give the id"
        )
    near = [text for each in found[:SHOWN] if (text := record_name(kind, each))]
    hint = f" There is {', '.join(near)}." if near else " Insightly finds equal names only."
    raise Unfit("unknown_value", f"{given[0]!r} is none of this account's {kind.wire}.{hint}")


def _given(value: JSON) -> tuple[str, bool] | None:
    """The name that a value gives instead of an id, and whether it is an e-mail address. Raises `Unfit`."""
    match value:
        case {"id": record_id} if record_id is not None:
            return None
        case {"email": str(text)} if text.strip():
            return text.strip(), True
        case {"name": str(text)} if text.strip():
            return text.strip(), False
        case dict():
            raise Unfit("wrong_type", f'{value!r} names nothing; give {{"id": …}} or {{"name": …}}')
        case str() if value.strip() and not value.strip().isdigit():
            return value.strip(), "@" in value
        case _:
            return None


def _same(name: str | None, text: str) -> bool:
    return name is not None and " ".join(name.split()).casefold() == " ".join(text.split()).casefold()
