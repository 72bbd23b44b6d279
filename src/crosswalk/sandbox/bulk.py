"""Bulk creates, which Insightly does not have: one synthetic route a resource, served behind the `bulk` switch."""

import msgspec

from crosswalk.contract import Operation, Resource, load
from crosswalk.sandbox.answers import table_of
from crosswalk.sandbox.bodies import as_object, read_json
from crosswalk.sandbox.call import Answer, Call, Refusal
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid, missing
from crosswalk.sandbox.writing import create

MAX_ITEMS = 500
KEYS = ("contacts", "organisations", "leads", "opportunities", "projects", "tasks", "events", "product", "prospect")


def _operation(resource: Resource) -> Operation:
    return Operation(
        verb="POST",
        path=f"{resource.path}/Bulk",
        status=200,
        answers=resource.record,
        many=True,
        errors=(400, 401, 402),
        body=resource.record,
        body_many=True,
    )


BULK = tuple((resource, _operation(resource)) for resource in map(load().resource, KEYS))
"""The bulk routes, which the wire adds to the contract's."""


def create_many(instance: Instance, call: Call) -> Answer:
    """Make a record of each item of an array; the answer tells each item's status, in order. 404 when switched off."""
    if call.switches.bulk == "absent":
        raise missing(call.resource.record or call.resource.name, "Bulk")
    table = table_of(instance, call)
    items = read_json(call, table.schema.head)
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise Invalid((table.schema.head, f"The body is an array of at most {MAX_ITEMS} records."))
    return Answer(200, b"[" + b",".join(_create_one(instance, call, item) for item in items) + b"]")


def _create_one(instance: Instance, call: Call, item: object) -> bytes:
    table = table_of(instance, call)
    try:
        row = create(instance, call, table, body=as_object(item, table.schema.head))
    except Invalid as invalid:
        errors = [{"Name": name, "Message": message} for name, message in invalid.problems]
        return msgspec.json.encode({"STATUS": 400, "RECORD": None, "ERRORS": errors})
    except Refusal as refusal:
        errors = [{"Name": table.schema.head, "Message": refusal.answer.body.decode()}]
        return msgspec.json.encode({"STATUS": refusal.answer.status, "RECORD": None, "ERRORS": errors})
    return b'{"STATUS":201,"RECORD":' + instance.render(table, row) + b',"ERRORS":[]}'
