"""The first page: what there is, how it does, and what needs a person."""

from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from crosswalk.api.ping import describe_hub
from crosswalk.console.chart import draw_hours
from crosswalk.console.days import day_of
from crosswalk.console.desk import Desk
from crosswalk.console.errors import PAGE_HANDLERS
from crosswalk.console.frame import ConsoleRequest, count_waiting, desk_of, require_session, show
from crosswalk.delivery.destinations import Destination
from crosswalk.delivery.history import CountedRun, RunFilter, RunRecord, find_run, list_runs
from crosswalk.store.runs import LATEST_RUNS, RunState

MOST_DAYS, MOST_FLOWS, MOST_RUNS, MOST_NOTICES = 6, 8, 5, 5


class Flow(Struct, frozen=True):
    """A destination and its latest run."""

    destination: Destination
    account: str | None
    run: str | None
    run_state: RunState | None


class Needs(Struct, frozen=True):
    """Something that a person must do, and where."""

    says: str
    count: int
    path: str
    level: str


@get("/", summary="What is served here", request_class=ConsoleRequest, exception_handlers=PAGE_HANDLERS)
async def front(*, request: ConsoleRequest) -> Response[Any]:
    """The console's first page to browsers; to programs what this is and where its parts are."""
    if "text/html" not in request.headers.get("accept", ""):
        return Response(describe_hub())
    if (answer := await require_session(request)) is not None:
        return answer
    return await show(request, "home.html", await read_home(desk_of(request)), here="Home")


@get("/home")
async def show_home(*, request: ConsoleRequest) -> Response[Any]:
    """The same page under a name of its own, so that its data can be asked for as JSON."""
    return await show(request, "home.html", await read_home(desk_of(request)), here="Home")


async def read_home(desk: Desk) -> dict[str, Any]:
    """Everything that the first page shows."""
    now, accounts = desk.now(), await desk.accounts.list()
    flows = await list_flows(desk, {account.id: account.name for account in accounts})
    hours = await desk.throughput.hours(now)
    return {
        "needs": await list_needs(desk, sum(account.status != "active" for account in accounts)),
        "accounts": len(accounts),
        "days": [await day_of(desk, account) for account in accounts[:MOST_DAYS]],
        "flows": flows[:MOST_FLOWS],
        "flow_count": len(flows),
        "hours": hours,
        "chart": None if hours is None else draw_hours(hours),
        "running": await list_running(desk),
        "notices": await desk.notices.list(most=MOST_NOTICES),
    }


async def list_needs(desk: Desk, unwell: int) -> list[Needs]:
    """What waits for a person, the worst first."""
    waiting = await count_waiting(desk)
    every = (
        (
            "row may have arrived: nobody knows",
            "rows may have arrived: nobody knows",
            waiting.held,
            "/dead-letters#held",
            "bad",
        ),
        (
            "row cannot be delivered as it is",
            "rows cannot be delivered as they are",
            waiting.dead,
            "/dead-letters",
            "bad",
        ),
        ("account does not answer as it should", "accounts do not answer as they should", unwell, "/accounts", "warn"),
        ("notice is unread", "notices are unread", waiting.unread, "/notices", "info"),
    )
    return [Needs(one if count == 1 else many, count, path, level) for one, many, count, path, level in every if count]


async def list_running(desk: Desk) -> list[CountedRun]:
    """Runs under way, the newest first."""
    found: list[RunRecord] = []
    for state in ("running", "queued"):
        found += await list_runs(desk.database, RunFilter(state=msgspec.convert(state, RunState)), most=MOST_RUNS)
    return [await find_run(desk.database, each.id) for each in found[:MOST_RUNS]]


async def list_flows(desk: Desk, names: dict[str, str]) -> list[Flow]:
    """Every destination with how its latest run stands; what is active first."""
    async with desk.database.read() as connection:
        latest = {row.destination_id: row for row in await connection.execute(LATEST_RUNS)}
    flows = []
    for each in await desk.destinations.list():
        run = latest.get(each.id)
        state = None if run is None else run.state
        flows.append(Flow(each, names.get(each.account_id or ""), None if run is None else run.id, state))
    return sorted(flows, key=lambda flow: (flow.destination.state != "active", flow.destination.name))


PAGES: tuple[HTTPRouteHandler, ...] = (show_home,)
