"""Which unified methods work on an account, by what the doctor found. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from crosswalk.accounts.check import Right
from crosswalk.accounts.doctor import Collection, Examination, Opened
from crosswalk.accounts.scopes import ANY, Scope, parse_scope
from crosswalk.unified.mapping import Noun, verbs
from crosswalk.unified.maps import Custom
from crosswalk.unified.nouns import CRM, DIRECTORY

Verb = Literal["list", "get", "create", "update", "delete", "upsert"]
NEEDS: Mapping[Verb, tuple[str, ...]] = {
    "list": ("read",),
    "get": ("read",),
    "create": ("create",),
    "update": ("read", "update"),
    "delete": ("delete",),
    "upsert": ("read", "create", "update"),
}
"""The rights that each verb takes: an update is read again, an upsert looks first."""
APIS: Sequence[tuple[str, Mapping[str, Noun]]] = (("crm", CRM), ("user-directory", DIRECTORY))


class Capability(Struct, frozen=True):
    """One unified method, whether it works on this account, and why not."""

    resource: str
    verb: Verb
    works: bool
    reason: str | None = None


def collections() -> list[Collection]:
    """What the doctor looks into: every collection behind the unified model, each once."""
    found: dict[str, Collection] = {}
    for _, nouns in APIS:
        for noun in nouns.values():
            custom = any(isinstance(row, Custom) for row in noun.rows)
            found.setdefault(noun.resource.path, Collection(noun.resource.path, noun.object, custom))
    return list(found.values())


def judge_methods(
    rights: Sequence[Right], opened: Mapping[str, Opened] | None = None, refused: str | None = None
) -> Iterator[Capability]:
    """Every unified method; what is not known to be barred counts as working."""
    known = {_bare(right.object): right for right in rights}
    for api, nouns in APIS:
        for name, noun in nouns.items():
            for verb in NEEDS:
                reason = refused or _bar(
                    noun, verb, known.get(_bare(noun.object)), (opened or {}).get(noun.resource.path)
                )
                yield Capability(f"{api}/{name}", verb, works=reason is None, reason=reason)


def judge_examination(found: Examination) -> list[Capability]:
    """Every unified method by an examination."""
    return list(judge_methods(found.rights, found.opened, found.refused))


def judge_scopes(rights: Sequence[Right], scopes: Sequence[str]) -> str | None:
    """Why a key's user cannot do what a link asked for; `None` where nothing is known against it."""
    methods = [each for each in judge_methods(rights) if not each.works]
    told = ((text, barred) for text in scopes for barred in asked_for(text, methods)[:1])
    return "; ".join(f"{text} was asked for. {barred.reason}" for text, barred in told) or None


def asked_for(text: str, methods: Sequence[Capability]) -> list[Capability]:
    """The methods that a scope asks for by name; a scope of every verb takes what there is."""
    wanted = parse_scope(text)
    return [each for each in methods if wanted.verb != ANY and any(map(wanted.covers, _scopes(each)))]


def _scopes(method: Capability) -> Iterator[Scope]:
    return (parse_scope(f"unified.{method.resource.replace('/', '.')}:{need}") for need in NEEDS[method.verb][-1:])


def _bar(noun: Noun, verb: Verb, right: Right | None, opened: Opened | None) -> str | None:
    """Why a method does not work; `None` where nothing is known against it."""
    if verb not in verbs(noun):
        return f"Insightly's API cannot {verb} {noun.name}"
    if opened is not None and not opened.works:
        return opened.says
    barred = [need for need in NEEDS[verb] if right is not None and getattr(right, need) is False]
    if barred:
        return f"The key's user may not {' or '.join(barred)} {noun.object} records. An administrator can change that"
    return None


def _bare(name: str) -> str:
    """`KNOWLEDGE_ARTICLE` and `KnowledgeArticle` are one."""
    return name.replace("_", "").replace(" ", "").upper()
