"""Which records a user follows."""

import msgspec

from crosswalk.sandbox.answers import DELETED, find_in_path, success, table_of
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import answer_values


def get_follow(instance: Instance, call: Call) -> Answer:
    """Answer whether the caller follows a record."""
    end = _end(instance, call)
    return _answer(call, following=end in instance.extras.follows.get(call.user.id, []))


def add_follow(instance: Instance, call: Call) -> Answer:
    """Follow a record; doing so twice changes nothing."""
    end, follows = _end(instance, call), instance.extras.follows.setdefault(call.user.id, [])
    if end not in follows:
        follows.append(end)
    return _answer(call, following=True)


def remove_follow(instance: Instance, call: Call) -> Answer:
    """Follow a record no longer."""
    end, follows = _end(instance, call), instance.extras.follows.get(call.user.id, [])
    if end in follows:
        follows.remove(end)
    return DELETED


def list_follows(instance: Instance, call: Call) -> Answer:
    """Answer what the caller follows, of one kind if asked: `Contact` or `contacts`."""
    asked = call.query.get("record_type", "").strip().lower()
    shown = []
    for key, number in instance.extras.follows.get(call.user.id, []):
        record = instance.tables[key].schema.record
        if asked in ("", key, record.lower()):
            shown.append(msgspec.json.encode({"RECORD_TYPE": record, "RECORD_ID": number}))
    return answer_values(call, shown)


def _end(instance: Instance, call: Call) -> tuple[str, int]:
    return call.resource.key, find_in_path(instance, table_of(instance, call), call).id


def _answer(call: Call, *, following: bool) -> Answer:
    return Answer(success(call), msgspec.json.encode({"FOLLOWING": following}))
