"""`crosswalk notices`: what a person should hear of, and who hears of it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from crosswalk.cli.status import WrongUse, print_json, run

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.delivery.notices import Channel
    from crosswalk.store.notices import NoticeKind

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
CHANNEL = click.argument("channel")


@click.group()
def notices() -> None:
    """Read what happened to runs, sources, budgets and endpoints, and choose who is told."""


@notices.command("list", epilog="Example: crosswalk notices list --unread")
@click.option("--unread", is_flag=True, help="Only those that nobody has read.")
@click.option("--kind", metavar="KIND", help="Only of this kind, such as lane.paused.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="Most notices.")
@JSON
def list_(*, unread: bool, kind: str | None, limit: int, as_json: bool) -> None:
    """List notices, newest first; * marks unread ones."""
    found = run(_work(lambda hub: hub.notices().list(unread=unread, kind=_kinds(kind), most=limit)))
    if as_json:
        print_json(found)
        return
    for each in found:
        mark = " " if each.read_at else "*"
        click.echo(f"{mark} {each.created_at:%Y-%m-%d %H:%M:%S}  {each.kind:18}  {each.message}  ({each.id})")


@notices.command()
@click.argument("notice", metavar="[ID]", required=False)
@JSON
def read(*, notice: str | None, as_json: bool) -> None:
    """Mark one notice as read, or all of them."""
    count = run(_work(lambda hub: hub.notices().mark_read(notice)))
    if as_json:
        print_json({"read": count})
    else:
        click.echo(f"{count:,} marked as read.")


@notices.command(epilog="Example: crosswalk notices add --email ops@example.com --kind run.stopped --kind lane.paused")
@click.option("--email", metavar="ADDRESS", help="Tell this address; needs CROSSWALK_SMTP_URL.")
@click.option("--webhook", metavar="NAME|URL", help="Tell this endpoint, or make one for this URL.")
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Only of these kinds. [default: all but run.finished]"
)
@JSON
def add(*, email: str | None, webhook: str | None, kinds: tuple[str, ...], as_json: bool) -> None:
    """Tell an e-mail address or an endpoint.

    Kinds: lane.paused, lane.resumed, dead_letters.new, record.held, run.finished, run.stopped, budget.spent,
    budget.foreign_use, endpoint.disabled, source.failed, source.empty, schema.changed.
    """
    if (email is None) == (webhook is None):
        raise click.UsageError("Give --email or --webhook, one of the two.")

    async def work(hub: "Hub") -> "tuple[Channel, str | None]":
        chosen: list[NoticeKind] = [each for name in kinds if (each := _kinds(name)) is not None]
        if email is not None:
            return await hub.notices().add_email(email, chosen), None
        endpoints, secret = hub.office.endpoints(), None
        if webhook is not None and "://" in webhook:
            found, secret = await endpoints.ensure_told(webhook)
        else:
            found = await endpoints.find(webhook or "")
        return await hub.notices().add_endpoint(found, chosen), secret

    channel, secret = run(_work(work))
    if as_json:
        from msgspec.structs import asdict

        print_json(asdict(channel) | ({} if secret is None else {"secret": secret}))
        return
    click.echo(_line(channel))
    if secret is not None:
        click.echo(f"Its messages are signed with this secret, shown this once: {secret}")


@notices.command()
@JSON
def channels(*, as_json: bool) -> None:
    """List who is told."""
    found = run(_work(lambda hub: hub.notices().channels()))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_line(each))


@notices.command()
@CHANNEL
@JSON
def remove(*, channel: str, as_json: bool) -> None:
    """Tell somebody no more. CHANNEL is an id, an address, or an endpoint's name or URL."""
    found = run(_work(lambda hub: hub.notices().remove(channel)))
    if as_json:
        print_json({"id": found.id, "removed": True})
    else:
        click.echo(f"Removed {found.address or found.endpoint}.")


@notices.command()
@CHANNEL
@JSON
def test(*, channel: str, as_json: bool) -> None:
    """Send a test to one channel. It goes at once when this process may own the engine, else with the owner's next."""

    async def work(hub: "Hub") -> "tuple[Channel, bool]":
        import os

        from crosswalk.store.lock import ENGINE_LOCK, Held, hold

        found = await hub.notices().test(channel)
        try:
            with hold(hub.settings.home / ENGINE_LOCK, f"process {os.getpid()} (crosswalk notices test)"):
                await hub.courier().empty()
        except Held:
            return found, False
        return found, True

    found, done = run(_work(work))
    where = found.address or found.endpoint
    if as_json:
        print_json({"channel": found.id, "handled": done})
    else:
        how = "crosswalk webhooks log tells what came of it" if done else "the process that owns the engine sends it"
        click.echo(f"A test for {where} is in the outbox; {how}.")


def _kinds(name: str | None) -> "NoticeKind | None":
    from crosswalk.delivery.errors import UnknownNotice
    from crosswalk.delivery.notices import read_kind

    try:
        return None if name is None else read_kind(name)
    except UnknownNotice as exc:
        raise WrongUse(str(exc)) from exc


async def _work(task: "Callable[[Hub], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await task(hub)


def _line(channel: "Channel") -> str:
    kinds = "all but run.finished" if channel.kinds is None else ", ".join(channel.kinds)
    where = channel.address or f"{channel.endpoint} {channel.url}"
    return f"{channel.id}  {channel.kind:7}  {where}  {kinds}"
