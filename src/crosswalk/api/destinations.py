"""Destinations over HTTP: made, changed in versions, previewed, activated, paused, removed."""

from typing import Annotated, Any

from litestar import Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, SkipValidation
from msgspec import Meta, Struct

from crosswalk.accounts.accounts import Accounts
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.backlog import Choice
from crosswalk.delivery.destinations import Activated, Destination, Destinations, Difference, Draft, Saved, Version
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.forecast import Forecast
from crosswalk.delivery.nexla import Exported
from crosswalk.delivery.places import Places
from crosswalk.delivery.rehearsal import Rehearsal, Rehearser
from crosswalk.delivery.row import Options
from crosswalk.delivery.settings import Preview, Settings
from crosswalk.delivery.sources import Sources
from crosswalk.delivery.start import Begun, find_listed, start_dataset, start_listed, start_rows
from crosswalk.store.runs import RunState

READ = needs("delivery.destinations:read")
CREATE = needs("delivery.destinations:create")
UPDATE = needs("delivery.destinations:update")
DELETE = needs("delivery.destinations:delete")
MOST_ROWS = 100
MOST_LOAD = 1000
MOST_REHEARSED = 100_000
CHOOSE = "Give rows, a dataset, or a path; one of the three. Options go with a path."

Place = FromPath[str]
Known = NamedDependency[SkipValidation[Destinations]]
Listed = NamedDependency[SkipValidation[Sources]]
Linked = NamedDependency[SkipValidation[Accounts]]
Number = Annotated[int, Meta(ge=1)]
Rows = Annotated[
    int | None, QueryParameter(ge=0, le=1_000_000_000, description="How many rows; absent, those that wait.")
]


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New settings, whole; with `version`, only on top of that one."""

    settings: Settings
    version: Number | None = None


class Activation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of the records that wait in the destination's dataset."""

    backlog: Choice | None = None


class Sink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Nexla sink's configuration, flat or nested, bare or in its document."""

    name: str
    account: str
    document: dict[str, Any]


class Imported(Struct, frozen=True):
    """The draft that a configuration became, and what of it is not kept."""

    destination: Saved
    notes: tuple[str, ...]


class Sample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows to show the calls of; `settings` that are not saved yet, or the present ones.

    With `ask_account` Insightly is called for the custom fields and names that these need.
    """

    rows: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MOST_ROWS)]
    settings: Settings | None = None
    ask_account: bool = False


class Load(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to send: rows, which are kept as records of a dataset of the destination's own; a dataset's; or a file's.

    `path` is a file, folder or pattern below a folder of CROSSWALK_FILES, or an upload's; `options` say how it is read.
    """

    rows: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MOST_LOAD)] | None = None
    dataset: str | None = None
    path: str | None = None
    options: Options | None = None


class Trying(Load, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a dry run is over: rows, a dataset's records, a file's, or with nothing said the records that wait.

    With `ask_account` Insightly is called for the custom fields and names that the settings need.
    """

    ask_account: bool = False


class Started(Struct, frozen=True):
    """A run that waits for its turn, and what was guessed of its file."""

    id: str
    state: RunState
    source: str
    notes: tuple[str, ...] = ()


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
async def create_destination(*, data: JSONBody[Draft], destinations: Known) -> Saved:
    """Make a draft; nothing is sent before it is activated.

    Where its settings name custom fields, one call asks the account whether it has them; `notes` say so.
    """
    return await destinations.create(data)


@get("/{place:str}", summary="Show a destination", security=READ, responses=problems(404))
async def show_destination(*, place: Place, destinations: Known) -> Destination:
    """One destination by name or id, with its present settings."""
    return await destinations.find(place)


@patch("/{place:str}", summary="Change a destination", security=UPDATE, responses=problems(404, 409, 422))
async def change_destination(*, place: Place, data: JSONBody[Change], destinations: Known) -> Saved:
    """Make a new version with these settings; custom fields are checked as when it was made."""
    return await destinations.change(place, data.settings, version=data.version)


@delete("/{place:str}", summary="Remove a destination", status_code=200, security=DELETE,
        responses=problems(404, 409))  # fmt: skip
async def remove_destination(*, place: Place, destinations: Known) -> Destination:
    """Forget a destination that is not active, and its versions."""
    return await destinations.remove(place)


@post("/{place:str}/activate", summary="Activate a destination", status_code=200, security=UPDATE,
      responses=problems(404, 409, 422))  # fmt: skip
async def activate_destination(
    *, place: Place, destinations: Known, data: JSONBody[Activation | None] = None
) -> Activated:
    """Let rows go; when records wait in its dataset, `backlog` says whether they are sent or skipped.

    Runs that stopped go on. Activating an active one changes nothing else.
    """
    return await destinations.activate(place, data.backlog if data else None)


@post("/{place:str}/pause", summary="Pause a destination", status_code=200, security=UPDATE,
      responses=problems(404, 409))  # fmt: skip
async def pause_destination(*, place: Place, destinations: Known) -> Destination:
    """Let no more rows go: calls in flight finish, what waits stays. Pausing a paused one changes nothing."""
    return await destinations.pause(place)


@get("/{place:str}/forecast", summary="Forecast a destination", security=READ, responses=problems(404, 409, 422))
async def forecast_destination(*, place: Place, destinations: Known, accounts: Linked, rows: Rows = None) -> Forecast:
    """Calls, share of the day's quota and when it is done, of the records that wait or of `rows`. Nothing is called."""
    return await destinations.forecast(place, accounts, rows=rows)


@post("/import", summary="Import a Nexla sink", security=CREATE, responses=problems(409, 422))
async def import_destination(*, data: JSONBody[Sink], destinations: Known) -> Imported:
    """Make a draft of a Nexla sink's portable keys; what would change its calls is refused, what is left out named."""
    return Imported(*await destinations.import_sink(data.name, data.account, data.document))


@get("/{place:str}/export", summary="Export as Nexla's keys", security=READ, responses=problems(404, 409))
async def export_destination(*, place: Place, destinations: Known) -> Exported:
    """The present settings as Nexla's portable keys, and what has no key there."""
    return await destinations.export_sink(place)


@post("/{place:str}/runs", summary="Start a run", status_code=202, security=UPDATE,
      responses=problems(404, 409, 422))  # fmt: skip
async def start_run(*, place: Place, data: JSONBody[Load], destinations: Known, sources: Listed) -> Started:
    """Send rows through an active destination: given here, those of a dataset, or those of a file."""
    begun = await _start(place, data, destinations, sources.places)
    return Started(begun.run.id, begun.run.state, begun.run.order.source, begun.notes)


async def _start(place: str, data: Load, destinations: Destinations, places: Places) -> Begun:
    match data:
        case Load(rows=list(rows), dataset=None, path=None, options=None):
            return Begun(await start_rows(destinations, place, rows), ())
        case Load(rows=None, dataset=str(dataset), path=None, options=None):
            return Begun(await start_dataset(destinations, place, dataset), ())
        case Load(rows=None, dataset=None, path=str(path)):
            return await start_listed(destinations, place, path, data.options or Options(), places=places)
        case _:
            raise PlanError(CHOOSE)


@post("/{place:str}/dry-run", summary="Rehearse a run", status_code=200, security=UPDATE,
      responses=problems(404, 409, 422))  # fmt: skip
async def rehearse_run(
    *, place: Place, data: JSONBody[Trying], destinations: Known, accounts: Linked, sources: Listed
) -> Rehearsal:
    """What a run would come to, of up to 100,000 rows: made, changed, unchanged, looked for, refused; nothing is sent.

    For a mirror it tells which records would be deleted, their share, and what would keep it from deleting any.
    """
    rehearser = Rehearser(destinations=destinations, accounts=accounts, most=MOST_REHEARSED)
    ask = data.ask_account
    match data:
        case Load(rows=list(rows), dataset=None, path=None, options=None):
            return await rehearser.rehearse_rows(place, rows, ask=ask)
        case Load(rows=None, path=None, options=None):
            return await rehearser.rehearse_records(place, data.dataset, ask=ask)
        case Load(rows=None, dataset=None, path=str(path)):
            listed = find_listed(path, sources.places)
            return await rehearser.rehearse_file(place, listed, data.options or Options(), ask=ask)
        case _:
            raise PlanError(CHOOSE)


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
async def roll_back_destination(*, place: Place, data: JSONBody[Rollback], destinations: Known) -> Saved:
    """Make an earlier version's settings the present ones, as a new version."""
    return await destinations.roll_back(place, data.version)


@post("/{place:str}/preview", summary="Preview rows", status_code=200, security=READ,
      responses=problems(404, 409, 422))  # fmt: skip
async def preview_rows(*, place: Place, data: JSONBody[Sample], destinations: Known) -> Preview:
    """The exact calls that rows would become, the credential masked. Nothing is called without `ask_account`.

    Asked or not, `notes` say what sending would ask of the account.
    """
    return await destinations.preview(place, data.rows, data.settings, ask=data.ask_account)


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
        forecast_destination,
        import_destination,
        export_destination,
        start_run,
        rehearse_run,
        show_versions,
        compare_versions,
        roll_back_destination,
        preview_rows,
    ],
    tags=["destinations"],
)
