"""`crosswalk log`: find requests, show both their legs, make a read again."""

from typing import TYPE_CHECKING, Literal

import click

from crosswalk.cli.status import NotReached, WrongUse, print_json, run

if TYPE_CHECKING:
    from crosswalk.gate.requests import Replayed, Request, Wanted

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
FAILED = 400


@click.group()
def log() -> None:
    """Find the requests of programs, and the calls to Insightly that they became. Content is not kept."""


@log.command("list", epilog="Example: crosswalk log list --account acme --status 429")
@click.option("--account", help="Of this account alone, by name or id.")
@click.option("--actor", help="Of this token alone, by name.")
@click.option("--method", help="This method alone.")
@click.option("--leg", type=click.Choice(["ours", "insightly"]), help="Calls that came, or calls that were made.")
@click.option("--status", type=click.IntRange(100, 599), help="This status alone.")
@click.option("--text", help="Text in the path.")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@JSON
def list_(
    *,
    account: str | None,
    actor: str | None,
    method: str | None,
    leg: str | None,
    status: int | None,
    text: str | None,
    most: int,
    as_json: bool,
) -> None:
    """List requests, newest first."""
    from crosswalk.gate.requests import Wanted

    kind: Literal["ours", "insightly"] | None = "ours" if leg == "ours" else "insightly" if leg == "insightly" else None
    wanted = Wanted(actor=actor, method=method, leg=kind, status=status, text=text)
    _print(run(_list(wanted, account, most)), as_json=as_json)


@log.command(epilog="Example: crosswalk log show 01a204e7-b640-7f85-9798-ef13fb3ad1d6")
@click.argument("request")
@JSON
def show(*, request: str, as_json: bool) -> None:
    """Show one request and the calls to Insightly that it became."""
    _print(run(_show(request)), as_json=as_json, whole=True)


@log.command(epilog="Example: crosswalk log replay 01a204e7-b640-7f85-9798-ef13fb3ad1d6")
@click.argument("request")
@JSON
def replay(*, request: str, as_json: bool) -> None:
    """Make a read to Insightly again, once, and compare. Writes are never made again."""
    done = run(_replay(request))
    if as_json:
        print_json(done)
    else:
        click.echo(f"{done.method} {done.path}: {done.then} then, {done.now} now ({done.now_ms:.0f} ms, {done.says}).")
    if done.now is None or done.now >= FAILED:
        raise NotReached(f"Insightly answered {done.now or 'nothing'}: {done.says}")


def _print(rows: "list[Request]", *, as_json: bool, whole: bool = False) -> None:
    if as_json:
        print_json(rows)
        return
    for row in rows:
        answer = row.trouble if row.status is None else row.status
        who = row.actor or ("-> Insightly" if row.leg == "insightly" else "")
        click.echo(
            f"{row.at:%Y-%m-%d %H:%M:%S}  {row.request}  {who:16}  {row.method:6} {row.path}  {answer}  {row.ms:.0f} ms"
        )
        for name in ("query", "body", "answer") if whole else ():
            if getattr(row, name):
                click.echo(f"    {name}: {getattr(row, name)}")


async def _list(wanted: "Wanted", account: str | None, most: int) -> "list[Request]":
    from dataclasses import replace

    from crosswalk.app import open_hub
    from crosswalk.gate.requests import list_requests

    async with open_hub() as hub:
        if account is not None:
            wanted = replace(wanted, account=(await hub.accounts.find(account)).id)
        return await list_requests(hub.database, wanted, most=most)


async def _show(request: str) -> "list[Request]":
    from crosswalk.app import open_hub
    from crosswalk.gate.requests import RequestError, find_request

    async with open_hub() as hub:
        try:
            return await find_request(hub.database, request)
        except RequestError as exc:
            raise WrongUse(str(exc)) from exc


async def _replay(request: str) -> "Replayed":
    from crosswalk.app import open_hub
    from crosswalk.gate.requests import RequestError, find_request, replay, replayable

    async with open_hub() as hub:
        try:
            leg = replayable(await find_request(hub.database, request))
        except RequestError as exc:
            raise WrongUse(str(exc)) from exc
        async with hub.connect(await hub.accounts.find(leg.account_id or "")) as crm:
            return await replay(leg, crm)
