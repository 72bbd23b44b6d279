"""Runs over HTTP: what was sent, and what became of every row."""

from datetime import UTC, datetime
from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, SkipValidation
from msgspec import Meta, Struct

from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.history import CountedRun, RunFilter, RunRecord, find_run, list_runs
from crosswalk.delivery.steering import cancel_run, pause_run, resume_run
from crosswalk.store.database import Database
from crosswalk.store.runs import RunState

READ = needs("delivery.runs:read")
UPDATE = needs("delivery.runs:update")
Data = NamedDependency[SkipValidation[Database]]
Who = NamedDependency[SkipValidation[Caller]]
State = Annotated[RunState | None, QueryParameter(name="state")]  # the framework keeps `state` for itself


class Cancel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a run is given up."""

    reason: Annotated[str, Meta(min_length=1, max_length=2000)]


@get("/", summary="List runs", security=READ, responses=problems())
async def show_runs(
    *,
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
    run_state: State = None,
    account: FromQuery[str | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[RunRecord]:
    """Runs of the accounts that the token reaches, newest first."""
    wanted = RunFilter(account=account, reach=caller.accounts, state=run_state, before=read_cursor(next_cursor, str))
    found = await list_runs(database, wanted, most=limit + 1)
    return cut(found, limit, lambda run: run.id)


@get("/{run_id:str}", summary="Show a run", security=READ, responses=problems(404))
async def show_run(
    *,
    run_id: FromPath[str],
    database: NamedDependency[SkipValidation[Database]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> CountedRun:
    """One run with its rows by state; `read` is their sum."""
    return await find_run(database, run_id, reach=caller.accounts)


@post("/{run_id:str}/pause", summary="Pause a run", status_code=200, security=UPDATE, responses=problems(404, 409))
async def stop_run(*, run_id: FromPath[str], database: Data, caller: Who) -> CountedRun:
    """Let no more rows go; calls in flight finish, and the rest waits. Pausing a paused run changes nothing."""
    await pause_run(database, run_id, who=f"token {caller.name}", now=datetime.now(UTC), reach=caller.accounts)
    return await find_run(database, run_id, reach=caller.accounts)


@post("/{run_id:str}/resume", summary="Resume a run", status_code=200, security=UPDATE, responses=problems(404, 409))
async def go_on(*, run_id: FromPath[str], database: Data, caller: Who) -> CountedRun:
    """Go on with a paused or stopped run. Resuming one that goes on already changes nothing."""
    await resume_run(database, run_id, reach=caller.accounts)
    return await find_run(database, run_id, reach=caller.accounts)


@post("/{run_id:str}/cancel", summary="Cancel a run", status_code=200, security=UPDATE, responses=problems(404, 409))
async def give_up(*, run_id: FromPath[str], data: JSONBody[Cancel], database: Data, caller: Who) -> CountedRun:
    """Give up what a run has not sent: what waits is cancelled, what may have been sent is held."""
    who, now = f"token {caller.name}", datetime.now(UTC)
    await cancel_run(database, run_id, who=who, reason=data.reason, now=now, reach=caller.accounts)
    return await find_run(database, run_id, reach=caller.accounts)


ROUTES = Router("/runs", route_handlers=[show_runs, show_run, stop_run, go_on, give_up], tags=["runs"])
