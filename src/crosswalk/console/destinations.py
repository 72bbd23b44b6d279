"""Destinations: what each makes of its rows, its versions and their differences, its forecast and its runs."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from msgspec import Struct

from crosswalk.accounts.errors import AccountError
from crosswalk.api.page import cut, read_cursor
from crosswalk.console.deliveries import pretty
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.console.runs import name_accounts
from crosswalk.delivery.backlog import Choice
from crosswalk.delivery.destinations import Destination, Version
from crosswalk.delivery.errors import BacklogUndecided, DeliveryError
from crosswalk.delivery.forecast import Forecast
from crosswalk.delivery.mapping import Rule
from crosswalk.delivery.settings import Settings, list_differences
from crosswalk.insightly import InsightlyError
from crosswalk.store.runs import RUNS_OF_DESTINATION, RunState

HERE = "Destinations"
PAGE, MOST_RUNS = 50, 10
Place = FromPath[str]


class Going(Struct, frozen=True, kw_only=True):
    """What becomes of the records that wait, as the form says."""

    backlog: str = ""


class Back(Struct, frozen=True, kw_only=True):
    """Which version to go back to."""

    version: int


class Change(Struct, frozen=True):
    """One setting that a version says differently from the one before it."""

    name: str
    before: str | None
    after: str | None


class Told(Struct, frozen=True):
    """A version and what it changed."""

    version: int
    made_by: str
    created_at: Any
    changes: tuple[Change, ...]


class Past(Struct, frozen=True):
    """A run of the destination."""

    id: str
    state: RunState
    kind: str
    calls: int
    started_at: Any
    version: int | None


@get("/destinations")
async def show_destinations(*, request: ConsoleRequest, next_cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Destinations, oldest first."""
    desk = desk_of(request)
    after = read_cursor(next_cursor, str) or ""
    page = cut(await desk.destinations.list(after=after, most=PAGE + 1), PAGE, lambda each: each.id)
    data = {"destinations": page.result, "names": await name_accounts(desk)}
    return await show(request, "destinations.html", data | {"older": older(request, page.next_cursor)}, here=HERE)


@get("/destinations/{place:str}")
async def show_destination(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """One destination."""
    return await _show_one(request, place)


@post("/destinations/{place:str}/activate")
async def activate_destination(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[Going]) -> Response[Any]:
    """Let rows go; when some wait, it is asked first what becomes of them."""
    choice: Choice | None = msgspec.convert(data.backlog, Choice) if data.backlog in {"send", "skip"} else None
    try:
        await desk_of(request).destinations.activate(place, choice)
    except BacklogUndecided as exc:
        return await _show_one(request, place, undecided=str(exc))
    except DeliveryError as exc:
        return await _show_one(request, place, wrong=str(exc))
    return go(f"/destinations/{place}")


@post("/destinations/{place:str}/pause")
async def pause_destination(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Let no more rows go."""
    await desk_of(request).destinations.pause(place)
    return go(f"/destinations/{place}")


@post("/destinations/{place:str}/rollback")
async def roll_back(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[Back]) -> Response[Any]:
    """Make an earlier version's settings the present ones."""
    try:
        await desk_of(request).destinations.roll_back(place, data.version)
    except DeliveryError as exc:
        return await _show_one(request, place, wrong=str(exc))
    return go(f"/destinations/{place}#versions")


@post("/destinations/{place:str}/remove")
async def remove_destination(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Forget it and its versions."""
    try:
        await desk_of(request).destinations.remove(place)
    except DeliveryError as exc:
        return await _show_one(request, place, wrong=str(exc))
    return go("/destinations")


async def _show_one(
    request: ConsoleRequest, place: str, *, wrong: str | None = None, undecided: str | None = None
) -> Response[Any]:
    desk = desk_of(request)
    found = await desk.destinations.find(place)
    async with desk.database.read() as connection:
        rows = (await connection.execute(RUNS_OF_DESTINATION, {"destination": found.id, "most": MOST_RUNS})).all()
    forecast, why = await _forecast(request, found)
    data = {
        "destination": found,
        "names": await name_accounts(desk),
        "rules": list_rules(found.settings),
        "settings": pretty(msgspec.to_builtins(found.settings)),
        "versions": tell_versions(await desk.destinations.versions(found.id)),
        "runs": [Past(row.id, row.state, row.kind, row.calls, row.started_at, row.destination_version) for row in rows],
        "forecast": forecast,
        "why": why,
        "wrong": wrong,
        "undecided": undecided,
    }
    refused = wrong is not None or undecided is not None
    return await show(request, "destination.html", data, here=HERE, status=422 if refused else 200)


async def _forecast(request: ConsoleRequest, found: Destination) -> tuple[Forecast | None, str | None]:
    desk = desk_of(request)
    try:
        return await desk.destinations.forecast(found.id, desk.accounts), None
    except (DeliveryError, AccountError, InsightlyError) as exc:
        return None, str(exc)


def tell_versions(versions: Any) -> list[Told]:
    """Every version with what it changed, newest first."""
    every: list[Version] = list(versions)
    told = []
    for place, each in enumerate(every):
        before = every[place + 1] if place + 1 < len(every) else None
        changes = {} if before is None else list_differences(before.settings, each.settings)
        said = tuple(change for name, pair in changes.items() for change in _tell(name, *pair))
        told.append(Told(each.version, each.made_by, each.created_at, said))
    return told


def _tell(name: str, before: Any, after: Any) -> Iterator[Change]:
    """A difference down to the last name that says something else."""
    if before == after:
        return
    if {type(before), type(after)} <= {dict, type(None)}:
        old, new = before or {}, after or {}
        for key in sorted({*old, *new}):
            yield from _tell(f"{name}.{key}", old.get(key), new.get(key))
    else:
        yield Change(name, None if before is None else _say(before), None if after is None else _say(after))


def _say(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def list_rules(settings: Settings) -> dict[str, str]:
    """What each field is made of, in words."""
    said = {field: f"column {column}" for field, column in settings.fields.items()}
    said |= {field: f"always {value}" for field, value in settings.constants.items()}
    return said | {field: _say_rule(rule) for field, rule in settings.mapping.items()}


def _say_rule(rule: Rule) -> str:
    if rule.column is not None:
        made = f"column {rule.column}"
    else:
        made = f"always {rule.constant}" if rule.expression is None else f"expression {rule.expression}"
    more = [f"else {rule.default}"] if rule.default is not None else []
    more += ["cast"] if rule.cast is not None else []
    more += ["looked up"] if rule.lookup is not None else []
    return ", ".join([made, *more])


PAGES: tuple[HTTPRouteHandler, ...] = (
    show_destinations,
    show_destination,
    activate_destination,
    pause_destination,
    roll_back,
    remove_destination,
)
