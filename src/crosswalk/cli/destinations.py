"""`crosswalk destinations`: where rows go and as what: made, listed, activated, paused, removed."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crosswalk.cli.status import WrongUse, print_json, run

if TYPE_CHECKING:
    from crosswalk.delivery.destinations import Destination, Destinations
    from crosswalk.delivery.settings import Settings

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NAME = click.argument("destination", metavar="NAME")


@click.group()
def destinations() -> None:
    """Say where rows go and as what, in versions. NAME is a destination's name or id."""


@destinations.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List the destinations."""
    found = run(_work(lambda service: service.list()))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_line(each))


@destinations.command()
@NAME
@JSON
def show(*, destination: str, as_json: bool) -> None:
    """Show one destination with its settings."""
    found = run(_work(lambda service: service.find(destination)))
    if as_json:
        print_json(found)
        return
    click.echo(_line(found))
    print_json(found.settings)


@destinations.command(
    epilog="Example: crosswalk destinations create people --account acme --template create-contact "
    "--map FIRST_NAME=first --map LAST_NAME=last"
)
@click.argument("name")
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@click.option("--template", metavar="NAME", help="What each row becomes, such as create-contact.")
@click.option("--id-field", metavar="COLUMN", help="The column that holds the record's id, for update and delete.")
@click.option("--map", "fields", multiple=True, metavar="FIELD=COLUMN", help="Send only mapped fields.")
@click.option("--set", "constants", multiple=True, metavar="FIELD=VALUE", help="The same in every row.")
@click.option("--exclude", multiple=True, metavar="A,B.C", help="Columns, or paths in them, not to send.")
@click.option("--match", metavar="FIELD", help="Find a record by it when nobody knows whether its creation worked.")
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="A JSON file of settings instead, as the HTTP API takes them; - reads standard input.",
)
@JSON
def create(
    *,
    name: str,
    account: str,
    template: str | None,
    id_field: str | None,
    fields: tuple[str, ...],
    constants: tuple[str, ...],
    exclude: tuple[str, ...],
    match: str | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Make a destination. It is a draft, and sends nothing before it is activated."""
    from crosswalk.delivery.destinations import Draft
    from crosswalk.delivery.settings import Settings

    own = Settings(
        template=template,
        fields=_read_pairs(fields, "--map"),
        constants=_read_pairs(constants, "--set"),
        exclude=tuple(name.strip() for value in exclude for name in value.split(",") if name.strip()),
        id_column=id_field,
        match=match,
    )
    if file is not None and own != Settings():
        raise click.UsageError("Give --settings, or the other options, one of the two.")
    draft = Draft(name=name, account=account, settings=own if file is None else _read_settings(file))
    _tell(run(_work(lambda service: service.create(draft))), as_json=as_json)


@destinations.command()
@NAME
@JSON
def activate(*, destination: str, as_json: bool) -> None:
    """Let rows go."""
    _tell(run(_work(lambda service: service.activate(destination))), as_json=as_json)


@destinations.command()
@NAME
@JSON
def pause(*, destination: str, as_json: bool) -> None:
    """Let no more rows go."""
    _tell(run(_work(lambda service: service.pause(destination))), as_json=as_json)


@destinations.command()
@NAME
@JSON
def remove(*, destination: str, as_json: bool) -> None:
    """Forget a destination that is not active, and its versions."""
    found = run(_work(lambda service: service.remove(destination)))
    if as_json:
        print_json({"id": found.id, "name": found.name, "removed": True})
    else:
        click.echo(f"Removed {found.name} ({found.id}).")


async def _work(task: "Callable[[Destinations], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub
    from crosswalk.delivery.destinations import Destinations

    async with open_hub() as hub:
        return await task(Destinations(database=hub.database, who="command line"))


def _read_pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values:
        name, equals, column = value.partition("=")
        if not equals or not name.strip() or name.strip() in pairs:
            raise click.UsageError(f"{option} {value!r}: write NAME=VALUE, each name once.")
        pairs[name.strip()] = column
    return pairs


def _read_settings(file: Path) -> "Settings":
    import msgspec

    from crosswalk.delivery.settings import Settings

    with click.open_file(str(file), "rb") as stream:
        text: Any = stream.read()
    try:
        return msgspec.json.decode(text, type=Settings)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise WrongUse(f"The settings {file} cannot be used: {exc}") from exc


def _tell(found: "Destination", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(_line(found))


def _line(found: "Destination") -> str:
    what = found.settings.template or f"{found.settings.method} {found.settings.url}"
    return f"{found.id}  {found.name:20}  {found.state:6}  version {found.version}  {what}"
