"""Fields over HTTP: what each resource's records may hold, standard and the account's own."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from crosswalk.api.asking import Asking, KnownAsking
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, read_cursor, write_cursor
from crosswalk.insightly.errors import Forbidden, NotFound
from crosswalk.unified.errors import Fault, Refused
from crosswalk.unified.fields import UnifiedField, custom_field, standard_fields
from crosswalk.unified.mapping import Noun, needs_read
from crosswalk.unified.nouns import CRM
from crosswalk.unified.service import Asker

READ = needs("unified.crm.fields:read")
ERRORS = (404, 422, 424, 429, 502, 503, 504)
Entity = Annotated[str | None, QueryParameter(description="One resource's fields only, such as `contacts`.")]
Own = Annotated[bool | None, QueryParameter(description="The account's own fields only, or all others.")]


class Fields(Struct, frozen=True, kw_only=True):
    """A part of the list of fields. `closed` are resources whose own fields the account's plan does not tell."""

    result: list[UnifiedField]
    next_cursor: str | None
    prev_cursor: str | None
    result_count: int
    closed: list[str]


@get("/", summary="List fields", operation_id="list_fields", security=READ, responses=problems(*ERRORS))
async def show_fields(
    *,
    asking: KnownAsking,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
    entity_type: Entity = None,
    is_user_defined: Own = None,
) -> Response[Fields]:
    """Standard and custom fields with type, label, length, options and what they depend on; of every resource."""
    place = read_cursor(next_cursor or None, int) or 0
    found, closed, headers = await _find(asking, _nouns(entity_type))
    kept = [each for each in found if is_user_defined in {None, each.is_user_defined}]
    part = kept[place : place + limit]
    fields = Fields(
        result=part,
        next_cursor=write_cursor(place + limit) if place + limit < len(kept) else None,
        prev_cursor=write_cursor(max(place - limit, 0)) if place else None,
        result_count=len(part),
        closed=closed,
    )
    return Response(fields, headers=headers)


@get("/{field_id:str}", summary="Get a field", operation_id="get_fields", security=READ, responses=problems(*ERRORS))
async def show_field(*, field_id: FromPath[str], asking: KnownAsking, entity_type: Entity = None) -> Response[Any]:
    """One field by its name at Insightly; where several resources have it, `entity_type` says which."""
    found, _, headers = await _find(asking, _nouns(entity_type))
    here = [each for each in found if each.id == field_id]
    if not here:
        raise NotFoundException(f"There is no field {field_id!r}{f' of {entity_type}' if entity_type else ''}")
    if len(here) > 1:
        names = ", ".join(each.entity_type for each in here)
        detail = f"{names} have a field {field_id}; name one of them as entity_type"
        raise Refused([Fault(pointer="", code="ambiguous_value", field="entity_type", detail=detail)])
    return Response(msgspec.to_builtins(here[0]), headers=headers)


async def _find(asking: Asking, nouns: Sequence[Noun]) -> tuple[list[UnifiedField], list[str], dict[str, str]]:
    async with asking.open() as asker:
        told = await asyncio.gather(*(_of(asking, asker, noun) for noun in nouns))
    found = [field for fields, _, _ in told for field in fields]
    closed = [noun.name for noun, (_, open_, _) in zip(nouns, told, strict=True) if not open_]
    return found, closed, dict(asking.headers(asker.crm, max(age for _, _, age in told)))


async def _of(asking: Asking, asker: Asker, noun: Noun) -> tuple[list[UnifiedField], bool, float]:
    """The fields of one resource, and whether the account told its own; a plan may not have the resource."""
    own = await asking.noun(noun)
    standard = list(standard_fields(own))
    if "custom_fields" not in needs_read(noun):
        return standard, True, 0.0
    try:
        known, age = await asking.service.learn(asker, noun, ["custom_fields"])
    except (Forbidden, NotFound):
        return standard, False, 0.0
    customs = known.custom.fields if known.custom is not None else {}
    return [*standard, *_custom(own, customs)], True, age


def _custom(noun: Noun, own: Any) -> Iterator[UnifiedField]:
    return (custom_field(noun, each, own) for each in own.values())


def _nouns(entity_type: str | None) -> Sequence[Noun]:
    if entity_type is None:
        return list(CRM.values())
    found = [noun for noun in CRM.values() if entity_type in {noun.name, noun.object.lower(), noun.wire}]
    if not found:
        message = f"is none of {', '.join(CRM)}"
        extra = [{"key": "entity_type", "message": message, "source": "query"}]
        raise ValidationException("No such resource", extra=extra)
    return found


ROUTES = Router("/crm/fields", route_handlers=[show_fields, show_field], tags=["unified fields"])
