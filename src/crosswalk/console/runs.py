"""Runs: their list, and one as it goes: what became of every row, how fast, and what the day still allows."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from msgspec import Struct

from crosswalk.accounts.errors import UnknownAccount
from crosswalk.api.page import cut, read_cursor
from crosswalk.console.days import Day, day_of
from crosswalk.console.desk import WHO, Desk
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.history import (
    CountedRun,
    DeliveryFilter,
    RunFilter,
    RunRecord,
    find_run,
    group_dead,
    list_runs,
)
from crosswalk.delivery.run import Span, read_span
from crosswalk.delivery.steering import cancel_run, pause_run, resume_run
from crosswalk.store.runs import FIND_RUN, RunState

HERE = "Runs"
PAGE = 50
Id = FromPath[str]
State = Annotated[RunState | None, QueryParameter(name="state")]


class Cancel(Struct, frozen=True, kw_only=True):
    """Why a run is given up."""

    reason: str = ""


@get("/runs")
async def show_runs(
    *,
    request: ConsoleRequest,
    run_state: State = None,
    account: FromQuery[str | None] = None,
    next_cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """Runs, newest first."""
    desk = desk_of(request)
    names = await name_accounts(desk)
    wanted = RunFilter(account=account, state=run_state, before=read_cursor(next_cursor, str))
    page = cut(await list_runs(desk.database, wanted, most=PAGE + 1), PAGE, lambda run: run.id)
    data = {
        "runs": page.result,
        "sources": await name_sources(desk, page.result),
        "names": names,
        "account": account,
        "state": run_state,
    }
    return await show(request, "runs.html", data | {"older": older(request, page.next_cursor)}, here=HERE)


@get("/runs/{run_id:str}")
async def show_run(*, request: ConsoleRequest, run_id: Id) -> Response[Any]:
    """One run. Its data is asked for again while it goes."""
    desk = desk_of(request)
    run = await find_run(desk.database, run_id)
    dead = run.counts["dead"]
    data = {
        "run": run,
        "source": (await name_sources(desk, [run]))[run.id],
        "day": await _day_of(desk, run),
        "groups": (await group_dead(desk.database, DeliveryFilter(run=run.id)))[:5] if dead else [],
        "asked": await _what_is_asked(desk, run_id),
        "seen_at": desk.now(),
    }
    return await show(request, "run.html", data, here=HERE)


@post("/runs/{run_id:str}/pause")
async def stop_run(*, request: ConsoleRequest, run_id: Id) -> Response[Any]:
    """Let no more rows go."""
    desk = desk_of(request)
    await pause_run(desk.database, run_id, who=WHO, now=desk.now())
    return go(f"/runs/{run_id}")


@post("/runs/{run_id:str}/resume")
async def go_on(*, request: ConsoleRequest, run_id: Id) -> Response[Any]:
    """Let it go on."""
    await resume_run(desk_of(request).database, run_id)
    return go(f"/runs/{run_id}")


@post("/runs/{run_id:str}/cancel")
async def give_up(*, request: ConsoleRequest, run_id: Id, data: URLEncodedBody[Cancel]) -> Response[Any]:
    """Give up what was not sent."""
    desk = desk_of(request)
    if not data.reason.strip():
        raise PlanError("Say why the run is given up")
    await cancel_run(desk.database, run_id, who=WHO, reason=data.reason.strip(), now=desk.now())
    return go(f"/runs/{run_id}")


async def name_sources(desk: Desk, runs: Sequence[RunRecord]) -> dict[str, str]:
    """What runs read, by their ids, for people: records of a dataset by its name, a file by its name."""
    spans = {run.id: read_span(run.source) for run in runs}
    wanted = {span.dataset for span in spans.values() if span is not None}
    names = {each.id: each.name for each in await desk.datasets.list() if each.id in wanted} if wanted else {}
    return {run.id: _name_source(run.source, spans[run.id], names) for run in runs}


def _name_source(source: str, span: Span | None, names: Mapping[str, str]) -> str:
    if span is None:
        return source.rpartition("/")[2]
    return f"{names.get(span.dataset, 'a removed dataset')}, records {span.first:,} to {span.last:,}"


async def name_accounts(desk: Desk) -> dict[str, str]:
    """Names of the accounts by their ids."""
    return {account.id: account.name for account in await desk.accounts.list()}


async def _day_of(desk: Desk, run: CountedRun) -> Day | None:
    try:
        return None if run.account_id is None else await day_of(desk, await desk.accounts.find(run.account_id))
    except UnknownAccount:
        return None


async def _what_is_asked(desk: Desk, run: str) -> str | None:
    """What its sender is asked to do and has not done yet."""
    async with desk.database.read() as connection:
        row = (await connection.execute(FIND_RUN, {"run": run})).one()
    asked: str | None = row.asked if row.state == "running" else None
    return asked


PAGES: tuple[HTTPRouteHandler, ...] = (show_runs, show_run, stop_run, go_on, give_up)
