"""The shapes of the contract's files, and the one function that reads them."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct

JSONType = Literal["integer", "number", "string", "boolean", "array", "object", "any"]
Kind = Literal["documented", "observed", "assumed"]
Verb = Literal["GET", "POST", "PUT", "DELETE"]


class UnknownResource(LookupError):
    """No resource of the contract has this name."""

    def __init__(self, name: str, near: tuple[str, ...]) -> None:
        hint = f" Did you mean {', '.join(near)}?" if near else " `crosswalk describe` lists them."
        super().__init__(f"Insightly has no resource {name!r}.{hint}")
        self.name = name
        self.near = near


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """Why one fact is as it stands here: who says so, and what else is said."""

    about: str
    kind: Kind
    source: str
    says: str


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """One field of a record or of a body. `max_length` in characters; `None` means no limit is known."""

    name: str
    type: JSONType
    format: Literal["int32", "int64", "date-time"] | None = None
    items: str | None = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    values: tuple[str | int, ...] = ()
    read_only: bool = False
    post: bool = False
    put: bool = False
    required: bool = False
    null: bool | None = None
    evidence: tuple[Evidence, ...] = ()


class Operation(Struct, frozen=True, forbid_unknown_fields=True):
    """One verb on one path: what it takes, what it answers. `status` is the better-attested success."""

    verb: Verb
    path: str
    status: int
    documented_status: int | None = None
    answers: str | None = None
    many: bool = False
    errors: tuple[int, ...] = ()
    query: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    body: str | None = None
    body_many: bool = False
    form: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


class Resource(Struct, frozen=True, forbid_unknown_fields=True):
    """One collection of Insightly: its path, the field that names a record, its fields and operations.

    `name` is Insightly's spelling, `key` ours (attribute and file name), `record` the noun for one of them.
    `also` are further names that are served, `refused` near names that answer 405.
    """

    name: str
    key: str
    record: str | None
    path: str
    id: str | None = None
    also: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    operations: tuple[Operation, ...] = ()

    @property
    def field(self) -> Mapping[str, Field]:
        """Its fields by name, in the order of Insightly's records."""
        return {field.name: field for field in self.fields}

    @property
    def verbs(self) -> tuple[str, ...]:
        """Verbs of the collection itself, then of one record, such as `GET`, `POST`, `GET {id}`."""
        item = f"{self.path}/{{id}}"
        here = [op.verb for op in self.operations if op.path == self.path]
        there = [f"{op.verb} {{id}}" for op in self.operations if op.path == item]
        return (*here, *there)

    @property
    def sub_resources(self) -> tuple[str, ...]:
        """Names below one record, such as `Notes` and `Links`, each once, in order."""
        below = f"{self.path}/{{id}}/"
        names = (op.path.removeprefix(below).split("/")[0] for op in self.operations if op.path.startswith(below))
        return tuple(dict.fromkeys(names))

    def serves(self, verb: str, suffix: str = "") -> bool:
        """Whether the contract has this verb at the resource's path plus `suffix`."""
        path = self.path + suffix
        return any(op.verb == verb and op.path == path for op in self.operations)


class Side(Struct, frozen=True, forbid_unknown_fields=True):
    """The other side of a contested fact."""

    value: str
    source: str


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    """One fact about the API as a whole; `others` says what else is claimed, and by whom."""

    name: str
    value: str | int | bool | tuple[str, ...]
    kind: Kind
    source: str
    says: str = ""
    others: tuple[Side, ...] = ()


class Contract(Struct, frozen=True):
    """The whole contract. `resources` by Insightly's name, `shapes` by the name that bodies and answers use."""

    resources: Mapping[str, Resource]
    shapes: Mapping[str, tuple[Field, ...]]
    facts: Mapping[str, Fact]
    sources: Mapping[str, str]
    names: Mapping[str, Resource]

    def resource(self, name: str) -> Resource:
        """Find a resource by any served name or by our key, in any case. Raises `UnknownResource`."""
        found = self.names.get(name.strip("/").lower())
        if found is None:
            near = get_close_matches(name.lower(), self.names, n=3, cutoff=0.6)
            raise UnknownResource(name, tuple(dict.fromkeys(self.names[n].name for n in near)))
        return found

    def shape(self, name: str) -> tuple[Field, ...]:
        """Fields of a body or answer named by an operation: a resource's record or a shape of its own."""
        own = self.shapes.get(name)
        if own is not None:
            return own
        return next(resource.fields for resource in self.resources.values() if resource.record == name)


@cache
def load() -> Contract:
    """Read the contract's files: once a process."""
    folder = Path(__file__).parent
    resources = {}
    for path in sorted((folder / "resources").glob("*.json")):
        resource = msgspec.json.decode(path.read_bytes(), type=Resource)
        resources[resource.name] = resource
    shapes = msgspec.json.decode((folder / "shapes.json").read_bytes(), type=dict[str, tuple[Field, ...]])
    facts = msgspec.json.decode((folder / "facts.json").read_bytes(), type=tuple[Fact, ...])
    sources = msgspec.json.decode((folder / "sources.json").read_bytes(), type=dict[str, str])
    return Contract(
        resources=MappingProxyType(resources),
        shapes=MappingProxyType(shapes),
        facts=MappingProxyType({fact.name: fact for fact in facts}),
        sources=MappingProxyType(sources),
        names=MappingProxyType({n.lower(): r for r in resources.values() for n in (*r.also, r.key, r.name)}),
    )
