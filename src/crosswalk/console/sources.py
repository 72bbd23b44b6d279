"""Sources and the datasets that they fill: how each was read, its columns, samples and drift."""

from typing import Annotated, Any

import msgspec
from litestar import MediaType, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from msgspec import Struct
from msgspec.structs import replace

from crosswalk.api.page import cut, read_cursor
from crosswalk.console.deliveries import pretty
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.console.pages import headers
from crosswalk.console.runs import name_accounts
from crosswalk.console.source_form import KINDS, SCHEDULES, SourceForm, list_resources, read_source
from crosswalk.contract import load
from crosswalk.delivery.errors import DeliveryError
from crosswalk.delivery.sources import Change, Source, kind_name
from crosswalk.delivery.upload import keep_upload

HERE = "Sources"
PAGE, MOST_PULLS, MOST_DRIFTS, MOST_UNREAD = 50, 20, 20, 10
Place = FromPath[str]


@get("/sources")
async def show_sources(*, request: ConsoleRequest, next_cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Sources, and the datasets that no source fills."""
    desk = desk_of(request)
    after = read_cursor(next_cursor, str) or ""
    page = cut(await desk.sources.list(after=after, most=PAGE + 1), PAGE, lambda source: source.id)
    datasets = await desk.datasets.list()
    data = {
        "sources": page.result,
        "kinds": {source.id: kind_name(source.settings) for source in page.result},
        "names": await name_accounts(desk),
        "datasets": datasets[:PAGE],
        "dataset_count": len(datasets),
    }
    return await show(request, "sources.html", data | {"older": older(request, page.next_cursor)}, here=HERE)


class Timing(Struct, frozen=True, kw_only=True):
    """When a source is to be read from now on; an empty schedule is none."""

    schedule: str = ""


class Goodbye(Struct, frozen=True, kw_only=True):
    """The name, typed again by whoever removes it."""

    name: str = ""


@get("/sources/new")
async def show_new(*, request: ConsoleRequest, kind: FromQuery[str] = "upload") -> Response[Any]:
    """The form for making a source of one kind."""
    return await _show_new(request, SourceForm(kind=kind if kind in KINDS else "upload", now="on"))


@post("/sources/new")
async def create_source(*, request: ConsoleRequest, data: URLEncodedBody[SourceForm]) -> Response[Any]:
    """Make a source and its dataset; a webhook's address is shown this once."""
    sources = desk_of(request).sources
    try:
        made = await sources.create(read_source(data))
        if data.now and made.hook is None:
            await sources.ask(made.source.id)
    except DeliveryError as exc:
        return await _show_new(request, data, wrong=str(exc))
    if made.hook is not None:
        return await _show_one(request, made.source, hook=made.hook)
    return go(f"/sources/{made.source.name}")


@post("/sources/uploads", status_code=201, request_max_body_size=None)
async def upload_file(
    *, request: ConsoleRequest, name: Annotated[str, QueryParameter(max_length=255)]
) -> Response[bytes]:
    """Keep the body as a file; its path is what the form of a source names."""
    kept = await keep_upload(request.stream(), name, places=desk_of(request).places)
    return Response(msgspec.json.encode(kept), status_code=201, media_type=MediaType.JSON, headers=headers())


async def _show_new(request: ConsoleRequest, form: SourceForm, wrong: str | None = None) -> Response[Any]:
    desk = desk_of(request)
    data = {
        "form": replace(form, secret="", headers=""),
        "kinds": KINDS,
        "schedules": SCHEDULES,
        "accounts": [account.name for account in await desk.accounts.list()],
        "connections": await desk.connections.list() if form.kind == "sql" else [],
        "folders": [str(folder) for folder in desk.places.folders or ()],
        "resources": list_resources(load()) if form.kind == "insightly" else [],
        "wrong": wrong,
    }
    return await show(request, "source_new.html", data, here=HERE, status=200 if wrong is None else 422)


@get("/sources/{place:str}")
async def show_source(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """One source and its pulls."""
    return await _show_one(request, await desk_of(request).sources.find(place))


async def _show_one(
    request: ConsoleRequest,
    source: Source,
    *,
    hook: str | None = None,
    wrong: str | None = None,
    schedule: str | None = None,
) -> Response[Any]:
    desk, place = desk_of(request), source.id
    pulls = await desk.sources.pulls(place, most=MOST_PULLS)
    unread = next((pull for pull in pulls if pull.unreadable), None)
    data = {
        "source": source,
        "kind": kind_name(source.settings),
        "settings": _settings_of(source),
        "pulls": pulls,
        "unread": [] if unread is None else await desk.sources.unreadable(place, unread.id, most=MOST_UNREAD),
        "hook": None if hook is None else f"{str(request.base_url).rstrip('/')}/hooks/{hook}",
        "schedule": source.schedule if schedule is None else schedule,
        "schedules": SCHEDULES,
        "wrong": wrong,
    }
    return await show(request, "source.html", data, here=HERE, status=200 if wrong is None else 422)


def _settings_of(source: Source) -> str | None:
    return pretty(msgspec.to_builtins(source.settings))


@post("/sources/{place:str}/run")
async def run_source(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Have it read as soon as a place is free."""
    await desk_of(request).sources.ask(place)
    return go(f"/sources/{place}")


@post("/sources/{place:str}/pause")
async def pause_source(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Begin no more pulls."""
    await desk_of(request).sources.pause(place)
    return go(f"/sources/{place}")


@post("/sources/{place:str}/activate")
async def activate_source(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Let it be read again."""
    await desk_of(request).sources.activate(place)
    return go(f"/sources/{place}")


@post("/sources/{place:str}/schedule")
async def change_schedule(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[Timing]) -> Response[Any]:
    """Read it at other times."""
    sources = desk_of(request).sources
    try:
        await sources.change(place, Change(schedule=data.schedule.strip() or None))
    except DeliveryError as exc:
        return await _show_one(request, await sources.find(place), wrong=str(exc), schedule=data.schedule)
    return go(f"/sources/{place}")


@post("/sources/{place:str}/rotate")
async def rotate_source(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """Give a webhook a new address, shown this once; the old one counts for another day."""
    made = await desk_of(request).sources.rotate(place)
    return await _show_one(request, made.source, hook=made.hook)


@post("/sources/{place:str}/remove")
async def remove_source(*, request: ConsoleRequest, place: Place, data: URLEncodedBody[Goodbye]) -> Response[Any]:
    """Forget a source, when its name was typed again; its dataset stays."""
    sources = desk_of(request).sources
    source = await sources.find(place)
    if data.name.strip() != source.name:
        wrong = f"Type {source.name} to remove it; {data.name!r} is another name"
        return await _show_one(request, source, wrong=wrong)
    try:
        await sources.remove(source.id)
    except DeliveryError as exc:
        return await _show_one(request, source, wrong=str(exc))
    return go("/sources")


@get("/datasets/{place:str}")
async def show_dataset(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """One dataset: its columns, its latest records, what changed."""
    desk = desk_of(request)
    dataset = await desk.datasets.show(place)
    data = {
        "dataset": dataset,
        "samples": [pretty(sample) for sample in reversed(dataset.samples)],
        "drifts": await desk.datasets.drift(place, most=MOST_DRIFTS),
    }
    return await show(request, "dataset.html", data, here=HERE)


PAGES: tuple[HTTPRouteHandler, ...] = (
    show_sources,
    show_new,
    create_source,
    upload_file,
    show_source,
    change_schedule,
    rotate_source,
    remove_source,
    run_source,
    pause_source,
    activate_source,
    show_dataset,
)
