"""Runs over HTTP: what was sent, and what became of every row."""

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation

from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.history import CountedRun, RunFilter, RunRecord, find_run, list_runs
from crosswalk.store.database import Database
from crosswalk.store.runs import RunState

READ = needs("delivery.runs:read")
State = Annotated[RunState | None, QueryParameter(name="state")]  # the framework keeps `state` for itself


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


ROUTES = Router("/runs", route_handlers=[show_runs, show_run], tags=["runs"])
