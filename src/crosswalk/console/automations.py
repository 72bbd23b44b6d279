"""Automations: their list, one with its settings, rehearsal and firings, and one firing with every step."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from msgspec import Struct

from crosswalk.api.page import cut, read_cursor
from crosswalk.automations.errors import AutomationError, UnusableInput, UnusableSettings
from crosswalk.automations.firing import Kept, show_steps
from crosswalk.automations.work import Worker
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.console.runs import name_accounts
from crosswalk.insightly import InsightlyError
from crosswalk.unified.errors import UnifiedError
from crosswalk.unified.value import Unfit

HERE = "Automations"
PAGE = 50
Place = FromPath[str]
EXAMPLES = {
    "kickoff": '{"opportunity": "7"}',
    "lead_task": '{"lead": {"last_name": "Hopper", "email_addresses": [{"email": "grace@example.com"}]}}',
    "activity_note": '{"id": "call-1", "about": {"email": "grace@example.com"}, "content": "They asked for a quote"}',
    "pipeline_sync": '{"id": "change-1", "opportunity": "7", "stage": "quoted"}',
}


class Form(Struct, frozen=True, kw_only=True):
    """One field of JSON."""

    text: str = ""


@get("/automations")
async def show_automations(*, request: ConsoleRequest) -> Response[Any]:
    """Automations, oldest first."""
    found = await _worker(request).carrier.automations.list()
    data = {"automations": found, "names": await name_accounts(desk_of(request))}
    return await show(request, "automations.html", data, here=HERE)


@get("/automations/{place:str}")
async def show_automation(
    *, request: ConsoleRequest, place: Place, next_cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """One automation with its firings, newest first."""
    return await _show(request, place, cursor=next_cursor)


@post("/automations/{place:str}/change")
async def change_automation(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[Form]) -> Response[Any]:
    """Give it other settings, whole: what the form leaves out is the default again."""
    automations = _worker(request).carrier.automations
    try:
        wanted = _read(data.text)
        before = (await automations.get(place)).settings
        await automations.change(place, {**dict.fromkeys(before), **wanted})
    except (UnusableSettings, UnusableInput) as error:
        return await _show(request, place, wrong=str(error), settings=data.text, status=422)
    return go(f"/automations/{place}")


@post("/automations/{place:str}/pause")
async def pause_automation(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Let it fire no more."""
    await _worker(request).carrier.automations.pause(place)
    return go(f"/automations/{place}")


@post("/automations/{place:str}/resume")
async def resume_automation(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Let it fire again."""
    await _worker(request).carrier.automations.resume(place)
    return go(f"/automations/{place}")


@post("/automations/{place:str}/dry-run")
async def rehearse(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[Form]) -> Response[Any]:
    """Show every call that a firing would make."""
    carrier = _worker(request).carrier
    try:
        planned = await carrier.rehearse(await carrier.automations.get(place), _read(data.text))
    except (AutomationError, InsightlyError, UnifiedError, Unfit) as error:
        return await _show(request, place, wrong=str(error), given=data.text, status=422)
    kept = [Kept(number=number, step=step) for number, step in enumerate(planned.steps)]
    rehearsal = {"steps": [_told(each) for each in show_steps(kept)], "skip": planned.skip}
    return await _show(request, place, given=data.text, rehearsal=rehearsal)


@get("/automations/{place:str}/firings/{firing:str}")
async def show_firing(*, request: ConsoleRequest, place: Place, firing: FromPath[str]) -> Response[Any]:
    """One firing with every step."""
    carrier = _worker(request).carrier
    automation = await carrier.automations.get(place)
    found = await carrier.firings.find(firing, automation.id)
    steps = [_told(each) for each in show_steps(await carrier.firings.steps(found.id))]
    text = msgspec.json.format(msgspec.json.encode(found.input), indent=2).decode()
    data = {"automation": automation, "firing": found, "steps": steps, "input": text}
    return await show(request, "firing.html", data, here=HERE)


@post("/automations/{place:str}/firings/{firing:str}/replay")
async def replay_firing(*, request: ConsoleRequest, place: Place, firing: FromPath[str]) -> Response[Any]:
    """Let it go on, or begin anew."""
    carrier = _worker(request).carrier
    found = await carrier.firings.find(firing, (await carrier.automations.get(place)).id)
    await carrier.firings.replay(found)
    await carrier.carry(found.id)
    return go(f"/automations/{place}/firings/{firing}")


@post("/automations/{place:str}/firings/{firing:str}/undo")
async def undo_firing(*, request: ConsoleRequest, place: Place, firing: FromPath[str]) -> Response[Any]:
    """Delete what it made."""
    carrier = _worker(request).carrier
    found = await carrier.firings.find(firing, (await carrier.automations.get(place)).id)
    await carrier.firings.undo(found)
    await carrier.carry(found.id)
    return go(f"/automations/{place}/firings/{firing}")


async def _show(
    request: ConsoleRequest,
    place: str,
    *,
    cursor: str | None = None,
    wrong: str | None = None,
    settings: str | None = None,
    given: str | None = None,
    rehearsal: dict[str, Any] | None = None,
    status: int = 200,
) -> Response[Any]:
    """One automation's page, with what a form came to."""
    carrier = _worker(request).carrier
    automation = await carrier.automations.get(place)
    found = await carrier.firings.list(automation, before=read_cursor(cursor, str), most=PAGE + 1)
    page = cut(found, PAGE, lambda firing: firing.id)
    text = msgspec.json.format(msgspec.json.encode(automation.settings), indent=2).decode()
    data = {
        "automation": automation,
        "firings": page.result,
        "names": await name_accounts(desk_of(request)),
        "settings": text if settings is None else settings,
        "given": EXAMPLES[automation.kind] if given is None else given,
        "rehearsal": rehearsal,
        "wrong": wrong,
        "older": older(request, page.next_cursor),
    }
    return await show(request, "automation.html", data, here=HERE, status=status)


def _told(step: Any) -> dict[str, Any]:
    """One step for a page: its body as text."""
    body = None if step.body is None else msgspec.json.format(msgspec.json.encode(step.body), indent=2).decode()
    return {"step": step, "body": body}


def _read(text: str) -> dict[str, Any]:
    try:
        given: dict[str, Any] = msgspec.json.decode(text or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UnusableInput(f"This is no JSON object: {error}") from error
    return given


def _worker(request: ConsoleRequest) -> Worker:
    worker: Worker = request.app.state.automations
    return worker


PAGES: tuple[HTTPRouteHandler, ...] = (
    show_automations,
    show_automation,
    change_automation,
    pause_automation,
    resume_automation,
    rehearse,
    show_firing,
    replay_firing,
    undo_firing,
)
