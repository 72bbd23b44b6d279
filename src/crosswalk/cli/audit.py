"""`crosswalk audit`: read the audit log, follow its chain, write it out."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import SOME_FAILED, print_json, run

if TYPE_CHECKING:
    from crosswalk.accounts.audit import Broken, Line, Wanted, Whole

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def audit() -> None:
    """Read who did what when from where. Each line is bound to the one before it."""


@audit.command("list", epilog="Example: crosswalk audit list --action token.create")
@click.option("--actor", help="Of this actor alone, such as 'token reports'.")
@click.option("--action", help="This action alone, such as token.create.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="From this time on, UTC.")
@click.option("--most", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many lines.")
@JSON
def list_(*, actor: str | None, action: str | None, since: datetime | None, most: int, as_json: bool) -> None:
    """List lines, newest first."""
    from crosswalk.accounts.audit import Wanted

    start = None if since is None else since.replace(tzinfo=UTC)
    lines = run(_list(Wanted(actor=actor, action=action, since=start), most))
    if as_json:
        print_json([_shown(line) for line in lines])
        return
    for line in lines:
        click.echo(f"{line.at:%Y-%m-%d %H:%M:%S}  {line.actor:24}  {line.action:24}  {line.object}")


@audit.command(epilog="Example: crosswalk audit verify --digest 5f70bf18a086")
@click.option("--digest", help="A digest that an earlier verify printed: it must still be in the chain.")
@JSON
def verify(*, digest: str | None, as_json: bool) -> None:
    """Follow the chain from its first line to its end; ends with 1 where it is broken.

    Keep the digest that it prints in another place, and give it back later: so a log that was forged anew is found.
    """
    from crosswalk.accounts.audit import Whole

    found = run(_verify(digest))
    if isinstance(found, Whole):
        if as_json:
            print_json({"whole": True, "lines": found.lines, "digest": found.digest})
        else:
            click.echo(f"{found.lines} lines, whole. The last digest is {found.digest}")
        return
    if as_json:
        print_json({"whole": False, "number": found.number, "says": found.says})
    else:
        click.echo(f"Broken at line {found.number}: {found.says}.", err=True)
    sys.exit(SOME_FAILED)


@audit.command(epilog="Example: crosswalk audit export > audit.jsonl")
def export() -> None:
    """Write every line as JSON, oldest first, a line each."""
    run(_export())


def _shown(line: "Line") -> dict[str, object]:
    """A line with its digests as text."""
    from msgspec.structs import asdict

    return asdict(line) | {"before": line.before.hex(), "digest": line.digest.hex()}


async def _list(wanted: "Wanted", most: int) -> "list[Line]":
    from crosswalk.accounts.audit import list_lines
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await list_lines(hub.database, wanted, most=most)


async def _verify(digest: str | None) -> "Whole | Broken":
    from crosswalk.accounts.audit import verify as follow
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await follow(hub.database, digest)


async def _export() -> None:
    import msgspec

    from crosswalk.accounts.audit import read_lines
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        async for line in read_lines(hub.database):
            sys.stdout.write(msgspec.json.encode(_shown(line)).decode() + "\n")
