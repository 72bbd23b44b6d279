"""Which records a search finds: one field by equality, a date, a tag."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter

from msgspec.structs import replace

from crosswalk.contract import Field
from crosswalk.sandbox.answers import visible_ids
from crosswalk.sandbox.call import Call
from crosswalk.sandbox.custom_fields import STORED
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import NO, YES, Test, test_updated
from crosswalk.sandbox.refusals import Invalid, refuse
from crosswalk.sandbox.schema import SUB_COLLECTIONS
from crosswalk.sandbox.table import Read, Row, Table
from crosswalk.sandbox.values import parse_moment


def search_ids(instance: Instance, call: Call, table: Table) -> Sequence[int]:
    """Find ids by `field_name` and `field_value`, and by `updated_after_utc`; every id when neither is given."""
    ids = visible_ids(instance, call, table)
    found = find_by_field(instance, call, table)
    if found is not None:
        ids = sorted(found if ids is table.order else found & set(ids))
    tests = [test for test in (test_updated(table, call), test_age(call)) if test is not None]
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
    seen = test_age(call)
    ids = visible_ids(instance, call, table)
    found = [n for n in ids if _has_tag(rows[n].values[place], tag) and (seen is None or seen(rows[n]))]
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


def find_by_field(instance: Instance, call: Call, table: Table) -> AbstractSet[int] | None:
    """Find ids by one field; `None` when none is asked. Raises `Invalid` for one half of the pair, or no such field."""
    name, value = call.query.get("field_name", "").strip(), call.query.get("field_value", "")
    if not name and not value:
        return None
    if not name or not value:
        raise Invalid(("field_name", "Both field_name and field_value must be provided."))
    place = table.schema.place.get(name.lower())
    if place is not None and table.schema.fields[place].name not in SUB_COLLECTIONS:
        return match_value(table, table.schema.fields[place], itemgetter(place), text=value)
    custom = instance.fields_of(table.schema.key).known.get(name.lower())
    if custom is None or "customfields" not in table.schema.place:
        raise Invalid(("field_name", f"'{name}' is not a valid field name."))
    definition, _ = custom
    field = replace(STORED[definition.type], name=definition.name)
    return match_value(table, field, read_custom(table, definition.name), text=value)


def read_custom(table: Table, name: str) -> Read:
    """Make the function that reads one custom field out of a row's values."""
    place = table.schema.place["customfields"]

    def read(values: list[object]) -> object:
        held = values[place]
        return held.get(name) if isinstance(held, dict) else None

    return read


def match_value(table: Table, field: Field, read: Read, *, text: str) -> AbstractSet[int]:
    """Find the records whose field is equal to a text, whatever the case (S2)."""
    match field.type, field.format:
        case "boolean", _:
            word = text.strip().lower()
            wanted = {word in YES} if word in YES | NO else set()
            return {row.id for row in table.all() if bool(read(row.values)) in wanted}
        case "integer" | "number", _:
            return table.index(field.name, read).find(_number(text))
        case _, "date-time":
            return table.index(field.name, read).find(parse_moment(text))
        case _:
            return table.index(field.name, read).find(text.strip().lower())


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
