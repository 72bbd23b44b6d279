"""Tools for agents: the unified methods that work on an account, each with the JSON schema of what it takes. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from crosswalk.accounts.doctor import Examination
from crosswalk.api.capabilities import APIS, Capability, Verb, judge_examination
from crosswalk.insightly.custom_fields import CustomField
from crosswalk.unified.fields import custom_field
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Absent, Choice, Custom, Plain, Ref, Row
from crosswalk.unified.parts import Addresses, Listed, Several, Tags

Schema = dict[str, Any]  # a JSON schema is open by its nature
METHODS: Mapping[Verb, tuple[str, str, str]] = {
    "list": ("GET", "", "read"),
    "get": ("GET", "/{id}", "read"),
    "create": ("POST", "", "create"),
    "update": ("PATCH", "/{id}", "update"),
    "delete": ("DELETE", "/{id}", "delete"),
    "upsert": ("POST", "/upsert", "create"),
}
PLAIN: Mapping[str, Schema] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "moment": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "date"},
    "id": {"type": "string"},
}
CUSTOM: Mapping[str, Schema] = {
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}
NAMED: Schema = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
PAGE: Schema = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 500},
    "next_cursor": {"type": "string", "description": "`next_cursor` of the answer before"},
}


class Tool(Struct, frozen=True, kw_only=True):
    """One method as a tool: `parameters` is the JSON schema of its arguments, path, query and body together."""

    name: str
    description: str
    method: str
    path: str
    resource: str
    scope: str
    parameters: Schema


def make_tools(found: Examination) -> Iterator[Tool]:
    """A tool for each method that works."""
    working = {(each.resource, each.verb): each for each in judge_examination(found) if each.works}
    for api, nouns in APIS:
        for name, noun in nouns.items():
            fields = found.opened[noun.resource.path].custom_fields if noun.resource.path in found.opened else ()
            for verb in METHODS:
                if (f"{api}/{name}", verb) in working:
                    yield _make(working[f"{api}/{name}", verb], noun, fields)


def _make(capability: Capability, noun: Noun, fields: Sequence[CustomField]) -> Tool:
    method, suffix, right = METHODS[capability.verb]
    resource = capability.resource.replace("/", ".")
    kind = "directory_" if capability.resource.startswith("user-directory") else ""
    return Tool(
        name=f"{capability.verb}_{kind}{noun.name}",
        description=_describe(capability.verb, noun),
        method=method,
        path=f"/unified/{capability.resource}{suffix}",
        resource=capability.resource,
        scope=f"unified.{resource}:{right}",
        parameters=_parameters(capability.verb, noun, fields),
    )


def _describe(verb: Verb, noun: Noun) -> str:
    told = {
        "list": f"List {noun.name} of the CRM, a page at a time.",
        "get": f"Get one of the CRM's {noun.name} by id.",
        "create": f"Make one of the CRM's {noun.name}.",
        "update": f"Change fields of one of the CRM's {noun.name}; those that are left out stay.",
        "delete": f"Delete one of the CRM's {noun.name} for good.",
        "upsert": f"Change the one of the CRM's {noun.name} with this {' or '.join(noun.match)}, or make it.",
    }
    return f"{told[verb]} {noun.note}".strip()


def _parameters(verb: Verb, noun: Noun, fields: Sequence[CustomField]) -> Schema:
    properties: Schema = {}
    required: list[str] = []
    if verb in {"get", "update", "delete"}:
        properties["id"] = {"type": "string"}
        required.append("id")
    if verb == "list":
        properties |= PAGE
    if verb in {"create", "update", "upsert"}:
        rows = [row for row in noun.rows if row.writes and not isinstance(row, Absent)]
        properties |= {row.name: _schema(row, noun, fields) for row in rows}
        required += [row.name for row in rows if verb != "update" and isinstance(row, Plain) and row.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": verb == "list"}


def _schema(row: Row, noun: Noun, fields: Sequence[CustomField]) -> Schema:
    shape = _shape(row, noun, fields)
    return shape | {"description": row.note} if row.note else shape


def _shape(row: Row, noun: Noun, fields: Sequence[CustomField]) -> Schema:  # noqa: PLR0911 (one line a kind of row)
    match row:
        case Plain(kind=kind):
            return PLAIN[kind]
        case Ref():
            return NAMED
        case Choice(values=values):
            return {"enum": [ours for ours, _ in values]}
        case Several(key=key, items=items):
            kinds = {"type": {"enum": [kind for kind, _ in items]}, key: {"type": "string"}}
            return {"type": "array", "items": {"type": "object", "properties": kinds, "required": [key]}}
        case Addresses(items=items):
            parts = {
                name: {"type": "string"} for name in ("street_1", "street_2", "city", "state", "postal_code", "country")
            }
            kinds = {"type": {"enum": [kind for kind, _ in items]}, **parts}
            return {"type": "array", "items": {"type": "object", "properties": kinds}}
        case Tags() | Listed():
            return {"type": "array", "items": {"type": "string"}}
        case Linked(many=many):
            one = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
            return {"type": "array", "items": one} if many else one
        case Custom():
            return {"type": "object", "properties": dict(_custom(noun, fields)), "additionalProperties": False}
        case _:
            return {}


def _custom(noun: Noun, fields: Sequence[CustomField]) -> Iterator[tuple[str, Schema]]:
    """The account's own fields that can be written."""
    others = {str(field.field_name): field for field in fields}
    for field in fields:
        shown = custom_field(noun, field, others)
        if not shown.is_editable:
            continue
        options = [option.value for option in shown.options]
        match shown.type:
            case "array":
                shape: Schema = {"type": "array", "items": {"enum": options} if options else {"type": "string"}}
            case "enum" if options:
                shape = {"enum": options}
            case kind:
                shape = CUSTOM.get(kind, {"type": "string"})
        yield shown.name, shape | {"title": shown.label}
