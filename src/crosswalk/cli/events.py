"""`crosswalk events`: what is followed, what happened, who is told of it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from crosswalk.cli.status import print_json, run

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.automations.change_watch import Watch
    from crosswalk.automations.event import Event

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
WATCH = click.argument("watch", metavar="ACCOUNT/RESOURCE")
EVERY = click.option("--every", type=int, metavar="SECONDS", help="Between two polls while records change. [usual: 60]")
SLOWEST = click.option(
    "--slowest", type=int, metavar="SECONDS", help="Between two polls when nothing changes. [usual: 900]"
)
SWEEP = click.option(
    "--sweep", type=int, metavar="SECONDS", help="Between two looks for deletions; 0 is never. [usual: 86400]"
)
TYPES = click.option("--type", "types", multiple=True, metavar="TYPE", help="Only such: record:updated, or record:*.")
RESOURCES = click.option("--resource", "resources", multiple=True, metavar="NAME", help="Only of these resources.")
ACCOUNT = click.option("--account", metavar="NAME", help="Only of this account, by name or id.")


@click.group()
def events() -> None:
    """Find out what changes at Insightly, and tell endpoints of it.

    A watch polls a unified resource of an account while `crosswalk serve` runs. Changes become events, which endpoints
    subscribe to, streams show and automations start from.
    """


@events.command(epilog="Example: crosswalk events watch acme contacts --every 60")
@click.argument("account")
@click.argument("resource")
@EVERY
@SLOWEST
@SWEEP
@JSON
def watch(
    *, account: str, resource: str, every: int | None, slowest: int | None, sweep: int | None, as_json: bool
) -> None:
    """Follow a unified RESOURCE, such as contacts, of an ACCOUNT.

    What is there now is learned first and not announced. Times are in seconds.
    """
    given = _given(every, slowest, sweep)

    async def work(hub: "Hub") -> "Watch":
        from crosswalk.automations.change_watch import read_pace

        return await hub.watches().add(account, resource, read_pace(given) if given else None)

    _tell(run(_work(work)), as_json=as_json)


@events.command("watches")
@JSON
def list_watches(*, as_json: bool) -> None:
    """List what is followed, with what it costs."""
    found = run(_work(lambda hub: hub.watches().list()))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_line(each))


@events.command()
@WATCH
@JSON
def show(*, watch: str, as_json: bool) -> None:
    """Show one watch: how far it came, its calls, whether Insightly's own webhooks reached us."""
    _tell(run(_work(lambda hub: hub.watches().find(watch))), as_json=as_json)


@events.command(epilog="Example: crosswalk events change acme/contacts --every 30 --sweep 3600")
@WATCH
@EVERY
@SLOWEST
@SWEEP
@JSON
def change(*, watch: str, every: int | None, slowest: int | None, sweep: int | None, as_json: bool) -> None:
    """Look more often or more seldom."""
    given = _given(every, slowest, sweep)

    async def work(hub: "Hub") -> "Watch":
        from crosswalk.automations.change_watch import read_pace

        found = await hub.watches().find(watch)
        return await hub.watches().change(watch, read_pace(given, before=found))

    _tell(run(_work(work)), as_json=as_json)


@events.command()
@WATCH
@JSON
def poll(*, watch: str, as_json: bool) -> None:
    """Look now, and often for a while; whoever serves looks."""
    _tell(run(_work(lambda hub: hub.watches().poll(watch))), as_json=as_json)


@events.command()
@WATCH
@JSON
def sweep(*, watch: str, as_json: bool) -> None:
    """Look for deletions now; whoever serves looks."""
    _tell(run(_work(lambda hub: hub.watches().sweep(watch))), as_json=as_json)


@events.command()
@WATCH
@JSON
def release(*, watch: str, as_json: bool) -> None:
    """Let the next sweep announce what it misses, however many records; each is asked for by id first."""
    _tell(run(_work(lambda hub: hub.watches().release(watch))), as_json=as_json)


@events.command()
@WATCH
@JSON
def pause(*, watch: str, as_json: bool) -> None:
    """Look no more for now."""
    _tell(run(_work(lambda hub: hub.watches().pause(watch))), as_json=as_json)


@events.command()
@WATCH
@JSON
def resume(*, watch: str, as_json: bool) -> None:
    """Look again; what changed meanwhile is told merged."""
    _tell(run(_work(lambda hub: hub.watches().resume(watch))), as_json=as_json)


@events.command()
@WATCH
@JSON
def unwatch(*, watch: str, as_json: bool) -> None:
    """Follow a resource no more; events stay."""
    found = run(_work(lambda hub: hub.watches().remove(watch)))
    if as_json:
        print_json({"id": found.id, "account": found.account, "resource": found.resource, "removed": True})
    else:
        click.echo(f"{found.account}/{found.resource} is followed no more.")


@events.command(
    "hint-url", epilog="Example: crosswalk events hint-url acme/contacts --base-url https://hub.example.com"
)
@WATCH
@click.option("--base-url", default="http://127.0.0.1:8080", show_default=True, help="Where Insightly reaches us.")
@click.option("--user", help="Ask for this user, and a password that is made.")
@JSON
def hint_url(*, watch: str, base_url: str, user: str | None, as_json: bool) -> None:
    """Make a secret address for Insightly's own workflow webhooks, and say what to do in Insightly.

    The address is shown this once; one that was made before takes nothing more.
    """
    from crosswalk.automations.change_watch import setup_guide

    address = run(_work(lambda hub: hub.watches().make_hint(watch, user=user)))
    if as_json:
        print_json({"url": f"{base_url.rstrip('/')}{address.path}", "address": address})
        return
    for number, line in enumerate(setup_guide(address, base_url), start=1):
        click.echo(f"  {number}. {line}")


@events.command("drop-hint")
@WATCH
@JSON
def drop_hint(*, watch: str, as_json: bool) -> None:
    """Let the secret address take nothing more."""
    _tell(run(_work(lambda hub: hub.watches().drop_hint(watch))), as_json=as_json)


@events.command("list", epilog="Example: crosswalk events list --type 'record:*' --account acme")
@TYPES
@RESOURCES
@ACCOUNT
@click.option("--after", type=click.IntRange(0), metavar="NUMBER", help="Oldest first, behind this event.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="Most events.")
@JSON
def list_(
    *,
    types: tuple[str, ...],
    resources: tuple[str, ...],
    account: str | None,
    after: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """List events, newest first; with --after oldest first. They are kept for 30 days."""

    async def work(hub: "Hub") -> "list[Event]":
        from crosswalk.automations.event import Filter, check_resources, check_types
        from crosswalk.automations.events import events_after, events_before

        check_types(types)
        check_resources(resources)
        own = None if account is None else (await hub.accounts.find(account)).id
        wanted = Filter(types=types or None, resources=resources or None, account=own)
        if after is not None:
            return await events_after(hub.database, after, most=limit, wanted=wanted)
        return await events_before(hub.database, None, most=limit, wanted=wanted)

    found = run(_work(work))
    if as_json:
        print_json(found)
        return
    for each in found:
        about = f"{each.resource} {each.record_id}" if each.resource else each.account_id or ""
        click.echo(f"{each.number:>8}  {each.at:%Y-%m-%d %H:%M:%S}  {each.type:28}  {about}  {_brief(each)}".rstrip())


@events.command(epilog="Example: crosswalk events subscribe crm-log --type 'record:*' --resource contacts")
@click.argument("endpoint")
@TYPES
@RESOURCES
@ACCOUNT
@click.option("--after", type=click.IntRange(0), metavar="NUMBER", help="Begin behind this event; 0 with the oldest.")
@JSON
def subscribe(
    *,
    endpoint: str,
    types: tuple[str, ...],
    resources: tuple[str, ...],
    account: str | None,
    after: int | None,
    as_json: bool,
) -> None:
    """Tell an ENDPOINT of `crosswalk webhooks` of events, all or some of them."""

    async def work(hub: "Hub") -> object:
        from crosswalk.automations.subscription import Draft

        own = None if account is None else (await hub.accounts.find(account)).id
        draft = Draft(
            endpoint=endpoint,
            types=types or None,
            resources=resources or None,
            integrated_account_id=own,
            after=after,
        )
        return await hub.subscriptions().add(draft)

    made = run(_work(work))
    if as_json:
        print_json(made)
    else:
        click.echo(f"Endpoint {endpoint} is told. See: crosswalk webhooks log {endpoint}")


@events.command("subscriptions")
@JSON
def list_subscriptions(*, as_json: bool) -> None:
    """List who is told of what."""
    found = run(_work(lambda hub: hub.subscriptions().list()))
    if as_json:
        print_json(found)
        return
    for each in found:
        what = ", ".join([*(each.types or ("every type",)), *(each.resources or ("every resource",))])
        click.echo(f"{each.id}  {each.endpoint:20}  {what}  told up to {each.told}")


@events.command()
@click.argument("subscription")
@JSON
def unsubscribe(*, subscription: str, as_json: bool) -> None:
    """Tell an endpoint of no more events, by a subscription's id."""
    found = run(_work(lambda hub: hub.subscriptions().remove(subscription)))
    if as_json:
        print_json({"id": found.id, "endpoint": found.endpoint, "removed": True})
    else:
        click.echo(f"Endpoint {found.endpoint} is told no more.")


async def _work(task: "Callable[[Hub], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await task(hub)


def _given(every: int | None, slowest: int | None, sweep: int | None) -> dict[str, int | None]:
    named = {"every": every, "slowest": slowest, "sweep_every": sweep}
    chosen = {name: value for name, value in named.items() if value is not None}
    return chosen | ({"sweep_every": None} if sweep == 0 else {})


def _tell(found: "Watch", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    click.echo(_line(found))
    cost = found.calls_per_day
    click.echo(
        f"  looks every {found.interval} s now ({found.every} to {found.slowest} s), next {found.next_at:%H:%M:%S}"
    )
    click.echo(f"  {cost.quiet:,} to {cost.busy:,} calls a day, {cost.sweeps:,} of them for deletions")
    click.echo(f"  {found.calls_today:,} calls today, {found.records:,} records known, search lag {found.lag:.0f} s")
    if found.held:
        click.echo(f"  {found.held:,} missing records are held. See: crosswalk notices list")
    if found.hint_url:
        first = (
            "none came yet" if found.hint_first_at is None else f"the first came {found.hint_first_at:%Y-%m-%d %H:%M}"
        )
        click.echo(f"  Insightly's webhooks: {first}, {found.hint_count:,} in all, {found.hints:,} waiting")


def _line(found: "Watch") -> str:
    trouble = f"  {found.trouble}" if found.trouble else ""
    until = "not read yet" if found.mark is None else f"seen up to {found.mark:%Y-%m-%d %H:%M:%S}"
    return f"{found.account}/{found.resource:14}  {found.state:7}  {until}{trouble}"


def _brief(event: "Event") -> str:
    return ", ".join(each.field for each in event.change.changes) if event.type == "record:updated" else ""
