"""`crosswalk demo`: a sandbox, a hub and a realistic sample between them, on this machine alone."""

import asyncio
import sys
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.cli.order import Summary
    from crosswalk.sandbox.server import Running


@click.command()
@click.option("--once", is_flag=True, help="End when the sample is sent, instead of serving until Ctrl-C.")
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), help="Keep everything here, not in a temporary folder."
)
@click.option("--records", type=click.IntRange(5), default=300, show_default=True, help="How many records to send.")
def demo(*, once: bool, home: Path | None, records: int) -> None:
    """Start a sandbox and a hub, and send 300 organisations, contacts and opportunities through them.

    Everything stays on this machine, on free loopback ports.
    """
    from tempfile import TemporaryDirectory

    from crosswalk.cli.status import run

    with ExitStack() as stack:
        folder = home or Path(stack.enter_context(TemporaryDirectory(prefix="crosswalk-demo-")))
        sys.exit(run(_demo(folder.absolute(), records, once=once)))


async def _demo(home: Path, records: int, *, once: bool) -> int:
    from urllib.parse import urlsplit

    from crosswalk.app import open_hub, serve_api
    from crosswalk.config import settings
    from crosswalk.sandbox.sandbox import Sandbox, make_recipes
    from crosswalk.sandbox.server import serve

    async with AsyncExitStack() as stack:
        insightly = await stack.enter_async_context(serve(Sandbox(make_recipes())))
        host = urlsplit(insightly.base_url).netloc
        environ = {"CROSSWALK_HOME": str(home), "CROSSWALK_ALLOWED_HOSTS": host}
        hub = await stack.enter_async_context(open_hub(settings(environ)))
        url = await stack.enter_async_context(serve_api(hub))
        click.echo(
            f"Sandbox   {insightly.base_url}   (an Insightly on this machine)\nHub       {url}\nHome      {home}\n"
        )
        await _link(hub, insightly)
        status = await _send_sample(hub, insightly, home, records)
        if once:
            click.echo("\nWithout --once the demo goes on serving, and says where to look. --home DIR keeps its files.")
        else:
            click.echo(_where_next(home, host, url, insightly))
            await _interrupted()
        return status


async def _link(hub: "Hub", insightly: "Running") -> None:
    """Link the sandbox as the account `demo`, anew when an earlier demo left one in this home."""
    from crosswalk.accounts.accounts import Wanted
    from crosswalk.accounts.vault import Secret

    if any(account.name == "demo" for account in await hub.accounts.list()):
        await hub.accounts.remove("demo")
    account, _ = await hub.accounts.add(Wanted(name="demo", api_key=Secret(insightly.key), base_url=insightly.base_url))
    click.echo(f"Linked account demo ({account.instance_name}, plan {account.plan}), its key sealed.\n")


async def _send_sample(hub: "Hub", insightly: "Running", home: Path, records: int) -> int:
    """Send the sample sheet by sheet and print sums that must agree: rows, deliveries, and what the sandbox has."""
    from datetime import UTC, datetime
    from random import Random

    from crosswalk.cli.order import Load, send_order
    from crosswalk.cli.sample import make_sample
    from crosswalk.delivery.plan import Plan
    from crosswalk.delivery.template import find_template

    folder = home / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    agreed = True
    for sheet in make_sample(Random(1), datetime.now(UTC).date(), records=records):  # noqa: S311 (a sample, no secret)
        before = insightly.sandbox.first.instance.counts()[sheet.noun]
        plan = Plan(call=find_template(sheet.template), fields=sheet.fields)
        summary = await send_order(hub, Load(sheet.write(folder)), "demo", plan, mode="again")
        there = insightly.sandbox.first.instance.counts()[sheet.noun] - before
        agreed &= _reconcile(sheet.noun, len(sheet.rows), summary, there)
    return 0 if agreed else 1


def _reconcile(noun: str, rows: int, summary: "Summary", there: int) -> bool:
    delivered, read = summary.counts["delivered"], summary.counts.read
    agreed = rows == read == delivered == there
    click.echo(
        f"{noun:14} {rows:4} rows, {read:4} read, {delivered:4} delivered, {there:4} new in the sandbox: "
        f"{'they agree' if agreed else 'THEY DISAGREE'}  ({summary.calls} calls in {summary.seconds:.1f} s)"
    )
    return agreed


def _where_next(home: Path, host: str, url: str, insightly: "Running") -> str:
    crosswalk = f"CROSSWALK_HOME={home} CROSSWALK_ALLOWED_HOSTS={host} {Path(sys.argv[0]).name}"
    return f"""
Where to look next
  {insightly.url}/_sandbox   what the sandbox holds and what was called
  {url}/docs   the hub's API
  {home / "sample"}   the files that were sent
  {crosswalk} runs list
  {crosswalk} list Contacts --account demo --top 3

Serving until Ctrl-C."""


async def _interrupted() -> None:
    import signal

    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await stop.wait()
