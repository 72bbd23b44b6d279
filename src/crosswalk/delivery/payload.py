"""From a row to the call it becomes, checked against the contract before any call is spent. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TypeAlias

from msgspec import Struct

from crosswalk.contract import Field, Resource
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.template import Template

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None

TRUE = frozenset({"true", "yes", "1", "t", "y"})
FALSE = frozenset({"false", "no", "0", "f", "n"})
RANGES = {"int32": 2**31, "int64": 2**63}


class Invalid(Struct, frozen=True):
    """A row that would be refused, and why; no call is spent on it."""

    reason: str


class Payload(Struct, frozen=True):
    """One call, complete but for host and credential. `key` is the record's id where the row names one."""

    method: str
    path: str
    body: dict[str, JSON] | None
    key: str | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """How rows become calls. `fields` is (field, column), `constants` (field, value); both empty: columns as named."""

    template: Template
    fields: tuple[tuple[str, str], ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    exclude: tuple[str, ...] = ()
    id_column: str | None = None


class _BadValue(ValueError):
    """A cell that its field cannot hold."""


def settle_plan(plan: Plan, resource: Resource, columns: tuple[str, ...], custom: frozenset[str] | None) -> Plan:
    """Check a plan against the file's columns and the contract, and fill in what it leaves open.

    `custom` holds the account's custom field names, `None` when they are not known (any `X__c` is then let through).
    Raises `PlanError` for a wrong column, a wrong field, or one that cannot be written.
    """
    _check_id_column(plan, columns)
    for column in (*plan.exclude, *(column for _, column in plan.fields)):
        _check_column(column, columns)
    pairs = plan.fields
    if plan.template.action == "delete":
        _check_no_fields(plan)
    elif not pairs and not plan.constants:
        pairs = tuple((column, column) for column in columns if column not in {*plan.exclude, plan.id_column})
    named = [field for field, _ in (*pairs, *plan.constants)]
    twice = sorted({field for field in named if named.count(field) > 1})
    if twice:
        raise PlanError(f"{', '.join(twice)} is given twice. Name each field once.")
    verb = "put" if plan.template.action == "update" else "post"
    for field in named:
        _check_field(field, resource, verb, custom)
    return Plan(
        template=plan.template,
        fields=tuple((f, c) for f, c in pairs if c not in plan.exclude),
        constants=plan.constants,
        exclude=plan.exclude,
        id_column=plan.id_column,
    )


def _check_id_column(plan: Plan, columns: tuple[str, ...]) -> None:
    action = plan.template.action
    if action == "create" and plan.id_column is not None:
        raise PlanError(f"{plan.template.name} makes new records; --id-field has no place in it.")
    if action != "create" and plan.id_column is None:
        raise PlanError(f"{plan.template.name} needs --id-field, the column that holds the record's id.")
    if plan.id_column is not None:
        _check_column(plan.id_column, columns)


def _check_no_fields(plan: Plan) -> None:
    if plan.fields or plan.constants:
        raise PlanError(f"{plan.template.name} sends no fields. Leave out --map and --set.")


def _check_column(column: str, columns: tuple[str, ...]) -> None:
    if column not in columns:
        near = get_close_matches(column, columns, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Columns: {', '.join(columns)}."
        raise PlanError(f"The file has no column {column!r}. {hint}")


def _check_field(name: str, resource: Resource, verb: str, custom: frozenset[str] | None) -> None:
    field = resource.field.get(name)
    if field is None:
        if _is_custom(name) and (custom is None or name in custom):
            return
        near = get_close_matches(name.upper(), [*resource.field], n=1)
        near = near or get_close_matches(name, sorted(custom or ()), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"`crosswalk describe {resource.name}` lists them."
        raise PlanError(f"{resource.name} have no field {name!r}. {hint}")
    if field.read_only or not getattr(field, verb):
        raise PlanError(
            f"{name} of {resource.name} cannot be written. Leave it out: --exclude it, or --map the fields you want."
        )


def _is_custom(name: str) -> bool:
    return name.endswith("__c")


def make_payload(plan: Plan, resource: Resource, cells: Mapping[str, JSON]) -> Payload | Invalid:
    """Turn one row into its call, or say why it would be refused. Empty cells are left out of the body."""
    assert resource.id is not None, "templates name resources whose records have ids"
    try:
        key = _id_of(plan, cells)
        if plan.template.action == "delete":
            return Payload(plan.template.method, f"{resource.path}/{key}", None, key)
        body = _body(plan, resource, cells)
    except _BadValue as error:
        return Invalid(str(error))
    if key is not None:
        body = {resource.id: int(key), **body}
    return Payload(plan.template.method, resource.path, body, key)


def _id_of(plan: Plan, cells: Mapping[str, JSON]) -> str | None:
    """The record's id as digits; `123`, `"123"` and `123.0` are the same."""
    if plan.id_column is None:
        return None
    value = cells.get(plan.id_column)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip().removesuffix(".0") if value is not None and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise _BadValue(f"column {plan.id_column!r} holds {value!r}, which is no record id")
    return str(int(text))


def _body(plan: Plan, resource: Resource, cells: Mapping[str, JSON]) -> dict[str, JSON]:
    given = [(field, cells.get(column)) for field, column in plan.fields] + list(plan.constants)
    body: dict[str, JSON] = {}
    custom: list[JSON] = []
    for name, value in given:
        if value is None or value == "":
            continue
        field = resource.field.get(name)
        if field is None:
            custom.append({"FIELD_NAME": name, "FIELD_VALUE": value})
        else:
            body[name] = cast(field, value)
    if custom:
        listed = body.get("CUSTOMFIELDS")
        body["CUSTOMFIELDS"] = [*(listed if isinstance(listed, list) else []), *custom]
    if plan.template.action == "create":
        _check_required(resource, body)
    return body


def _check_required(resource: Resource, body: Mapping[str, JSON]) -> None:
    for field in resource.fields:
        if field.required and field.name not in body:
            raise _BadValue(f"{field.name} is required and empty")


def cast(field: Field, value: JSON) -> JSON:
    """Bring a cell to its field's type. Raises `ValueError` that names field, value and what it should be."""
    made = CASTS[field.format if field.format == "date-time" else field.type](field, value)
    if field.values and isinstance(made, str | int):
        made = _one_of(field, made)
    if isinstance(made, str) and field.max_length is not None and len(made) > field.max_length:
        raise _BadValue(f"{field.name} holds {len(made)} characters, at most {field.max_length} fit")
    return made


def _one_of(field: Field, value: str | int) -> JSON:
    for allowed in field.values:
        if str(allowed).lower() == str(value).lower():
            return allowed
    raise _BadValue(f"{field.name} is {value!r}, not one of {', '.join(map(str, field.values))}")


def _string(field: Field, value: JSON) -> JSON:
    if isinstance(value, list | dict):
        raise _BadValue(f"{field.name} takes text, not {value!r}")
    return str(value)


def _integer(field: Field, value: JSON) -> JSON:
    try:
        number = float(str(value)) if not isinstance(value, int) else value
        whole = int(number)
    except (ValueError, OverflowError) as error:
        raise _BadValue(f"{field.name} takes a whole number, not {value!r}") from error
    if isinstance(value, bool) or whole != number:
        raise _BadValue(f"{field.name} takes a whole number, not {value!r}")
    if isinstance(value, str) and "." not in value and "e" not in value.lower():
        whole = int(value)
    limit = RANGES.get(field.format or "", 2**63)
    low = field.minimum if field.minimum is not None else -limit
    high = field.maximum if field.maximum is not None else limit - 1
    if not low <= whole <= high:
        raise _BadValue(f"{field.name} is {whole}, outside {low} to {high}")
    return whole


def _number(field: Field, value: JSON) -> JSON:
    if isinstance(value, bool | list | dict):
        raise _BadValue(f"{field.name} takes a number, not {value!r}")
    try:
        number = float(str(value))
    except ValueError as error:
        raise _BadValue(f"{field.name} takes a number, not {value!r}") from error
    if number != number or number in {float("inf"), float("-inf")}:  # noqa: PLR0124 (NaN alone differs from itself)
        raise _BadValue(f"{field.name} takes a number, not {value!r}")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _boolean(field: Field, value: JSON) -> JSON:
    text = str(value).strip().lower()
    if text in TRUE | FALSE:
        return text in TRUE
    raise _BadValue(f"{field.name} takes true or false, not {value!r}")


def _date(field: Field, value: JSON) -> JSON:
    """Insightly's bodies hold `YYYY-MM-DD HH:MM:SS` in UTC; a time without a zone is UTC already."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError as error:
        raise _BadValue(
            f"{field.name} takes a date such as 2026-01-31 or 2026-01-31 12:00:00, not {value!r}"
        ) from error
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(" ", "seconds")


def _array(field: Field, value: JSON) -> JSON:
    if isinstance(value, list):
        return value
    if field.items == "Tag" and isinstance(value, str):
        return [{"TAG_NAME": tag.strip()} for tag in value.split(";") if tag.strip()]
    raise _BadValue(f"{field.name} takes a list, not {value!r}")


def _as_is(field: Field, value: JSON) -> JSON:
    return value


CASTS = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date-time": _date,
    "array": _array,
    "object": _as_is,
    "any": _as_is,
}
