"""What one field is made of: a column, a constant or an expression, and what happens to the value on its way. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, TypeAlias, assert_never, get_args

from msgspec import Struct

from crosswalk.delivery.cell import FALSE, JSON, TRUE, BadValue, shorten
from crosswalk.delivery.errors import PlanError

Scalar: TypeAlias = str | int | float | bool | None
Write = Literal["always", "only_if_empty", "never_null"]
"""Send also what is empty, which clears the field; fill only a field that is empty; send no empty value."""
Table = Literal[
    "users",
    "teams",
    "organisations",
    "contacts",
    "lead_sources",
    "lead_statuses",
    "task_categories",
    "opportunity_categories",
    "project_categories",
    "pipelines",
    "stages",
    "state_reasons",
    "relationships",
]

LOOKUP_TABLES: tuple[Table, ...] = get_args(Table)


class Cast(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a value is read as. `format` is of dates, such as `dd/MM/yyyy`; `separator` splits a list."""

    to: Literal["text", "integer", "number", "boolean", "date", "datetime", "list"]
    format: str | None = None
    separator: str = ";"


class Lookup(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A name that becomes the id that the account's table has for it; `pipeline` narrows `stages` to one pipeline's."""

    table: Table
    pipeline: str | None = None


class Rule(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one field is made of: one of `column`, `constant` and `expression`; then default, cast and lookup."""

    column: str | None = None
    constant: Scalar = None
    expression: str | None = None
    default: Scalar = None
    cast: Cast | None = None
    lookup: Lookup | None = None
    write: Write = "never_null"


DATE_WORDS = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%f",
    "a": "%p",
    "Z": "%z",
}
"""Letters of a date's format, the same as those of macros, and what reads them."""


def check_rule(name: str, rule: Rule) -> Rule:
    """A rule that can work, as it is. Raises `PlanError` that names its field."""
    sources = [each for each in (rule.column, rule.constant, rule.expression) if each is not None]
    if len(sources) != 1:
        raise PlanError(f"{name} needs exactly one of column, constant and expression; it has {len(sources)}.")
    if rule.column == "":
        raise PlanError(f"{name} names an empty column. Write the column's name, or a path such as address.city.")
    if rule.lookup is not None and rule.lookup.pipeline is not None and rule.lookup.table != "stages":
        raise PlanError(f"{name} looks in {rule.lookup.table}, which have no pipeline. Leave pipeline out.")
    if rule.cast is not None:
        _check_cast(name, rule.cast)
    return rule


def _check_cast(name: str, cast: Cast) -> None:
    if cast.format is not None and cast.to not in {"date", "datetime"}:
        raise PlanError(f"{name} casts to {cast.to}, which has no format. Leave format out.")
    if not cast.separator:
        raise PlanError(f"{name} splits a list at an empty separator. Write the character between two items.")
    if cast.format is not None:
        read_format(cast.format)


def read_format(written: str) -> str:
    """A date's format such as `dd/MM/yyyy` as `strptime` takes it. Raises `PlanError` for a letter that is none."""
    out, rest = "", written
    while rest:
        word = next((each for each in DATE_WORDS if rest.startswith(each)), None)
        if word is not None:
            out, rest = out + DATE_WORDS[word], rest[len(word) :]
        elif rest[0] == "'" and "'" in rest[1:]:
            quoted, _, rest = rest[1:].partition("'")
            out += quoted.replace("%", "%%")
        elif rest[0].isalpha():
            raise PlanError(f"Date format {written!r}: {rest[0]!r} is none of {', '.join(DATE_WORDS)}. Quote it: 'T'.")
        else:
            out, rest = out + rest[0].replace("%", "%%"), rest[1:]
    return out


def is_empty(value: JSON) -> bool:
    """Whether a cell says nothing."""
    return value is None or value == ""


def has_path(cells: Mapping[str, JSON], path: str) -> bool:
    """Whether a row has a column, or the path below one, be it empty."""
    head, dot, rest = path.partition(".")
    below = cells.get(head) if dot else None
    return path in cells or (isinstance(below, dict) and has_path(below, rest))


def cast_to(cast: Cast, value: JSON) -> JSON:
    """Read a value as what the rule says. Raises `BadValue` without the field's name."""
    match cast.to:
        case "list":
            return _to_list(cast, value)
        case "date" | "datetime":
            return _to_moment(cast, value)
        case "text":
            return _to_text(value)
        case "boolean":
            return _to_boolean(value)
        case "integer" | "number":
            return _to_number(cast.to, value)
        case _:
            assert_never(cast.to)


def _to_list(cast: Cast, value: JSON) -> JSON:
    if isinstance(value, list):
        return value
    return [part.strip() for part in _to_text(value).split(cast.separator) if part.strip()]


def _to_text(value: JSON) -> str:
    match value:
        case list() | dict():
            raise BadValue(f"holds {shorten(value)}, which is no plain value")
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _to_boolean(value: JSON) -> bool:
    text = _to_text(value).strip().lower()
    if text not in TRUE | FALSE:
        raise BadValue(f"holds {shorten(value)}, which is neither true nor false")
    return text in TRUE


def _to_number(to: Literal["integer", "number"], value: JSON) -> int | float:
    text = _to_text(value).replace(",", "").replace("\N{NO-BREAK SPACE}", "").strip()
    try:
        number = int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError as error:
        raise BadValue(f"holds {shorten(value)}, which is no number") from error
    if to == "integer" and number != number // 1:
        raise BadValue(f"holds {shorten(value)}, which is no whole number")
    return int(number) if to == "integer" else number


def _to_moment(cast: Cast, value: JSON) -> str:
    text = _to_text(value).strip()
    try:
        moment = datetime.fromisoformat(text) if cast.format is None else _parse(text, cast.format)
    except (ValueError, OverflowError) as error:
        wanted = cast.format or "2026-01-31"
        raise BadValue(f"holds {shorten(value)}, which is no date written as {wanted}") from error
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if cast.to == "date":
        return moment.date().isoformat()
    return moment.isoformat(" ", "seconds")


def _parse(text: str, written: str) -> datetime:
    # strptime reads no zone where the format has none: such a time is UTC
    return datetime.strptime(text, read_format(written))  # noqa: DTZ007 (the zone, if any, stands in the format)
