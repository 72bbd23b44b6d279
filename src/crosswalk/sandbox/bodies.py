"""Bodies of requests, read as ASP.NET reads them: keys in any case, the last of two wins, ids as text accepted."""

from collections.abc import Mapping

import msgspec

from crosswalk.contract import Field
from crosswalk.sandbox.answers import read_id
from crosswalk.sandbox.call import Call
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.table import Table
from crosswalk.sandbox.values import Unfit, compile_coerce

Body = Mapping[str, object]


def read_json(call: Call, head: str) -> object:
    """Read the body as JSON. Raises `Invalid` with the message that was recorded, which is empty (S34)."""
    try:
        return msgspec.json.decode(call.body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):  # msgspec.DecodeError is a ValueError
        raise Invalid((head, "")) from None


def read_object(call: Call, head: str) -> Body:
    """Read the body as one JSON object. Raises `Invalid`."""
    return as_object(read_json(call, head), head)


def as_object(body: object, head: str) -> Body:
    """Take a JSON object for what it is. Raises `Invalid` for anything else."""
    if not isinstance(body, dict):
        raise Invalid((head, ""))
    return body


def id_in(call: Call, table: Table, body: Body) -> int:
    """Read the id of the record to change: from the path, else from the body."""
    return read_id(call.params["id"]) if "id" in call.params else id_in_body(table, body)


def id_in_body(table: Table, body: Body) -> int:
    """Read a record's own id out of a body; 0 where there is none. Raises `Invalid`."""
    name = str(table.schema.id)
    names = {n for n, place in table.schema.place.items() if place == table.schema.place[name.lower()]}
    given = [value for key, value in body.items() if key.lower() in names]
    try:
        number = compile_coerce(Field(name, "integer"))(given[-1] if given else None)
    except Unfit as unfit:
        raise Invalid((f"{table.schema.head}.{name}", str(unfit))) from None
    return number if isinstance(number, int) else 0


def take_shape(fields: tuple[Field, ...], entry: object, where: str) -> dict[str, object]:
    """Read one object of a known shape out of a body; what is absent becomes null or false. Raises `Invalid`."""
    if not isinstance(entry, dict):
        raise Invalid((where, "An object was expected here."))
    given = {str(key).upper(): value for key, value in entry.items()}
    found: dict[str, object] = {}
    for field in fields:
        try:
            value = compile_coerce(field)(given.get(field.name))
        except Unfit as unfit:
            raise Invalid((f"{where}.{field.name}", str(unfit))) from None
        if field.required and not field.read_only and (value is None or value == ""):
            raise Invalid((f"{where}.{field.name}", f"The {field.name} field is required."))
        found[field.name] = False if value is None and field.type == "boolean" else value
    return found
