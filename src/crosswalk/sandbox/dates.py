"""Dates of a record and e-mail domains of an organisation: small lists, written whole."""

from collections.abc import Sequence

from crosswalk.contract import Field, load
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.values import Unfit, compile_coerce

SHAPES = {"DATES": ("Date", "DATE_ID"), "EMAILDOMAINS": ("EmailDomain", "EMAIL_DOMAIN_ID")}


def take_parts(name: str, body: object, where: str) -> list[dict[str, object]]:
    """Read a whole list of parts, each in the contract's order of keys, id `None` where new. Raises `Invalid`."""
    shape, _ = SHAPES[name]
    entries = body if isinstance(body, list) else [] if body is None else [body]
    return [take_part(load().shape(shape), entry, f"{where}[{i}]") for i, entry in enumerate(entries)]


def take_part(fields: Sequence[Field], entry: object, where: str) -> dict[str, object]:
    """Read one object of a known shape out of a body; absent fields become null or false. Raises `Invalid`."""
    if not isinstance(entry, dict):
        raise Invalid((where, "An object was expected here."))
    given = {str(key).upper(): value for key, value in entry.items()}
    found: dict[str, object] = {}
    for field in fields:
        try:
            value = compile_coerce(field)(given.get(field.name))
        except Unfit as unfit:
            raise Invalid((f"{where}.{field.name}", str(unfit))) from None
        if field.required and (value is None or value == ""):
            raise Invalid((f"{where}.{field.name}", f"The {field.name} field is required."))
        found[field.name] = False if value is None and field.type == "boolean" else value
    return found
