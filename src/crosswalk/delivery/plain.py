"""Values of other systems as cells: exact numbers and times as text, bytes as base64. Pure."""

import base64
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from crosswalk.delivery.cell import JSON, BadValue


def to_cell(value: object) -> JSON:  # noqa: PLR0911 (a table of types, one line each)
    """A value as JSON can hold it. NaN is nothing; infinity is refused. Raises `BadValue`."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return _number(value)
        case Decimal():
            return format(value, "f") if value.is_finite() else None
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case UUID():
            return str(value)
        case Mapping():
            return {str(name): to_cell(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_cell(item) for item in value]
        case _:
            raise BadValue(f"holds a {type(value).__name__}, which no cell can hold")


def _number(value: float) -> JSON:
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise BadValue("holds infinity, which no JSON can")
    return value
