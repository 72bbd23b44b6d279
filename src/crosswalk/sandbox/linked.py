"""What is linked to a record: its links, and the notes, tasks, events and emails at their other ends."""

from datetime import datetime

import msgspec

from crosswalk.contract import load
from crosswalk.sandbox.activity import refresh_activity
from crosswalk.sandbox.answers import DELETED, find_in_path, read_id, success, table_of
from crosswalk.sandbox.bodies import read_object, take_shape
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.links import TABLES, End, Link
from crosswalk.sandbox.query import answer_rows, encode_values, test_updated
from crosswalk.sandbox.refusals import Invalid, missing
from crosswalk.sandbox.rules import change

HEAD = "apiLink"


def list_linked(instance: Instance, call: Call) -> Answer:
    """Answer the notes, tasks, events or emails that are linked to a record."""
    end = end_of(instance, call)
    table = instance.tables[call.operation.path.rpartition("/")[2].lower()]
    passes = test_updated(table, call)
    ids = sorted(instance.links.linked(end, table.schema.key))
    return answer_rows(instance, call, table, ids=[i for i in ids if passes is None or passes(table.rows[i])])


def list_links(instance: Instance, call: Call) -> Answer:
    """Answer a record's links as seen from it."""
    end = end_of(instance, call)
    return Answer(success(call), encode_values([link.seen_from(end) for link in instance.links.of(end)]))


def add_link(instance: Instance, call: Call) -> Answer:
    """Link a record to another, once."""
    end = end_of(instance, call)
    body = take_shape(load().shape("Link"), read_object(call, HEAD), HEAD)
    far = find_end(instance, body)
    if far == end:
        raise Invalid((f"{HEAD}.LINK_OBJECT_ID", "A record cannot be linked to itself."))
    if instance.links.between(end, far) is not None:
        raise Invalid((f"{HEAD}.LINK_OBJECT_ID", "The link already exists."))
    check_relationship(instance, body)
    link = join(instance, end, far, now=call.now)
    return _write_link(instance, call, link, body=body)


def put_link(instance: Instance, call: Call) -> Answer:
    """Change the role, details or relationship of a link, found by LINK_ID or by what it points at."""
    end = end_of(instance, call)
    body = take_shape(load().shape("Link"), read_object(call, HEAD), HEAD)
    number = body["LINK_ID"]
    link = instance.links.by_id.get(number) if isinstance(number, int) else None
    if number is None:
        link = instance.links.between(end, find_end(instance, body))
    if link is None or end not in (link.near, link.far):
        raise missing("Link", number or 0)
    check_relationship(instance, body)
    return _write_link(instance, call, link, body=body)


def remove_link(instance: Instance, call: Call) -> Answer:
    """Remove a link at both of its ends."""
    end = end_of(instance, call)
    number = read_id(call.params["linkId"], "linkId")
    link = instance.links.by_id.get(number)
    if link is None or end not in (link.near, link.far):
        raise missing("Link", number)
    instance.links.drop(link)
    for side in (link.near, link.far):
        refresh_activity(instance, side, now=call.now)
    touch_ends(instance, call, link)
    return DELETED


def join(instance: Instance, near: End, far: End, *, now: datetime) -> Link:
    """Link two records; both read differently from then on."""
    link = instance.links.add(near, far)
    for key, number in (near, far):
        instance.touch(instance.tables[key], instance.tables[key].rows[number])
        refresh_activity(instance, (key, number), now=now)
    return link


def end_of(instance: Instance, call: Call) -> End:
    """Give the end of a link that the path names. Raises `Refusal` (404)."""
    return call.resource.key, find_in_path(instance, table_of(instance, call), call).id


def find_end(instance: Instance, body: dict[str, object]) -> End:
    """Find what a link's body points at: a singular name and an id. Raises `Invalid` (S2)."""
    name, number = body["LINK_OBJECT_NAME"], body["LINK_OBJECT_ID"]
    absent = [field for field in ("LINK_OBJECT_NAME", "LINK_OBJECT_ID") if body[field] is None]
    if absent:
        raise Invalid(*((f"{HEAD}.{field}", f"The {field} field is required.") for field in absent))
    key = TABLES.get(str(name or "").lower())
    if key is None:
        raise Invalid((f"{HEAD}.LINK_OBJECT_NAME", f"The value '{name}' is not a valid LINK_OBJECT_NAME."))
    if not isinstance(number, int) or number not in instance.tables[key].rows:
        raise Invalid((f"{HEAD}.LINK_OBJECT_ID", f"The value '{number}' is not a valid LINK_OBJECT_ID."))
    return key, number


def check_relationship(instance: Instance, body: dict[str, object]) -> None:
    """Check that a link's relationship exists; 0 is none. Raises `Invalid`."""
    number = body["RELATIONSHIP_ID"] = body["RELATIONSHIP_ID"] or None
    if number is not None and number not in instance.tables["relationships"].rows:
        raise Invalid((f"{HEAD}.RELATIONSHIP_ID", f"The value '{number}' is not a valid RELATIONSHIP_ID."))


def touch_ends(instance: Instance, call: Call, link: Link) -> None:
    """Show a changed link at both ends; the record that was asked is updated by it."""
    for key, number in (link.near, link.far):
        table = instance.tables[key]
        if key == call.resource.key and str(number) == call.params["id"]:
            change(instance, call, table, row=table.rows[number], values={})
        else:
            instance.touch(table, table.rows[number])


def _write_link(instance: Instance, call: Call, link: Link, *, body: dict[str, object]) -> Answer:
    end = (call.resource.key, read_id(call.params["id"]))
    link.role = _text(body["ROLE"])
    link.details = _text(body["DETAILS"])
    relationship = body["RELATIONSHIP_ID"]
    link.relationship_id = relationship if isinstance(relationship, int) else None
    forward = bool(body["IS_FORWARD"])
    link.forward = forward if end == link.near else not forward
    touch_ends(instance, call, link)
    return Answer(success(call), msgspec.json.encode(link.seen_from(end)))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
