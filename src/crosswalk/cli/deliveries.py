"""`crosswalk deliveries`: every row's journey, found and told."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crosswalk.cli.status import print_json, run

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.delivery.history import AttemptRecord, Delivery, DeliveryFilter, WholeDelivery

F = TypeVar("F", bound=Callable[..., Any])
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
STATES = ("delivered", "unchanged", "superseded", "skipped", "cancelled", "dead", "pending", "held")
MOST = click.option(
    "--most", type=click.IntRange(1, 500), default=50, show_default=True, help="How many, newest first."
)
WIDE = 100


def filters(command: F) -> F:
    """Give a command the options that narrow a list of deliveries."""
    for option in reversed(
        (
            click.option("--run", metavar="RUN", help="Rows of one run."),
            click.option("--account", metavar="NAME", help="Rows for one account: its name or id."),
            click.option("--destination", metavar="NAME", help="Rows of one destination: its name or id."),
            click.option("--key", metavar="KEY", help="Rows of one record: its id, or the match's value."),
            click.option("--status", type=click.IntRange(100, 599), help="Status of the latest answer."),
            click.option("--text", metavar="TEXT", help="Text in the reason, the row, the call, its key or its match."),
        )
    ):
        command = option(command)
    return command


@click.group()
def deliveries() -> None:
    """Find rows that were sent, and tell their whole story."""


@deliveries.command("list", epilog="Example: crosswalk deliveries list --account acme --text ann@example.com")
@filters
@click.option("--state", type=click.Choice(STATES), help="Rows in one state.")
@MOST
@JSON
def list_(*, state: str | None, most: int, as_json: bool, **narrow: Any) -> None:
    """List deliveries, the newest run first, in it the last row first."""
    tell(run(find_deliveries(narrow | {"state": state}, most)), as_json=as_json)


@deliveries.command(
    epilog="Example: crosswalk deliveries show 019ab3c4-5d6e-7f80-9123-456789abcdef 17",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("run_id", metavar="RUN")
@click.argument("number", metavar="NUMBER", type=click.IntRange(-(2**31), 2**31 - 1))
@JSON
def show(*, run_id: str, number: int, as_json: bool) -> None:
    """Show one delivery: the row, the call that it became, every attempt, every decision of a person.

    A deletion that a mirror added has a number below zero; its row is the record's last known body.
    """
    tell_whole(run(find_whole(run_id, number)), as_json=as_json)


async def find_deliveries(narrow: dict[str, Any], most: int) -> "list[Delivery]":
    """Deliveries narrowed by what the command line says."""
    from crosswalk.app import open_hub
    from crosswalk.delivery.history import list_deliveries

    async with open_hub() as hub:
        return await list_deliveries(hub.database, await filter_of(hub, narrow), most=most)


async def filter_of(hub: "Hub", narrow: dict[str, Any]) -> "DeliveryFilter":
    """What the command line says, with ids in place of names. Raises `UnknownAccount` and `UnknownDestination`."""
    import msgspec

    from crosswalk.delivery.history import DeliveryFilter

    return msgspec.convert(await with_ids(hub, narrow), DeliveryFilter)


async def with_ids(hub: "Hub", narrow: dict[str, Any]) -> dict[str, Any]:
    """Account and destination by their ids."""
    from crosswalk.delivery.destinations import Destinations

    account, destination = narrow.get("account"), narrow.get("destination")
    found = dict(narrow)
    if account is not None:
        found["account"] = (await hub.accounts.find(account)).id
    if destination is not None:
        found["destination"] = (await Destinations(database=hub.database, who="command line").find(destination)).id
    return found


async def find_whole(run_id: str, number: int) -> "WholeDelivery":
    """One delivery with all that is known of it."""
    from crosswalk.app import open_hub
    from crosswalk.delivery.history import Place, find_delivery

    async with open_hub() as hub:
        return await find_delivery(hub.database, Place(run_id, number))


def tell(found: "list[Delivery]", *, as_json: bool) -> None:
    """Print a list of deliveries."""
    if as_json:
        print_json(found)
        return
    for each in found:
        what = each.reason or (f"record {each.remote_id}" if each.remote_id else each.key or "")
        click.echo(f"{each.run_id}  {each.number:>7}  {each.state:10}  {_cut(what)}")


def tell_whole(found: "WholeDelivery", *, as_json: bool) -> None:
    """Print one delivery's biography."""
    if as_json:
        print_json(found)
        return
    click.echo(f"Run {found.run_id}, row {found.number}: {found.state}{f', {found.phase}' if found.phase else ''}")
    for name, value in (("record", found.remote_id), ("key", found.key), ("reason", found.reason)):
        if value is not None:
            click.echo(f"{name}: {value}")
    click.echo(f"row: {_json(found.row)}" if found.row is not None else "row: not kept")
    if found.edited is not None:
        click.echo(f"edited: {_json(found.edited)}")
    if found.call is not None:
        body = "" if found.call["body"] is None else f" {_json(found.call['body'])}"
        click.echo(f"call: {found.call['method']} {found.call['path']}{body}")
    for hit in found.hits:
        claimed = "" if hit.claimed_by is None else f", that of row {hit.claimed_by.number} of run {hit.claimed_by.run}"
        click.echo(f"found: record {hit.id}, made {hit.created_at or 'at an unknown time'}{claimed}")
    for attempt in found.biography:
        _tell_attempt(attempt)
    for decision in found.decisions:
        why = "" if decision.reason is None else f": {decision.reason}"
        change = "" if decision.change is None else f" {_json(decision.change)}"
        click.echo(f"{decision.at:%Y-%m-%d %H:%M:%S}  {decision.who}: {decision.kind}{change}{why}")


def _tell_attempt(attempt: "AttemptRecord") -> None:
    answer = "no answer" if attempt.status is None else str(attempt.status)
    click.echo(f"{attempt.began_at:%Y-%m-%d %H:%M:%S}  {attempt.request}: {answer}, {attempt.outcome}")
    for name, text in (("sent", attempt.body), ("received", attempt.response), ("because", attempt.reason)):
        if text:
            click.echo(f"    {name}: {text}")


def _json(value: object) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDE else f"{line[: WIDE - 1]}…"
