"""Custom fields: their definitions, the values that fit them, and how a record shows them."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from crosswalk.contract import Field
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.values import Coerce, Unfit, compile_coerce

FieldType = Literal[
    "TEXT",
    "MULTILINETEXT",
    "NUMERIC",
    "PERCENT",
    "BIT",
    "DATE",
    "DATETIME",
    "DROPDOWN",
    "MULTISELECT",
    "AUTONUMBER",
]
STORED = {
    "TEXT": Field("FIELD_VALUE", "string", max_length=255),
    "MULTILINETEXT": Field("FIELD_VALUE", "string"),
    "NUMERIC": Field("FIELD_VALUE", "number"),
    "PERCENT": Field("FIELD_VALUE", "number"),
    "BIT": Field("FIELD_VALUE", "boolean"),
    "DATE": Field("FIELD_VALUE", "string", format="date-time"),
    "DATETIME": Field("FIELD_VALUE", "string", format="date-time"),
    "DROPDOWN": Field("FIELD_VALUE", "string"),
    "MULTISELECT": Field("FIELD_VALUE", "string"),
    "AUTONUMBER": Field("FIELD_VALUE", "string"),
}


class Definition(Struct, frozen=True):
    """One custom field of one kind of record. `owner` is Insightly's FIELD_FOR: `CONTACT`, `FRUIT__C`."""

    name: str
    owner: str
    label: str
    type: FieldType
    order: int
    options: tuple[str, ...] = ()
    default: str | None = None
    help: str | None = None

    def describe(self) -> dict[str, object]:
        """Give the metadata as `GET /CustomFields/{objectName}` shows it."""
        return {
            "FIELD_NAME": self.name,
            "FIELD_ORDER": self.order,
            "FIELD_FOR": self.owner,
            "FIELD_LABEL": self.label,
            "FIELD_TYPE": self.type,
            "FIELD_HELP_TEXT": self.help,
            "DEFAULT_VALUE": self.default,
            "EDITABLE": self.type != "AUTONUMBER",
            "VISIBLE": True,
            "CUSTOM_FIELD_OPTIONS": [
                {"OPTION_ID": i, "OPTION_VALUE": option, "OPTION_DEFAULT": False}
                for i, option in enumerate(self.options, 1)
            ],
            "DEPENDENCY": None,
            "JOIN_OBJECT": None,
        }


class CustomFields:
    """The custom fields of one kind of record, each with what takes its values. Names are found in any case."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions = definitions = tuple(definitions)
        self.known: Mapping[str, tuple[Definition, Coerce]] = {d.name.lower(): (d, _taker(d)) for d in definitions}
        self.empty = {d.name: None for d in sorted(definitions, key=lambda d: d.name)}
        self.numbered = tuple(d for d in definitions if d.type == "AUTONUMBER")

    def take(self, body: object, head: str) -> dict[str, object]:
        """Read the CUSTOMFIELDS of a body: values by name, `None` to clear. Raises `Invalid`."""
        if body is None:
            return {}
        if not isinstance(body, list):
            raise Invalid((f"{head}.CUSTOMFIELDS", "CUSTOMFIELDS must be an array."))
        found: dict[str, object] = {}
        for i, entry in enumerate(body):
            definition, value = self._take_one(entry, f"{head}.CUSTOMFIELDS[{i}]")
            if definition.type != "AUTONUMBER":
                found[definition.name] = value
        return found

    def _take_one(self, entry: object, where: str) -> tuple[Definition, object]:
        if not isinstance(entry, dict):
            raise Invalid((where, "A custom field is an object with FIELD_NAME and FIELD_VALUE."))
        keys = {str(key).upper(): value for key, value in entry.items()}
        name = keys.get("FIELD_NAME") or keys.get("CUSTOM_FIELD_ID")
        found = self.known.get(name.lower()) if isinstance(name, str) else None
        if found is None:
            raise Invalid((f"{where}.FIELD_NAME", f"'{name}' is not a valid custom field name."))
        definition, take = found
        try:
            return definition, take(keys.get("FIELD_VALUE"))
        except Unfit as unfit:
            raise Invalid((f"{where}.FIELD_VALUE", f"{definition.name}: {unfit}")) from None


def merge_values(old: object, given: Mapping[str, object]) -> dict[str, object] | None:
    """Lay given values over old ones; `None` clears; names in order, as records show them (S3)."""
    merged = {**old, **given} if isinstance(old, dict) else given
    kept = {name: merged[name] for name in sorted(merged) if merged[name] is not None}
    return kept or None


def list_values(values: object) -> list[dict[str, object]]:
    """Show stored values as a record does."""
    if not isinstance(values, dict):
        return []
    return [{"FIELD_NAME": n, "FIELD_VALUE": v, "CUSTOM_FIELD_ID": n} for n, v in values.items()]


def _taker(definition: Definition) -> Coerce:
    coerce = compile_coerce(STORED[definition.type])
    match definition.type:
        case "DROPDOWN":
            return _choose_one(definition)
        case "MULTISELECT":
            return _choose_many(definition)
        case "PERCENT":
            return _percent(coerce)
        case "DATE":
            return lambda value: f"{str(coerce(value))[:10]} 00:00:00" if coerce(value) else None
        case _:
            return lambda value: None if value == "" else coerce(value)


def _percent(coerce: Coerce) -> Coerce:
    def take(value: object) -> object:
        number = coerce(value)
        if isinstance(number, int | float) and not 0 <= number <= 100:  # noqa: PLR2004 (percent)
            raise Unfit("A percentage is between 0 and 100.")
        return number

    return take


def _choose_one(definition: Definition) -> Coerce:
    known = {option.lower(): option for option in definition.options}

    def take(value: object) -> object:
        if value is None or value == "":
            return None
        found = known.get(value.strip().lower()) if isinstance(value, str) else None
        if found is None:
            raise Unfit(f"'{value}' is not one of its options: {', '.join(definition.options)}.")
        return found

    return take


def _choose_many(definition: Definition) -> Coerce:
    choose = _choose_one(definition)

    def take(value: object) -> object:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise Unfit("Options are one string, joined with ';'.")
        chosen = dict.fromkeys(choose(part) for part in value.split(";") if part.strip())
        return ";".join(str(option) for option in chosen) or None

    return take
