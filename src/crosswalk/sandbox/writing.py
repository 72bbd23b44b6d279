"""How a body becomes a record: coerced, completed, checked against what it refers to, stamped and kept."""

from collections.abc import Mapping

from crosswalk.sandbox.bodies import Body
from crosswalk.sandbox.call import Call
from crosswalk.sandbox.custom_fields import merge_values
from crosswalk.sandbox.dates import keep_parts, take_parts
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid, forbidden
from crosswalk.sandbox.rules import PLAIN, Draft, Rules, open_draft
from crosswalk.sandbox.schema import Model, Slot
from crosswalk.sandbox.table import Row, Table
from crosswalk.sandbox.tags import take_tags
from crosswalk.sandbox.values import Unfit, format_moment

NOTHING: Body = {}


def rules_of(instance: Instance, table: Table) -> Rules:
    """Find what this kind of record asks; all custom objects ask the same."""
    return instance.rules.get(table.schema.key.partition(":")[0], PLAIN)


def check_rights(call: Call, rules: Rules) -> None:
    """Let only administrators write settings. Raises `Refusal` (403)."""
    if rules.administrators and not call.user.administrator:
        raise forbidden(call.resource.name)


def create(instance: Instance, call: Call, table: Table, *, body: Body, fixed: Body = NOTHING) -> Row:
    """Check a body, complete it and keep it as a new record; `fixed` fields are settled by the path."""
    rules = rules_of(instance, table)
    check_rights(call, rules)
    draft = Draft(instance, table, None, list(table.schema.blank), call.user, call.now)
    for name, default in rules.defaults.items():
        draft[name] = default(draft) if callable(default) else default
    _complete(draft, table.schema.post, body, call=call, fixed=fixed, whole=True)
    _stamp(draft)
    row = table.add(draft.new, version=instance.next_version(), born=call.now.timestamp())
    if rules.settle is not None:
        rules.settle(draft, row)
    return row


def update(instance: Instance, call: Call, table: Table, *, row: Row, body: Body) -> Row:
    """Check a body and lay it over a record."""
    rules = rules_of(instance, table)
    check_rights(call, rules)
    replacing = call.switches.put_effect == "replacing"
    draft = open_draft(instance, call, table, row=row)
    if replacing:
        _blank_out(draft, rules)
    _complete(draft, table.schema.put, body, call=call, fixed=NOTHING, whole=replacing)
    draft.save(row)
    if rules.settle is not None:
        rules.settle(draft, row)
    return row


def _complete(draft: Draft, model: Model, body: Body, *, call: Call, fixed: Body, whole: bool) -> None:
    rules = rules_of(draft.instance, draft.table)
    for name, value in fixed.items():
        draft[name] = value
    fill(draft, model, body, call=call, fixed=fixed, whole=whole)
    _check_references(draft, rules)
    if rules.prepare is not None:
        rules.prepare(draft)


def fill(draft: Draft, model: Model, body: Body, *, call: Call, whole: bool, fixed: Body = NOTHING) -> None:
    """Lay a body over a draft; `whole` asks for every required field. Raises `Invalid` with all that is wrong."""
    problems: list[tuple[str, str]] = []
    for key, value in body.items():
        slot = model.slots.get(key.lower())
        if slot is None or slot.field.name in fixed:
            continue
        draft.given.add(slot.field.name)
        try:
            draft.new[slot.place] = _take(draft, slot, value, call=call)
        except Unfit as unfit:
            problems.append((draft.name(slot.field.name), str(unfit)))
        except Invalid as invalid:
            problems.extend(invalid.problems)
    wrong = {name for name, _ in problems}
    for name in model.required:
        absent = whole and name not in draft.given and name not in fixed
        if (absent or is_blank(draft[name])) and (whole or name in draft.given) and draft.name(name) not in wrong:
            problems.append((draft.name(name), f"The {name} field is required."))
    if problems:
        raise Invalid(*problems)


def _take(draft: Draft, slot: Slot, value: object, *, call: Call) -> object:
    name = slot.field.name
    match name:
        case "CUSTOMFIELDS":
            return _take_custom(draft, value, replacing=call.switches.custom_fields_effect == "replacing")
        case "TAGS":
            return take_tags(value, draft.name(name))
        case "DATES" | "EMAILDOMAINS":
            return keep_parts(draft.instance, name, take_parts(name, value, draft.name(name)), old=draft.before(name))
        case _:
            taken = slot.coerce(value)
            return _null_of(draft, slot) if taken is None else taken


def _take_custom(draft: Draft, value: object, *, replacing: bool) -> object:
    fields = draft.instance.fields_of(draft.table.schema.key)
    given = fields.take(value, draft.table.schema.head)
    old = draft.before("CUSTOMFIELDS")
    if not replacing or not isinstance(old, dict):
        return merge_values(old, given)
    return merge_values({d.name: old.get(d.name) for d in fields.numbered}, given)


def _null_of(draft: Draft, slot: Slot) -> object:
    """Give what null means for a field: nothing, or the default where the service has no empty value."""
    if slot.field.type == "boolean":
        return False
    if slot.field.type == "string" and not slot.field.values:
        return None
    default = rules_of(draft.instance, draft.table).defaults.get(slot.field.name)
    return default(draft) if callable(default) else default


def _blank_out(draft: Draft, rules: Rules) -> None:
    schema = draft.table.schema
    for slot in schema.put.slots.values():
        default = rules.defaults.get(slot.field.name, schema.blank[slot.place])
        draft.new[slot.place] = default(draft) if callable(default) else default
    fields = draft.instance.fields_of(schema.key)
    old = draft.before("CUSTOMFIELDS") if "customfields" in schema.place else None
    if isinstance(old, dict):
        draft["CUSTOMFIELDS"] = merge_values(None, {d.name: old.get(d.name) for d in fields.numbered})


def _check_references(draft: Draft, rules: Rules) -> None:
    problems = []
    for name, key in rules.refers.items():
        if name not in draft.given:
            continue
        if draft[name] == 0:  # what a program without nullable numbers sends for none
            draft[name] = None
        number = draft[name]
        if number is not None and draft.changes(name) and not refers(draft.instance.tables[key], number):
            problems.append((draft.name(name), f"The value '{number}' is not a valid {name}."))
    if problems:
        raise Invalid(*problems)


def refers(table: Table, number: object) -> bool:
    """Whether a value, a number or its text, is the id of a record here."""
    if isinstance(number, str):
        return number.isdecimal() and int(number) in table.rows
    return number in table.rows


def _stamp(draft: Draft) -> None:
    now = format_moment(draft.now)
    stamps: Mapping[str, object] = {
        "DATE_CREATED_UTC": now,
        "DATE_UPDATED_UTC": now,
        "CREATED_USER_ID": draft.user.id,
    }
    for name, value in stamps.items():
        if name.lower() in draft.table.schema.place and draft[name] is None:
            draft[name] = value
    for definition in draft.instance.fields_of(draft.table.schema.key).numbered:
        number = draft.instance.next_number(f"{draft.table.schema.key}.{definition.name}")
        draft["CUSTOMFIELDS"] = merge_values(draft["CUSTOMFIELDS"], {definition.name: f"{number:05d}"})


def is_blank(value: object) -> bool:
    """Whether a required field would stay empty."""
    return value is None or (isinstance(value, str) and not value.strip())
