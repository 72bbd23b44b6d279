"""`crosswalk runs`: what was sent, and what became of every row."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import WrongUse, print_json, run

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from crosswalk.delivery.run import Counts

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def runs() -> None:
    """List runs, and show what became of every row."""


@runs.command("list")
@click.option("--most", type=click.IntRange(1, 500), default=20, show_default=True, help="How many, newest first.")
@JSON
def list_(*, most: int, as_json: bool) -> None:
    """List the latest runs."""
    found = run(_list(most))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(
            f"{each['id']}  {each['state']:9}  {each['template']:20}  {each['account'] or '-':12}  {each['source']}"
        )


@runs.command()
@click.argument("run_id", metavar="RUN")
@click.option("--most", type=click.IntRange(1), default=50, show_default=True, help="How many troubled rows to show.")
@JSON
def show(*, run_id: str, most: int, as_json: bool) -> None:
    """Show one run: its rows by state, and every row that is dead or held, with the reason."""
    found, counts, troubled = run(_show(run_id, most))
    if as_json:
        print_json({**found, "read": counts.read, "counts": counts.states, "troubled": troubled})
        return
    click.echo(f"{found['id']}  {found['state']}  {found['template']}  {found['source']}")
    if found["reason"]:
        click.echo(f"stopped: {found['reason']}")
    states = ", ".join(f"{number:,} {state}" for state, number in counts.states.items())
    click.echo(f"{counts.read:,} rows read: {states or 'none'}. {found['calls']:,} calls.")
    for row in troubled:
        click.echo(f"row {row['number']}: {row['state']}: {row['reason']}")


async def _list(most: int) -> list[dict[str, object]]:
    from crosswalk.app import open_hub
    from crosswalk.store.runs import LIST_RUNS

    async with open_hub() as hub, hub.database.read() as connection:
        return [_plain(row) for row in (await connection.execute(LIST_RUNS, {"most": most})).mappings()]


async def _show(run_id: str, most: int) -> "tuple[dict[str, object], Counts, list[dict[str, object]]]":
    from crosswalk.app import open_hub
    from crosswalk.delivery.run import count_states
    from crosswalk.store.deliveries import LIST_TROUBLED
    from crosswalk.store.runs import FIND_RUN

    async with open_hub() as hub:
        async with hub.database.read() as connection:
            found = (await connection.execute(FIND_RUN, {"run": run_id})).mappings().one_or_none()
            if found is None:
                raise WrongUse(f"There is no run {run_id!r}. `crosswalk runs list` lists them.")
            troubled = (await connection.execute(LIST_TROUBLED, {"run": run_id, "most": most})).mappings().all()
        counts = await count_states(hub.database, run_id)
    shown = ("number", "state", "reason", "status", "attempts", "key", "remote_id")
    return _plain(found), counts, [{name: row[name] for name in shown} for row in troubled]


def _plain(row: "RowMapping") -> dict[str, object]:
    """A row as JSON has it: times as text."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
