"""A first mapping by the columns' names: each field takes the column that is called like it. Pure.

Names are compared without case, spaces and signs. A field's own name counts more than a synonym, a synonym more than a
likeness; each column and each field is used once. Synonyms are data, in synonyms.json.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import UNSET, Struct

from crosswalk.contract import Contract, Field
from crosswalk.delivery.fields import is_writable
from crosswalk.delivery.mapping import Lookup, Rule, Table
from crosswalk.delivery.route import route_template
from crosswalk.delivery.template import Template
from crosswalk.insightly.custom_fields import CustomField

Why = Literal["name", "synonym", "label", "likeness"]
ALIKE = 0.86
"""From how much of a likeness two names are taken for one: `FRIST_NAME` and `FIRST_NAME`, not `PHONE` and `HONE`."""
SHORT = 5
"""Names shorter than this are never alike, only equal."""
RANKS: Mapping[Why, float] = {"name": 4.0, "label": 3.5, "synonym": 3.0, "likeness": 1.0}


class Synonyms(Struct, frozen=True):
    """What else a field is called, the usual names first, and where such names are looked up."""

    names: tuple[str, ...]
    lookup: Table | None = None


class Match(Struct, frozen=True):
    """One suggested field: its rule, and why."""

    field: str
    rule: Rule
    why: Why


class Suggestion(Struct, frozen=True, kw_only=True):
    """A first mapping. `id_column` holds the record's id, `unused` columns went nowhere, `missing` fields have none."""

    matches: tuple[Match, ...]
    id_column: str | None
    unused: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def mapping(self) -> dict[str, Rule]:
        """The rules as settings hold them."""
        return {match.field: match.rule for match in self.matches}


class _Place(Struct, frozen=True):
    """A field with the names that it goes by."""

    field: str
    names: tuple[tuple[str, Why], ...]
    lookup: Table | None = None


def suggest(
    template: Template, columns: Sequence[str], contract: Contract, *, custom: Mapping[str, CustomField] | None = None
) -> Suggestion:
    """Suggest which column goes to which of a template's fields, the account's custom fields by name and label too."""
    route = route_template(template, contract)
    fields = list((route.fields or {}).values())
    resource = route.resource
    id_names = _squeeze_all(("id", "record id", "insightly id", resource.id or ""))
    id_column = next((each for each in columns if _squeeze(each) in id_names), None) if template.names_record else None
    places = [_place(field, resource.name) for field in fields if is_writable(field, route)]
    places += [_place_custom(field) for field in (custom or {}).values() if "CUSTOMFIELDS" in (route.fields or {})]
    matches = _match(places, [each for each in columns if each != id_column])
    used = {match.rule.column for match in matches} | {id_column}
    found = {match.field for match in matches}
    required = (*template.required, *(field.name for field in fields if field.required and route.method == "POST"))
    return Suggestion(
        matches=matches,
        id_column=id_column,
        unused=tuple(each for each in columns if each not in used),
        missing=tuple(name for name in dict.fromkeys(required) if name not in found),
    )


def _place(field: Field, resource: str) -> _Place:
    other = read_synonyms().get(f"{resource}.{field.name}") or read_synonyms().get(field.name)
    names: list[tuple[str, Why]] = [(_squeeze(field.name), "name")]
    if other is not None:
        names += [(_squeeze(name), "synonym") for name in other.names]
    return _Place(field.name, tuple(names), None if other is None else other.lookup)


def _place_custom(field: CustomField) -> _Place:
    name = str(field.field_name)
    names: list[tuple[str, Why]] = [(_squeeze(name), "name"), (_squeeze(name.removesuffix("__c")), "name")]
    if field.field_label is not UNSET and field.field_label:
        names.append((_squeeze(field.field_label), "label"))
    return _Place(name, tuple(names))


def _match(places: Sequence[_Place], columns: Sequence[str]) -> tuple[Match, ...]:
    """The best pairs first, each column and each field once; in the order of the columns."""
    pairs = sorted(
        ((-score, at, why, place) for at, column in enumerate(columns) for place in places
         for score, why in _compare(place, _squeeze(column))),
        key=lambda pair: (pair[0], pair[1]),
    )  # fmt: skip
    taken: dict[int, Match] = {}
    filled: set[str] = set()
    for _, at, why, place in pairs:
        if at not in taken and place.field not in filled:
            by_name = why == "name" or place.lookup is None
            rule = Rule(
                column=columns[at], lookup=None if by_name or place.lookup is None else Lookup(table=place.lookup)
            )
            taken[at] = Match(place.field, rule, why)
            filled.add(place.field)
    return tuple(taken[at] for at in sorted(taken))


def _compare(place: _Place, column: str) -> Iterator[tuple[float, Why]]:
    """How well a column's name is a field's, if at all."""
    for number, (name, why) in enumerate(place.names):
        if name == column:
            yield RANKS[why] - number / 100, why
            return
    if len(column) >= SHORT:
        alike = max(SequenceMatcher(None, name, column).ratio() for name, _ in place.names)
        if alike >= ALIKE:
            yield RANKS["likeness"] + alike, "likeness"


def _squeeze(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _squeeze_all(names: Iterable[str]) -> set[str]:
    return {_squeeze(name) for name in names if name}


@cache
def read_synonyms() -> Mapping[str, Synonyms]:
    """The synonyms by field, or by resource and field: read once a process."""
    text = Path(__file__).with_name("synonyms.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Synonyms])
