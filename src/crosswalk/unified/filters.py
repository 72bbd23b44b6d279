"""Filters of a list: what Insightly does, and what is left to us. Pure.

A filter is `name=value`, `name[part]=value` for a part of a field, and either with an operator: `updated_at[gte]=…`,
`custom_fields[Tier__c][in]=gold,silver`. Insightly's search takes one field's equality and one time of change, its tag
search one tag; the rest is looked through here, row by row, and said so in the answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

from crosswalk.insightly.wire import to_query
from crosswalk.unified.errors import Fault, Refused
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Acted, Choice, Custom, OneCustom, Plain, Ref, Row
from crosswalk.unified.parts import Several, Tags

Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "contains"]
OPERATORS: Mapping[str, Callable[[JSON, str], bool]]
KEY = re.compile(r"([A-Za-z0-9_]+)((?:\[[^\[\]]+\])*)")
PART = re.compile(r"\[([^\[\]]+)\]")
SEARCH = "search"
EXCLUSIVE = timedelta(seconds=1)
"""`updated_after_utc` leaves out the second that it names (Airbyte's connector lost records by it)."""


class Filter(Struct, frozen=True):
    """One condition: the field's path, how it is compared, with what."""

    path: tuple[str, ...]
    operator: Operator
    value: str


class Chosen(Struct, frozen=True, kw_only=True):
    """A list to read: the search below the resource's path with its query, and the conditions left to us."""

    suffix: str = ""
    query: dict[str, str] = {}
    pushed: tuple[Filter, ...] = ()
    local: tuple[Filter, ...] = ()

    @property
    def names(self) -> list[str]:
        """The conditions left to us, as the caller wrote them."""
        return [spell(each) for each in self.local]


def parse_filters(noun: Noun, given: Sequence[tuple[str, str]]) -> tuple[Filter, ...]:
    """The conditions of a query. Raises `Refused` that names each parameter which is none."""
    made = [_parse(noun, key, value) for key, value in given]
    faults = [each for each in made if isinstance(each, Fault)]
    if faults:
        raise Refused(faults)
    return tuple(each for each in made if isinstance(each, Filter))


def _parse(noun: Noun, key: str, value: str) -> Filter | Fault:
    matched = KEY.fullmatch(key)
    path = () if matched is None else (matched[1], *PART.findall(matched[2]))
    if not path or (path[0] not in noun.row and path[0] != SEARCH):
        near = get_close_matches(path[0] if path else key, [*noun.row, SEARCH], n=2)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        return Fault(pointer="", code="unknown_field", field=key, detail=f"{key} is no filter of {noun.name}.{hint}")
    operator: Operator = "eq"
    if len(path) > 1 and path[-1] in OPERATORS:
        operator, path = path[-1], path[:-1]
    return Filter(path, operator, value)


def spell(condition: Filter) -> str:
    """A condition as callers write it."""
    parts = "".join(f"[{part}]" for part in condition.path[1:])
    how = "" if condition.operator == "eq" else f"[{condition.operator}]"
    return f"{condition.path[0]}{parts}{how}={condition.value}"


def choose(noun: Noun, conditions: Sequence[Filter]) -> Chosen:
    """Give Insightly what it can do: one equality and one time of change, or else one tag."""
    searches = noun.resource.serves("GET", "/Search")
    query: dict[str, str] = {}
    pushed: list[Filter] = []
    for each in conditions if searches else ():
        native = _native(noun, each)
        if native is not None and not set(native) & set(query):
            query |= native
            pushed.append(each)
    if query:
        return _chosen("/Search", query, pushed, conditions)
    tag = next((each for each in conditions if _is_tag(noun, each)), None)
    if tag is not None and noun.resource.serves("GET", "/SearchByTag"):
        return _chosen("/SearchByTag", {"tagName": tag.value}, [tag], conditions)
    return _chosen("", {}, [], conditions)


def _chosen(suffix: str, query: dict[str, str], pushed: Sequence[Filter], all_of: Sequence[Filter]) -> Chosen:
    local = tuple(each for each in all_of if each not in pushed)
    return Chosen(suffix=suffix, query=query, pushed=tuple(pushed), local=local)


def _is_tag(noun: Noun, condition: Filter) -> bool:
    return isinstance(noun.row.get(condition.path[0]), Tags) and condition.operator == "eq" and bool(condition.value)


def _native(noun: Noun, condition: Filter) -> dict[str, str] | None:
    """The query of a search that does a condition whole; `None` where Insightly has none."""
    row = noun.row.get(condition.path[0])
    if isinstance(row, Plain) and row.field == "DATE_UPDATED_UTC" and condition.operator in {"gt", "gte"}:
        moment = _moment(condition.value)
        return None if moment is None else {"updated_after_utc": to_query(moment - EXCLUSIVE)}
    if condition.operator != "eq" or not condition.value:
        return None
    field = next(_fields(row, condition), None)
    return None if field is None else {"field_name": field[0], "field_value": field[1]}


def _fields(row: Row | None, condition: Filter) -> Iterator[tuple[str, str]]:
    """The one wire field whose equality a condition is, with its value as Insightly spells it."""
    path, value = condition.path, condition.value
    match row:
        case Plain(kind="text" | "id" | "integer" | "boolean", reads=None, field=field) if len(path) == 1:
            yield field, value
        case Ref(field=field) if path[1:] in {(), ("id",)} and value.isdigit():
            yield field, value
        case Choice(field=field, values=values) if len(path) == 1:
            yield from ((field, str(theirs)) for ours, theirs in values if ours == value)
        case Several(key=key, items=((_, field),)) if path[1:] in {(), (key,)}:
            yield field, value
        case Acted(equal=equal) if equal is not None and (found := equal(path[1:], value)) is not None:
            yield found
        case OneCustom(field=field) if len(path) == 1:
            yield field, value
        case Custom() if len(path) == 2:  # noqa: PLR2004 (the field's name stands behind custom_fields)
            yield path[1], value
        case _:
            return


def passes(noun: Noun, conditions: Sequence[Filter], known: Known) -> Callable[[Wire], bool]:
    """Whether a record meets conditions, told by what its unified shape says."""
    wanted = {each.path[0] for each in conditions}
    rows = noun.rows if SEARCH in wanted else tuple(row for row in noun.rows if row.name in wanted)

    def keep(wire: Wire) -> bool:
        record = {row.name: row.read(wire, known) for row in rows}
        return all(_meets(record, each) for each in conditions)

    return keep


def _meets(record: Mapping[str, JSON], condition: Filter) -> bool:
    if condition.path == (SEARCH,):
        wanted = condition.value.casefold()
        return any(wanted in text.casefold() for value in record.values() for text in _texts(value))
    compare = OPERATORS[condition.operator]
    values = list(_reach(record.get(condition.path[0]), condition.path[1:]))
    if condition.operator == "ne":
        return all(compare(value, condition.value) for value in values)
    return any(compare(value, condition.value) for value in values)


def _texts(value: JSON) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from (text for item in value.values() for text in _texts(item))
        case list():
            yield from (text for item in value for text in _texts(item))
        case _:
            return


def _reach(value: JSON, path: tuple[str, ...]) -> Iterator[JSON]:
    """What a path names: in a list, in each of its items; of a record without a part, its id, name, and values."""
    match value:
        case list():
            yield from (found for item in value for found in _reach(item, path))
        case dict() if path:
            yield from _reach(value.get(path[0]), path[1:])
        case dict():
            yield from value.values()
        case _ if not path:
            yield value
        case _:
            return


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _equal(value: JSON, text: str) -> bool:
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text.casefold() == str(value).casefold()
    if isinstance(value, int | float):
        return _number(text) == value
    return str(value).casefold() == text.casefold()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _order(value: JSON, text: str) -> int | None:
    """-1, 0 or 1 as a value stands before, at or behind a text's; `None` where they cannot be compared."""
    ours: float | datetime | str | None
    theirs: float | datetime | str | None
    if isinstance(value, int | float) and not isinstance(value, bool):
        ours, theirs = float(value), _number(text)
    elif isinstance(value, str) and (moment := _moment(value)) is not None:
        ours, theirs = moment, _moment(text)
    elif isinstance(value, str):
        ours, theirs = value.casefold(), text.casefold()
    else:
        return None
    if theirs is None:
        return None
    return (ours > theirs) - (ours < theirs)  # type: ignore[operator]  # both are of one kind


def _ordered(holds: Callable[[int], bool]) -> Callable[[JSON, str], bool]:
    def compare(value: JSON, text: str) -> bool:
        order = _order(value, text)
        return order is not None and holds(order)

    return compare


OPERATORS = {
    "eq": _equal,
    "ne": lambda value, text: not _equal(value, text),
    "gt": _ordered(lambda order: order > 0),
    "gte": _ordered(lambda order: order >= 0),
    "lt": _ordered(lambda order: order < 0),
    "lte": _ordered(lambda order: order <= 0),
    "in": lambda value, text: any(_equal(value, each.strip()) for each in text.split(",")),
    "contains": lambda value, text: isinstance(value, str) and text.casefold() in value.casefold(),
}
