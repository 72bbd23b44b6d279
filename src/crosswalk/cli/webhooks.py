"""`crosswalk webhooks`: endpoints that are told, their secrets, what they were told."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import click

from crosswalk.cli.status import NotReached, print_json, run, tell_removed

if TYPE_CHECKING:
    from crosswalk.outgoing.endpoints import Endpoint, Revealed
    from crosswalk.outgoing.message import Message
    from crosswalk.outgoing.office import Office

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NAME = click.argument("endpoint", metavar="NAME")
SECRET = click.option("--secret", metavar="whsec_…", help="A secret of your own. [default: one is made]")


@click.group()
def webhooks() -> None:
    """Tell endpoints of what happens, by signed POSTs. NAME is an endpoint's name or id."""


@webhooks.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List the endpoints, without their secrets."""
    found = run(_work(lambda office: office.endpoints().list()))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_line(each))


@webhooks.command(epilog="Example: crosswalk webhooks create crm-log --url https://example.com/hooks")
@click.argument("name")
@click.option("--url", required=True, help="Where to: https, on the public internet or in CROSSWALK_WEBHOOK_HOSTS.")
@SECRET
@JSON
def create(*, name: str, url: str, secret: str | None, as_json: bool) -> None:
    """Make an endpoint and print its secret, this once."""
    from crosswalk.outgoing.endpoints import Draft

    draft = Draft(name=name, url=url, secret=secret)
    _reveal(run(_work(lambda office: office.endpoints().create(draft))), as_json=as_json)


@webhooks.command()
@NAME
@JSON
def show(*, endpoint: str, as_json: bool) -> None:
    """Show one endpoint."""
    _tell(run(_work(lambda office: office.endpoints().find(endpoint))), as_json=as_json)


@webhooks.command()
@NAME
@click.option("--url", required=True, help="Where to send from now on, what waits included.")
@JSON
def move(*, endpoint: str, url: str, as_json: bool) -> None:
    """Send to another URL."""
    _tell(run(_work(lambda office: office.endpoints().move(endpoint, url))), as_json=as_json)


@webhooks.command(epilog="Example: crosswalk webhooks rotate crm-log --overlap 48")
@NAME
@click.option(
    "--overlap", type=click.IntRange(0, 720), default=24, show_default=True, help="Hours that old secrets sign still."
)
@SECRET
@JSON
def rotate(*, endpoint: str, overlap: int, secret: str | None, as_json: bool) -> None:
    """Sign with a new secret and print it, this once."""
    span = timedelta(hours=overlap)
    work = _work(lambda office: office.endpoints().rotate(endpoint, overlap=span, secret=secret))
    _reveal(run(work), as_json=as_json)


@webhooks.command()
@NAME
@JSON
def enable(*, endpoint: str, as_json: bool) -> None:
    """Send again, what waited included."""
    _tell(run(_work(lambda office: office.endpoints().enable(endpoint))), as_json=as_json)


@webhooks.command()
@NAME
@JSON
def disable(*, endpoint: str, as_json: bool) -> None:
    """Send nothing; messages wait, at most three days."""
    _tell(run(_work(lambda office: office.endpoints().disable(endpoint))), as_json=as_json)


@webhooks.command()
@NAME
@JSON
def remove(*, endpoint: str, as_json: bool) -> None:
    """Forget an endpoint; what waits for it ends as dead."""
    found = run(_work(lambda office: office.endpoints().remove(endpoint)))
    tell_removed(found.id, found.name, as_json=as_json)


@webhooks.command()
@NAME
@JSON
def test(*, endpoint: str, as_json: bool) -> None:
    """Send a signed test now. Status 3 when the endpoint does not take it."""
    from crosswalk.outgoing.judge import Sent, judge

    result = run(_work(lambda office: office.endpoints().test(endpoint)))
    outcome = judge(result, attempts=0, now=datetime.now(UTC), chance=0.5)
    if not isinstance(outcome, Sent):
        raise NotReached(f"Endpoint {endpoint} did not take the test: {outcome.reason}")
    if as_json:
        print_json({"delivered": True, "status": outcome.status})
    else:
        click.echo(f"Delivered: {outcome.status}.")


@webhooks.command(epilog="Example: crosswalk webhooks log crm-log --state dead")
@click.argument("endpoint", metavar="[NAME]", required=False)
@click.option("--state", type=click.Choice(["pending", "sent", "dead"]), help="Only those.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="Most messages.")
@JSON
def log(*, endpoint: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List what endpoints, datasets and e-mail addresses were told, newest first."""
    found = run(_work(lambda office: _list(office, endpoint, state, limit)))
    if as_json:
        print_json([_describe(each) for each in found])
        return
    for each in found:
        why = f"  {each.reason}" if each.reason else ""
        tries = f"{each.attempts} attempts"
        click.echo(f"{each.id}  {each.created_at:%Y-%m-%d %H:%M:%S}  {each.topic:12}  {each.state:7}  {tries}{why}")


@webhooks.command(epilog="Example: crosswalk webhooks replay --endpoint crm-log --since 2026-11-01")
@click.argument("message", metavar="[MESSAGE]", required=False)
@click.option("--endpoint", metavar="NAME", help="Instead of one message: those of this endpoint.")
@click.option("--since", type=click.DateTime(), help="With --endpoint: written at or after then (UTC).")
@click.option("--until", type=click.DateTime(), help="With --endpoint: written before then (UTC).")
@click.option("--all", "whole", is_flag=True, help="With --endpoint: those that arrived, too; else dead ones only.")
@JSON
def replay(
    *,
    message: str | None,
    endpoint: str | None,
    since: datetime | None,
    until: datetime | None,
    whole: bool,
    as_json: bool,
) -> None:
    """Send messages that ended once more, under the ids that they had; whoever owns the engine sends them."""
    if (message is None) == (endpoint is None) or (endpoint is None) != (since is None):
        raise click.UsageError("Give a MESSAGE, or --endpoint with --since.")

    async def work(office: "Office") -> int:
        if message is not None:
            await office.outbox().replay(message)
            return 1
        found = await office.endpoints().find(endpoint or "")
        assert since is not None, "asked for beside an endpoint"
        return await office.outbox().replay_range(
            found.id,
            since=since.replace(tzinfo=UTC),
            until=None if until is None else until.replace(tzinfo=UTC),
            state=None if whole else "dead",
        )

    count = run(_work(work))
    if as_json:
        print_json({"replayed": count})
    else:
        click.echo(f"{count:,} messages are sent once more.")


async def _list(office: "Office", endpoint: str | None, state: str | None, most: int) -> "list[Message]":
    import msgspec

    from crosswalk.store.outbox import MessageState

    target = None if endpoint is None else (await office.endpoints().find(endpoint)).id
    chosen = msgspec.convert(state, MessageState | None)
    return [*await office.outbox().list(target=target, state=chosen, most=most)]


async def _work(task: "Callable[[Office], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await task(hub.office)


def _describe(message: "Message") -> dict[str, object]:
    names = [name for name in message.__struct_fields__ if name not in {"body", "leased_until"}]
    return {name: getattr(message, name) for name in names}


def _reveal(made: "Revealed", *, as_json: bool) -> None:
    if as_json:
        from msgspec.structs import asdict

        print_json({**asdict(made.endpoint), "secret": made.secret})
    else:
        click.echo(_line(made.endpoint), err=True)
        click.echo(made.secret)


def _tell(found: "Endpoint", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(_line(found))


def _line(found: "Endpoint") -> str:
    why = f"  {found.reason}" if found.reason else ""
    return f"{found.id}  {found.name:20}  {found.state:8}  {found.url}{why}"
