"""Tags: words on a record, each once in any case, in the order they came."""

from collections.abc import Iterable

import msgspec

from crosswalk.sandbox.answers import DELETED, find_in_path, success, table_of
from crosswalk.sandbox.bodies import read_json
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import answer_values, encode_values
from crosswalk.sandbox.refusals import Invalid, failed
from crosswalk.sandbox.rules import change
from crosswalk.sandbox.table import Row, Table

MAX_LENGTH = 255
RECORD_TYPES = {name: name for name in ("contacts", "leads", "opportunities", "organisations", "projects", "emails")}


def take_tag(entry: object, where: str) -> str:
    """Read one tag out of a body. Raises `Invalid`."""
    keys = {str(key).upper(): value for key, value in entry.items()} if isinstance(entry, dict) else {}
    name = keys.get("TAG_NAME")
    if not isinstance(name, str) or not name.strip():
        raise Invalid((f"{where}.TAG_NAME", "The TAG_NAME field is required."))
    if len(name) > MAX_LENGTH:
        message = f"The field TAG_NAME must be a string with a maximum length of {MAX_LENGTH}."
        raise Invalid((f"{where}.TAG_NAME", message))
    return name.strip()


def take_tags(body: object, where: str) -> list[object] | None:
    """Read a whole set of tags: an array, or one tag alone. Raises `Invalid`."""
    entries = body if isinstance(body, list) else [] if body is None else [body]
    return unite(take_tag(entry, f"{where}[{i}]") for i, entry in enumerate(entries))


def unite(tags: Iterable[object]) -> list[object] | None:
    """Keep each tag once, whatever its case; `None` when there is none."""
    found: dict[str, object] = {}
    for tag in tags:
        found.setdefault(str(tag).lower(), tag)
    return list(found.values()) or None


def list_tags(instance: Instance, call: Call) -> Answer:
    """Answer the tags of one record."""
    table = table_of(instance, call)
    return _answer_tags(call, tags_of(table, find_in_path(instance, table, call)))


def put_tags(instance: Instance, call: Call) -> Answer:
    """Set the tags of one record: the body is the full new set, or one tag (S9)."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    tags = take_tags(read_json(call, "apiTag"), "apiTag")
    change(instance, call, table, row=row, values={"TAGS": tags})
    return _answer_tags(call, tags or [])


def add_tag(instance: Instance, call: Call) -> Answer:
    """Add one tag to a record; a tag that is there stays."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    tag = take_tag(read_json(call, "apiTag"), "apiTag")
    change(instance, call, table, row=row, values={"TAGS": unite([*tags_of(table, row), tag])})
    return Answer(success(call), msgspec.json.encode({"TAG_NAME": tag}))


def remove_tag(instance: Instance, call: Call) -> Answer:
    """Take one tag, named in the body, off a record."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    tag = take_tag(read_json(call, "apiTag"), "apiTag").lower()
    kept = [other for other in tags_of(table, row) if str(other).lower() != tag]
    if len(kept) == len(tags_of(table, row)):
        raise failed()
    change(instance, call, table, row=row, values={"TAGS": kept or None})
    return DELETED


def list_known_tags(instance: Instance, call: Call) -> Answer:
    """Answer every tag in use on one kind of record."""
    asked = call.query.get("record_type", "").strip().lower()
    key = RECORD_TYPES.get(asked)
    if key is None:
        raise Invalid(("record_type", f"The value '{asked}' is not valid. Valid values: {', '.join(RECORD_TYPES)}."))
    table = instance.tables[key]
    known = unite(tag for row in table.all() for tag in tags_of(table, row)) or []
    return answer_values(call, [msgspec.json.encode({"TAG_NAME": tag}) for tag in sorted(known, key=str)])


def tags_of(table: Table, row: Row) -> list[object]:
    """Give a record's tags."""
    tags = table.get(row, "TAGS")
    return tags if isinstance(tags, list) else []


def _answer_tags(call: Call, tags: list[object]) -> Answer:
    return Answer(success(call), encode_values([{"TAG_NAME": tag} for tag in tags]))
