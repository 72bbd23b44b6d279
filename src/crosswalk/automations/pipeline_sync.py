"""Pipeline sync: an opportunity's stage and an external system's follow each other, both ways, without a loop.

A row for each opportunity says where both sides have it. A stage of Insightly's that differs from the row is news, and
goes out as a signed webhook in the transaction that changes the row. A stage that comes in changes the row before it is
written to Insightly, so that it is no news there. When both sides changed, `conflict` decides.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, ValidationError, convert
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.automations.errors import UnusableInput, UnusableSettings
from crosswalk.automations.recipe import Occasion, Planned, Work
from crosswalk.automations.steps import steps_of_update
from crosswalk.insightly.errors import NotFound
from crosswalk.insightly.wire import to_moment, to_query
from crosswalk.outgoing.message import write_message
from crosswalk.store import automations as table
from crosswalk.store.automations import Origin
from crosswalk.store.endpoints import FIND_ENDPOINT
from crosswalk.store.outbox import ADD_MESSAGES
from crosswalk.unified.known import JSON, Known, Search, Wire
from crosswalk.unified.mapping import plan_update
from crosswalk.unified.nouns import CRM
from crosswalk.unified.reference import find_id, name_of
from crosswalk.unified.service import find, read_wire
from crosswalk.unified.wire_list import walk_all

CHANCE = SystemRandom()
DEALS = CRM["opportunities"]
OVERLAP = timedelta(minutes=2)
"""How far each look goes back behind the newest change that was seen: a search may lag."""
TOPIC = "opportunity.stage_changed"
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Keep = Callable[[AsyncConnection], Awaitable[None]]


class Pair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of Insightly's, by name or id, and what the external system calls it."""

    stage: Text
    external: Text


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stages are which, who is told, and who wins where both changed.

    `match_field` is a custom field of opportunities that holds the external system's own id.
    """

    pipeline: Text
    stages: Annotated[tuple[Pair, ...], Meta(min_length=1, max_length=200)]
    endpoint: str | None = None
    conflict: Literal["newest", "insightly", "external"] = "newest"
    match_field: str | None = None
    every_seconds: Annotated[int, Meta(ge=10, le=86_400)] = 300


class Given(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage that comes in: `id` is the caller's own, `at` when it was changed there (now unless given)."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    stage: Text
    opportunity: str | None = None
    external_id: str | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None


class PipelineSync:
    """The recipe."""

    settings: type[Struct] = Settings
    watches = True

    def check(self, before: Settings | None, settings: Settings) -> None:
        """Raise `UnusableSettings` where one stage would be two, or two one: the way back must be clear."""
        for side in ("stage", "external"):
            names = [str(getattr(pair, side)).casefold() for pair in settings.stages]
            if len(set(names)) != len(names):
                raise UnusableSettings(f"stages: one {side} stands there twice; both ways each needs one other side")
        if before is not None and before.pipeline != settings.pipeline:
            raise UnusableSettings("pipeline cannot be changed: make another automation")

    async def look(self, work: Work) -> tuple[Sequence[Occasion], datetime | None]:
        """Opportunities whose stage is not what both sides know. The first look takes all as known already."""
        automation, settings = work.automation, _settings(work)
        known = await _known(work)
        pipeline = find_id(known, "pipelines", settings.pipeline)
        seen = automation.seen_until or automation.created_at
        if automation.seen_until is None:
            await _take_as_known(work, pipeline)
        if settings.endpoint is None:
            return (), seen
        found: list[Occasion] = []
        query = {"updated_after_utc": to_query(seen - OVERLAP)}
        async for page in walk_all(work.asker.crm, DEALS.resource, suffix="/Search", query=query):
            for wire in page:
                seen = max(seen, _updated(wire))
                row = await _find_row(work, str(wire.get(DEALS.id_field)))
                if _stage_of(wire, pipeline) != (None if row is None else row["stage_id"]):
                    found.append(_news(wire, 0 if row is None else row["version"]))
        return found, seen

    async def admit(self, work: Work, given: Mapping[str, JSON], key: str | None) -> Occasion:
        """A stage that comes in, by the caller's own id for it. Raises `UnusableInput`."""
        read = _read(given)
        settings = _settings(work)
        if (read.opportunity is None) == (read.external_id is None):
            raise UnusableInput("Give opportunity, its id at Insightly, or external_id")
        if read.external_id is not None and settings.match_field is None:
            raise UnusableInput("external_id needs match_field among the settings, the custom field that holds it")
        if read.stage.casefold() not in {pair.external.casefold() for pair in settings.stages}:
            mapped = ", ".join(pair.external for pair in settings.stages)
            raise UnusableInput(f"stage: {read.stage!r} is none of those mapped: {mapped}")
        wire = await _find_deal(work, settings, read)
        return Occasion(key=key or read.id, subject=_subject(wire), input=dict(given))

    async def plan(self, work: Work, given: Mapping[str, JSON]) -> Planned:
        """Out: a message. In: the call that moves the opportunity. Either way the row says so in the same commit."""
        if given.get("news") is True:
            return await self._tell(work, str(given["opportunity"]))
        return await self._take(work, _read(given))

    async def _tell(self, work: Work, opportunity: str) -> Planned:
        """Tell the external system where an opportunity stands now."""
        settings, known = _settings(work), await _known(work)
        wire = await read_wire(work.asker, DEALS, opportunity)
        pipeline = find_id(known, "pipelines", settings.pipeline)
        stage, row = _stage_of(wire, pipeline), await _find_row(work, opportunity)
        if row is not None and row["stage_id"] == stage:
            same = _keep(work, opportunity, row, stage=stage, origin=row["origin"], at=row["changed_at"])
            return Planned(skip="both sides have this stage already", keep=same)
        theirs = _external(settings, known, stage)
        note = _keep(work, opportunity, row, stage=stage, origin="insightly", at=_updated(wire))
        if stage is not None and theirs is None:
            return Planned(skip=f"stage {name_of(known, 'stages', stage)} is not mapped", keep=note)
        endpoint = await _find_endpoint(work, settings.endpoint or "")
        before = None if row is None else _external(settings, known, row["stage_id"])
        data: dict[str, JSON] = {
            "automation": work.automation.name,
            "account_id": work.automation.account_id,
            "opportunity_id": opportunity,
            "external_id": _custom(wire, settings.match_field),
            "stage": theirs,
            "previous_stage": before,
            "changed_at": _updated(wire).isoformat(),
        }
        event = {"type": TOPIC, "timestamp": work.now, "data": data}
        message = write_message(
            "post", endpoint, TOPIC, body=msgspec.json.encode(event), at=work.now, rng=CHANCE, order_key=opportunity
        )

        async def keep(connection: AsyncConnection) -> None:
            await note(connection)
            await connection.execute(ADD_MESSAGES, [message])

        return Planned(result={"told": data, "message": message["id"]}, keep=keep)

    async def _take(self, work: Work, given: Given) -> Planned:
        """Move an opportunity to the stage that comes in, unless the other side wins."""
        settings, known = _settings(work), await _known(work)
        wire = await _find_deal(work, settings, given)
        opportunity, at = str(wire.get(DEALS.id_field)), given.at or work.now
        pipeline = find_id(known, "pipelines", settings.pipeline)
        pair = next(pair for pair in settings.stages if pair.external.casefold() == given.stage.casefold())
        wanted = find_id(known, "stages", pair.stage, within={"PIPELINE_ID": pipeline})
        if wire.get("PIPELINE_ID") not in {None, 0, pipeline}:
            raise UnusableInput(f"Opportunity {opportunity} is in another pipeline than {settings.pipeline}")
        here, row = _stage_of(wire, pipeline), await _find_row(work, opportunity)
        result: dict[str, JSON] = {"opportunity": opportunity, "stage": given.stage}
        note = _keep(work, opportunity, row, stage=wanted, origin="external", at=at)
        if here == wanted:
            return Planned(result=result, keep=note)
        if (why := _loses(settings, at, wire, row, here)) is not None:
            return Planned(skip=why, result=result)
        plan = plan_update(DEALS, opportunity, {"stage": {"id": str(wanted)}}, known, present=wire)
        return Planned(steps=tuple(steps_of_update(plan, f"opportunity {opportunity}")), result=result, keep=note)


def _loses(settings: Settings, at: datetime, wire: Wire, row: RowMapping | None, here: int | None) -> str | None:
    """Why a stage that comes in is not taken; `None` where it is."""
    if row is None:
        return None
    if row["origin"] == "external" and at < row["changed_at"]:
        return "a newer stage came in before"
    told = row["stage_id"] == here
    theirs = row["changed_at"] if told else _updated(wire)
    clashes = not told or (row["origin"] == "insightly" and at < row["changed_at"])
    if not clashes or settings.conflict == "external":
        return None
    if settings.conflict == "insightly":
        return "both sides changed, and Insightly's stage wins"
    return "both sides changed, and Insightly's stage is newer" if at < theirs else None


def _settings(work: Work) -> Settings:
    return convert(work.automation.settings, Settings)


def _read(given: Mapping[str, JSON]) -> Given:
    try:
        return convert(dict(given), Given)
    except ValidationError as error:
        raise UnusableInput(f"The input cannot be read: {error}. It is {{id, stage, opportunity, at}}") from error


async def _known(work: Work) -> Known:
    known, _ = await work.service.learn(work.asker, DEALS, ("pipelines", "stages"))
    return known


def _subject(wire: Wire) -> str:
    return f"opportunity {wire.get(DEALS.id_field)}"


def _news(wire: Wire, version: int) -> Occasion:
    opportunity = str(wire.get(DEALS.id_field))
    given: dict[str, JSON] = {"news": True, "opportunity": opportunity}
    return Occasion(key=f"{_subject(wire)} after {version}", subject=_subject(wire), input=given)


def _updated(wire: Wire) -> datetime:
    return to_moment(str(wire.get("DATE_UPDATED_UTC")))


def _stage_of(wire: Wire, pipeline: int) -> int | None:
    """Where an opportunity stands in the pipeline; `None` where it is in another, or in none."""
    stage = wire.get("STAGE_ID")
    return stage if isinstance(stage, int) and wire.get("PIPELINE_ID") == pipeline else None


def _external(settings: Settings, known: Known, stage: int | None) -> str | None:
    """What the external system calls a stage."""
    if stage is None:
        return None
    name = (name_of(known, "stages", stage) or "").casefold()
    hits = (pair.external for pair in settings.stages if pair.stage.casefold() in {name, str(stage)})
    return next(hits, None)


def _custom(wire: Wire, field: str | None) -> JSON:
    """What a custom field of a record holds."""
    entries = wire.get("CUSTOMFIELDS")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and field is not None and entry.get("FIELD_NAME") == field:
            return entry.get("FIELD_VALUE")
    return None


async def _find_deal(work: Work, settings: Settings, given: Given) -> Wire:
    """The opportunity by its id, or by the external system's. Raises `UnusableInput`."""
    if given.opportunity is not None:
        if not given.opportunity.isdigit():
            raise UnusableInput(f"opportunity: {given.opportunity!r} is no id")
        try:
            return await read_wire(work.asker, DEALS, given.opportunity)
        except NotFound as error:
            raise UnusableInput(f"There is no opportunity {given.opportunity}") from error
    assert settings.match_field is not None, "admitted only with it"
    search = Search(DEALS.object, settings.match_field, str(given.external_id))
    hits = [
        wire
        for wire in await find(work.asker, search)
        if str(_custom(wire, settings.match_field)).casefold() == str(given.external_id).casefold()
    ]
    if len(hits) != 1:
        raise UnusableInput(f"{len(hits)} opportunities have {settings.match_field} {given.external_id!r}")
    return hits[0]


async def _find_row(work: Work, opportunity: str) -> RowMapping | None:
    asked = {"automation": work.automation.id, "opportunity": opportunity}
    async with work.database.read() as connection:
        return (await connection.execute(table.FIND_STAGE, asked)).mappings().one_or_none()


async def _find_endpoint(work: Work, key: str) -> str:
    """The id of the endpoint that is told, if it may hear of this account. Raises `UnusableInput`."""
    async with work.database.read() as connection:
        row = (await connection.execute(FIND_ENDPOINT, {"key": key})).mappings().one_or_none()
    if row is None or row["account_id"] not in {None, work.automation.account_id}:
        raise UnusableInput(f"endpoint: there is no endpoint {key!r} for this account. `crosswalk webhooks list`")
    return str(row["id"])


def _keep(
    work: Work, opportunity: str, row: RowMapping | None, *, stage: int | None, origin: Origin, at: datetime
) -> Keep:
    """What writes where an opportunity stands, in the transaction of the plan."""
    here = {"automation": work.automation.id, "opportunity": opportunity}
    values = {"stage_id": stage, "origin": origin, "changed_at": at}

    async def keep(connection: AsyncConnection) -> None:
        if row is None:
            names = {"automation_id": work.automation.id, "opportunity_id": opportunity}
            await connection.execute(table.ADD_STAGE, {**names, **values, "version": 1})
        else:
            await connection.execute(table.CHANGE_STAGE.values(**values), here | {"have": row["version"]})

    return keep


async def _take_as_known(work: Work, pipeline: int) -> None:
    """What stands in the pipeline when the automation is made is no news."""
    query = {"field_name": "PIPELINE_ID", "field_value": str(pipeline)}
    async for page in walk_all(work.asker.crm, DEALS.resource, suffix="/Search", query=query):
        for wire in page:
            opportunity = str(wire.get(DEALS.id_field))
            if await _find_row(work, opportunity) is None:
                stage = _stage_of(wire, pipeline)
                keep = _keep(work, opportunity, None, stage=stage, origin="insightly", at=_updated(wire))
                async with work.database.begin() as connection:
                    await keep(connection)
