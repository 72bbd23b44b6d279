"""Where in a body a value stands, and how lists are taken from it. Pure."""

from msgspec import Struct

from crosswalk.contract import Resource
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.value import Unfit


class Place(Struct, frozen=True):
    """Where a value is written: the noun's contract, what is known, the record as it stands if it was read."""

    resource: Resource
    known: Known
    pointer: str
    present: Wire | None = None


def listed(value: JSON) -> list[JSON]:
    """The items of a list, none where there is nothing. Raises `Unfit` for another type."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unfit("wrong_type", f"takes a list, not {value!r}")
    return value


def entries(value: JSON) -> list[Wire]:
    """The records within a list that came from Insightly; what is no record is passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
