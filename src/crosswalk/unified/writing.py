"""Writes of the unified model: a plan is made, its calls go one by one, and what became of each is told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from crosswalk.insightly import InsightlyError, NotFound, ResponseUnknown
from crosswalk.insightly.call import READS, Answer, Call
from crosswalk.insightly.errors import StaleRecord
from crosswalk.insightly.walk import Ask
from crosswalk.insightly.wire import to_moment
from crosswalk.unified.errors import UnifiedError
from crosswalk.unified.etag import etag
from crosswalk.unified.known import JSON, Wire
from crosswalk.unified.mapping import Noun, needs_read, needs_write, plan_create, plan_delete, plan_update
from crosswalk.unified.plan import Step, WritePlan
from crosswalk.unified.search import match_search, searches
from crosswalk.unified.service import Asker, Service, Shown, aside, find, read_wire
from crosswalk.unified.wire_list import read_record, reading

StepStatus = Literal["done", "failed", "unknown", "open"]
Verb = Literal["create", "update", "delete", "upsert"]
TAIL = 50
"""Newest records among which a creation of unknown outcome is looked for."""
SKEW = timedelta(minutes=2)
"""How far Insightly's clock may lie behind ours."""


class Order(Struct, frozen=True, kw_only=True):
    """One write: of which record, with what; `if_match` is the version that the caller saw."""

    verb: Verb
    id: str = ""
    body: dict[str, JSON] = {}
    if_match: str | None = None
    match: tuple[str, ...] = ()
    compensate: bool = False


class StepReport(Struct, frozen=True, kw_only=True):
    """What became of one call of a write; `error` says why it failed."""

    name: str
    call: str
    status: StepStatus
    error: InsightlyError | None = None


class Written(Struct, frozen=True, kw_only=True):
    """What a write made: the record as it is now where it could be read, its id, and every call."""

    id: str
    shown: Shown | None
    steps: tuple[StepReport, ...]
    created: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every call was done."""
        return all(step.status == "done" for step in self.steps)


class Ambiguous(UnifiedError):
    """An upsert found several records. `hits` are their ids."""

    def __init__(self, noun: Noun, key: str, hits: tuple[str, ...]) -> None:
        super().__init__(f"{len(hits)} of {noun.name} have this {key}: {', '.join(hits)}. Update one of them by its id")
        self.hits = hits


class Undecided(UnifiedError):
    """Whether a write of an earlier try took effect cannot be found out."""

    def __init__(self, what: str, *, retry_after: int | None = None) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class Progress(Protocol):
    """Where a write's calls are written down, before and after each. `plan` is what an earlier try had planned."""

    plan: WritePlan | None
    done: Mapping[str, str]
    sent: str | None
    since: datetime

    async def planned(self, plan: WritePlan) -> None:
        """A plan is made; nothing was sent."""

    async def sending(self, step: Step) -> None:
        """A call goes out now."""

    async def did(self, step: Step, record_id: str) -> None:
        """A call is done."""


async def write(service: Service, asker: Asker, noun: Noun, order: Order, progress: Progress | None = None) -> Written:
    """Carry out one write, or what an earlier try of it left undone.

    Raises `Refused`, `Unservable`, `Ambiguous`, `StaleRecord`, and what the client raises when the first call fails:
    then nothing was made. A later call that fails is told in `steps`. `Undecided` where an earlier try's outcome is
    unknown and cannot be found out.
    """
    plan = None if progress is None else progress.plan
    if plan is None:
        plan = await _plan(service, asker, noun, order)
        if progress is not None:
            await progress.planned(plan)
    elif progress is not None and progress.sent is not None:
        await _settle(asker, noun, order, plan, progress)
    return await _carry_out(service, asker, noun, plan, order=order, progress=progress)


async def _plan(service: Service, asker: Asker, noun: Noun, order: Order) -> WritePlan:
    match order.verb:
        case "delete":
            if order.if_match is not None:
                await _check_version(service, asker, noun, order)
            return plan_delete(noun, order.id)
        case "create":
            return await _plan_create(service, asker, noun, order.body)
        case "update":
            return await _plan_update(service, asker, noun, order, order.id)
        case "upsert":
            key, search = match_search(noun, order.body, order.match)
            hits = tuple(str(wire.get(noun.id_field)) for wire in await find(asker, search))
            if len(hits) > 1:
                raise Ambiguous(noun, key, hits)
            if hits:
                return await _plan_update(service, asker, noun, order, hits[0])
            return await _plan_create(service, asker, noun, order.body)


async def _plan_create(service: Service, asker: Asker, noun: Noun, body: Mapping[str, JSON]) -> WritePlan:
    known, _ = await service.learn(asker, noun, needs_write(noun, body, creates=True), searches(noun, body))
    return await aside(noun, lambda: plan_create(noun, body, known))


async def _plan_update(service: Service, asker: Asker, noun: Noun, order: Order, record_id: str) -> WritePlan:
    body = order.body
    known, _ = await service.learn(asker, noun, needs_write(noun, body, creates=False), searches(noun, body))
    present = None if order.if_match is None else await _check_version(service, asker, noun, order)
    plan = await aside(noun, partial(plan_update, noun, record_id, body, known, present=present))
    if plan.reads and present is None:
        present = await read_wire(asker, noun, record_id)
        plan = await aside(noun, partial(plan_update, noun, record_id, body, known, present=present))
    return plan


async def _check_version(service: Service, asker: Asker, noun: Noun, order: Order) -> Wire:
    """The record as it is now. Raises `StaleRecord` when it is not as the caller saw it."""
    wire = await read_wire(asker, noun, order.id)
    known, _ = await service.learn(asker, noun, needs_read(noun))
    wanted = [part.strip().removeprefix("W/").strip('"') for part in (order.if_match or "").split(",")]
    if "*" not in wanted and str(etag(wire, known)) not in wanted:
        call = Call(method="PUT", path=f"{noun.resource.path}/{order.id}")
        raise StaleRecord(call, "the record changed since it was read", "Read it again, then decide.")
    return wire


async def _carry_out(  # noqa: C901 (one loop, read from top to bottom)
    service: Service, asker: Asker, noun: Noun, plan: WritePlan, *, order: Order, progress: Progress | None
) -> Written:
    """Make a plan's calls in order but for those done before; after one that fails the rest stay open."""
    before = {} if progress is None else progress.done
    record_id = plan.id or next((each for each in before.values() if each), "")
    reports: list[StepReport] = []
    last: Wire | None = None
    broken = False
    for index, step in enumerate(plan.steps):
        called = f"{step.method} {step.path.replace('{id}', record_id or '{id}')}"
        if step.name in before or broken:
            status: StepStatus = "done" if step.name in before else "open"
            reports.append(StepReport(name=step.name, call=called, status=status))
            continue
        if progress is not None:
            await progress.sending(step)
        try:
            answer = await _take(asker, step, record_id, again=progress is not None and progress.sent == step.name)
        except InsightlyError as error:
            if order.compensate and plan.id is None and record_id and await _take_back(asker, noun, record_id):
                raise
            if index == 0 or (isinstance(error, ResponseUnknown) and progress is not None):
                raise
            broken = True
            status = "unknown" if isinstance(error, ResponseUnknown) else "failed"
            reports.append(StepReport(name=step.name, call=called, status=status, error=error))
            continue
        # a sub-call answers other shapes, such as a list; a creation answers the record, also below a parent
        if index == 0 and (plan.id is None or step.path == noun.resource.path):
            last = read_record(_call_of(step, record_id), answer)
            record_id = record_id or str(last.get(plan.id_field))
        if progress is not None:
            await progress.did(step, record_id)
        reports.append(StepReport(name=step.name, call=called, status="done"))
    if order.verb == "delete":
        return Written(id=record_id, shown=None, steps=tuple(reports))
    if last is None or len(plan.steps) > 1:
        last = await read_wire(asker, noun, record_id)
    shown = await service.show(asker, noun, last)
    return Written(id=record_id, shown=shown, steps=tuple(reports), created=plan.id is None)


async def _take(asker: Asker, step: Step, record_id: str, *, again: bool) -> Answer:
    """Make one call of a plan; a deletion that may have been done already finds nothing to delete."""
    try:
        return await asker.crm.call(_call_of(step, record_id))
    except NotFound:
        if again and step.method == "DELETE":
            return Answer(status=204)
        raise


async def _take_back(asker: Asker, noun: Noun, record_id: str) -> bool:
    """Delete a record whose making failed half-way; `False` when it is still there."""
    try:
        await asker.crm.call(Call(method="DELETE", path=f"{noun.resource.path}/{record_id}"))
    except InsightlyError:
        return False
    return True


async def _settle(asker: Asker, noun: Noun, order: Order, plan: WritePlan, progress: Progress) -> None:
    """Find out whether the call that an earlier try was making took effect. Raises `Undecided`.

    A change or a deletion by id is simply made again.
    """
    step = next(each for each in plan.steps if each.name == progress.sent)
    if step.method != "POST":
        return
    record_id = plan.id or next((each for each in progress.done.values() if each), "")
    if not record_id:
        adopted = await _find_made(asker, noun, order, progress)
        if adopted is not None:
            await progress.did(step, adopted)
    elif step.path.endswith("/Links") and step.body is not None:
        wire = await read_wire(asker, noun, record_id)
        if _is_linked(wire, step.body):
            await progress.did(step, record_id)
    else:
        raise Undecided(f"Whether {step.name} of {noun.name} {record_id} took effect is not known. Look at the record")


def _is_linked(wire: Wire, body: Wire) -> bool:
    links = wire.get("LINKS")
    wanted = body.get("LINK_OBJECT_ID")
    return any(
        isinstance(link, dict) and wanted in {link.get("LINK_OBJECT_ID"), link.get("OBJECT_ID")}
        for link in (links if isinstance(links, list) else [])
    )


async def _find_made(asker: Asker, noun: Noun, order: Order, progress: Progress) -> str | None:
    """The id of the record that an earlier try made, `None` where it made none. Raises `Undecided`."""
    try:
        key, search = match_search(noun, order.body, order.match)
    except UnifiedError as exc:
        raise Undecided(
            f"Whether {noun.name} was made by an earlier try is not known, and nothing in the body finds it. "
            f"Look for it; if it is not there, send it again under another Idempotency-Key"
        ) from exc
    fetch = reading(asker.crm, noun.resource)
    total = (await fetch(Ask(0, 1, count=True))).rows.total or 0
    newest = (await fetch(Ask(max(total - TAIL, 0), TAIL))).records
    found = [*newest, *await find(asker, search)]  # a search may lag behind the list
    made = {
        str(wire.get(noun.id_field))
        for wire in found
        if str(wire.get(search.field) or "").casefold() == search.value.casefold()
        and _made_at(wire) >= progress.since - SKEW
    }
    if len(made) > 1:
        hits = ", ".join(sorted(made))
        raise Undecided(f"Several {noun.name} with this {key} were made since: {hits}. Look which of them is yours")
    return next(iter(made), None)


def _made_at(wire: Wire) -> datetime:
    return to_moment(str(wire.get("DATE_CREATED_UTC")))


def _call_of(step: Step, record_id: str) -> Call:
    body = None if step.body is None else msgspec.json.encode(step.body)
    path = step.path.replace("{id}", record_id)
    return Call(method=step.method, path=path, body=body, reads=step.method in READS)
