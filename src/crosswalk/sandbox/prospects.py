"""Prospects: their static lists, and what marketing saw of them."""

import msgspec

from crosswalk.contract import load
from crosswalk.sandbox.answers import DELETED, find_in_path, success, table_of
from crosswalk.sandbox.bodies import read_json, read_object, take_shape
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import encode_values
from crosswalk.sandbox.refusals import Invalid, failed
from crosswalk.sandbox.rules import change
from crosswalk.sandbox.values import format_moment

HEAD = "apiStaticListMembership"
EVENT_SCORE = 5


def list_memberships(instance: Instance, call: Call) -> Answer:
    """Answer the static lists that a prospect is on."""
    row = find_in_path(instance, table_of(instance, call), call)
    return _answer(call, instance.extras.lists.get(row.id, []))


def put_memberships(instance: Instance, call: Call) -> Answer:
    """Set the static lists of a prospect: the body is the full new set, or one."""
    row = find_in_path(instance, table_of(instance, call), call)
    body = read_json(call, HEAD)
    entries = body if isinstance(body, list) else [body]
    held = instance.extras.lists[row.id] = list(dict.fromkeys(_take_list(entry) for entry in entries))
    return _answer(call, held)


def add_membership(instance: Instance, call: Call) -> Answer:
    """Put a prospect on one more static list."""
    row = find_in_path(instance, table_of(instance, call), call)
    number = _take_list(read_json(call, HEAD))
    held = instance.extras.lists.setdefault(row.id, [])
    if number not in held:
        held.append(number)
    return _answer(call, held)


def remove_membership(instance: Instance, call: Call) -> Answer:
    """Take a prospect off the static list that the body names."""
    row = find_in_path(instance, table_of(instance, call), call)
    number = _take_list(read_json(call, HEAD))
    held = instance.extras.lists.get(row.id, [])
    if number not in held:
        raise failed()
    held.remove(number)
    return DELETED


def record_event(instance: Instance, call: Call) -> Answer:
    """Take what a prospect did on a customer's site: it scores, and is the prospect's last activity."""
    head = "apiMarketingActivity"
    taken = take_shape(call.resource.fields, read_object(call, head), head)
    table = instance.tables["prospect"]
    row = table.rows.get(taken["PROSPECT_ID"]) if isinstance(taken["PROSPECT_ID"], int) else None
    if row is None:
        raise Invalid((f"{head}.PROSPECT_ID", f"The value '{taken['PROSPECT_ID']}' is not a valid PROSPECT_ID."))
    score = int(str(table.get(row, "SCORE") or 0)) + EVENT_SCORE
    seen = {"SCORE": score, "LAST_ACTIVITY_DATE_UTC": format_moment(call.now)}
    change(instance, call, table, row=row, values=seen)
    return Answer(success(call), msgspec.json.encode(taken))


def _take_list(entry: object) -> int:
    number = take_shape(load().shape("StaticListMembership"), entry, HEAD)["LIST_ID"]
    return int(str(number))


def _answer(call: Call, held: list[int]) -> Answer:
    return Answer(success(call), encode_values([{"LIST_ID": number} for number in held]))
