"""`crosswalk sources`: what fills datasets: made, listed, read, paused, removed."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crosswalk.cli.status import SOME_FAILED, WrongUse, print_json, run, tell_removed

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.delivery.kinds import Kind
    from crosswalk.delivery.sources import Made, Pull, Source

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NAME = click.argument("source", metavar="NAME")


@click.group()
def sources() -> None:
    """Say what fills datasets: files, databases, HTTP APIs, webhooks, Insightly itself.

    NAME is a source's name or id.
    """


@sources.group()
def create() -> None:
    """Make a source, and the dataset that it fills."""


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every kind takes."""
    for option in (
        JSON,
        click.option("--account", metavar="NAME", help="The linked account that the records belong to."),
        click.option("--dataset", metavar="NAME", help="The dataset's name; the source's own unless said."),
        click.option("--key", metavar="COLUMN", help="Add only records whose value here is new."),
    ):
        command = option(command)
    return command


def _timed(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--schedule", metavar="WHEN", help="`once 2026-12-01T09:00:00Z`, `every 15m`, `cron 0 9 * * 1-5 Europe/Berlin`."
    )(command)


@create.command("file", epilog="Example: crosswalk sources create file people /data/people.csv --schedule 'every 15m'")
@click.argument("name")
@click.argument("path")
@click.option("--format", "form", metavar="NAME", help="csv, jsonl, parquet, …, where the ending does not say.")
@click.option("--delimiter", help="One character, or tab; found out unless said.")
@click.option("--encoding", help="Such as utf-8 or cp1252; found out unless said.")
@click.option("--header/--no-header", default=None, help="Whether the first line names the columns.")
@click.option("--sheet", help="The sheet of a workbook; the first unless said.")
@click.option("--path", "inside", metavar="A.B", help="Where the array lies in a JSON document.")
@_common
@_timed
def create_file(
    *,
    name: str,
    path: str,
    form: str | None,
    delimiter: str | None,
    encoding: str | None,
    header: bool | None,
    sheet: str | None,
    inside: str | None,
    key: str | None,
    **more: Any,
) -> None:
    """Read a file, a folder, a pattern such as `/data/*.csv`, or s3://, gs://, sftp://."""
    from crosswalk.delivery.kinds import File
    from crosswalk.delivery.row import Options

    options = Options(format=form, delimiter=delimiter, encoding=encoding, header=header, sheet=sheet, path=inside)
    _create(name, File(path=path, options=options, key=key), **more)


@create.command("sql", epilog="Example: crosswalk sources create sql people 'SELECT * FROM people' --connection crm")
@click.argument("name")
@click.argument("query")
@click.option("--connection", metavar="NAME", help="A connection of `crosswalk sources connections`.")
@click.option("--url", metavar="URL|-", help="A database's address instead, kept sealed; - reads standard input.")
@click.option("--cursor-column", metavar="COLUMN", help="Read only rows above the highest value read.")
@_common
@_timed
def create_sql(
    *,
    name: str,
    query: str,
    connection: str | None,
    url: str | None,
    cursor_column: str | None,
    key: str | None,
    **more: Any,
) -> None:
    """Read a query of a database. Without a cursor column every pull reads all of it."""
    from crosswalk.delivery.kinds import Sql

    told = Sql(query=query, connection=connection, cursor_column=cursor_column, key=key)
    _create(name, told, secret=_read_secret(url), **more)


@create.command(
    "http",
    epilog="Example: crosswalk sources create http orders https://api.example.com/orders --records data --paging page",
)
@click.argument("name")
@click.argument("url")
@click.option(
    "--paging",
    "style",
    type=click.Choice(["none", "page", "offset", "cursor", "link-header"]),
    default="none",
    show_default=True,
    help="How one page leads to the next.",
)
@click.option("--records", metavar="A.B", help="Where the array lies in an answer.")
@click.option("--cursor", metavar="A.B", help="Where the next cursor lies in an answer.")
@click.option("--parameter", metavar="NAME", help="What the page, offset or cursor is called in the query.")
@click.option("--size-parameter", metavar="NAME", help="What the page's size is called in the query.")
@click.option("--size", type=click.IntRange(min=1), help="Records of a full page.")
@click.option("--first", type=click.IntRange(min=0), default=1, show_default=True, help="The first page's number.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A header to send, kept sealed.")
@_common
@_timed
def create_http(
    *,
    name: str,
    url: str,
    style: Any,
    records: str | None,
    cursor: str | None,
    parameter: str | None,
    size_parameter: str | None,
    size: int | None,
    first: int,
    headers: tuple[str, ...],
    key: str | None,
    **more: Any,
) -> None:
    """Read a paged HTTP API that answers JSON."""
    import msgspec

    from crosswalk.delivery.kinds import Http
    from crosswalk.delivery.pull_http import Paging

    paging = Paging(
        style=style,
        records=records,
        cursor=cursor,
        parameter=parameter,
        size_parameter=size_parameter,
        size=size,
        first=first,
    )
    pairs = [each.partition(":") for each in headers]
    if any(not colon for _, colon, _ in pairs):
        raise click.UsageError("--header: write NAME:VALUE.")
    secret = msgspec.json.encode({name: value.strip() for name, _, value in pairs}).decode() if headers else None
    _create(name, Http(url=url, paging=paging, key=key), secret=secret, **more)


@create.command("webhook", epilog="Example: crosswalk sources create webhook orders --key id")
@click.argument("name")
@click.option("--max-bytes", type=click.IntRange(1, 64_000_000), default=1_000_000, show_default=True)
@click.option("--signature", type=click.Choice(["none", "standard", "hmac-sha256"]), default="none", show_default=True)
@click.option("--signature-header", default="X-Signature-256", show_default=True, help="For hmac-sha256.")
@click.option("--secret", metavar="SECRET|-", help="What signatures are checked by; - reads standard input.")
@click.option("--include-headers", is_flag=True, help="Keep headers as columns header_….")
@click.option("--include-url-params", is_flag=True, help="Keep the address's parameters as columns url_param_….")
@_common
def create_webhook(
    *,
    name: str,
    max_bytes: int,
    signature: Any,
    signature_header: str,
    secret: str | None,
    include_headers: bool,
    include_url_params: bool,
    key: str | None,
    **more: Any,
) -> None:
    """Take what others post. The address is shown this once."""
    from crosswalk.delivery.kinds import Webhook

    told = Webhook(
        max_bytes=max_bytes,
        signature=signature,
        signature_header=signature_header,
        include_headers=include_headers,
        include_url_params=include_url_params,
        key=key,
    )
    _create(name, told, secret=_read_secret(secret), **more)


@create.command("insightly", epilog="Example: crosswalk sources create insightly contacts Contacts --account acme")
@click.argument("name")
@click.argument("resource")
@click.option("--full", is_flag=True, help="Walk all of it every time, instead of what changed.")
@_common
@_timed
def create_insightly(*, name: str, resource: str, full: bool, key: str | None, **more: Any) -> None:
    """Read a resource of a linked Insightly: all of it first, then each change."""
    from crosswalk.delivery.kinds import Records

    _create(name, Records(resource=resource, full=full, key=key), **more)


@sources.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List the sources."""
    found = run(_work(lambda hub: hub.sources().list()))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_line(each))


@sources.command()
@NAME
@JSON
def show(*, source: str, as_json: bool) -> None:
    """Show one source with its settings."""
    found = run(_work(lambda hub: hub.sources().find(source)))
    if as_json:
        print_json(found)
        return
    click.echo(_line(found))
    print_json(found.settings)


@sources.command("run", epilog="Example: crosswalk sources run people")
@NAME
@JSON
def run_(*, source: str, as_json: bool) -> None:
    """Read a source now, in this process. Status 1: rows could not be read; 3: the source failed."""
    pull = run(_work(lambda hub: _pull(hub, source)))
    if as_json:
        print_json(pull)
    else:
        click.echo(_pull_line(pull))
    if pull.state == "failed":
        raise SystemExit(3)
    if pull.unreadable:
        raise SystemExit(SOME_FAILED)


@sources.command()
@NAME
@click.option("--most", type=click.IntRange(1, 500), default=20, show_default=True, help="How many, newest first.")
@JSON
def pulls(*, source: str, most: int, as_json: bool) -> None:
    """List a source's pulls, newest first."""
    found = run(_work(lambda hub: hub.sources().pulls(source, most=most)))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_pull_line(each))


@sources.command()
@NAME
@click.argument("pull")
@JSON
def unreadable(*, source: str, pull: str, as_json: bool) -> None:
    """Show the rows of a pull that could not be read, the first thousand, and why."""
    found = run(_work(lambda hub: hub.sources().unreadable(source, pull, most=1000)))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"{each.number:>10}  {each.reason}")


@sources.command()
@NAME
@JSON
def pause(*, source: str, as_json: bool) -> None:
    """Begin no more pulls, and take no more posts."""
    _tell(run(_work(lambda hub: hub.sources().pause(source))), as_json=as_json)


@sources.command()
@NAME
@JSON
def activate(*, source: str, as_json: bool) -> None:
    """Let it be read again."""
    _tell(run(_work(lambda hub: hub.sources().activate(source))), as_json=as_json)


@sources.command(epilog="Example: crosswalk sources schedule people 'every 1h'")
@NAME
@click.argument("when", required=False)
@JSON
def schedule(*, source: str, when: str | None, as_json: bool) -> None:
    """Say when it is read; without WHEN, only when it is run. `crosswalk serve` keeps to it."""
    from crosswalk.delivery.sources import Change

    change = Change(schedule=when)
    _tell(run(_work(lambda hub: hub.sources().change(source, change))), as_json=as_json)


@sources.command()
@NAME
@JSON
def rotate(*, source: str, as_json: bool) -> None:
    """Give a webhook a new address; the old one counts for another day."""
    _tell_made(run(_work(lambda hub: hub.sources().rotate(source))), as_json=as_json)


@sources.command()
@NAME
@JSON
def remove(*, source: str, as_json: bool) -> None:
    """Forget a source and its pulls; its dataset stays."""
    found = run(_work(lambda hub: hub.sources().remove(source)))
    tell_removed(found.id, found.name, as_json=as_json, also=f". Dataset {found.dataset} stays")


@sources.group(invoke_without_command=True)
@click.pass_context
@JSON
def connections(context: click.Context, *, as_json: bool) -> None:
    """List the databases that SQL sources may name; add and remove them."""
    if context.invoked_subcommand is not None:
        return
    found = run(_work(lambda hub: hub.connections().list()))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"{each.id}  {each.name:20}  {each.address}")


@connections.command("add", epilog="Example: crosswalk sources connections add crm postgresql://reader@db/crm")
@click.argument("name")
@click.argument("url")
@JSON
def add_connection(*, name: str, url: str, as_json: bool) -> None:
    """Keep a database's address, sealed, under a name; URL - reads standard input.

    Give it a database user that may only read, and only what sources should see.
    """
    made = run(_work(lambda hub: hub.connections().add(name, _read_secret(url) or "")))
    if as_json:
        print_json(made)
    else:
        click.echo(f"{made.id}  {made.name:20}  {made.address}")


@connections.command("remove")
@click.argument("name")
@JSON
def remove_connection(*, name: str, as_json: bool) -> None:
    """Forget a connection that no source names."""
    run(_work(lambda hub: hub.connections().remove(name)))
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        click.echo(f"Removed {name}.")


async def _work(task: "Callable[[Hub], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await task(hub)


async def _pull(hub: "Hub", source: str) -> "Pull":
    from crosswalk.cli.progress import Meter

    found = await hub.sources().find(source)
    with Meter(found.name, total=None, left=lambda: None) as meter:
        pull = await hub.puller().pull(found.id, tell=lambda rows, bad: meter.show(done=rows, failed=bad))
    assert pull is not None, "only what a schedule asks for may be another's"
    return pull


def _create(name: str, settings: "Kind", *, secret: str | None = None, as_json: bool, **more: Any) -> None:
    from crosswalk.delivery.sources import Draft

    draft = Draft(name=name, settings=settings, secret=secret, **more)
    _tell_made(run(_work(lambda hub: hub.sources().create(draft))), as_json=as_json)


def _read_secret(text: str | None) -> str | None:
    if text != "-":
        return text
    secret = sys.stdin.readline().strip()
    if not secret:
        raise WrongUse("Nothing came on standard input; send the secret there")
    return secret


def _tell(found: "Source", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(_line(found))


def _tell_made(made: "Made", *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    click.echo(_line(made.source))
    if made.hook is not None:
        click.echo(f"POST /hooks/{made.hook}\nThis address is shown only now; whoever knows it may post.")


def _line(found: "Source") -> str:
    from crosswalk.delivery.sources import kind_name

    when = found.schedule or "-"
    kind = kind_name(found.settings)
    return f"{found.id}  {found.name:20}  {kind:9}  {found.state:6}  {found.records:>9,} records  {when}"


def _pull_line(pull: "Pull") -> str:
    span = "nothing new" if pull.first is None else f"records {pull.first:,} to {pull.last:,}"
    bad = f", {pull.unreadable:,} unreadable" if pull.unreadable else ""
    why = f": {pull.reason}" if pull.reason else ""
    return f"{pull.id}  {pull.state:8}  {pull.rows:,} rows, {span}{bad}{why}"
