"""What a token may do: `API[.RESOURCE]:VERB`, with `*` for any. Pure.

A resource covers what stands below it: `unified.crm:read` covers `unified.crm.contacts:read`.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from crosswalk.accounts.errors import UnusableScope
from crosswalk.insightly.paths import is_resource, resource_name

Verb: TypeAlias = Literal["read", "create", "update", "delete"]
Api: TypeAlias = Literal["unified", "proxy", "delivery", "accounts", "automations", "webhooks", "admin"]

ANY = "*"
VERBS: tuple[str, ...] = get_args(Verb)
APIS: tuple[str, ...] = get_args(Api)
SEGMENT = re.compile(r"\*|[A-Za-z][A-Za-z0-9_-]{0,63}")
MOST_CHARACTERS = 200

RESOURCES: dict[str, frozenset[str]] = {
    "delivery": frozenset({"sources", "datasets", "destinations", "runs", "deliveries", "dead-letters", "notices"}),
    "webhooks": frozenset({"endpoints", "subscriptions"}),
    "admin": frozenset({"tokens", "audit", "requests", "metrics", "mappings"}),
}
"""Resources of the APIs whose names are ours alone; the others also carry names of Insightly's."""


class Scope(Struct, frozen=True):
    """One permission. `path` holds the resource's parts; none is the whole API."""

    api: str
    path: tuple[str, ...]
    verb: str

    def __str__(self) -> str:
        return f"{'.'.join((self.api, *self.path))}:{self.verb}"

    def covers(self, other: "Scope") -> bool:
        """Whether whoever may do this may also do the other."""
        return (
            self.api in {ANY, other.api}
            and self.verb in {ANY, other.verb}
            and len(self.path) <= len(other.path)
            and all(mine in {ANY, its} for mine, its in zip(self.path, other.path, strict=False))
        )


def parse_scope(text: str) -> Scope:
    """Read one scope. Raises `UnusableScope`, which says what is wrong with it."""
    name, colon, verb = text.partition(":")
    api, *path = name.split(".")
    if len(text) > MOST_CHARACTERS or not colon:
        raise _unusable(text, "write API[.RESOURCE]:VERB, such as delivery.runs:read")
    _check_name(text, "API", api, APIS)
    _check_name(text, "verb", verb, VERBS)
    if not all(SEGMENT.fullmatch(part) for part in path):
        raise _unusable(text, "a resource is letters, digits, '-' and '_', its parts joined with '.'")
    if api == ANY and path:
        raise _unusable(text, "a resource belongs to one API; name it")
    while path and path[-1] == ANY:  # `unified.crm.*` is `unified.crm`
        path.pop()
    if path and api in RESOURCES:
        _check_name(text, f"resource of {api}", ".".join(path), sorted(RESOURCES[api]))
    return Scope(api, tuple(path), verb)


def allows(granted: Sequence[Scope], wanted: Scope) -> bool:
    """Whether scopes together cover one: four verbs together are `*`, and so are all the APIs."""
    apis = APIS if wanted.api == ANY else (wanted.api,)
    verbs = VERBS if wanted.verb == ANY else (wanted.verb,)
    return all(any(scope.covers(Scope(api, wanted.path, verb)) for scope in granted) for api in apis for verb in verbs)


def overlaps(one: Scope, other: Scope) -> bool:
    """Whether some call would need both."""
    return (
        (one.api == other.api or ANY in {one.api, other.api})
        and (one.verb == other.verb or ANY in {one.verb, other.verb})
        and all(ANY in {mine, its} or mine == its for mine, its in zip(one.path, other.path, strict=False))
    )


def respell(scope: Scope) -> Scope:
    """The scope with one spelling for each of Insightly's resources: `Organization` is `organisations`."""
    if scope.api != "proxy":
        return scope
    return Scope(scope.api, tuple(part if part == ANY else resource_name(part) for part in scope.path), scope.verb)


def refuse_unknown_resource(scope: Scope) -> None:
    """Raise `UnusableScope` for a resource that Insightly does not have: it would allow, or deny, nothing."""
    if scope.api == "proxy" and (
        len(scope.path) > 1 or not all(part == ANY or is_resource(part) for part in scope.path)
    ):
        raise _unusable(str(scope), "the proxy's resources are Insightly's, such as proxy.Contacts:read")


def _check_name(text: str, kind: str, name: str, known: Sequence[str]) -> None:
    if name != ANY and name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise _unusable(text, f"there is no {kind} {name!r}; {hint}")


def _unusable(text: str, why: str) -> UnusableScope:
    return UnusableScope(f"Scope {text[:MOST_CHARACTERS]!r} cannot be used: {why}")
