"""`crosswalk datasets`: records by name, with what is known of their columns."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from crosswalk.cli.status import print_json, run, tell_removed

if TYPE_CHECKING:
    from crosswalk.delivery.datasets import Datasets, Shown
    from crosswalk.delivery.exports import Ask, Done

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NAME = click.argument("dataset", metavar="NAME")
EVERY = 5.0
"""Seconds between two lines about an export."""
FILLED = {"responses": "filled by response webhooks"}


@click.group()
def datasets() -> None:
    """Show datasets: their columns, records and drift. NAME is a dataset's name or id."""


@datasets.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List the datasets."""
    found = run(_work(lambda service: service.list()))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"{each.id}  {each.name:20}  {each.origin:9}  {each.last:>9,} records")


@datasets.command(epilog="Example: crosswalk datasets show people")
@NAME
@JSON
def show(*, dataset: str, as_json: bool) -> None:
    """Show one dataset: its columns with types and examples, what fills it, who reads it."""
    found = run(_work(lambda service: service.show(dataset)))
    if as_json:
        print_json(found)
    else:
        _tell(found)


@datasets.command()
@NAME
@click.option("--after", type=click.IntRange(min=0), default=0, help="Begin after this number.")
@click.option("--most", type=click.IntRange(1, 500), default=10, show_default=True, help="How many.")
@JSON
def records(*, dataset: str, after: int, most: int, as_json: bool) -> None:
    """Print records in the order in which they came, a JSON object a line."""
    found = run(_work(lambda service: service.records(dataset, after=after, most=most)))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(bytes(each.cells).decode())


@datasets.command()
@NAME
@click.option("--most", type=click.IntRange(1, 500), default=50, show_default=True, help="How many, newest first.")
@JSON
def drift(*, dataset: str, most: int, as_json: bool) -> None:
    """List what changed in its columns."""
    found = run(_work(lambda service: service.drift(dataset, most=most)))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"{each.at:%Y-%m-%d %H:%M:%S}Z  {each.says}")


@datasets.command(
    epilog="""\b
Examples:
  crosswalk datasets export people --to people.csv
  crosswalk datasets export people --to postgresql://me@db/warehouse --table people --key id --incremental
  crosswalk datasets export answers --to https://example.com/hook --incremental"""
)
@NAME
@click.option(
    "--to", "target", required=True, metavar="FILE|URL|-", help="File, database, https URL, webhook:NAME; - reads it."
)
@click.option("--table", metavar="NAME", help="The database's table; made if it is missing.")
@click.option("--key", metavar="COLUMN", help="The table's key: a record that is there is replaced.")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only records after this number.")
@click.option("--incremental", is_flag=True, help="Only records after those of the last export to the same place.")
@JSON
def export(
    *, dataset: str, target: str, table: str | None, key: str | None, after: int, incremental: bool, as_json: bool
) -> None:
    """Write records to a .csv, .jsonl or .parquet file, to a table by key, or to a webhook, as a run.

    A file is there whole or not at all. Webhooks are signed, hold a hundred records each, and go on where they
    stopped when the command is given again; a receiver drops what it has by the webhook's id.

    Status: 0 done; 2 wrong use, or the place cannot be written; 3 the database cannot be reached.
    """
    import sys

    from crosswalk.delivery.exports import Ask

    address = sys.stdin.readline().strip() if target == "-" else target
    done = run(_export(dataset, Ask(to=address, table=table, key=key, after=after, incremental=incremental)))
    if as_json:
        print_json(done)
    else:
        click.echo(
            f"Wrote {done.records:,} records of {done.dataset}; the last has number {done.last:,}. Run {done.run}."
        )


async def _export(dataset: str, ask: "Ask") -> "Done":
    from crosswalk.app import open_hub
    from crosswalk.delivery.datasets import Datasets
    from crosswalk.delivery.exports import Exports

    async with open_hub() as hub:
        exports = Exports(
            datasets=Datasets(database=hub.database),
            places=hub.places(free=True),
            endpoints=hub.office.endpoints(),
            home=hub.settings.home,
            tell=_Spoken(time.monotonic()),
        )
        return await exports.export(dataset, ask)


@datasets.command()
@NAME
@JSON
def remove(*, dataset: str, as_json: bool) -> None:
    """Forget a dataset that nothing fills or reads, and its records."""
    found = run(_work(lambda service: service.remove(dataset)))
    tell_removed(found.id, found.name, as_json=as_json)


class _Spoken:
    """Says now and then how many records are written."""

    def __init__(self, now: float) -> None:
        self._spoke = now

    def __call__(self, count: int) -> None:
        now = time.monotonic()
        if now - self._spoke >= EVERY:
            self._spoke = now
            click.echo(f"{count:,} records written", err=True)


async def _work(task: "Callable[[Datasets], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub
    from crosswalk.delivery.datasets import Datasets

    async with open_hub() as hub:
        return await task(Datasets(database=hub.database))


def _tell(found: "Shown") -> None:
    filled = f"filled by source {found.source}" if found.source else FILLED.get(found.origin, "filled by no source")
    readers = f"read by {', '.join(found.destinations)}" if found.destinations else "read by no destination"
    click.echo(f"{found.name}: {found.count:,} records, {filled}, {readers}")
    for each in found.schema.columns:
        filled_share = each.rows * (1 - each.null_share) / max(1, found.schema.rows)
        empty = f"{1 - filled_share:.0%} empty" if each.nullable else "never empty"
        examples = ", ".join(repr(example) for example in each.examples)
        click.echo(f"  {each.name:24}  {each.looks:9}  {empty:11}  {examples}")
