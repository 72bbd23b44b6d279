"""`crosswalk runs`: what was sent, and what became of every row."""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import WrongUse, print_json, run

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from crosswalk.app import Hub
    from crosswalk.delivery.history import Written
    from crosswalk.delivery.retention import Pruned
    from crosswalk.delivery.run import Counts
    from crosswalk.store.database import Database

MOST_DAYS = 36_500
RUN = click.argument("run_id", metavar="RUN")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def runs() -> None:
    """List runs, and show what became of every row."""


@runs.command("list")
@click.option("--most", type=click.IntRange(1, 500), default=20, show_default=True, help="How many, newest first.")
@JSON
def list_(*, most: int, as_json: bool) -> None:
    """List the latest runs: sendings of rows, tests of a destination, and exports of a dataset, each by its kind."""
    found = run(_list(most))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_line(each))


@runs.command()
@click.argument("run_id", metavar="RUN")
@click.option("--most", type=click.IntRange(1), default=50, show_default=True, help="How many troubled rows to show.")
@JSON
def show(*, run_id: str, most: int, as_json: bool) -> None:
    """Show one run: its rows by state, and every row that is dead or held, with the reason."""
    found, counts, troubled, export = run(_show(run_id, most))
    if as_json:
        whole = {"read": counts.read, "derived": counts.derived, "counts": counts.states, "export": export}
        print_json({**found, **whole, "troubled": troubled})
        return
    click.echo(f"{found['id']}  {found['kind']}  {found['state']}  {found['template']}  {_source(found)}")
    if found["reason"]:
        click.echo(f"{found['state']}: {found['reason']}")
    if export is not None:
        click.echo(f"Records {export.first:,} to {export.last:,} go to {export.target}; written up to {export.done:,}.")
        return
    states = ", ".join(f"{number:,} {state}" for state, number in counts.states.items())
    click.echo(f"{counts.read:,} rows read: {states or 'none'}. {found['calls']:,} calls.")
    for row in troubled:
        click.echo(f"row {row['number']}: {row['state']}: {row['reason']}")


@runs.command(epilog="Example: crosswalk runs pause 019ab3c4-5d6e-7f80-9123-456789abcdef")
@RUN
@JSON
def pause(*, run_id: str, as_json: bool) -> None:
    """Let no more rows of a run go. Calls in flight finish, and the rest waits until the run is resumed.

    It holds whichever process sends the run: that one stops within about a second.
    """
    from crosswalk.delivery.steering import pause_run

    _steer(run_id, lambda database: pause_run(database, run_id, who=_who(), now=_now()), as_json=as_json)


@runs.command(epilog="Example: crosswalk runs resume 019ab3c4-5d6e-7f80-9123-456789abcdef")
@RUN
@click.option("--later", is_flag=True, help="Only put it in the queue: the next `serve` or `send` sends it.")
@JSON
def resume(*, run_id: str, later: bool, as_json: bool) -> None:
    """Go on with a run that was paused or has stopped: it is sent at once, unless --later is given."""
    from crosswalk.delivery.steering import resume_run

    _steer(run_id, lambda database: resume_run(database, run_id), as_json=as_json, send=not later)


@runs.command(epilog='Example: crosswalk runs cancel 019ab3c4-5d6e-7f80-9123-456789abcdef --reason "wrong file"')
@RUN
@click.option("--reason", required=True, metavar="TEXT", help="Why, for whoever reads the rows' history.")
@JSON
def cancel(*, run_id: str, reason: str, as_json: bool) -> None:
    """Give up what a run has not sent. What waits is cancelled; what may have been sent is held for a person.

    Rows that were not read yet stay unread and are not counted.
    """
    from crosswalk.delivery.steering import cancel_run

    _steer(
        run_id, lambda database: cancel_run(database, run_id, who=_who(), reason=reason, now=_now()), as_json=as_json
    )


@runs.command(epilog="Example: crosswalk runs prune --older-than 30d --dry-run")
@click.option("--older-than", "age", metavar="30d", help="Runs that ended before that; CROSSWALK_RETENTION else.")
@click.option("--dry-run", "dry", is_flag=True, help="Only count.")
@JSON
def prune(*, age: str | None, dry: bool, as_json: bool) -> None:
    """Remove what rows said that were settled long ago. Counts, states and record ids stay.

    Dead, held and waiting rows keep everything. `crosswalk serve` does the same every hour.
    """
    done = run(_prune(_read_age(age), dry=dry))
    if as_json:
        print_json(done)
        return
    click.echo(f"{done.rows:,} rows of {done.runs:,} runs {'would lose' if dry else 'lost'} their content.")


def _read_age(text: str | None) -> timedelta | None:
    if text is None:
        return None
    days = text.removesuffix("d")
    if not days.isascii() or not days.isdigit() or int(days) > MOST_DAYS:
        raise click.UsageError(f"--older-than {text!r}: write a number of days, such as 30d.")
    return timedelta(days=int(days))


async def _prune(age: timedelta | None, *, dry: bool) -> "Pruned":
    from crosswalk.app import open_hub
    from crosswalk.delivery.retention import prune

    async with open_hub() as hub:
        keep = hub.settings.retention if age is None else age
        if keep is None:
            raise WrongUse(
                "CROSSWALK_RETENTION is off: everything is kept. Say --older-than 30d to remove it all the same"
            )
        return await prune(hub.database, before=_now() - keep, now=_now(), dry=dry)


def _steer(run_id: str, act: "Callable[[Database], Awaitable[None]]", *, as_json: bool, send: bool = False) -> None:
    """Steer a run, see it through if it is to be sent, and show it."""
    found, counts = run(_work(run_id, act, send=send))
    if as_json:
        print_json({**found, "read": counts.read, "counts": counts.states})
        return
    asked = f", asked to {found['asked']}" if found["asked"] and found["state"] == "running" else ""
    why = f": {found['reason']}" if found["reason"] else ""
    click.echo(f"Run {run_id} is {found['state']}{asked}{why}")


async def _work(
    run_id: str, act: "Callable[[Database], Awaitable[None]]", *, send: bool
) -> "tuple[dict[str, object], Counts]":
    from crosswalk.app import open_hub
    from crosswalk.cli.order import follow_run
    from crosswalk.delivery.run import count_states, find_run
    from crosswalk.store.lock import ENGINE_LOCK, Held, hold
    from crosswalk.store.runs import FIND_RUN

    async with open_hub() as hub:
        await act(hub.database)
        with suppress(Held), hold(hub.settings.home / ENGINE_LOCK, f"process {os.getpid()} (crosswalk runs)"):
            await _settle_asked(hub, run_id)  # whoever sent it may have died
        queued = await find_run(hub.database, run_id)
        if send and queued is not None:
            click.echo((await follow_run(hub, queued, queued.order.plan.name)).as_text(), err=True)
        async with hub.database.read() as connection:
            found = (await connection.execute(FIND_RUN, {"run": run_id})).mappings().one()
        return _plain(found), await count_states(hub.database, run_id)


async def _settle_asked(hub: "Hub", run_id: str) -> None:
    """Do what was asked of a run that nobody sends; on PostgreSQL another machine may be sending it."""
    from crosswalk.delivery.run import find_run
    from crosswalk.delivery.steering import settle_asked

    lanes, found = hub.lanes(), await find_run(hub.database, run_id)
    if lanes is None:
        await settle_asked(hub.database, now=_now())
        return
    await lanes.inherit()
    lease = None if found is None else await lanes.take(found.order.account)
    if lease is not None:
        await settle_asked(hub.database, now=_now(), lease=lease)
        await lanes.leave(lease)


def _who() -> str:
    from crosswalk.cli.dead_letters import who

    return who()


def _now() -> datetime:
    return datetime.now(UTC)


async def _list(most: int) -> list[dict[str, object]]:
    from crosswalk.app import open_hub
    from crosswalk.store.runs import LIST_RUNS

    async with open_hub() as hub, hub.database.read() as connection:
        return [_plain(row) for row in (await connection.execute(LIST_RUNS, {"most": most})).mappings()]


async def _show(run_id: str, most: int) -> "tuple[dict[str, object], Counts, list[dict[str, object]], Written | None]":
    from crosswalk.app import open_hub
    from crosswalk.delivery.history import find_written
    from crosswalk.delivery.run import count_states
    from crosswalk.store.deliveries import LIST_TROUBLED
    from crosswalk.store.runs import FIND_RUN

    async with open_hub() as hub:
        async with hub.database.read() as connection:
            found = (await connection.execute(FIND_RUN, {"run": run_id})).mappings().one_or_none()
            if found is None:
                raise WrongUse(f"There is no run {run_id!r}. `crosswalk runs list` lists them.")
            troubled = (await connection.execute(LIST_TROUBLED, {"run": run_id, "most": most})).mappings().all()
            export = await find_written(connection, run_id)
        counts = await count_states(hub.database, run_id)
    shown = ("number", "state", "reason", "status", "attempts", "key", "remote_id")
    return _plain(found), counts, [{name: row[name] for name in shown} for row in troubled], export


def _line(found: dict[str, object]) -> str:
    account = found["account"] or "-"
    return (
        f"{found['id']}  {found['kind']:6}  {found['state']:9}  {found['template']:20}  {account:12}  {_source(found)}"
    )


def _source(found: dict[str, object]) -> str:
    """What was read: of a test, the destination that was tried; of an export, where it went."""
    if found["kind"] == "export":
        return f"{found['source']} to {found['content']}"
    if found["kind"] == "test":
        undoes = f", which deletes what test {found['undoes']} made" if found["undoes"] else ""
        return f"a test of destination {found['destination_id']}{undoes}"
    return str(found["source"])


def _plain(row: "RowMapping") -> dict[str, object]:
    """A row as JSON has it: times as text."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
