"""Batches: many unified calls in one request, each with its own answer."""

import asyncio
from typing import Annotated, Any, Literal, assert_never

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import UNSET, Meta, Struct, UnsetType

from crosswalk.accounts.scopes import parse_scope
from crosswalk.accounts.tokens import Caller
from crosswalk.api.asking import Asking, KnownAsking
from crosswalk.api.errors import Problem, problems, tell
from crosswalk.api.form import Form
from crosswalk.api.guard import needs
from crosswalk.api.writes import carry
from crosswalk.insightly.errors import InsightlyError
from crosswalk.unified.errors import Fault, Refused, UnifiedError, Unservable
from crosswalk.unified.idempotency import MOST_CHARACTERS
from crosswalk.unified.mapping import Noun, verbs
from crosswalk.unified.nouns import find_noun
from crosswalk.unified.service import Asker
from crosswalk.unified.writing import Order

MOST = 100
AT_ONCE = 5
"""Items under way at once: half of what an account's second lets through."""
Method = Literal["get", "create", "update", "delete", "upsert"]
FORBIDDEN = 403


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call: of which resource, and what the method needs of id, body and match."""

    method: Method
    resource: str
    id: str | None = None
    body: dict[str, Any] = {}
    match: list[str] = []
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=MOST_CHARACTERS)] | None = None


class Batch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls in any order: they do not wait for each other."""

    items: Annotated[list[Item], Meta(min_length=1, max_length=MOST)]


class Answered(Struct, frozen=True, kw_only=True):
    """What one item came to."""

    index: int
    status: int
    result: Any | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class Answers(Struct, frozen=True, kw_only=True):
    """What each item came to, in their order; `failed` counts those with a problem."""

    result: list[Answered]
    failed: int


@post(
    "/batch",
    summary="Make many calls",
    status_code=200,
    security=needs("unified.crm.batch:create"),
    responses=problems(404, 409, 422),
    tags=["unified batch"],
)
async def make_batch(
    *, data: JSONBody[Batch], asking: KnownAsking, caller: NamedDependency[SkipValidation[Caller]]
) -> Answers:
    """Carry out up to 100 calls; each needs its own scope, and one that fails stops no other."""
    free = asyncio.Semaphore(AT_ONCE)
    async with asking.open() as asker:

        async def one(index: int, item: Item) -> Answered:
            async with free:
                return await _answer(index, item, asking=asking, asker=asker, caller=caller)

        answers = await asyncio.gather(*(one(index, item) for index, item in enumerate(data.items)))
    return Answers(result=list(answers), failed=sum(answer.problem is not UNSET for answer in answers))


async def _answer(index: int, item: Item, *, asking: Asking, asker: Asker, caller: Caller) -> Answered:
    try:
        noun = find_noun(item.resource)
        if (lacks := _lacks(noun, item.method, caller)) is not None:
            return Answered(index=index, status=FORBIDDEN, problem=_forbid(lacks))
        return await _do(index, item, await asking.noun(noun), asking=asking, asker=asker)
    except (UnifiedError, InsightlyError) as error:
        problem = tell(error)
        if problem is None:
            raise
        return Answered(index=index, status=problem.status, problem=problem)


async def _do(index: int, item: Item, noun: Noun, *, asking: Asking, asker: Asker) -> Answered:
    if item.method not in verbs(noun):
        raise Unservable(f"{noun.name} cannot be asked to {item.method}; they can {', '.join(sorted(verbs(noun)))}")
    _check_id(item)
    if item.method == "get":
        shown = await asking.service.get(asker, noun, item.id or "")
        return Answered(index=index, status=200, result=shown.record)
    order = Order(verb=item.method, id=item.id or "", body=item.body, match=tuple(item.match))
    done = await carry(asking, asker=asker, noun=noun, order=order, key=item.idempotency_key, form=Form(), steps=False)
    return Answered(index=index, status=done.status, result=msgspec.Raw(done.body) if done.body else None)


def _check_id(item: Item) -> None:
    needed = item.method in {"get", "update", "delete"}
    if needed and not ((item.id or "").isascii() and (item.id or "").isdigit()):
        detail = f"{item.method} needs the id of the record, a whole number"
        raise Refused([Fault(pointer="/id", code="required", detail=detail, field="id")])


def _lacks(noun: Noun, method: Method, caller: Caller) -> str | None:
    """The scope that an item needs and the token lacks."""
    match method:
        case "get":
            wanted = ["read"]
        case "upsert":
            wanted = ["create", "update"]
        case "create" | "update" | "delete":
            wanted = [method]
        case _:
            assert_never(method)
    scopes = [f"unified.crm.{noun.name}:{verb}" for verb in wanted]
    return next((scope for scope in scopes if not caller.may(parse_scope(scope))), None)


def _forbid(scope: str) -> Problem:
    detail = f"This item needs the scope {scope}, which the token lacks"
    return Problem(title="Forbidden", status=FORBIDDEN, detail=detail, code="forbidden")
