"""Sources over HTTP: made, changed, read, paused, removed; files uploaded."""

from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from crosswalk.api.body import ApiRequest
from crosswalk.api.errors import problems
from crosswalk.api.file_part import open_file_part
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.sources import END, Change, Draft, Made, Pull, Source, Sources, Unread
from crosswalk.delivery.upload import Upload, keep_upload

READ = needs("delivery.sources:read")
CREATE = needs("delivery.sources:create")
UPDATE = needs("delivery.sources:update")
DELETE = needs("delivery.sources:delete")
FORM = "multipart/form-data"

Place = FromPath[str]
Known = NamedDependency[SkipValidation[Sources]]


@get("/", summary="List sources", security=READ, responses=problems())
async def show_sources(*, sources: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None) -> Page[Source]:
    """Sources of the accounts that the token reaches, oldest first."""
    after = read_cursor(next_cursor, str) or ""
    return cut(await sources.list(after=after, most=limit + 1), limit, lambda found: found.id)


@post("/", summary="Make a source", security=CREATE, responses=problems(409, 422))
async def create_source(*, data: JSONBody[Draft], sources: Known) -> Made:
    """Make a source and the dataset that it fills. A webhook's `hook` is shown this once."""
    return await sources.create(data)


@get("/{place:str}", summary="Show a source", security=READ, responses=problems(404))
async def show_source(*, place: Place, sources: Known) -> Source:
    """One source by name or id. What it keeps secret is never shown."""
    return await sources.find(place)


@patch("/{place:str}", summary="Change a source", security=UPDATE, responses=problems(404, 409, 422))
async def change_source(*, place: Place, data: JSONBody[Change], sources: Known) -> Source:
    """Write settings, schedule or secret anew; the next pull goes by them."""
    return await sources.change(place, data)


@delete("/{place:str}", summary="Remove a source", status_code=200, security=DELETE,
        responses=problems(404, 409))  # fmt: skip
async def remove_source(*, place: Place, sources: Known) -> Source:
    """Forget a source and its pulls; its dataset stays."""
    return await sources.remove(place)


@post("/{place:str}/activate", summary="Activate a source", status_code=200, security=UPDATE,
      responses=problems(404, 409))  # fmt: skip
async def activate_source(*, place: Place, sources: Known) -> Source:
    """Let it be read again. Activating an active one changes nothing."""
    return await sources.activate(place)


@post("/{place:str}/pause", summary="Pause a source", status_code=200, security=UPDATE,
      responses=problems(404, 409))  # fmt: skip
async def pause_source(*, place: Place, sources: Known) -> Source:
    """Begin no more pulls, and take no more posts."""
    return await sources.pause(place)


@post("/{place:str}/run", summary="Read a source now", status_code=202, security=UPDATE,
      responses=problems(404, 409))  # fmt: skip
async def run_source(*, place: Place, sources: Known) -> Source:
    """Have it read as soon as a place is free; its pulls tell how it went."""
    return await sources.ask(place)


@post("/{place:str}/rotate", summary="Give a webhook a new address", status_code=200, security=UPDATE,
      responses=problems(404, 409))  # fmt: skip
async def rotate_source(*, place: Place, sources: Known) -> Made:
    """The new `hook` is shown this once; the old one counts for another day."""
    return await sources.rotate(place)


@get("/{place:str}/pulls", summary="List a source's pulls", security=READ, responses=problems(404))
async def show_pulls(*, place: Place, sources: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None) -> Page[Pull]:
    """Every reading of it, newest first."""
    before = read_cursor(next_cursor, str) or END
    return cut(await sources.pulls(place, before=before, most=limit + 1), limit, lambda pull: pull.id)


@get("/{place:str}/pulls/{pull:str}/unreadable", summary="List unreadable rows", security=READ,
     responses=problems(404))  # fmt: skip
async def show_unreadable(
    *, place: Place, pull: FromPath[str], sources: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None
) -> Page[Unread]:
    """Rows of a pull that could not be read, with the reason; the first thousand are kept."""
    after = read_cursor(next_cursor, int) or 0
    rows = await sources.unreadable(place, pull, after=after, most=limit + 1)
    return cut(rows, limit, lambda row: row.number)


@post("/uploads", summary="Upload a file", security=CREATE, responses=problems(413, 422), status_code=201,
      request_max_body_size=None)  # fmt: skip
async def upload_file(
    *,
    request: ApiRequest,
    name: Annotated[
        str | None,
        QueryParameter(min_length=1, max_length=255, description="The file's name; its ending says how to read it."),
    ] = None,
    sources: Known,
) -> Upload:
    """Keep the body as a file: the file itself under `name`, or a form that holds one file.

    A form's file has a name and a type of its own; `name` counts before them. `path` is what a file source names.
    """
    kind, options = request.content_type
    if kind != FORM:
        if name is None:
            raise ValidationException(
                "The upload has no name",
                extra=[{"key": "name", "message": "name the file: ?name=people.csv", "source": "query"}],
            )
        return await keep_upload(request.stream(), name, places=sources.places)
    async with open_file_part(request.stream(), options.get("boundary", "")) as part:
        return await keep_upload(part.blocks, name or part.name, places=sources.places, kind=part.type)


ROUTES = Router(
    "/sources",
    route_handlers=[
        show_sources,
        create_source,
        upload_file,
        show_source,
        change_source,
        remove_source,
        activate_source,
        pause_source,
        run_source,
        rotate_source,
        show_pulls,
        show_unreadable,
    ],
    tags=["sources"],
)
