"""`crosswalk accounts`: link Insightly accounts, list, check and remove them."""

import sys
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import DONE, SOME_FAILED, WrongUse, print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosswalk.accounts.accounts import Account, Wanted
    from crosswalk.accounts.check import Report

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
KEY = click.argument("account", metavar="NAME")


@click.group()
def accounts() -> None:
    """Link Insightly accounts, list, check and remove them. NAME is an account's name or id."""


def _parse_rate(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Calls a second; 0 is how "off" is stored."""
    if value is None:
        return None
    if value == "off":
        return 0
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a whole number above 0 nor 'off'.")
    return int(value)


@accounts.command(epilog="Example: crosswalk accounts add acme --pod na1 --api-key -")
@click.argument("name")
@click.option("--api-key", metavar="KEY|-", help="The key; - asks for it or reads it from standard input.")
@click.option("--pod", help="Where the account lives, such as na1: see the API URL in Insightly's user settings.")
@click.option("--base-url", metavar="URL", help="A whole base URL instead, such as a sandbox's.")
@click.option("--tenant", metavar="ID", help="Your own id of the customer.")
@click.option("--rate", metavar="N|off", callback=_parse_rate, help="Calls a second; 10 unless given.")
@click.option("--daily", metavar="N", type=click.IntRange(1), help="Calls a day; no limit of our own unless given.")
@JSON
def add(
    *,
    name: str,
    api_key: str | None,
    pod: str | None,
    base_url: str | None,
    tenant: str | None,
    rate: int | None,
    daily: int | None,
    as_json: bool,
) -> None:
    """Check a key, then link its Insightly under NAME. Prints the account's id and what the key may do.

    Only a refused key, or no answer, keeps an account from being linked; what its plan does not offer is a line.
    """
    from crosswalk.accounts.accounts import Wanted
    from crosswalk.accounts.vault import Secret

    where = _find_base_url(pod, base_url)
    key = Secret(_read_key(api_key))
    wanted = Wanted(name=name, api_key=key, base_url=where, tenant_id=tenant, rate=rate, daily=daily)
    account, report = run(_add(wanted))
    if as_json:
        print_json(_describe(account, report))
    else:
        click.echo(account.id)
        _print_report(report)
    _end(report)


@accounts.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List the linked accounts."""
    found = run(_list())
    if as_json:
        print_json(found)
        return
    rows = [(each.name, each.id, each.status, each.instance_name or "", each.base_url) for each in found]
    _print_columns(("name", "id", "status", "instance", "base URL"), rows)


@accounts.command()
@KEY
@JSON
def show(*, account: str, as_json: bool) -> None:
    """Show one account, without its key."""
    found = run(_find(account))
    if as_json:
        print_json(found)
        return
    for name in found.__struct_fields__:
        click.echo(f"{name:18} {_spell(getattr(found, name))}")


@accounts.command()
@KEY
@JSON
def check(*, account: str, as_json: bool) -> None:
    """Ask Insightly again what the account's key may do."""
    found, report = run(_check(account))
    if as_json:
        print_json(_describe(found, report))
    else:
        click.echo(f"{found.name} {found.status}")
        _print_report(report)
    _end(report)


@accounts.command()
@KEY
@JSON
def remove(*, account: str, as_json: bool) -> None:
    """Forget an account; its stored key is destroyed at once."""
    found = run(_remove(account))
    if as_json:
        print_json({"id": found.id, "name": found.name, "removed": True})
    else:
        click.echo(f"Removed {found.name} ({found.id}); its key is destroyed.")


async def _add(wanted: "Wanted") -> "tuple[Account, Report]":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await hub.accounts.add(wanted)


async def _list() -> "list[Account]":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await hub.accounts.list()


async def _find(key: str) -> "Account":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await hub.accounts.find(key)


async def _check(key: str) -> "tuple[Account, Report]":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await hub.accounts.check(key)


async def _remove(key: str) -> "Account":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await hub.accounts.remove(key)


def _find_base_url(pod: str | None, whole: str | None) -> str:
    from crosswalk.config import Misconfigured, settings
    from crosswalk.insightly.errors import HostRefused
    from crosswalk.insightly.pods import base_url

    try:
        return base_url(pod=pod, whole=whole, allow_hosts=settings().allowed_hosts)
    except HostRefused as exc:
        hint = " CROSSWALK_ALLOWED_HOSTS lists such hosts." if whole and pod is None else ""
        raise WrongUse(f"{exc}{hint}") from exc
    except Misconfigured as exc:
        raise WrongUse(str(exc)) from exc


def _read_key(given: str | None) -> str:
    from crosswalk.config import settings

    match given:
        case None:
            key = settings().api_key
            if key is None:
                raise click.UsageError("No key is given. Write --api-key KEY, or --api-key - to be asked for it.")
            return key
        case "-":
            return _ask_key()
        case _:
            return given


def _ask_key() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("API key", hide_input=True, err=True)
        return asked.strip()
    return sys.stdin.readline().strip()


def _describe(account: "Account", report: "Report") -> dict[str, object]:
    import msgspec

    return {**msgspec.structs.asdict(account), "report": report.findings}


def _end(report: "Report") -> None:
    if not report.is_insightly:
        click.echo("Nothing there answers as Insightly does: look at the base URL.", err=True)
    sys.exit(DONE if report.is_insightly else SOME_FAILED)


def _print_report(report: "Report") -> None:
    for finding in report.findings:
        click.echo(f"  {'works' if finding.works else '-':5}  {finding.what:12}  {finding.says}")


def _print_columns(heads: tuple[str, ...], rows: "Sequence[tuple[str, ...]]") -> None:
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    for row in (heads, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _spell(value: object) -> str:
    return "" if value is None else str(value)
