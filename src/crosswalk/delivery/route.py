"""Which of Insightly's operations a template or a URL of the user's own means, and what its body holds. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.contract import Contract, Field, Operation, Resource, UnknownResource
from crosswalk.delivery.cell import BadValue, record_id
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.macros import MACRO, Clock, Parts, encode_url, join_parts, read_macro, show_macros
from crosswalk.delivery.template import Template
from crosswalk.insightly.pods import PORTS, VERSION, is_loopback

Method = Literal["POST", "PUT", "PATCH", "DELETE"]
Verb = Literal["POST", "PUT", "DELETE"]
Action = Literal["create", "update", "delete", "other"]
Strictness = Literal["record", "shape", "loose"]

ANY_OBJECT = "{objectName}"
SEAT = 0xE000
"""Macros sit in a URL as single characters of Unicode's private use while it is taken apart; no URL holds these."""


class Route(Struct, frozen=True, kw_only=True):
    """One operation as every row calls it: `head`, then the record's id where `id_in` is `path`, then `tail`.

    `record` is the place in a URL that names the record, empty when a column does. `fields` is what the body may hold,
    `None` for no body: with strictness `record` they are the resource's own, with `loose` others may stand beside them.
    `listed` says that the body is a list, `answer_id` which field of the answer holds a new record's id.
    """

    method: Verb
    action: Action
    resource: Resource
    object: str
    head: Parts
    tail: Parts = ()
    record: Parts = ()
    id_in: Literal["path", "body"] | None = None
    fields: Mapping[str, Field] | None = None
    strictness: Strictness = "record"
    listed: bool = False
    answer_id: str | None = None
    notes: tuple[str, ...] = ()


def route_template(template: Template, contract: Contract) -> Route:
    """The operation of a template; a column of the plan's names its record."""
    resource = contract.resources[template.resource]
    if template.action == "delete":
        route = _collection("DELETE", "delete", resource, resource.name)
        return replace(route, head=(f"{resource.path}/",), id_in="path", fields=None)
    return _collection("POST" if template.action == "create" else "PUT", template.action, resource, resource.name)


def _collection(method: Verb, action: Action, resource: Resource, name: str) -> Route:
    return Route(
        method=method,
        action=action,
        resource=resource,
        object=name,
        head=(f"/{name}",) if resource.name == ANY_OBJECT else (resource.path,),
        id_in="body" if action == "update" else None,
        fields=resource.field,
        answer_id=resource.id,
    )


def route_url(method: Method, url: str, contract: Contract, *, base_url: str | None, clock: Clock) -> Route:
    """The operation that a method and a complete URL mean, planned as Insightly serves it.

    `base_url` is the account's; with `None` any host of Insightly's kind passes. Raises `PlanError` for a URL that
    leaves the account or means nothing.
    """
    inside: list[str] = MACRO.findall(url)
    seats = iter(range(SEAT, SEAT + len(inside)))
    shown = re.sub("//[^/]*@", "//***@", url)
    parts = _split(shown, MACRO.sub(lambda _: chr(next(seats)), url), base_url)
    macros = [read_macro(text, clock, encode=encode_url) for text in inside]

    def read(text: str) -> Parts:
        return join_parts(macros[ord(char) - SEAT] if ord(char) >= SEAT else char for char in text)

    segments = [read(segment) for segment in parts.path.split("/") if segment]
    if not segments:
        raise PlanError(f"URL {shown!r} names no resource. End it with one, such as {shown.rstrip('/')}/Contacts.")
    resource, name = _find_resource(segments[0], contract)
    route = _plan(method, resource, name, segments[1:], contract)
    query = read(f"?{parts.query}") if parts.query else ()
    place = "tail" if route.id_in == "path" else "head"
    return replace(route, **{place: join_parts((*getattr(route, place), *query))})


def _split(shown: str, seated: str, base_url: str | None) -> SplitResult:
    """Take a URL apart and answer it with the path below its base; refuse one that is not below the account's."""
    bad = next((char for char in seated if not ("!" <= char <= "~" or ord(char) >= SEAT) or char in "\\{}"), None)
    if bad is not None:
        raise PlanError(f"URL {shown!r} holds {bad!r}. Percent-encode it, or write a macro such as {{record.field}}.")
    try:
        parts = urlsplit(seated)
        base = urlsplit(base_url or f"{parts.scheme}://{parts.netloc}{VERSION}")
        _check_host(shown, parts, base, free=base_url is None)
    except ValueError as error:
        raise PlanError(f"URL {shown!r} cannot be read: {error}.") from error
    if {".", ".."} & set(unquote(parts.path).replace("\\", "/").split("/")) or parts.fragment:
        raise PlanError(f"URL {shown!r} holds '.', '..' or '#'. Write the path as it is, without them.")
    if not f"{parts.path}/".startswith(f"{base.path}/"):
        raise PlanError(f"URL {shown!r} is not below {base.geturl()}. Write {base.geturl()}/Contacts, for one.")
    return parts._replace(path=parts.path.removeprefix(base.path))


def _check_host(shown: str, parts: SplitResult, base: SplitResult, *, free: bool) -> None:
    if any(ord(char) >= SEAT for char in parts.scheme + parts.netloc):
        raise PlanError(f"URL {shown!r} has a macro in its host. Macros stand in path and query only.")
    if not parts.scheme or not parts.hostname:
        raise PlanError(f"URL {shown!r} is not complete. Write https://api.<pod>.insightly.com{VERSION}/Contacts.")
    if parts.scheme != base.scheme or (free and parts.scheme != "https" and not is_loopback(parts.hostname)):
        raise PlanError(f"URL {shown!r} is not {'https' if free else base.scheme}, as the account is. Write it so.")
    if "@" in parts.netloc:
        raise PlanError(f"URL {shown!r} holds a name or password. Leave them out; the account has the key.")
    if (parts.hostname, parts.port or PORTS[parts.scheme]) != (base.hostname, base.port or PORTS[base.scheme]):
        raise PlanError(f"URL {shown!r} is not on {base.netloc}, where the account is. Its key goes nowhere else.")


def _find_resource(segment: Parts, contract: Contract) -> tuple[Resource, str]:
    name = show_macros(segment)
    if not all(isinstance(part, str) for part in segment):
        raise PlanError(f"{name} cannot name the resource: all rows of a run go to one. Write it out.")
    if name.lower().endswith("__c"):
        return contract.resources[ANY_OBJECT], name
    try:
        resource = contract.resource(name)
    except UnknownResource as error:
        raise PlanError(str(error)) from error
    if resource.path.lower() != f"/{name.lower()}":
        raise PlanError(f"Insightly spells it {resource.name}, not {name}. Did you mean {resource.path}?")
    return resource, resource.name


def _plan(method: Method, resource: Resource, name: str, below: Sequence[Parts], contract: Contract) -> Route:
    verb: Verb = "PUT" if method == "PATCH" else method
    asked = "/".join((f"{method} /{name}", *map(show_macros, below)))
    operation = _find_operation(resource, verb, below)
    if not below and verb == "DELETE":
        raise PlanError(f"{asked} names no record. End the URL with its id, such as /{name}/{{record.id}}.")
    if verb == "PUT" and resource.serves("PUT") and len(below) < 2 and (not below or operation is None):  # noqa: PLR2004 (at most the id)
        return _plan_update(asked, resource, name, below)
    if not below and operation is not None:
        return _collection("POST", "create", resource, name)
    route = _plan_below(verb, resource, name, below, operation, contract)
    if operation is None:
        note = f"No document of Insightly's has {asked}; it goes out as written."
    elif method == "PATCH":
        note = f"Insightly serves no PATCH: {asked} goes out as PUT."
    else:
        return route
    return replace(route, notes=(note,))


def _find_operation(resource: Resource, verb: Verb, below: Sequence[Parts]) -> Operation | None:
    """The operation whose path fits, one with fewer places before one with more."""
    fitting = [op for op in resource.operations if op.verb == verb and _fits(op.path.split("/")[2:], below)]
    return min(fitting, key=lambda op: op.path.count("{"), default=None)


def _fits(path: Sequence[str], below: Sequence[Parts]) -> bool:
    return len(path) == len(below) and all(
        place.startswith("{") or show_macros(parts).lower() == place.lower()
        for place, parts in zip(path, below, strict=True)
    )


def _plan_update(asked: str, resource: Resource, name: str, below: Sequence[Parts]) -> Route:
    """PUT on the collection with the id in the body: the form that Insightly documents."""
    route = _collection("PUT", "update", resource, name)
    if asked == f"PUT /{name}":
        return route
    note = (
        f"{asked} goes out as PUT /{name} with {resource.id} in the body, as Insightly serves it; "
        "fields that are not sent stay as they are."
    )
    return replace(route, record=_checked_id(below[0], asked) if below else (), notes=(note,))


def _checked_id(parts: Parts, asked: str) -> Parts:
    """A record's place in a URL; when it is written out, it must be an id."""
    if len(parts) == 1 and isinstance(parts[0], str):
        try:
            return (record_id(unquote(parts[0]), asked),)
        except BadValue as error:
            raise PlanError(f"{error}. End the URL with a number or a macro such as {{record.id}}.") from error
    return parts


def _plan_below(
    verb: Verb, resource: Resource, name: str, below: Sequence[Parts], operation: Operation | None, contract: Contract
) -> Route:
    """A call below the collection, such as `DELETE /Contacts/7` or `POST /Contacts/7/Notes`."""
    asked = "/".join((f"{verb} /{name}", *map(show_macros, below)))
    if operation is not None and (operation.form or operation.body == "bytes"):
        raise PlanError(f"{asked} takes a file, and rows are sent as JSON. Send files with the client.")
    named = operation is not None and "{id}" in operation.path
    rest = below[1:] if named else below
    fields, strictness = _body_of(verb, resource, operation, contract)
    answer = _answer_id(operation, contract)
    return Route(
        method=verb,
        action="delete" if verb == "DELETE" and not rest else "create" if answer else "other",
        resource=resource,
        object=name,
        head=(f"/{name}/",) if named else (f"/{name}", *_joined(rest)),
        tail=_joined(rest) if named else (),
        record=_checked_id(below[0], asked) if named else (),
        id_in="path" if named else None,
        fields=fields,
        strictness=strictness,
        listed=operation is not None and operation.body_many,
        answer_id=answer,
    )


def _joined(segments: Sequence[Parts]) -> Parts:
    return join_parts(part for segment in segments for part in ("/", *segment))


def _body_of(
    verb: Verb, resource: Resource, operation: Operation | None, contract: Contract
) -> tuple[Mapping[str, Field] | None, Strictness]:
    if operation is None:
        return None if verb == "DELETE" else resource.field, "loose"
    if operation.body is None:
        return None, "record"
    if operation.body == resource.record:
        return resource.field, "record"
    return {field.name: field for field in contract.shape(operation.body)}, "shape"


def _answer_id(operation: Operation | None, contract: Contract) -> str | None:
    if operation is None or operation.verb != "POST" or operation.many:
        return None
    return next((found.id for found in contract.resources.values() if found.record == operation.answers), None)
