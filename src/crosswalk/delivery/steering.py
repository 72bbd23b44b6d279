"""Runs steered by people: paused, resumed, cancelled, also while another process sends them.

What is asked of a run is written into its row. Whoever sends it looks there about twice a second, admits no more rows,
lets calls in flight finish, and leaves the run as it was asked to.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.errors import UnknownRun, WrongState
from crosswalk.delivery.lease import Lease
from crosswalk.store.database import Database
from crosswalk.store.deliveries import CANCEL_WAITING, COUNT_STATES, HOLD_DOUBTFUL
from crosswalk.store.runs import CHANGE_RUN, LIST_ASKED, LIST_ASKED_OF, LOCK_RUN, RunState

STOPPED = "it was asked to, by Ctrl-C or a signal"
UNASKED: Mapping[str, object] = {"asked": None, "asked_by": None}
QUEUED: Mapping[str, object] = {**UNASKED, "state": "queued", "reason": None, "ended_at": None}
DOUBTFUL = "the run was cancelled before it was known what became of its call: look in Insightly, then decide"
Reach = frozenset[str] | None


async def pause_run(database: Database, run: str, *, who: str, now: datetime, reach: Reach = None) -> None:
    """Let no more rows of a run go, and keep them. Pausing a paused run changes nothing.

    Raises `UnknownRun`, and `WrongState` for a run that has ended.
    """
    async with database.begin() as connection:
        row = await lock_run(connection, run, reach)
        state: RunState = row["state"]
        match state:
            case "running":
                _refuse_cancelled(row)
                await _change(connection, run, asked="pause", asked_by=who)
            case "queued" | "stopped":
                await _change(connection, run, **_paused(who), ended_at=now)
            case "finished" | "abandoned":
                raise WrongState(f"Run {run} is {state}; there is nothing to pause")
            case _:
                assert_never(state)


async def resume_run(database: Database, run: str, *, reach: Reach = None) -> None:
    """Go on with a paused or stopped run. Resuming one that goes on already changes nothing.

    Raises `UnknownRun`, and `WrongState` for a run that has ended or whose account is gone.
    """
    async with database.begin() as connection:
        row = await lock_run(connection, run, reach)
        if row["kind"] == "export":
            raise WrongState(f"Run {run} is an export. Export once more: webhooks go on where they stopped")
        state: RunState = row["state"]
        match state:
            case "running":
                _refuse_cancelled(row)
                if row["asked"] == "pause":  # its sender may have stopped admitting already: let it begin again
                    await _change(connection, run, asked="replay", asked_by=None)
            case "stopped":
                require_account(row)
                await _change(connection, run, **QUEUED)
            case "queued":
                return
            case "finished" | "abandoned":
                raise WrongState(f"Run {run} is {state}; there is nothing to resume")
            case _:
                assert_never(state)


async def cancel_run(
    database: Database, run: str, *, who: str, reason: str, now: datetime, reach: Reach = None
) -> None:
    """Give up what a run has not sent: what waits is cancelled, what may have been sent is held.

    Raises `UnknownRun`, and `WrongState` for a run that has ended.
    """
    why = f"cancelled by {who}: {reason}"
    async with database.begin() as connection:
        row = await lock_run(connection, run, reach)
        state: RunState = row["state"]
        match state:
            case "running":
                await _change(connection, run, asked="cancel", asked_by=who, reason=why)
            case "queued" | "stopped":
                await _cancel(connection, run, why, now)
            case "finished" | "abandoned":
                raise WrongState(f"Run {run} is {state}; there is nothing to cancel")
            case _:
                assert_never(state)


async def list_asked(database: Database) -> list[str]:
    """Runs under way whose sender is asked to leave them."""
    async with database.read() as connection:
        return list(await connection.scalars(LIST_ASKED))


async def settle_asked(database: Database, *, now: datetime, lease: Lease | None = None) -> None:
    """Do what was asked of runs whose sender died. Only for whoever owns the engine, or the lane of one account."""
    if lease is None:
        asked = await list_asked(database)
    else:
        async with database.read() as connection:
            asked = list(await connection.scalars(LIST_ASKED_OF, {"account": lease.account}))
    for run in asked:
        await leave_run(database, run, stopped=STOPPED, go_on=True, now=now, lease=lease)


async def leave_run(
    database: Database,
    run: str,
    *,
    stopped: str | None,
    go_on: bool,
    now: datetime,
    note: str | None = None,
    lease: Lease | None = None,
) -> None:
    """Write how a run was left: as it was asked to be, else finished, queued again, or stopped for a reason.

    `stopped` says why rows may wait, `None` when the source was read to its end; with `go_on` whoever owns the engine
    next goes on with the run. `note` is what is told of a finished one. Raises `LaneLost` for the `lease` of a lane
    that is another process's by now.
    """
    async with database.begin() as connection:
        if lease is not None:
            await lease.hold(connection)
        row = await lock_run(connection, run, None)
        counts = {each[0]: each[1] for each in await connection.execute(COUNT_STATES, {"run": run})}
        whole = {"read_whole": 1} if stopped is None else {}
        if stopped is None and not counts.get("pending"):
            await _change(connection, run, **UNASKED, **whole, state="finished", reason=note, ended_at=now)
        elif row["asked"] == "cancel":
            await _cancel(connection, run, row["reason"] or "cancelled", now)
        elif row["asked"] == "pause":
            await _change(connection, run, **whole, **_paused(row["asked_by"]), ended_at=now)
        elif stopped is None or (stopped == STOPPED and (go_on or row["asked"] == "replay")):
            await _change(connection, run, **whole, **QUEUED)
        else:
            await _change(connection, run, **UNASKED, state="stopped", reason=stopped, ended_at=now)


async def lock_run(connection: AsyncConnection, run: str, reach: Reach) -> RowMapping:
    """One run's row, which nobody else changes before the transaction ends. Raises `UnknownRun`."""
    row = (await connection.execute(LOCK_RUN, {"run": run})).mappings().one_or_none()
    if row is None or (reach is not None and row["account_id"] not in reach):
        raise UnknownRun(f"There is no run {run!r}. `crosswalk runs list` lists them")
    return row


def require_account(row: RowMapping) -> None:
    """Raise `WrongState` for a run whose account was removed."""
    if row["account_id"] is None:
        raise WrongState(f"The account of run {row['id']} was removed, so nothing of it can be sent")


def _refuse_cancelled(row: RowMapping) -> None:
    if row["asked"] == "cancel":
        raise WrongState(f"Run {row['id']} is being cancelled")


def _paused(who: str) -> dict[str, object]:
    return {"state": "stopped", "asked": "pause", "asked_by": who, "reason": f"paused by {who}"}


async def _cancel(connection: AsyncConnection, run: str, why: str, now: datetime) -> None:
    await connection.execute(CANCEL_WAITING, {"run": run, "why": why, "at": now})
    await connection.execute(HOLD_DOUBTFUL, {"run": run, "why": DOUBTFUL, "at": now})
    await _change(connection, run, **UNASKED, state="abandoned", reason=why, ended_at=now)


async def _change(connection: AsyncConnection, run: str, **values: Any) -> None:
    await connection.execute(CHANGE_RUN, {"run": run} | values)
