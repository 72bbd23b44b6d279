"""Destinations over HTTP: made, changed in versions, previewed, activated, paused, removed."""

from typing import Annotated, Any

from litestar import Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, SkipValidation
from msgspec import Meta, Struct

from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.destinations import Destination, Destinations, Difference, Draft, Version
from crosswalk.delivery.settings import Preview, Settings

READ = needs("delivery.destinations:read")
CREATE = needs("delivery.destinations:create")
UPDATE = needs("delivery.destinations:update")
DELETE = needs("delivery.destinations:delete")
MOST_ROWS = 100

Place = FromPath[str]
Known = NamedDependency[SkipValidation[Destinations]]
Number = Annotated[int, Meta(ge=1)]


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New settings, whole; with `version`, only on top of that one."""

    settings: Settings
    version: Number | None = None


class Sample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows to show the calls of; `settings` that are not saved yet, or the present ones."""

    rows: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MOST_ROWS)]
    settings: Settings | None = None


class Rollback(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version's settings are to be the present ones."""

    version: Number


class Differences(Struct, frozen=True):
    """What two versions say differently."""

    result: list[Difference]


@get("/", summary="List destinations", security=READ, responses=problems())
async def show_destinations(
    *, destinations: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None
) -> Page[Destination]:
    """Destinations of the accounts that the token reaches, oldest first."""
    after = read_cursor(next_cursor, str) or ""
    return cut(await destinations.list(after=after, most=limit + 1), limit, lambda found: found.id)


@post("/", summary="Make a destination", security=CREATE, responses=problems(409, 422))
async def create_destination(*, data: JSONBody[Draft], destinations: Known) -> Destination:
    """Make a draft; nothing is sent before it is activated."""
    return await destinations.create(data)


@get("/{place:str}", summary="Show a destination", security=READ, responses=problems(404))
async def show_destination(*, place: Place, destinations: Known) -> Destination:
    """One destination by name or id, with its present settings."""
    return await destinations.find(place)


@patch("/{place:str}", summary="Change a destination", security=UPDATE, responses=problems(404, 409, 422))
async def change_destination(*, place: Place, data: JSONBody[Change], destinations: Known) -> Destination:
    """Make a new version with these settings."""
    return await destinations.change(place, data.settings, version=data.version)


@delete("/{place:str}", summary="Remove a destination", status_code=200, security=DELETE,
        responses=problems(404, 409))  # fmt: skip
async def remove_destination(*, place: Place, destinations: Known) -> Destination:
    """Forget a destination that is not active, and its versions."""
    return await destinations.remove(place)


@post("/{place:str}/activate", summary="Activate a destination", status_code=200, security=UPDATE,
      responses=problems(404, 409, 422))  # fmt: skip
async def activate_destination(*, place: Place, destinations: Known) -> Destination:
    """Let rows go. Activating an active one changes nothing."""
    return await destinations.activate(place)


@post("/{place:str}/pause", summary="Pause a destination", status_code=200, security=UPDATE,
      responses=problems(404, 409))  # fmt: skip
async def pause_destination(*, place: Place, destinations: Known) -> Destination:
    """Let no more rows go. Pausing a paused one changes nothing."""
    return await destinations.pause(place)


@get("/{place:str}/versions", summary="List a destination's versions", security=READ, responses=problems(404))
async def show_versions(
    *, place: Place, destinations: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None
) -> Page[Version]:
    """Every version with its settings, newest first."""
    before = read_cursor(next_cursor, int)
    found = [each for each in await destinations.versions(place) if before is None or each.version < before]
    return cut(found, limit, lambda version: version.version)


@get("/{place:str}/versions/compare", summary="Compare two versions", security=READ, responses=problems(404))
async def compare_versions(
    *, place: Place, before: FromQuery[int], after: FromQuery[int], destinations: Known
) -> Differences:
    """What the settings of two versions say differently."""
    return Differences(list(await destinations.compare(place, before, after)))


@post("/{place:str}/rollback", summary="Go back to a version", status_code=200, security=UPDATE,
      responses=problems(404, 409, 422))  # fmt: skip
async def roll_back_destination(*, place: Place, data: JSONBody[Rollback], destinations: Known) -> Destination:
    """Make an earlier version's settings the present ones, as a new version."""
    return await destinations.roll_back(place, data.version)


@post("/{place:str}/preview", summary="Preview rows", status_code=200, security=READ,
      responses=problems(404, 409, 422))  # fmt: skip
async def preview_rows(*, place: Place, data: JSONBody[Sample], destinations: Known) -> Preview:
    """The exact calls that rows would become, the credential masked. Nothing is called."""
    return await destinations.preview(place, data.rows, data.settings)


ROUTES = Router(
    "/destinations",
    route_handlers=[
        show_destinations,
        create_destination,
        show_destination,
        change_destination,
        remove_destination,
        activate_destination,
        pause_destination,
        show_versions,
        compare_versions,
        roll_back_destination,
        preview_rows,
    ],
    tags=["destinations"],
)
