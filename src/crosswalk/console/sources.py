"""Sources and the datasets that they fill: how each was read, its columns, samples and drift."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from crosswalk.api.page import cut, read_cursor
from crosswalk.console.deliveries import pretty
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.console.runs import name_accounts
from crosswalk.delivery.sources import Source, kind_name

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


@get("/sources/{place:str}")
async def show_source(*, request: ConsoleRequest, place: Place) -> Response[Any]:
    """One source and its pulls."""
    desk = desk_of(request)
    source = await desk.sources.find(place)
    pulls = await desk.sources.pulls(place, most=MOST_PULLS)
    unread = next((pull for pull in pulls if pull.unreadable), None)
    data = {
        "source": source,
        "kind": kind_name(source.settings),
        "settings": _settings_of(source),
        "pulls": pulls,
        "unread": [] if unread is None else await desk.sources.unreadable(place, unread.id, most=MOST_UNREAD),
    }
    return await show(request, "source.html", data, here=HERE)


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
    show_source,
    run_source,
    pause_source,
    activate_source,
    show_dataset,
)
