"""`crosswalk send`: the rows of a file, through the journal, into Insightly."""

import sys
from pathlib import Path

import click

from crosswalk.delivery.template import TEMPLATES

EPILOG = """\b
Examples:
  crosswalk send people.csv --account acme --template create-contact \\
      --map FIRST_NAME=first_name --map PHONE=phone --dry-run
  crosswalk send people.csv --account acme --template update-contact --id-field id --map PHONE=phone

Status: 0 every row is delivered; 1 some are dead or held (crosswalk runs show RUN says why); 2 wrong use; 3 Insightly
could not be reached, or refused the key, the plan or the day's quota. What was not sent waits: --resume."""


def _templates(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [name for name in TEMPLATES if name.startswith(start)]


def _pairs(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    for value in values:
        if not value.partition("=")[1] or not value.partition("=")[0].strip():
            raise click.BadParameter(f"{value!r} has no '='. Write FIELD=value.", param=param)
    return tuple((value.partition("=")[0].strip(), value.partition("=")[2]) for value in values)


def _names(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@click.option("--template", required=True, metavar="NAME", shell_complete=_templates, help="What each row becomes.")
@click.option("--id-field", metavar="COLUMN", help="The column that holds the record's id, for update and delete.")
@click.option(
    "--map", "fields", multiple=True, callback=_pairs, metavar="FIELD=COLUMN", help="Send only mapped fields."
)
@click.option(
    "--set", "constants", multiple=True, callback=_pairs, metavar="FIELD=VALUE", help="The same in every row."
)
@click.option("--exclude", multiple=True, callback=_names, metavar="A,B", help="Columns that are not sent.")
@click.option("--dry-run", is_flag=True, help="Show the first payloads and the call count; send nothing.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run of this file, account and mapping.")
@click.option("--again", is_flag=True, help="Leave an unfinished run as it is, and send everything anew.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def send(
    file: Path,
    *,
    account: str,
    template: str,
    id_field: str | None,
    fields: tuple[tuple[str, str], ...],
    constants: tuple[tuple[str, str], ...],
    exclude: tuple[str, ...],
    dry_run: bool,
    resume: bool,
    again: bool,
    as_json: bool,
) -> None:
    """Send the rows of FILE (CSV, TSV or JSON Lines) to an Insightly account.

    Without --map and --set every column is sent under its own name. Empty cells are left out. Every call is written
    down before it goes out; a row whose outcome nobody knows is held, never sent again by itself.
    """
    from crosswalk.cli.order import carry_out, show_order
    from crosswalk.cli.status import explained
    from crosswalk.delivery.payload import Plan
    from crosswalk.delivery.template import find_template

    if resume and again:
        raise click.UsageError("--resume and --again exclude each other.")
    with explained():
        plan = Plan(
            template=find_template(template), fields=fields, constants=constants, exclude=exclude, id_column=id_field
        )
        if dry_run:
            show_order(file, plan)
            return
        summary = carry_out(file, account, plan, mode="resume" if resume else "again" if again else "new")
    click.echo(summary.as_json() if as_json else summary.as_text())
    sys.exit(summary.status)
