"""The verbs of a collection, written once: list, get, search, create, update, delete."""

from collections.abc import Mapping

import msgspec

from crosswalk.sandbox.answers import answer_record, check_if_match, find, find_in_path, read_id, table_of
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.custom_fields import merge_values
from crosswalk.sandbox.dates import SHAPES, take_parts
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import answer_rows, read_updated_after, test_updated
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.removal import remove
from crosswalk.sandbox.rules import Draft, Rules
from crosswalk.sandbox.schema import Model, Slot
from crosswalk.sandbox.search import search_by_tag_ids, search_ids
from crosswalk.sandbox.table import Row, Table
from crosswalk.sandbox.tags import take_tags
from crosswalk.sandbox.values import Unfit, format_moment

PLAIN = Rules()
Body = Mapping[str, object]


def list_records(instance: Instance, call: Call) -> Answer:
    """Answer a page of every record, oldest first. `updated_after_utc` is ignored here unless a switch says so."""
    table = table_of(instance, call)
    if call.switches.updated_after_on_list == "honoured" and read_updated_after(call) is not None:
        passes = test_updated(table, call)
        return answer_rows(instance, call, table, ids=[r.id for r in table.all() if passes is None or passes(r)])
    return answer_rows(instance, call, table, ids=table.order)


def get_record(instance: Instance, call: Call) -> Answer:
    """Answer one record by id."""
    table = table_of(instance, call)
    return answer_record(instance, call, table, row=find_in_path(table, call))


def search_records(instance: Instance, call: Call) -> Answer:
    """Answer the records that a search finds."""
    table = table_of(instance, call)
    return answer_rows(instance, call, table, ids=search_ids(instance, call, table))


def search_by_tag(instance: Instance, call: Call) -> Answer:
    """Answer the records that carry a tag."""
    table = table_of(instance, call)
    return answer_rows(instance, call, table, ids=search_by_tag_ids(call, table))


def create_record(instance: Instance, call: Call) -> Answer:
    """Make a record of a body."""
    table = table_of(instance, call)
    row = create(instance, call, table, body=read_object(call, table.schema.head))
    return answer_record(instance, call, table, row=row)


def update_record(instance: Instance, call: Call) -> Answer:
    """Change a record: its id comes in the path or in the body."""
    table = table_of(instance, call)
    body = read_object(call, table.schema.head)
    row = find(table, id_in(call, table, body))
    check_if_match(call, table, row)
    return answer_record(instance, call, table, row=update(instance, call, table, row=row, body=body))


def delete_record(instance: Instance, call: Call) -> Answer:
    """Remove a record and what hangs on it; 202 without a body."""
    table = table_of(instance, call)
    row = find_in_path(table, call)
    check_if_match(call, table, row)
    remove(instance, table, row, user=call.user)
    return Answer(202, content_type=None)


def read_json(call: Call, head: str) -> object:
    """Read the body as JSON. Raises `Invalid` with the message that was recorded, which is empty (S34)."""
    try:
        return msgspec.json.decode(call.body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):  # msgspec.DecodeError is a ValueError
        raise Invalid((head, "")) from None


def read_object(call: Call, head: str) -> Body:
    """Read the body as one JSON object. Raises `Invalid`."""
    body = read_json(call, head)
    if not isinstance(body, dict):
        raise Invalid((head, ""))
    return body


def id_in(call: Call, table: Table, body: Body, *, id_name: str | None = None) -> int:
    """Read the id of the record to change: from the path, else from the body, where 0 means none."""
    if "id" in call.params and id_name is None:
        return read_id(call.params["id"])
    wanted = (id_name or table.schema.id or "").lower()
    names = {name for name, place in table.schema.place.items() if place == table.schema.place[wanted]}
    given = [value for key, value in body.items() if key.lower() in names]
    value = given[-1] if given else None
    if value is None or value == "":
        return 0
    if isinstance(value, bool | list | dict) or (isinstance(value, float) and not value.is_integer()):
        raise Invalid((f"{table.schema.head}.{table.schema.id}", f"The value '{value}' is not valid for Int64."))
    return read_id(
        str(int(value) if isinstance(value, float) else value).strip(), f"{table.schema.head}.{table.schema.id}"
    )


def create(instance: Instance, call: Call, table: Table, *, body: Body, fixed: Body | None = None) -> Row:
    """Check a body, complete it and keep it as a new record. `fixed` are fields that the path has settled."""
    rules = instance.rules.get(table.schema.key, PLAIN)
    draft = Draft(instance, table, None, list(table.schema.blank), call.user, call.now)
    for name, default in rules.defaults.items():
        draft[name] = default(draft) if callable(default) else default
    fill(draft, table.schema.post, body, call=call, whole=True)
    for name, value in (fixed or {}).items():
        draft[name] = value
    _check_references(draft, rules)
    if rules.prepare is not None:
        rules.prepare(draft)
    _stamp(draft)
    row = table.add(draft.new, version=instance.next_version(), born=call.now.timestamp())
    if rules.settle is not None:
        rules.settle(draft, row)
    return row


def update(instance: Instance, call: Call, table: Table, *, row: Row, body: Body) -> Row:
    """Check a body and lay it over a record."""
    rules = instance.rules.get(table.schema.key, PLAIN)
    replacing = call.switches.put_effect == "replacing"
    draft = Draft(instance, table, row.values, list(row.values), call.user, call.now)
    if replacing:
        _blank_out(draft, rules)
    fill(draft, table.schema.put, body, call=call, whole=replacing)
    _check_references(draft, rules)
    if rules.prepare is not None:
        rules.prepare(draft)
    save(draft, row)
    if rules.settle is not None:
        rules.settle(draft, row)
    return row


def save(draft: Draft, row: Row) -> None:
    """Keep a changed record."""
    _stamp(draft)
    draft.table.replace(row, draft.new, version=draft.instance.next_version())


def fill(draft: Draft, model: Model, body: Body, *, call: Call, whole: bool) -> None:
    """Lay a body over a draft; `whole` asks for every required field. Raises `Invalid` with all that is wrong."""
    problems: list[tuple[str, str]] = []
    for key, value in body.items():
        slot = model.slots.get(key) or model.slots.get(key.lower())
        if slot is None:
            continue
        draft.given.add(slot.field.name)
        try:
            draft.new[slot.place] = _take(draft, slot, value, call=call)
        except Unfit as unfit:
            problems.append((draft.name(slot.field.name), str(unfit)))
        except Invalid as invalid:
            problems.extend(invalid.problems)
    wanting = (name for name in model.required if (whole or name in draft.given) and _is_blank(draft[name]))
    named = {name for name, _ in problems}
    problems += [
        (n, f"The {n.rpartition('.')[2]} field is required.") for n in map(draft.name, wanting) if n not in named
    ]
    if problems:
        raise Invalid(*problems)


def _take(draft: Draft, slot: Slot, value: object, *, call: Call) -> object:
    name = slot.field.name
    where = draft.name(name)
    match name:
        case "CUSTOMFIELDS":
            fields = draft.instance.fields_of(draft.table.schema.key)
            kept = None if call.switches.custom_fields_effect == "replacing" and value is not None else draft[name]
            given = fields.take(value, draft.table.schema.head)
            return merge_values(kept, {**_numbers(draft), **given})
        case "TAGS":
            return take_tags(value, where)
        case "DATES" | "EMAILDOMAINS":
            return keep_parts(draft.instance, name, take_parts(name, value, where), old=draft[name])
        case _:
            taken = slot.coerce(value)
            return _null_of(draft, slot) if taken is None else taken


def _numbers(draft: Draft) -> dict[str, object]:
    old = draft["CUSTOMFIELDS"]
    numbered = draft.instance.fields_of(draft.table.schema.key).numbered
    return {d.name: old[d.name] for d in numbered if isinstance(old, dict) and d.name in old}


def _null_of(draft: Draft, slot: Slot) -> object:
    """Give what null means for a field: nothing, or the default where the service has no empty value."""
    if slot.field.type == "boolean":
        return False
    if slot.field.type == "string" and not slot.field.values:
        return None
    default = draft.instance.rules.get(draft.table.schema.key, PLAIN).defaults.get(slot.field.name)
    return default(draft) if callable(default) else default


def keep_parts(instance: Instance, name: str, parts: list[dict[str, object]], *, old: object) -> list[object] | None:
    """Number new parts of a list; those of the old list keep their ids."""
    _, id_name = SHAPES[name]
    known = {part[id_name] for part in old} if isinstance(old, list) else set()
    for part in parts:
        if part[id_name] not in known:
            part[id_name] = instance.next_number(id_name, 5_200_001)
    return list(parts) or None


def _blank_out(draft: Draft, rules: Rules) -> None:
    schema = draft.table.schema
    for slot in schema.put.slots.values():
        default = rules.defaults.get(slot.field.name, schema.blank[slot.place])
        draft.new[slot.place] = default(draft) if callable(default) else default


def _check_references(draft: Draft, rules: Rules) -> None:
    problems = []
    for name, key in rules.refers.items():
        if name not in draft.given:
            continue
        if draft[name] == 0:  # what a program without nullable numbers sends for none
            draft[name] = None
        id = draft[name]  # noqa: A001 (the API's own word)
        if id is not None and id != draft.before(name) and id not in draft.instance.tables[key].rows:
            problems.append((draft.name(name), f"The value '{id}' is not a valid {name}."))
    if problems:
        raise Invalid(*problems)


def _stamp(draft: Draft) -> None:
    place = draft.table.schema.place
    now = format_moment(draft.now)
    if "date_updated_utc" in place:
        draft["DATE_UPDATED_UTC"] = now
    if draft.old is not None:
        return
    if "date_created_utc" in place and draft["DATE_CREATED_UTC"] is None:
        draft["DATE_CREATED_UTC"] = now
    if "created_user_id" in place and draft["CREATED_USER_ID"] is None:
        draft["CREATED_USER_ID"] = draft.user.id
    for definition in draft.instance.fields_of(draft.table.schema.key).numbered:
        number = draft.instance.next_number(f"{draft.table.schema.key}.{definition.name}")
        draft["CUSTOMFIELDS"] = merge_values(draft["CUSTOMFIELDS"], {definition.name: f"{number:05d}"})


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
