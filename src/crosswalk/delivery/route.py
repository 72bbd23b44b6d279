"""Which of Insightly's operations a template or a URL of the user's own means, and what its body holds. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, assert_never
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.contract import Contract, Field, Operation, Resource, UnknownResource
from crosswalk.delivery.cell import BadValue, record_id
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.macros import MACRO, Clock, FromRecord, Parts, encode_url, join_parts, read_macro, show_macros
from crosswalk.delivery.template import Template
from crosswalk.insightly.pods import PORTS, VERSION, is_loopback

Method = Literal["POST", "PUT", "PATCH", "DELETE"]
Verb = Literal["POST", "PUT", "DELETE"]
Action = Literal["create", "update", "delete", "upsert", "other"]
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


class _Asked(Struct, frozen=True):
    """A method, the resource that a URL begins with and its name there, and the segments below."""

    method: Method
    resource: Resource
    name: str
    below: tuple[Parts, ...] = ()

    @property
    def verb(self) -> Verb:
        return "PUT" if self.method == "PATCH" else self.method

    def __str__(self) -> str:
        return "/".join((f"{self.method} /{self.name}", *map(show_macros, self.below)))


def route_template(template: Template, contract: Contract) -> Route:
    """The operation of a template; a column of the plan's names its record. Raises `PlanError`."""
    resource = contract.resources[template.resource]
    if template.below:
        return _route_below(template, resource, contract)
    match template.action:
        case "create":
            return _collection("create", _Asked("POST", resource, resource.name))
        case "update":
            return _collection("update", _Asked("PUT", resource, resource.name))
        case "delete":
            asked = _Asked("DELETE", resource, resource.name)
            return replace(_collection("delete", asked), head=(f"{resource.path}/",), id_in="path", fields=None)
        case "upsert":
            return _collection("upsert", _Asked("POST", resource, resource.name))
        case _:
            assert_never(template.action)


def _route_below(template: Template, resource: Resource, contract: Contract) -> Route:
    """A template's call below one record, such as its notes; a column, and no macro, names the record."""
    verbs: Mapping[str, Verb] = {"create": "POST", "update": "PUT", "delete": "DELETE", "upsert": "PUT"}
    method = verbs[template.action]
    below: tuple[Parts, ...] = ((FromRecord("id"),), *((segment,) for segment in template.below))
    asked = _Asked(method, resource, resource.name, below)
    return replace(_plan_below(asked, _find_operation(asked), contract), record=())


def _collection(action: Action, asked: _Asked) -> Route:
    return Route(
        method=asked.verb,
        action=action,
        resource=asked.resource,
        object=asked.name,
        head=(f"/{asked.name}",),
        id_in="body" if action == "update" else None,
        fields=asked.resource.field,
        answer_id=asked.resource.id,
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
    route = _plan(_Asked(method, resource, name, tuple(segments[1:])), contract)
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
    if "@" in parts.netloc:
        raise PlanError(f"URL {shown!r} holds a name or password. Leave them out; the account has the key.")
    if parts.hostname != base.hostname:
        raise PlanError(f"URL {shown!r} is not on {base.netloc}, where the account is. Its key goes nowhere else.")
    if parts.scheme != base.scheme or (free and parts.scheme != "https" and not is_loopback(parts.hostname)):
        raise PlanError(f"URL {shown!r} is not {'https' if free else base.scheme}, as the account is. Write it so.")
    if (parts.port or PORTS[parts.scheme]) != (base.port or PORTS[base.scheme]):
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
    return resource, resource.path.removeprefix("/")


def _plan(asked: _Asked, contract: Contract) -> Route:
    operation = _find_operation(asked)
    if asked.verb == "DELETE" and not asked.below:
        raise PlanError(f"{asked} names no record. End the URL with its id, such as /{asked.name}/{{record.id}}.")
    if asked.verb == "PUT" and asked.resource.serves("PUT") and (operation is None or not asked.below):
        if len(asked.below) <= 1:
            return _plan_update(asked)
    elif not asked.below and operation is not None:
        return _collection("create", asked)
    route = _plan_below(asked, operation, contract)
    if operation is None:
        return replace(route, notes=(f"No document of Insightly's has {asked}; it goes out as written.",))
    if asked.method == "PATCH":
        return replace(route, notes=(f"Insightly serves no PATCH: {asked} goes out as PUT.",))
    return route


def _find_operation(asked: _Asked) -> Operation | None:
    """The operation whose path fits, one with fewer places before one with more."""
    served = (op for op in asked.resource.operations if op.verb == asked.verb)
    fitting = (op for op in served if _fits(op.path.split("/")[2:], asked.below))
    return min(fitting, key=lambda op: op.path.count("{"), default=None)


def _fits(path: Sequence[str], below: Sequence[Parts]) -> bool:
    return len(path) == len(below) and all(
        place.startswith("{") or show_macros(parts).lower() == place.lower()
        for place, parts in zip(path, below, strict=True)
    )


def _plan_update(asked: _Asked) -> Route:
    """PUT on the collection with the id in the body: the form that Insightly documents."""
    route = _collection("update", asked)
    if asked.method == "PUT" and not asked.below:
        return route
    note = (
        f"{asked} goes out as PUT /{asked.name} with {asked.resource.id} in the body, as Insightly serves it; "
        "fields that are not sent stay as they are."
    )
    return replace(route, record=_checked_id(asked) if asked.below else (), notes=(note,))


def _checked_id(asked: _Asked) -> Parts:
    """The place of a record's id in a URL; when it is written out, it must be an id."""
    parts = asked.below[0]
    if len(parts) != 1 or not isinstance(parts[0], str):
        return parts
    try:
        return (record_id(unquote(parts[0]), f"{asked}:"),)
    except BadValue as error:
        raise PlanError(f"{error}. Put a number there, or a macro such as {{record.id}}.") from error


def _plan_below(asked: _Asked, operation: Operation | None, contract: Contract) -> Route:
    """A call below the collection, such as `DELETE /Contacts/7` or `POST /Contacts/7/Notes`."""
    if operation is not None and (operation.form or operation.body == "bytes"):
        raise PlanError(f"{asked} takes a file, and rows are sent as JSON. Send files with the client.")
    named = operation is not None and "{id}" in operation.path
    rest = _joined(asked.below[1:] if named else asked.below)
    fields, strictness = _body_of(asked, operation, contract)
    answer = _answer_id(operation, contract)
    return Route(
        method=asked.verb,
        action="delete" if asked.verb == "DELETE" and not rest else "create" if answer else "other",
        resource=asked.resource,
        object=asked.name,
        head=(f"/{asked.name}/",) if named else join_parts((f"/{asked.name}", *rest)),
        tail=rest if named else (),
        record=_checked_id(asked) if named else (),
        id_in="path" if named else None,
        fields=fields,
        strictness=strictness,
        listed=operation is not None and operation.body_many,
        answer_id=answer,
    )


def _joined(segments: Sequence[Parts]) -> Parts:
    return join_parts(part for segment in segments for part in ("/", *segment))


def _body_of(
    asked: _Asked, operation: Operation | None, contract: Contract
) -> tuple[Mapping[str, Field] | None, Strictness]:
    if operation is None:
        return None if asked.verb == "DELETE" else asked.resource.field, "loose"
    if operation.body is None:
        return None, "record"
    if operation.body == asked.resource.record:
        return asked.resource.field, "record"
    return {field.name: field for field in contract.shape(operation.body)}, "shape"


def _answer_id(operation: Operation | None, contract: Contract) -> str | None:
    if operation is None or operation.verb != "POST" or operation.many:
        return None
    return next((found.id for found in contract.resources.values() if found.record == operation.answers), None)
