"""What custom fields an object has, and their values by their types."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self, TypeAlias

from msgspec import UNSET, UnsetType

from crosswalk.insightly.record import Flag, Record, Text, Whole
from crosswalk.insightly.wire import to_moment


class CustomFieldOption(Record, frozen=True, kw_only=True):
    """A custom field option."""

    option_id: Whole = UNSET
    option_value: Text = UNSET
    option_default: Flag = UNSET


class CustomFieldOptionsFilter(Record, frozen=True, kw_only=True):
    """A custom field options filter."""

    controlling_value: Text = UNSET
    option_ids: tuple[int, ...] | UnsetType | None = UNSET


class CustomFieldDependency(Record, frozen=True, kw_only=True):
    """A custom field dependency."""

    controlling_field_id: Text = UNSET
    options_filters: tuple[CustomFieldOptionsFilter, ...] | UnsetType | None = UNSET


class CustomField(Record, frozen=True, kw_only=True):
    """A custom field."""

    field_name: Text = UNSET
    field_order: Whole = UNSET
    field_for: Text = UNSET
    field_label: Text = UNSET
    field_type: Text = UNSET
    field_help_text: Text = UNSET
    default_value: Text = UNSET
    editable: Flag = UNSET
    visible: Flag = UNSET
    custom_field_options: tuple[CustomFieldOption, ...] | UnsetType | None = UNSET
    dependency: CustomFieldDependency | UnsetType | None = UNSET
    join_object: Text = UNSET


Typed: TypeAlias = str | float | bool | date | datetime | tuple[str, ...] | None
"""The value of a custom field by its type; a `datetime` is aware and UTC."""


@dataclass(frozen=True, slots=True)
class FieldTypes:
    """The custom fields of one object, by name."""

    fields: Mapping[str, CustomField]

    @classmethod
    def of(cls, record: str, found: Iterable[CustomField]) -> Self:
        """Keep the fields of one kind of record: for an unknown object Insightly answers everybody's (seen live)."""
        want = _bare(record)
        return cls({str(field.field_name): field for field in found if _bare(str(field.field_for)) == want})

    def typed(self, values: Mapping[str, object]) -> dict[str, Typed]:
        """A record's custom fields by their types, every field of the object: one without a value is `None`.

        Raises `ValueError` for a date that is none.
        """
        return {name: _typed(field, values.get(name)) for name, field in self.fields.items()}


def _bare(name: str) -> str:
    return name.replace("_", "").upper()


def _typed(field: CustomField, value: object) -> Typed:
    if value is None or value == "":
        return None
    reader = _READERS.get(str(field.field_type))
    if field.field_type == "MULTISELECT":
        return _chosen(str(value), _options(field))
    if reader is not None:
        return reader(str(value))
    return value if isinstance(value, bool | int | float) else str(value)


_READERS: Mapping[str, Callable[[str], Typed]] = {
    "BIT": lambda text: text.lower() in {"true", "1"},
    "NUMERIC": float,
    "PERCENT": float,
    "CURRENCY": float,
    "DATE": lambda text: to_moment(text).date(),
    "DATETIME": to_moment,
}
"""Types of custom fields whose values are not text; numbers come as `12` or `4601.0` (recorded)."""


def _options(field: CustomField) -> Sequence[str]:
    """The longest first, since one option may be the beginning of another."""
    options = field.custom_field_options or ()
    return sorted((str(option.option_value) for option in options), key=len, reverse=True)


def _chosen(text: str, options: Sequence[str]) -> tuple[str, ...]:
    """Split `Music;Sports` by the options, which may hold a semicolon themselves."""
    chosen: list[str] = []
    while text:
        known = next((option for option in options if text == option or text.startswith(f"{option};")), None)
        option = text.partition(";")[0] if known is None else known
        chosen.append(option.strip())
        text = text[len(option) + 1 :]
    return tuple(chosen)
