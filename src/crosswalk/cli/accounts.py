"""`crosswalk accounts`: link Insightly accounts, list, check and remove them."""

import sys
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import DONE, SOME_FAILED, WrongUse, print_json, run, tell_removed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crosswalk.accounts.accounts import Account, Wanted
    from crosswalk.accounts.check import Report
    from crosswalk.gate import Budget, Track

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
RESERVE = click.option(
    "--reserve",
    metavar="PERCENT",
    type=click.IntRange(0, 100),
    help="Share of a day's calls that runs leave to people; 10 unless given.",
)
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


OFF = 0


def _parse_daily(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Calls a day; 0 stands for "off"."""
    if value is None or value == "off":
        return None if value is None else OFF
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
@RESERVE
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
    reserve: int | None,
    as_json: bool,
) -> None:
    """Check a key, then link its Insightly under NAME. Prints the account's id and what the key may do.

    Only a refused key, or no answer, keeps an account from being linked; what its plan does not offer is a line.
    """
    from crosswalk.accounts.accounts import Wanted
    from crosswalk.accounts.vault import Secret

    where = _find_base_url(pod, base_url)
    key = Secret(_read_key(api_key))
    wanted = Wanted(name=name, api_key=key, base_url=where, tenant_id=tenant, rate=rate, daily=daily, reserve=reserve)
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
    """Show one account, without its key, and what is left of its day; Insightly is not asked."""
    import msgspec

    found, budget = run(_find(account))
    if as_json:
        print_json({**msgspec.structs.asdict(found), "budget": budget})
        return
    for name in found.__struct_fields__:
        click.echo(f"{name:18} {_spell(getattr(found, name))}")
    for line in _spell_budget(budget):
        click.echo(line)


@accounts.command(epilog="Example: crosswalk accounts change acme --reserve 25 --daily off")
@KEY
@click.option("--rate", metavar="N|off", callback=_parse_rate, help="Calls a second.")
@click.option("--daily", metavar="N|off", callback=_parse_daily, help="Calls a day.")
@RESERVE
@JSON
def change(*, account: str, rate: int | None, daily: int | None, reserve: int | None, as_json: bool) -> None:
    """Change an account's limits; what is not named stays as it is."""
    given = {"rate": rate, "daily": daily, "reserve": reserve}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("Nothing to change. Name --rate, --daily or --reserve.")
    found = run(_change(account, changes | ({"daily": None} if daily == OFF else {})))
    if as_json:
        print_json(found)
    else:
        told = ", ".join(f"{name} {value if value or name == 'reserve' else 'off'}" for name, value in changes.items())
        click.echo(f"Changed {found.name}: {told}")


@accounts.command(epilog="Example: crosswalk accounts pace acme")
@KEY
@JSON
def pace(*, account: str, as_json: bool) -> None:
    """Replay when an account's last calls left: the fullest second of all, whoever sent them.

    Each home keeps the send times of the last 8,192 calls of each account, of all its processes, repeats included.
    Status 1 when any rolling second held more calls than the account's rate.
    """
    found, budget, track = run(_track(account))
    shown = _describe_pace(found, budget, track)
    if as_json:
        print_json(shown)
    else:
        for name, value in shown.items():
            click.echo(f"{name:18} {_spell(value)}")
    sys.exit(DONE if shown["kept"] else SOME_FAILED)


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
    tell_removed(found.id, found.name, as_json=as_json, also="; its key is destroyed")


@accounts.command(epilog="Example: crosswalk accounts forget acme --object Contacts")
@KEY
@click.option("--object", "name", metavar="NAME", help="Only of one object, such as Contacts. [default: of all]")
@JSON
def forget(*, account: str, name: str | None, as_json: bool) -> None:
    """Forget which records upserts found and made: each is looked for once more. Nothing in Insightly changes.

    A destination that mirrors deletes only records that it remembers: forgotten ones stay.
    """
    found, forgotten = run(_forget(account, name))
    if as_json:
        print_json({"id": found.id, "name": found.name, "object": name, "forgotten": forgotten})
    else:
        click.echo(f"Forgot {forgotten:,} records of {found.name}.")


async def _forget(key: str, name: str | None) -> "tuple[Account, int]":
    from crosswalk.app import open_hub
    from crosswalk.delivery.memory import find_object, forget

    async with open_hub() as hub:
        found = await hub.accounts.find(key)
        async with hub.database.begin() as connection:
            return found, await forget(connection, found.id, None if name is None else find_object(name))


async def _add(wanted: "Wanted") -> "tuple[Account, Report]":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await hub.accounts.add(wanted)


async def _list() -> "list[Account]":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await hub.accounts.list()


async def _find(key: str) -> "tuple[Account, Budget]":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        found = await hub.accounts.find(key)
        return found, await hub.accounts.budget(found)


async def _track(key: str) -> "tuple[Account, Budget, Track]":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        found = await hub.accounts.find(key)
        return found, await hub.accounts.budget(found), await hub.accounts.track(found)


async def _change(key: str, changes: "dict[str, int | None]") -> "Account":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await hub.accounts.change(key, changes)


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


def _spell_budget(budget: "Budget") -> "Iterator[str]":
    """The day in words."""
    told = "calls a day unknown until the first answer" if budget.quota is None else f"of {budget.quota:,} calls a day"
    remaining = "unknown" if budget.remaining is None else f"{budget.remaining:,}"
    yield f"{'left today':18} {remaining} {told}".replace("unknown calls", "calls")
    yield f"{'kept for people':18} {budget.reserved:,}"
    yield f"{'spent here':18} {budget.spent:,}"
    if budget.foreign:
        yield f"{'spent elsewhere':18} another client used {budget.foreign:,} calls today"
    yield f"{'day ends':18} {budget.resets_at:%Y-%m-%d %H:%M} UTC"


def _describe_pace(account: "Account", budget: "Budget", track: "Track") -> dict[str, object]:
    """What the replay of the send times shows."""
    import time
    from datetime import UTC, datetime, timedelta

    from crosswalk.gate.proof import replay
    from crosswalk.insightly.pace import CALLS

    proof, now, steady = replay(track.stamps), datetime.now(UTC), time.monotonic()
    allowed = CALLS if account.rate is None else account.rate or None

    def clock(stamp: float) -> datetime | None:
        return now - timedelta(seconds=steady - stamp) if proof.calls else None

    return {
        "account": account.name,
        "calls": proof.calls,
        "began_at": clock(proof.began),
        "ended_at": clock(proof.ended),
        "most_in_a_second": proof.most,
        "fullest_at": clock(proof.at),
        "allowed": allowed,
        "kept": allowed is None or proof.most <= allowed,
        "calls_today": budget.spent,
        "quota": budget.quota,
        "learned_rate": track.rate,
        "learned_window": track.window,
        "learned_in_flight": track.in_flight,
    }


def _spell(value: object) -> str:
    return "" if value is None else str(value)
