"""Fields: what a resource's records may hold, standard and custom, in one shape. Pure.

Standard fields come from the contract and carry the unified name that the mapping gives them; custom fields come from
the account. What Insightly does not tell (whether a custom field is required or unique) is `None`, not a guess.
"""

from collections.abc import Iterator, Mapping

from msgspec import UNSET, Struct, UnsetType

from crosswalk.contract import Field as Described
from crosswalk.insightly.custom_fields import CustomField
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import OneCustom

TYPES: Mapping[str, tuple[str, str | None]] = {
    "TEXT": ("string", None),
    "MULTILINETEXT": ("text", None),
    "NUMERIC": ("number", None),
    "PERCENT": ("number", "percent"),
    "CURRENCY": ("number", "currency"),
    "DATE": ("date", None),
    "DATETIME": ("datetime", None),
    "BIT": ("boolean", None),
    "DROPDOWN": ("enum", None),
    "MULTISELECT": ("array", "enum"),
    "URL": ("string", "url"),
    "EMAIL": ("string", "email"),
    "PHONE": ("string", "phone"),
    "AUTONUMBER": ("string", "autonumber"),
    "IMAGE": ("file", "image"),
}
"""Insightly's types of custom fields as type and format here; others are text."""
PLAIN = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "array": "array"}
MADE = frozenset({"AUTONUMBER", "FORMULA"})


class Option(Struct, frozen=True, kw_only=True):
    """One value of a choice."""

    id: str | None
    value: str
    is_default: bool = False


class Dependency(Struct, frozen=True, kw_only=True):
    """Which options a choice has, by the value of another field."""

    field: str
    options: dict[str, list[str]]


class UnifiedField(Struct, frozen=True, kw_only=True):
    """One field of one resource. `unified_name` is where the unified model shows it."""

    id: str
    name: str
    label: str
    entity_type: str
    type: str
    format: str | None = None
    description: str | None = None
    unified_name: str | None = None
    max_length: int | None = None
    is_editable: bool = True
    is_hidden: bool = False
    is_required: bool | None = None
    is_unique: bool | None = None
    is_user_defined: bool = False
    options: list[Option] = []
    default_value: str | None = None
    depends_on: Dependency | None = None
    reference_entity: str | None = None
    position: int | None = None


def standard_fields(noun: Noun) -> Iterator[UnifiedField]:
    """The fields that every account's records of a noun have, as the contract tells them."""
    # an override names it before the table, and the row that is a field by itself before one that is made of several
    rows = sorted(
        (row for row in noun.rows if not isinstance(row, Linked)),
        key=lambda row: (row.name not in noun.overridden, len(row.natives)),
    )
    shown = {native: row.name for row in reversed(rows) for native in row.natives}
    for position, field in enumerate(noun.resource.fields, start=1):
        if field.name != "CUSTOMFIELDS":
            yield _standard(noun, field, shown.get(field.name), position)


def _standard(noun: Noun, field: Described, unified: str | None, position: int) -> UnifiedField:
    moment = field.format == "date-time"
    return UnifiedField(
        id=field.name,
        name=field.name,
        label=field.name.replace("_", " ").capitalize(),
        entity_type=noun.name,
        type="datetime" if moment else "enum" if field.values else PLAIN.get(field.type, field.type),
        unified_name=unified,
        max_length=None if moment else field.max_length,
        is_editable=(field.post or field.put) and not field.read_only,
        is_required=field.required,
        options=[Option(id=None, value=str(value)) for value in field.values],
        position=position,
    )


def custom_field(noun: Noun, field: CustomField, others: Mapping[str, CustomField]) -> UnifiedField:
    """One of the account's own fields; `others` are all of its object, for the options that depend on them."""
    native = str(field.field_type)
    kind, shape = TYPES.get(native, ("string", None))
    joined = _text(field.join_object)
    return UnifiedField(
        id=str(field.field_name),
        name=str(field.field_name),
        label=_text(field.field_label) or str(field.field_name),
        entity_type=noun.name,
        type="string" if joined else kind,
        format="reference" if joined else shape,
        description=_text(field.field_help_text),
        unified_name=_mapped(noun, str(field.field_name)),
        is_editable=field.editable is not False and native not in MADE,
        is_hidden=field.visible is False,
        is_user_defined=True,
        options=_options(field),
        default_value=_text(field.default_value),
        depends_on=_dependency(field, others),
        reference_entity=joined,
        position=field.field_order if isinstance(field.field_order, int) else None,
    )


def _mapped(noun: Noun, name: str) -> str:
    """The name that an override gives a custom field, else its place among them."""
    rows = (row.name for row in noun.rows if isinstance(row, OneCustom) and row.field == name)
    return next(rows, f"custom_fields.{name}")


def _options(field: CustomField) -> list[Option]:
    return [
        Option(
            id=str(option.option_id) if isinstance(option.option_id, int) else None,
            value=str(option.option_value),
            is_default=option.option_default is True,
        )
        for option in field.custom_field_options or ()
    ]


def _dependency(field: CustomField, others: Mapping[str, CustomField]) -> Dependency | None:
    found = field.dependency
    if found is UNSET or found is None or not _text(found.controlling_field_id):
        return None
    by_id = {option.id: option.value for option in _options(field)}
    filters = found.options_filters or ()
    return Dependency(
        field=str(found.controlling_field_id),
        options={
            str(each.controlling_value): [by_id[str(one)] for one in each.option_ids or () if str(one) in by_id]
            for each in filters
        },
    )


def _text(value: str | UnsetType | None) -> str | None:
    return value if isinstance(value, str) and value else None
