"""`crosswalk mapping`: a first mapping of a file's columns, suggested by their names."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import explained, print_json, run
from crosswalk.delivery.template import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosswalk.delivery.suggest import Match, Suggestion
    from crosswalk.insightly.custom_fields import CustomField


@click.group()
def mapping() -> None:
    """Say which column of a file goes to which field of Insightly, and what fields of the unified model are made of."""


@mapping.command(
    epilog="Example: crosswalk mapping suggest people.csv --template create-contact --json > settings.json"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--template",
    required=True,
    metavar="NAME",
    shell_complete=lambda _ctx, _param, start: [name for name in TEMPLATES if name.startswith(start)],
    help="What each row is to become, such as create-contact.",
)
@click.option("--account", metavar="NAME", help="Ask this account for its custom fields too: one call.")
@click.option("--json", "as_json", is_flag=True, help="Print settings as destinations take them: --settings FILE.")
def suggest(file: Path, *, template: str, account: str | None, as_json: bool) -> None:
    """Suggest a mapping of FILE's columns by their names, spellings and synonyms.

    Read it before you use it: nothing is sent, and no cell is looked at. Columns that hold names, such as an owner's,
    get a lookup, which turns them into Insightly's ids.
    """
    from crosswalk.contract import load
    from crosswalk.delivery.settings import Settings
    from crosswalk.delivery.source import open_source
    from crosswalk.delivery.suggest import suggest as make
    from crosswalk.delivery.template import find_template

    with explained():
        found = find_template(template)
        with open_source(file) as source:
            columns = source.columns
    custom = None if account is None else run(_read_custom(account, found.resource))
    made = make(found, columns, load(), custom=custom)
    if as_json:
        print_json(Settings(template=template, mapping=made.mapping, id_column=made.id_column))
    _show(made, as_json=as_json)


async def _read_custom(account: str, resource: str) -> "Mapping[str, CustomField]":
    from crosswalk.app import open_account

    async with open_account(account) as crm:
        return (await crm.custom_fields(resource)).fields


def _show(made: "Suggestion", *, as_json: bool) -> None:
    """Print the mapping for people, and on standard error what to look at."""
    if made.id_column is not None and not as_json:
        click.echo(f"{'the record':28}  <- {made.id_column}")
    for match in () if as_json else made.matches:
        click.echo(_line(match))
    if made.unused:
        click.echo(f"Left out: {', '.join(made.unused)}. Map them by hand, if they are to go.", err=True)
    if made.missing:
        click.echo(f"Required and not found: {', '.join(made.missing)}.", err=True)


def _line(match: "Match") -> str:
    lookup = "" if match.rule.lookup is None else f", looked up in {match.rule.lookup.table}"
    return f"{match.field:28}  <- {match.rule.column}  (by {match.why}{lookup})"
