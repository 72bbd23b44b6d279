"""From a row to the call it becomes, checked before any call is spent. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from crosswalk.delivery.cell import JSON, BadValue, as_text, look_up, record_id
from crosswalk.delivery.custom_fields import check_dependencies
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.fields import make_cell
from crosswalk.delivery.grouping import key_of, wrap
from crosswalk.delivery.headers import Headers, check_value
from crosswalk.delivery.macros import Parts, encode_url, fill_macros, show_macros
from crosswalk.delivery.mapping import Rule, has_path, is_empty
from crosswalk.delivery.plan import Cell, SettledPlan
from crosswalk.delivery.value import make_value


class Invalid(Struct, frozen=True):
    """A row that would be refused, and why; no call is spent on it."""

    reason: str


class Payload(Struct, frozen=True):
    """What one row sends, complete but for host and credential. It survives a round trip through JSON.

    Payloads of one `key` keep their order: it is the record's id where the row names one, else the match's value.
    `match` is the field and value by which a created record is found again. `if_empty` are fields that go out only
    where the record has none, which nobody has looked for yet. An `upsert` asks for a record that has the match's
    value; `record` is the one that was found, `None` while nobody knows, or where there is none.
    """

    method: str
    path: str
    body: dict[str, Any] | None  # JSON; msgspec reads no recursive alias back
    key: str | None = None
    headers: Headers = ()
    match: tuple[str, Any] | None = None
    if_empty: tuple[str, ...] = ()
    upsert: bool = False
    record: str | None = None

    @property
    def names(self) -> str | None:
        """The id of the record that it names."""
        return self.key if self.record is None and not self.upsert else self.record


def fold(value: JSON) -> str:
    """A match's value as searches compare it: without the spaces around it, and in whatever case."""
    return (as_text(value) or "").strip().lower()


def make_payload(plan: SettledPlan, cells: Mapping[str, JSON]) -> Payload | Invalid:
    """Turn one row into its call, or say why it would be refused. Empty cells are left out of the body."""
    try:
        record = _find_record(plan, cells)
        path = _make_path(plan, record, cells)
        headers = tuple((name, _fill_header(name, parts, cells)) for name, parts in plan.headers)
        body = None if plan.route.fields is None else _make_body(plan, record, cells)
        match = None if plan.match is None else (plan.match, _match_value(plan.match, body or {}))
    except BadValue as error:
        return Invalid(str(error))
    upsert = plan.route.action == "upsert"
    key = record if record is not None or match is None else fold(match[1]) if upsert else as_text(match[1])
    return Payload(plan.route.method, path, body, key, headers, match, plan.needs_present, upsert)


def _find_record(plan: SettledPlan, cells: Mapping[str, JSON]) -> str | None:
    """The id of the record that a row is about; `None` where it is about none yet."""
    if plan.id_column is not None:
        return record_id(look_up(cells, plan.id_column), f"column {plan.id_column!r}")
    if not plan.route.record:
        return None
    return record_id(fill_macros(plan.route.record, cells), show_macros(plan.route.record))


def _make_path(plan: SettledPlan, record: str | None, cells: Mapping[str, JSON]) -> str:
    named = record if record is not None and plan.route.id_in == "path" else ""
    head, tail = (fill_macros(parts, cells, encode=encode_url) for parts in (plan.route.head, plan.route.tail))
    path = f"{head}{named}{tail}"
    bad = {"", ".", ".."} & set(path.partition("?")[0].split("/")[1:])
    if bad:
        raise BadValue(f"path {path} would hold the segment {min(bad)!r}")
    return path


def _fill_header(name: str, parts: Parts, cells: Mapping[str, JSON]) -> str:
    try:
        return check_value(fill_macros(parts, cells).strip(" \t"))
    except BadValue as error:
        raise BadValue(f"header {name}: {error}") from error


def _make_body(plan: SettledPlan, record: str | None, cells: Mapping[str, JSON]) -> dict[str, JSON]:
    body: dict[str, JSON] = {}
    custom: dict[str, JSON] = {}
    for cell in (*plan.cells, *_new_cells(plan, cells)):
        value = make_value(cell, cells, plan.references)
        if is_empty(value) and not _clears(plan, cell, cells):
            continue
        place = custom if cell.custom else body
        _put(
            place,
            cell.name,
            None if value == "" else value,
            nested=cell.field is not None and cell.field.name != cell.name,
        )
    if custom:
        if isinstance(plan.custom, Mapping):
            check_dependencies(plan.custom, custom)
        listed = body.get("CUSTOMFIELDS")
        entries: list[JSON] = [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in custom.items()]
        body["CUSTOMFIELDS"] = [*(listed if isinstance(listed, list) else []), *entries]
    _check_body(plan, body)
    id_field = plan.route.resource.id
    if record is not None and plan.route.id_in == "body" and id_field is not None:
        return {id_field: int(record), **body}
    return body


def _put(body: dict[str, JSON], name: str, value: JSON, *, nested: bool) -> None:
    """Set a field, or one within an object where its name is a path that is no field's own."""
    head, dot, rest = name.partition(".")
    inner = body.setdefault(head, {}) if dot and nested else None
    if isinstance(inner, dict):
        _put(inner, rest, value, nested=True)
    else:
        body[name] = value


def _clears(plan: SettledPlan, cell: Cell, cells: Mapping[str, JSON]) -> bool:
    """Whether an empty value goes out, to clear the field: by rule, in updates, where the row has the column."""
    if cell.rule.write != "always" or plan.route.action not in {"update", "upsert"}:
        return False
    if cell.field is not None and (cell.field.null is False or cell.field.required):
        raise BadValue(f"{cell.name} is empty, and cannot be cleared")
    return cell.column is None or has_path(cells, cell.column)


def _new_cells(plan: SettledPlan, cells: Mapping[str, JSON]) -> Iterator[Cell]:
    """Columns that a row brings and no row before the plan had."""
    if plan.known is None or plan.known.issuperset(cells):
        return
    for column in cells:
        if column not in plan.known and column != plan.id_column:
            try:
                cell = make_cell(column, Rule(column=column), plan.route, exclude=plan.exclude, custom=plan.custom)
            except PlanError as error:
                raise BadValue(str(error)) from error
            if cell is not None:
                yield cell


def _check_body(plan: SettledPlan, body: Mapping[str, JSON]) -> None:
    for name in plan.required:
        if body.get(name) is None:
            raise BadValue(f"{name} is required and empty")
    if plan.grouping is not None and plan.grouping.key_attribute is not None and key_of(plan.grouping, body) is None:
        raise BadValue(f"{plan.grouping.key_attribute}, which names the record in its batch, is empty")
    if plan.grouping is not None and plan.grouping.algorithm == "template":
        wrap(plan.grouping, [msgspec.json.encode(body)], ())  # what fails alone fails in every batch


def _match_value(name: str, body: Mapping[str, JSON]) -> JSON:
    """The value that a body holds for a field; a custom one stands in CUSTOMFIELDS."""
    value = body.get(name)
    listed = body.get("CUSTOMFIELDS")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and entry.get("FIELD_NAME") == name:
            value = entry.get("FIELD_VALUE")
    if as_text(value) is None:
        raise BadValue(f"{name}, which --match names, is empty")
    return value
