"""Dates of a record and e-mail domains of an organisation: small lists, read and written whole."""

from crosswalk.contract import load
from crosswalk.sandbox.answers import find_in_path, success, table_of
from crosswalk.sandbox.bodies import read_json, take_shape
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.query import encode_values
from crosswalk.sandbox.rules import change

SHAPES = {"DATES": ("Date", "DATE_ID"), "EMAILDOMAINS": ("EmailDomain", "EMAIL_DOMAIN_ID")}


def take_parts(name: str, body: object, where: str) -> list[dict[str, object]]:
    """Read a whole list of parts, or one alone. Raises `Invalid`."""
    shape, _ = SHAPES[name]
    entries = body if isinstance(body, list) else [] if body is None else [body]
    return [take_shape(load().shape(shape), entry, f"{where}[{i}]") for i, entry in enumerate(entries)]


def keep_parts(
    instance: Instance, name: str, parts: list[dict[str, object]], *, old: object
) -> list[dict[str, object]] | None:
    """Number new parts of a list; those of the old list keep their ids."""
    _, id_name = SHAPES[name]
    known = {part[id_name] for part in old} if isinstance(old, list) else set()
    for part in parts:
        if part[id_name] not in known:
            part[id_name] = instance.next_number(id_name, 5_200_001)
        known.discard(part[id_name])
    return parts or None


def list_parts(instance: Instance, call: Call) -> Answer:
    """Answer the dates or e-mail domains of one record."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    parts = table.get(row, _field(call))
    return Answer(success(call), encode_values(parts if isinstance(parts, list) else []))


def put_parts(instance: Instance, call: Call) -> Answer:
    """Set the dates or e-mail domains of one record: the body is the full new list."""
    table, name = table_of(instance, call), _field(call)
    row = find_in_path(instance, table, call)
    parts = take_parts(name, read_json(call, table.schema.head), table.schema.head)
    kept = keep_parts(instance, name, parts, old=table.get(row, name))
    change(instance, call, table, row=row, values={name: kept})
    return Answer(success(call), encode_values(kept or []))


def _field(call: Call) -> str:
    return call.operation.path.rpartition("/")[2].upper()
