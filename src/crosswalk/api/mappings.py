"""Mapping overrides over HTTP: shown with their versions, tried on real records, saved, rolled back, explained."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

from litestar import Router, delete, get, post, put
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from crosswalk.accounts.scopes import Scope
from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.mapping_desk import KnownDesk, lacking, provide_desk
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.api.unified import check_id
from crosswalk.unified.mapping import Noun, needs_read
from crosswalk.unified.mappings import NEWEST, Spot, Version, merged
from crosswalk.unified.nouns import MAPPED, find_noun
from crosswalk.unified.overrides import (
    Difference,
    Explanation,
    Failure,
    Layer,
    Layers,
    Override,
    Traced,
    explain,
    failures,
    trace,
)
from crosswalk.unified.service import aside, read_wire
from crosswalk.unified.trying import MOST, Sample, try_out

READ, UPDATE = needs("unified.mappings:read"), needs("unified.mappings:update")
ERRORS = (402, 404, 409, 422, 424, 429, 502, 504)
Resource = FromPath[str]
OfLayer = FromPath[Layer]
AccountId = Annotated[
    str | None,
    QueryParameter(
        name="integrated_account_id",
        min_length=1,
        description="The account: whose layer, or whose records and custom fields.",
    ),
]
TenantId = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=200, description="The environment: a tenant's id; else the account's."),
]
OneResource = Annotated[str | None, QueryParameter(description="One resource's mappings only, such as `contacts`.")]
RecordId = Annotated[str | None, QueryParameter(name="id", description="A record whose values are told too.")]
OverridesOf = dict[str, Override]


class SavedMapping(Struct, frozen=True, kw_only=True):
    """The overrides of one resource in one layer. Version 0: nothing was saved there."""

    resource: str
    layer: Layer
    tenant_id: str | None
    integrated_account_id: str | None
    version: int
    overrides: OverridesOf
    made_by: str | None
    made_at: datetime | None
    broken: str | None
    """Why this Crosswalk cannot read what was saved."""


class NewMapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All overrides of the layer, by field. With `version` only if that is still the present one; else a 409."""

    overrides: OverridesOf
    version: Annotated[int, Meta(ge=0, le=NEWEST)] | None = None


class MappingTrial(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides to be tried in the layer's place: on the records of these ids, or on the newest `limit`."""

    overrides: OverridesOf
    ids: Annotated[list[str], Meta(max_length=MOST)] = []
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 5


class MappingVersion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version whose overrides are wanted back."""

    version: Annotated[int, Meta(ge=1, le=NEWEST)]


class MappingPreview(Struct, frozen=True, kw_only=True):
    """What the overrides would do to records; nothing was saved. `fields` tell where each changed field would be from.

    `failures` are expressions that fail on a record: the field shows null there.
    """

    records: Sequence[Sample]
    differences: Sequence[Difference]
    failures: Sequence[Failure]
    fields: Sequence[Explanation]


class MappedLayer(Struct, frozen=True, kw_only=True):
    """One layer that lies over a resource of an account, and at which version it is."""

    layer: Layer
    version: int
    overrides: OverridesOf


class MappedField(Struct, frozen=True, kw_only=True):
    """One field: where it comes from. With a record: its value, and what Insightly has in the fields it is made of."""

    explanation: Explanation
    value: Any
    remote: dict[str, Any]


class ExplainedMapping(Struct, frozen=True, kw_only=True):
    """A resource as an account has it: the layers, widest first, and every field; `record_id` where values are told."""

    resource: str
    integrated_account_id: str
    tenant_id: str | None
    layers: Sequence[MappedLayer]
    record_id: str | None
    fields: Sequence[MappedField]
    failures: Sequence[Failure]


@get("/", summary="List saved mappings", security=READ, responses=problems(404))
async def list_mappings(
    *,
    desk: KnownDesk,
    account_id: AccountId = None,
    resource: OneResource = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[SavedMapping]:
    """What is saved in every layer that the token may see, at its present version; or of one account, one resource."""
    place = read_cursor(next_cursor, int) or 0
    if resource is not None:
        find_noun(resource, MAPPED)
    subjects = None if account_id is None else {"", account_id, (await desk.whose(account_id)).tenant}
    seen = [
        each
        for each in await desk.mappings.present()
        if _is_seen(each.spot, desk.caller)
        and resource in {None, each.spot.resource}
        and (subjects is None or each.spot.subject in subjects)
    ]
    part = seen[place : place + limit + 1]
    return cut([_show(each) for each in part], limit, lambda _: place + limit)


@get("/{resource:str}", summary="Explain a mapping", security=READ, responses=problems(*ERRORS))
async def explain_mapping(
    *, resource: Resource, desk: KnownDesk, account_id: AccountId = None, record_id: RecordId = None
) -> ExplainedMapping:
    """Every field of a resource as an account has it: which layer says so, by what, over which others.

    With `id` the values of that record too, each beside what Insightly has there: one call.
    """
    if account_id is None:
        raise lacking("integrated_account_id", "a mapping is explained as an account has it; name it")
    plain = find_noun(resource, MAPPED)
    whose = await desk.whose(account_id)
    noun = await desk.mappings.noun(resource, whose)
    saved = await desk.mappings.layers(resource, whose)
    layers = merged(saved)
    told = _explained(plain, layers, _names(plain, layers))
    fields = [MappedField(explanation=each, value=None, remote={}) for each in told]
    failed: Sequence[Failure] = ()
    if record_id is not None:
        desk.refuse_unread(resource)
        check_id(plain, record_id)
        asking = desk.asking(whose.account)
        async with asking.open() as asker:
            wire, (known, _) = await asyncio.gather(
                read_wire(asker, noun, record_id), asking.service.learn(asker, noun, needs_read(noun))
            )
        evaluate = desk.mappings.evaluate
        traced = await aside(noun, lambda: list(trace(plain, layers, wire, known, evaluate)))
        shown = {each.explanation.field: each for each in traced}
        fields = [_valued(each, shown.get(each.explanation.field)) for each in fields]
        failed = await aside(noun, lambda: list(failures(noun, [wire], known)))
    return ExplainedMapping(
        resource=resource,
        integrated_account_id=whose.account,
        tenant_id=whose.tenant,
        layers=[
            MappedLayer(layer=each.spot.layer, version=each.number, overrides=dict(each.overrides)) for each in saved
        ],
        record_id=record_id,
        fields=fields,
        failures=failed,
    )


@get("/{resource:str}/{layer:str}", summary="Show a layer", security=READ, responses=problems(*ERRORS))
async def show_mapping(
    *, resource: Resource, layer: OfLayer, desk: KnownDesk, account_id: AccountId = None, tenant_id: TenantId = None
) -> SavedMapping:
    """The overrides of one layer, at their present version."""
    spot, _ = await desk.place("read", layer, resource, tenant_id, account_id)
    return _show(await desk.mappings.find(spot))


@get(
    "/{resource:str}/{layer:str}/versions",
    summary="List a layer's versions",
    security=READ,
    responses=problems(*ERRORS),
)
async def list_versions(
    *,
    resource: Resource,
    layer: OfLayer,
    desk: KnownDesk,
    account_id: AccountId = None,
    tenant_id: TenantId = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[SavedMapping]:
    """Every version of one layer, newest first; none is ever changed or lost."""
    before = read_cursor(next_cursor, int) or NEWEST
    spot, _ = await desk.place("read", layer, resource, tenant_id, account_id)
    found = await desk.mappings.versions(spot, before=before, most=limit + 1)
    return cut([_show(each) for each in found], limit, lambda each: each.version)


@put("/{resource:str}/{layer:str}", summary="Save a layer", security=UPDATE, responses=problems(*ERRORS))
async def save_mapping(
    *,
    resource: Resource,
    layer: OfLayer,
    data: JSONBody[NewMapping],
    desk: KnownDesk,
    account_id: AccountId = None,
    tenant_id: TenantId = None,
) -> SavedMapping:
    """Save all overrides of one layer as its next version, served at once; the same again makes no other version."""
    spot, whose = await desk.place("update", layer, resource, tenant_id, account_id)
    draft = await desk.draft(spot, data.overrides, whose, data.version)
    return _show(await desk.mappings.save(draft, desk.note("mapping.save")))


@delete(
    "/{resource:str}/{layer:str}",
    summary="Empty a layer",
    status_code=200,
    security=UPDATE,
    responses=problems(*ERRORS),
)
async def empty_mapping(
    *, resource: Resource, layer: OfLayer, desk: KnownDesk, account_id: AccountId = None, tenant_id: TenantId = None
) -> SavedMapping:
    """Save a version without any override; the versions before it stay, to be rolled back to."""
    spot, whose = await desk.place("update", layer, resource, tenant_id, account_id)
    return _show(await desk.mappings.save(await desk.draft(spot, {}, whose), desk.note("mapping.empty")))


@post(
    "/{resource:str}/{layer:str}/rollback",
    summary="Roll a layer back",
    status_code=200,
    security=UPDATE,
    responses=problems(*ERRORS),
)
async def roll_back_mapping(
    *,
    resource: Resource,
    layer: OfLayer,
    data: JSONBody[MappingVersion],
    desk: KnownDesk,
    account_id: AccountId = None,
    tenant_id: TenantId = None,
) -> SavedMapping:
    """Save what an earlier version held as the newest."""
    spot, whose = await desk.place("update", layer, resource, tenant_id, account_id)
    draft = await desk.draft(spot, {}, whose)
    also = desk.note("mapping.rollback", to=data.version)
    return _show(await desk.mappings.roll_back(draft, data.version, also))


@post(
    "/{resource:str}/{layer:str}/preview",
    summary="Try a layer",
    status_code=200,
    security=READ,
    responses=problems(*ERRORS),
)
async def preview_mapping(
    *,
    resource: Resource,
    layer: OfLayer,
    data: JSONBody[MappingTrial],
    desk: KnownDesk,
    account_id: AccountId = None,
    tenant_id: TenantId = None,
) -> MappingPreview:
    """Try overrides on records of an account, without saving them: each record as it is served, and as it would be."""
    spot, whose = await desk.place("read", layer, resource, tenant_id, account_id)
    if whose is None:
        raise lacking("integrated_account_id", "overrides are tried on an account's records; name it")
    if layer == "environment" and spot.subject != whose.tenant:
        raise lacking("integrated_account_id", f"is no account of the tenant {spot.subject!r}")
    desk.refuse_unread(resource)
    for each in data.ids:
        check_id(find_noun(resource, MAPPED), each)
    draft = await desk.draft(spot, data.overrides, whose)
    before, after, layers = await desk.mappings.tried(draft, whose)
    asking = desk.asking(whose.account)
    async with asking.open() as asker:
        found = await try_out(asking.service, asker, before, after, ids=data.ids, limit=data.limit)
    plain = find_noun(resource, MAPPED)
    changed = dict.fromkeys([*data.overrides, *(each.field for each in found.differences)])
    known = set(_names(plain, layers))
    return MappingPreview(
        records=found.records,
        differences=found.differences,
        failures=found.failures,
        fields=_explained(plain, layers, [name for name in changed if name in known]),
    )


def _names(noun: Noun, layers: Layers) -> Sequence[str]:
    """Every field of a resource: those of its table, and those that overrides add."""
    return list(dict.fromkeys([*noun.row, *(name for overrides in layers.values() for name in overrides)]))


def _explained(noun: Noun, layers: Layers, names: Iterable[str]) -> Sequence[Explanation]:
    return [explain(noun, name, layers) for name in names]


def _valued(field: MappedField, traced: Traced | None) -> MappedField:
    if traced is None:
        return field
    return MappedField(explanation=field.explanation, value=traced.value, remote=traced.remote)


def _is_seen(spot: Spot, caller: Caller) -> bool:
    if spot.layer == "account":
        return caller.may_use(spot.subject)
    return caller.accounts is None and caller.may(Scope("admin", ("mappings",), "read"))


def _show(version: Version) -> SavedMapping:
    spot = version.spot
    return SavedMapping(
        resource=spot.resource,
        layer=spot.layer,
        tenant_id=spot.subject if spot.layer == "environment" else None,
        integrated_account_id=spot.subject if spot.layer == "account" else None,
        version=version.number,
        overrides=dict(version.overrides),
        made_by=version.made_by,
        made_at=version.made_at,
        broken=version.broken,
    )


ROUTES = Router(
    "/mappings",
    route_handlers=[
        list_mappings,
        explain_mapping,
        show_mapping,
        list_versions,
        save_mapping,
        empty_mapping,
        roll_back_mapping,
        preview_mapping,
    ],
    dependencies={"desk": Provide(provide_desk, sync_to_thread=False)},
    tags=["mappings"],
)
