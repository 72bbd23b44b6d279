"""Datasets over HTTP: shown with their columns, samples, records and drift; removed."""

import asyncio
from typing import Annotated, Any

from litestar import Request, Router, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, SkipValidation
from msgspec import Meta, Struct

from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.datasets import Dataset, Datasets, Drift, Shown, Stored
from crosswalk.delivery.exports import WEBHOOK, Ask, Done, Exports
from crosswalk.delivery.sources import END, Sources
from crosswalk.outgoing.office import Office

READ = needs("delivery.datasets:read")
DELETE = needs("delivery.datasets:delete")

CREATE = needs("delivery.datasets:create")

Place = FromPath[str]
Outward = NamedDependency[SkipValidation[Exports]]
Tasks = NamedDependency[SkipValidation[set[asyncio.Task[Done]]]]
Known = NamedDependency[SkipValidation[Datasets]]


class Outgoing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where records go: an endpoint's name or id.

    `after` leaves out records up to a number, `incremental` those that the last finished export there has sent.
    """

    endpoint: str
    after: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    incremental: bool = False


class Begun(Struct, frozen=True, kw_only=True):
    """The run that sends them, and from which record to which; `last` is below `first` when nothing is new."""

    run: str
    first: int
    last: int


@get("/", summary="List datasets", security=READ, responses=problems())
async def show_datasets(*, datasets: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None) -> Page[Dataset]:
    """Datasets of the accounts that the token reaches, oldest first."""
    after = read_cursor(next_cursor, str) or ""
    return cut(await datasets.list(after=after, most=limit + 1), limit, lambda found: found.id)


@get("/{place:str}", summary="Show a dataset", security=READ, responses=problems(404))
async def show_dataset(*, place: Place, datasets: Known) -> Shown:
    """One dataset by name or id: its columns, latest records, what fills it and who reads it."""
    return await datasets.show(place)


@get("/{place:str}/records", summary="List a dataset's records", security=READ, responses=problems(404))
async def show_records(
    *, place: Place, datasets: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None
) -> Page[Stored]:
    """Records in the order in which they came."""
    after = read_cursor(next_cursor, int) or 0
    return cut(await datasets.records(place, after=after, most=limit + 1), limit, lambda record: record.number)


@get("/{place:str}/drift", summary="List changes of a dataset's columns", security=READ, responses=problems(404))
async def show_drift(
    *, place: Place, datasets: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None
) -> Page[Drift]:
    """Columns that came, went or changed, newest first."""
    before = read_cursor(next_cursor, str) or END
    return cut(await datasets.drift(place, before=before, most=limit + 1), limit, lambda drift: drift.id)


@post("/{place:str}/export", summary="Export a dataset to a webhook", status_code=202, security=CREATE,
      responses=problems(404, 409, 422))  # fmt: skip
async def export_dataset(*, place: Place, data: JSONBody[Outgoing], exports: Outward, tasks: Tasks) -> Begun:
    """Begin to send records to an endpoint, signed, a hundred a webhook, or go on with what stopped.

    The run says how it ends. Files and databases are written by the command line only.
    """
    ask = Ask(to=f"{WEBHOOK}{data.endpoint}", after=data.after, incremental=data.incremental)
    job = await exports.start(place, ask, tasks)
    return Begun(run=job.run, first=job.first, last=job.last)


@delete("/{place:str}", summary="Remove a dataset", status_code=200, security=DELETE,
        responses=problems(404, 409))  # fmt: skip
async def remove_dataset(*, place: Place, datasets: Known) -> Dataset:
    """Forget a dataset and its records; refused while a source fills it or a destination reads it."""
    return await datasets.remove(place)


def provide_exports(
    datasets: Known,
    sources: NamedDependency[SkipValidation[Sources]],
    office: NamedDependency[SkipValidation[Office]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> Exports:
    """Exports of the datasets, to the endpoints, that the token reaches."""
    endpoints = office.endpoints(caller.accounts)
    return Exports(datasets=datasets, places=sources.places, endpoints=endpoints, home=sources.places.home)


def provide_tasks(request: Request[Any, Any, Any]) -> set[asyncio.Task[Done]]:
    """The exports under way in this process, so that none is lost from sight."""
    found: set[asyncio.Task[Done]] = request.app.state.setdefault("exporting", set())
    return found


ROUTES = Router(
    "/datasets",
    dependencies={
        "exports": Provide(provide_exports, sync_to_thread=False),
        "tasks": Provide(provide_tasks, sync_to_thread=False),
    },
    route_handlers=[show_datasets, show_dataset, show_records, show_drift, export_dataset, remove_dataset],
    tags=["datasets"],
)
