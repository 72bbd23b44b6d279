"""Which records a search finds: one field by equality, a date, a tag."""

from collections.abc import Callable, Iterator, Sequence

from crosswalk.contract import Field
from crosswalk.sandbox.answers import visible_ids
from crosswalk.sandbox.call import Call
from crosswalk.sandbox.custom_fields import STORED
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import YES, Test, test_updated
from crosswalk.sandbox.refusals import Invalid, refuse
from crosswalk.sandbox.schema import SUB_COLLECTIONS
from crosswalk.sandbox.table import Row, Table
from crosswalk.sandbox.values import parse_moment

Read = Callable[[Row], object]


def search_ids(instance: Instance, call: Call, table: Table) -> Sequence[int]:
    """Find ids by `field_name` and `field_value`, and by `updated_after_utc`; every id when neither is given."""
    tests = [t for t in (test_field(instance, call, table), test_updated(table, call), test_age(call)) if t is not None]
    ids = visible_ids(instance, call, table)
    if not tests:
        return ids
    rows: Iterator[Row] = map(table.rows.__getitem__, ids)
    for test in tests:
        rows = filter(test, rows)
    return [row.id for row in rows]


def search_by_tag_ids(instance: Instance, call: Call, table: Table) -> list[int]:
    """Find ids by tag. Raises `Invalid` without one."""
    wanted = call.query.get("tagname") or call.query.get("tag_name") or ""
    if not wanted.strip():
        raise Invalid(("tagName", "The tagName field is required."))
    place = table.schema.place["tags"]
    rows, tag = table.rows, wanted.strip().lower()
    found = [number for number in visible_ids(instance, call, table) if _has_tag(rows[number].values[place], tag)]
    if not found and call.switches.search_by_unknown_tag == "not_found":
        raise refuse(
            404, f"No {table.schema.record} with TAG_NAME = {wanted}", reason=f"{table.schema.record} Not Found"
        )
    return found


def _has_tag(tags: object, wanted: str) -> bool:
    return isinstance(tags, list) and any(str(tag).lower() == wanted for tag in tags)


def test_age(call: Call) -> Test | None:
    """Make the test that hides what the search index has not seen yet."""
    if call.search_lag <= 0:
        return None
    newest = call.now.timestamp() - call.search_lag
    return lambda row: row.born <= newest


def test_field(instance: Instance, call: Call, table: Table) -> Test | None:
    """Make the test that `field_name` and `field_value` ask for. Raises `Invalid` for one without the other."""
    name, value = call.query.get("field_name", "").strip(), call.query.get("field_value", "")
    if not name and not value:
        return None
    if not name or not value:
        raise Invalid(("field_name", "Both field_name and field_value must be provided."))
    place = table.schema.place.get(name.lower())
    if place is not None and table.schema.fields[place].name not in SUB_COLLECTIONS:
        return match_value(table.schema.fields[place], lambda row: row.values[place], value)
    custom = instance.fields_of(table.schema.key).known.get(name.lower())
    if custom is None or "customfields" not in table.schema.place:
        raise Invalid(("field_name", f"'{name}' is not a valid field name."))
    definition, _ = custom
    return match_value(STORED[definition.type], read_custom(table, definition.name), value)


def read_custom(table: Table, name: str) -> Read:
    """Make the function that reads one custom field of a row."""
    place = table.schema.place["customfields"]

    def read(row: Row) -> object:
        values = row.values[place]
        return values.get(name) if isinstance(values, dict) else None

    return read


def match_value(field: Field, read: Read, text: str) -> Test:
    """Make the test of one field: equal, whatever the case (S2)."""
    match field.type, field.format:
        case "integer" | "number", _:
            number = _number(text)
            return lambda row: number is not None and read(row) == number
        case "boolean", _:
            wanted = text.strip().lower() in YES
            return lambda row: bool(read(row)) is wanted
        case _, "date-time":
            moment = parse_moment(text)
            return lambda row: moment is not None and read(row) == moment
        case _:
            lowered = text.strip().lower()
            return lambda row: (value := read(row)) is not None and str(value).lower() == lowered


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
