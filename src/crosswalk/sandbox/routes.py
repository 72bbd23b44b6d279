"""The table of routes: one tree of path segments, built once from the contract.

ASP.NET compares paths without regard to case, and working programs rely on more than the document has: singular and
US names, `PUT /X/{id}`, `DELETE /X?id=`. Those stand in the tree beside the documented routes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from urllib.parse import quote, unquote

from crosswalk.contract import Contract, Operation, Resource, load
from crosswalk.sandbox.bulk import BULK

CUSTOM = "__c"
"""How the name of every custom object ends."""


@dataclass(frozen=True, slots=True)
class Route:
    """One verb on one path. `names` are its path parameters in order; `touches` are the resources it reaches.

    `id_in_query` takes the id from `?id=`; `needs_id` is no route without it. `bulk` is one that a switch opens.
    """

    resource: Resource
    operation: Operation
    names: tuple[str, ...]
    touches: tuple[str, ...]
    id_in_query: bool = False
    needs_id: bool = False
    bulk: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The route of a call with the values of its path parameters."""

    route: Route
    values: tuple[str, ...]

    def params(self, query: Mapping[str, str]) -> dict[str, str]:
        """Path parameters by the contract's names, and the id where a client gives it in the query."""
        params = dict(zip(self.route.names, self.values, strict=True))
        if self.route.id_in_query and "id" in query:
            params["id"] = query["id"]
        return params

    @property
    def path(self) -> str:
        """The path as the contract spells it, without the leading slash: `Contacts/7/Links`."""
        values = iter(self.values)
        parts = self.route.operation.path.strip("/").split("/")
        filled = [quote(next(values, ""), safe="") if part.startswith("{") else part for part in parts]
        return "/".join([*filled, *values]).rstrip("/")


@dataclass(frozen=True, slots=True)
class WrongVerb:
    """The path is there, the verb is not; `allowed` are those that are."""

    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """No such path."""


Match = Found | WrongVerb | Unknown


@dataclass(slots=True)
class Node:
    """One segment of the tree: what may follow it by name, by parameter, and the verbs that end here."""

    static: dict[str, "Node"] = field(default_factory=dict)
    param: "Node | None" = None
    routes: dict[str, Route] = field(default_factory=dict)

    def grow(self, segments: Sequence[str]) -> "Node":
        """Walk down a path of the contract, making what is missing."""
        node = self
        for segment in segments:
            if segment.startswith("{"):
                node.param = node.param or Node()
                node = node.param
            else:
                node = node.static.setdefault(segment.lower(), Node())
        return node

    def walk(self, segments: Sequence[str], values: tuple[str, ...] = ()) -> "tuple[Node, tuple[str, ...]] | None":
        """Find the node of a path: names before parameters, so that `Search` is never an id."""
        if not segments:
            return (self, values) if self.routes else None
        here, rest = segments[0], segments[1:]
        named = self.static.get(here.lower())
        found = named.walk(rest, values) if named else None
        if found is None and self.param is not None:
            found = self.param.walk(rest, (*values, here))
        return found


class Routes:
    """Finds the operation of a verb and path."""

    def __init__(self, contract: Contract) -> None:
        self.root = Node()
        self.custom = Node()
        self.refused = {name.lower() for resource in contract.resources.values() for name in resource.refused}
        self.known = {name.lower(): name for name in contract.resources}
        for resource in contract.resources.values():
            self.plant_all(resource)
            self.plant_tolerated(resource)
        for resource, operation in BULK:
            self.plant(self.make_route(resource, operation, bulk=True), operation.path)

    def plant_all(self, resource: Resource) -> None:
        """Put a resource's operations into the tree."""
        for operation in resource.operations:
            in_query = operation.verb == "DELETE" and operation.path == resource.path
            self.plant(self.make_route(resource, operation, id_in_query=in_query), operation.path)

    def plant_tolerated(self, resource: Resource) -> None:
        """Put in what the document lacks and programs use: `PUT /X/{id}` and `DELETE /X?id=`."""
        item = f"{resource.path}/{{id}}"
        documented = {(operation.verb, operation.path): operation for operation in resource.operations}
        put, delete = documented.get(("PUT", resource.path)), documented.get(("DELETE", item))
        if put is not None and ("PUT", item) not in documented:
            self.plant(self.make_route(resource, put, path=item), item)
        if delete is not None and ("DELETE", resource.path) not in documented:
            route = self.make_route(resource, delete, path=resource.path, id_in_query=True)
            self.plant(replace(route, needs_id=True), resource.path)

    def make_route(
        self,
        resource: Resource,
        operation: Operation,
        *,
        path: str | None = None,
        id_in_query: bool = False,
        bulk: bool = False,
    ) -> Route:
        """Say what one operation at one path takes and reaches."""
        segments = (path or operation.path).strip("/").split("/")
        names = tuple(segment.strip("{}") for segment in segments if segment.startswith("{"))
        below = (self.known[segment.lower()] for segment in segments[1:] if segment.lower() in self.known)
        return Route(resource, operation, names, (resource.name, *below), id_in_query, bulk=bulk)

    def plant(self, route: Route, path: str) -> None:
        """Put one route at one path, under each name of the resource that is served."""
        first, *rest = path.strip("/").split("/")
        top = self.custom if first.startswith("{") else self.root
        for name in (first, *route.resource.also):
            top.grow((name, *rest)).routes[route.operation.verb] = route

    def find(self, verb: str, segments: Sequence[str], query: Mapping[str, str]) -> Match:
        """Find the operation of a verb on a path given as decoded segments."""
        if not segments:
            return Unknown()
        first = segments[0].lower()
        if first in self.refused:
            return WrongVerb(())
        hit = (self.custom if first.endswith(CUSTOM) else self.root).walk(segments)
        if hit is None:
            return Unknown()
        node, values = hit
        route = node.routes.get(verb)
        if route is None or (route.needs_id and "id" not in query):
            return WrongVerb(tuple(verb for verb, there in node.routes.items() if not there.needs_id))
        return Found(route, values)


def split_path(raw_path: str) -> list[str]:
    """Split a path as sent into decoded segments; doubled and trailing slashes do not count."""
    return [unquote(part) if "%" in part else part for part in raw_path.split("/") if part]


@cache
def make_routes() -> Routes:
    """Build the table of the whole contract: once a process."""
    return Routes(load())
