"""Which searches a write wants: for records that a body names otherwise than by id, and for an upsert. Pure."""

from collections.abc import Iterator, Mapping

from crosswalk.unified.errors import Fault, Refused, Unservable
from crosswalk.unified.known import JSON, Search
from crosswalk.unified.links import Linked, wanted_searches
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Choice, Custom, OneCustom, Plain, Ref
from crosswalk.unified.objects import search_for
from crosswalk.unified.parts import Listed, Several
from crosswalk.unified.value import Unfit, read_value


def searches(noun: Noun, body: Mapping[str, JSON]) -> frozenset[Search]:
    """The searches whose hits `Known.hits` must hold before the body is planned; none where it gives ids."""
    return frozenset(found for name, value in body.items() for found in _of_row(noun, name, value))


def _of_row(noun: Noun, name: str, value: JSON) -> Iterator[Search]:
    row = noun.row.get(name)
    try:
        match row:
            case Linked(writes=True):
                yield from wanted_searches(row, value)
            case Ref(writes=True, reference=None, object=str(kind)) if (found := search_for(kind, value)) is not None:
                yield found
            case _:
                return
    except Unfit:
        return  # the plan says what is wrong with it


def match_search(noun: Noun, body: Mapping[str, JSON], keys: tuple[str, ...] = ()) -> tuple[str, Search]:
    """The search by which an upsert finds its record, with the key that it goes by.

    `keys` are unified fields, or `custom_fields.Code__c`, the first that the body fills; else the noun's own. Raises
    `Refused` for a key that Insightly cannot search, and when the body fills none of them; `Unservable` without any.
    """
    wanted = keys or noun.match
    if not wanted:
        raise Unservable(f"{noun.name} have no key of their own; name the field to match by")
    for key in wanted:
        field, value = _key(noun, body, key)
        if field is None:
            detail = f"{key}: Insightly finds {noun.name} by no such field; match by {_matchable(noun)}"
            raise Refused([Fault(pointer="/match", code="unknown_field", detail=detail, field=key, near=noun.match)])
        if value is not None:
            return key, Search(noun.object, field, value)
    needed = " or ".join(wanted)
    detail = f"An upsert of {noun.name} finds its record by {needed}; the body has none"
    raise Refused([Fault(pointer=f"/{wanted[0]}", code="required", detail=detail, field=wanted[0])])


def _matchable(noun: Noun) -> str:
    return ", ".join((*noun.match, "custom_fields.NAME"))


def _key(noun: Noun, body: Mapping[str, JSON], key: str) -> tuple[str | None, str | None]:  # noqa: PLR0911 (one row a kind)
    """The wire field that a key searches, and what for; `None` where it cannot, or the body has nothing."""
    name, _, part = key.partition(".")
    value = body.get(name)
    match noun.row.get(name):
        case Plain(kind="text" | "id" | "integer", reads=None, field=field) if not part:
            return field, _text(value)
        case OneCustom(field=field) if not part:
            return field, _text(value)
        case Choice(field=field, values=values) if not part:
            return field, next((str(theirs) for ours, theirs in values if ours == value), None)
        case Several(key=inner, items=((_, field), *_)) if part in {"", inner}:
            return field, _first(value, inner)
        case Listed(key=field) if not part:
            return field, _first(value, "")
        case Custom() if part:
            return part, _text(value.get(part)) if isinstance(value, dict) else None
        case _:
            return None, None


def _text(value: JSON) -> str | None:
    found = read_value("text", value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    return None if found is None else str(found)


def _first(value: JSON, key: str) -> str | None:
    items = value if isinstance(value, list) else []
    first = items[0] if items else None
    return _text(first.get(key) if isinstance(first, dict) else first)
