"""An account's custom fields: which there are, and what each takes, checked before any call is spent. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from crosswalk.contract import Field
from crosswalk.delivery.cell import JSON, BadValue, cast, shorten
from crosswalk.insightly.custom_fields import CustomField

Custom: TypeAlias = Mapping[str, CustomField] | frozenset[str] | None
"""An account's custom fields of one object, or their names alone; `None` when they are not known."""

PERCENT = (0, 100)


def find_definition(custom: Custom, name: str) -> CustomField | None:
    """What the account says about a field; `None` when it was not asked."""
    return custom.get(name) if isinstance(custom, Mapping) else None


def list_options(field: CustomField) -> tuple[str, ...]:
    """What a dropdown or a multi-select offers."""
    return tuple(str(option.option_value) for option in field.custom_field_options or ())


def cast_custom(field: CustomField, value: JSON) -> JSON:
    """Bring a cell to its custom field's type. Raises `BadValue` that names field, value and what it should be."""
    name, kind = str(field.field_name), str(field.field_type)
    if kind == "MULTISELECT":
        return ";".join(_choose(field, part) for part in _parts(field, value))
    if kind == "DROPDOWN":
        return _choose(field, value)
    made = cast(_AS.get(kind, _text)(name), value)
    if kind == "PERCENT" and isinstance(made, int | float) and not PERCENT[0] <= made <= PERCENT[1]:
        raise BadValue(f"{name} is {made}, outside {PERCENT[0]} to {PERCENT[1]}")
    return made


def _text(name: str) -> Field:
    return Field(name, "string")


_AS: Mapping[str, Callable[[str], Field]] = {
    "NUMERIC": lambda name: Field(name, "number"),
    "CURRENCY": lambda name: Field(name, "number"),
    "PERCENT": lambda name: Field(name, "number"),
    "BIT": lambda name: Field(name, "boolean"),
    "DATE": lambda name: Field(name, "string", "date-time"),
    "DATETIME": lambda name: Field(name, "string", "date-time"),
}
"""Types of custom fields as the contract's fields that hold the same values; the others are text."""


def _parts(field: CustomField, value: JSON) -> Iterator[JSON]:
    """The options of a multi-select: a list, or text with semicolons between, which an option may hold itself."""
    if isinstance(value, list):
        yield from value
        return
    rest, options = str(value).strip(), sorted(list_options(field), key=len, reverse=True)
    while rest:
        low = rest.lower()
        known = next((each for each in options if low == each.lower() or low.startswith(f"{each.lower()};")), None)
        part = rest.partition(";")[0] if known is None else rest[: len(known)]
        if part.strip():
            yield part.strip()
        rest = rest[len(part) + 1 :].strip()


def _choose(field: CustomField, value: JSON) -> str:
    options = list_options(field)
    text = str(value).strip() if not isinstance(value, list | dict) else ""
    for option in options:
        if option.strip().lower() == text.lower() and text:
            return option
    near = get_close_matches(text, options, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Options: {', '.join(options)}"
    raise BadValue(f"{field.field_name} is {shorten(value)}, which is none of its options. {hint}")


def check_dependencies(fields: Mapping[str, CustomField], sent: Mapping[str, JSON]) -> None:
    """Refuse an option that the value of its controlling field does not offer, where a row sends both."""
    for name, value in sent.items():
        allowed = _list_allowed(fields.get(name), sent)
        if allowed is None or value is None:
            continue
        bad = next((part for part in str(value).split(";") if part not in allowed[1]), None)
        if bad is not None:
            raise BadValue(
                f"{name} is {bad!r}, which {allowed[0]} = {shorten(sent[allowed[0]])} does not offer. "
                f"It offers: {', '.join(allowed[1])}"
            )


def _list_allowed(field: CustomField | None, sent: Mapping[str, JSON]) -> tuple[str, Sequence[str]] | None:
    """The controlling field and what its sent value offers; `None` where nothing is said about it."""
    dependency = field.dependency if field is not None else None
    if not dependency or field is None or not dependency.controlling_field_id:
        return None
    controlling = str(dependency.controlling_field_id)
    if sent.get(controlling) is None:
        return None
    for each in dependency.options_filters or ():
        if str(each.controlling_value).lower() == str(sent[controlling]).lower():
            ids = set(each.option_ids or ())
            options = field.custom_field_options or ()
            return controlling, [str(option.option_value) for option in options if option.option_id in ids]
    return None
