"""What the OpenAPI document tells of each unified resource, from its table: its records and its bodies."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from litestar.openapi import ResponseSpec
from msgspec import UNSET, UnsetType

from crosswalk.api.form import Meta
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Choice, Plain, Ref, Row

KINDS: Mapping[str, Any] = {"integer": int | None, "number": float | None, "boolean": bool | None}
TYPES: Mapping[str, Any] = {"integer": "integer", "number": "number", "boolean": "boolean"}


@cache
def record_type(noun: Noun) -> type:
    """The shape of one record; any field may be left out on request."""
    name = f"{noun.object}As{noun.name.title()}"
    fields = [(row.name, _type(row) | UnsetType, UNSET) for row in noun.rows]
    fields.append(("remote_data", dict[str, Any] | UnsetType, UNSET))
    return msgspec.defstruct(name, fields, kw_only=True)


@cache
def list_type(noun: Noun) -> type:
    """The shape of a list's part."""
    record = record_type(noun)
    fields = [
        ("result", list[record] | dict[str, record]),  # type: ignore[valid-type]  # a type made of the table
        ("next_cursor", str | None),
        ("prev_cursor", str | None),
        ("result_count", int),
        ("meta", Meta),
    ]
    return msgspec.defstruct(f"{record.__name__}List", fields, kw_only=True)


def told(kind: type, description: str) -> ResponseSpec:
    """An answer of this shape."""
    return ResponseSpec(kind, description=description, generate_examples=False)


def body_schema(noun: Noun) -> dict[str, Any]:
    """The fields that a body may hold."""
    rows = [row for row in noun.rows if row.writes]
    return {"properties": {row.name: _schema(row) for row in rows}, "additionalProperties": False}


def _type(row: Row) -> Any:
    match row:
        case Plain(kind=kind):
            return KINDS.get(kind, str | None)
        case Choice():
            return str | None
        case Ref():
            return dict[str, Any] | None
        case _:
            return Any


def _schema(row: Row) -> dict[str, Any]:
    said = {"description": row.note} if row.note else {}
    match row:
        case Plain(kind=kind):
            return {"type": [TYPES.get(kind, "string"), "null"]} | said
        case Choice(values=values):
            return {"enum": [*dict.fromkeys(ours for ours, _ in values), None]} | said
        case _:
            return said
