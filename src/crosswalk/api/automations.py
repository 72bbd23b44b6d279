"""Automations over HTTP: their settings, firing them, rehearsals, firings with every step, replay and undo."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, SkipValidation
from msgspec import UNSET, Struct, UnsetType

from crosswalk.accounts.tokens import Caller
from crosswalk.api.body import ApiRequest
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.automations.automations import Automations, Draft
from crosswalk.automations.errors import FiringFailed
from crosswalk.automations.firing import Firing, Kept, Shown, show_steps
from crosswalk.automations.recipe import Automation
from crosswalk.automations.work import Worker
from crosswalk.store.automations import FiringState
from crosswalk.store.database import Database
from crosswalk.unified.idempotency import MOST_CHARACTERS

READ = needs("automations:read")
CREATE = needs("automations:create")
UPDATE = needs("automations:update")
DELETE = needs("automations:delete")
FIRE = needs("automations.firings:create")
READ_FIRINGS = needs("automations.firings:read")
CHANGE_FIRINGS = needs("automations.firings:update")

Place = FromPath[str]
Known = NamedDependency[SkipValidation[Automations]]
Works = NamedDependency[SkipValidation[Worker]]
Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="A text of your own: the automation fires once for it, ever; sent again, it goes on.",
    ),
]


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings to change; those not named stay, null takes one back to its default."""

    settings: dict[str, Any]


class Given(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to fire for, as the automation's kind takes it."""

    input: dict[str, Any]


class Entry(Struct, frozen=True, kw_only=True):
    """One firing as it stands; `steps` are shown for one alone."""

    id: str
    automation: str
    key: str
    subject: str
    state: FiringState
    reason: str | None
    input: dict[str, Any]
    result: dict[str, Any] | None
    round: int
    due_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    steps: Sequence[Shown] | UnsetType = UNSET


class Rehearsal(Struct, frozen=True, kw_only=True):
    """What a firing would do: its calls, places for ids named as `<project>`; `skip` says why it would do nothing."""

    steps: Sequence[Shown]
    result: dict[str, Any]
    skip: str | None


def provide_automations(
    database: NamedDependency[SkipValidation[Database]], caller: NamedDependency[SkipValidation[Caller]]
) -> Automations:
    """The automations of the accounts that the token reaches."""
    return Automations(database=database, reach=caller.accounts)


def provide_worker(request: ApiRequest) -> Worker:
    """What fires them here."""
    worker: Worker = request.app.state.automations
    return worker


@get("/", summary="List automations", security=READ, responses=problems())
async def show_automations(
    *, automations: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None
) -> Page[Automation]:
    """Automations, oldest first."""
    after = read_cursor(next_cursor, str) or ""
    return cut(await automations.list(after=after, most=limit + 1), limit, lambda found: found.id)


@post("/", summary="Make an automation", security=CREATE, responses=problems(404, 409, 422))
async def create_automation(*, data: JSONBody[Draft], automations: Known) -> Automation:
    """Make an automation; it is active at once, for what happens from now on."""
    return await automations.create(data)


@get("/{place:str}", summary="Show an automation", security=READ, responses=problems(404))
async def show_automation(*, place: Place, automations: Known) -> Automation:
    """One automation by name or id."""
    return await automations.get(place)


@patch("/{place:str}", summary="Change settings", security=UPDATE, responses=problems(404, 422))
async def change_automation(*, place: Place, data: JSONBody[Change], automations: Known) -> Automation:
    """Change the settings named, for firings that are planned from now on."""
    return await automations.change(place, data.settings)


@delete("/{place:str}", summary="Remove an automation", status_code=200, security=DELETE, responses=problems(404))
async def remove_automation(*, place: Place, automations: Known) -> Automation:
    """Forget an automation and its firings; what they made stays in Insightly."""
    return await automations.remove(place)


@post("/{place:str}/pause", summary="Pause an automation", status_code=200, security=UPDATE, responses=problems(404))
async def pause_automation(*, place: Place, automations: Known) -> Automation:
    """Fire no more, and go on with nothing, until it is resumed."""
    return await automations.pause(place)


@post("/{place:str}/resume", summary="Resume an automation", status_code=200, security=UPDATE, responses=problems(404))
async def resume_automation(*, place: Place, automations: Known) -> Automation:
    """Fire again, for what happened meanwhile too."""
    return await automations.resume(place)


@post("/{place:str}/dry-run", summary="Rehearse a firing", status_code=200, security=READ,
      responses=problems(404, 422))  # fmt: skip
async def rehearse_firing(*, place: Place, data: JSONBody[Given], automations: Known, worker: Works) -> Rehearsal:
    """Tell every call that a firing would make. It reads the account, and writes nothing."""
    planned = await worker.carrier.rehearse(await automations.get(place), data.input)
    kept = [Kept(number=number, step=step) for number, step in enumerate(planned.steps)]
    return Rehearsal(steps=show_steps(kept), result=planned.result, skip=planned.skip)


@post("/{place:str}/fire", summary="Fire", security=FIRE, responses=problems(404, 409, 422))
async def fire_automation(
    *, place: Place, data: JSONBody[Given], automations: Known, worker: Works, key: Key = None
) -> Response[Entry]:
    """Fire for one thing, once: 201 when it is done, 200 when it was done before, 202 when it goes on by itself."""
    automation = await automations.get(place)
    firing, new = await worker.fire(automation, data.input, key)
    if firing.state == "failed":
        raise FiringFailed(f"{firing.reason} (firing {firing.id}). Send it again under the same key to go on")
    status = 202 if firing.state in {"open", "held", "undoing"} else 201 if new else 200
    return Response(await _show(worker, automation, firing), status_code=status)


@get("/{place:str}/firings", summary="List firings", security=READ_FIRINGS, responses=problems(404))
async def show_firings(
    *,
    place: Place,
    automations: Known,
    worker: Works,
    of_state: FromQuery[FiringState | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Entry]:
    """Firings, newest first."""
    before = read_cursor(next_cursor, str)
    automation = await automations.get(place)
    found = await worker.carrier.firings.list(automation, state=of_state, before=before, most=limit + 1)
    page = cut(found, limit, lambda firing: firing.id)
    return Page([describe(automation, each) for each in page.result], page.next_cursor)


@get("/{place:str}/firings/{firing:str}", summary="Show a firing", security=READ_FIRINGS, responses=problems(404))
async def show_firing(*, place: Place, firing: FromPath[str], automations: Known, worker: Works) -> Entry:
    """One firing with every step."""
    automation = await automations.get(place)
    return await _show(worker, automation, await worker.carrier.firings.find(firing, automation.id))


@post("/{place:str}/firings/{firing:str}/replay", summary="Replay a firing", status_code=200, security=CHANGE_FIRINGS,
      responses=problems(404, 409))  # fmt: skip
async def replay_firing(*, place: Place, firing: FromPath[str], automations: Known, worker: Works) -> Entry:
    """Go on where it failed or is held; one that was skipped or undone begins anew. A held call is sent again."""
    automation = await automations.get(place)
    found = await worker.carrier.firings.find(firing, automation.id)
    await worker.carrier.firings.replay(found)
    return await _show(worker, automation, await worker.carrier.carry(found.id))


@post("/{place:str}/firings/{firing:str}/undo", summary="Undo a firing", status_code=200, security=CHANGE_FIRINGS,
      responses=problems(404, 409))  # fmt: skip
async def undo_firing(*, place: Place, firing: FromPath[str], automations: Known, worker: Works) -> Entry:
    """Delete the records that it made: those, and no others."""
    automation = await automations.get(place)
    found = await worker.carrier.firings.find(firing, automation.id)
    await worker.carrier.firings.undo(found)
    return await _show(worker, automation, await worker.carrier.carry(found.id))


def describe(automation: Automation, firing: Firing) -> Entry:
    """A firing as readers see it."""
    names = [name for name in Entry.__struct_fields__ if name not in {"automation", "steps"}]
    return Entry(automation=automation.name, **{name: getattr(firing, name) for name in names})


async def _show(worker: Worker, automation: Automation, firing: Firing) -> Entry:
    entry = describe(automation, firing)
    names = [name for name in Entry.__struct_fields__ if name != "steps"]
    steps = show_steps(await worker.carrier.firings.steps(firing.id))
    return Entry(**{name: getattr(entry, name) for name in names}, steps=steps)


ROUTES = Router(
    "/automations",
    route_handlers=[
        show_automations,
        create_automation,
        show_automation,
        change_automation,
        remove_automation,
        pause_automation,
        resume_automation,
        rehearse_firing,
        fire_automation,
        show_firings,
        show_firing,
        replay_firing,
        undo_firing,
    ],
    dependencies={
        "automations": Provide(provide_automations, sync_to_thread=False),
        "worker": Provide(provide_worker, sync_to_thread=False),
    },
    tags=["automations"],
)
