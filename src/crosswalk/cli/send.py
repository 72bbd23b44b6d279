"""`crosswalk send`: the rows of a file, through the journal, into Insightly."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crosswalk.delivery.template import NOUNS, SAYS, TEMPLATES

if TYPE_CHECKING:
    from crosswalk.delivery.plan import Manual
    from crosswalk.delivery.template import Template

Pairs = tuple[tuple[str, str], ...]

EPILOG = f"""\b
Templates: {", ".join(f"{action}-NOUN" for action in SAYS)}, where NOUN is one of
  {", ".join(NOUNS)}.
\b
Macros, in --url and --header: {{record.COLUMN}}, {{record.column.below}}, {{now}}, {{now-5}}. In a URL every value is
percent-encoded; a row without a value for a macro becomes a dead letter, and no call is spent on it.
\b
Groupings: json_array; property_in_object (property=records, constants='{{"mode":"x"}}'); keyed_object
(key_attribute=EMAIL_ADDRESS). Each also takes max_bytes=1000000.
\b
Examples:
  crosswalk send people.csv --account acme --template create-contact \\
      --map FIRST_NAME=first_name --map PHONE=phone --dry-run
  crosswalk send people.csv --account acme --template update-contact --id-field id --map PHONE=phone
  crosswalk send notes.csv --account acme --method POST --map TITLE=title --map BODY=text \\
      --url 'https://api.na1.insightly.com/v3.1/Contacts/{{record.contact}}/Notes'

Status: 0 every row is delivered; 1 some are dead or held (crosswalk runs show RUN says why); 2 wrong use; 3 Insightly
could not be reached, or refused the key, the plan or the day's quota. What was not sent waits: --resume."""


def _templates(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [name for name in TEMPLATES if name.startswith(start)]


def _pairs(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Pairs:
    for value in values:
        if not value.partition("=")[1] or not value.partition("=")[0].strip():
            raise click.BadParameter(f"{value!r} has no '='. Write {param.metavar}.", param=param)
    return tuple((value.partition("=")[0].strip(), value.partition("=")[2]) for value in values)


def _names(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@click.option("--template", metavar="NAME", shell_complete=_templates, help="What each row becomes; see below.")
@click.option("--id-field", metavar="COLUMN", help="The column that holds the record's id, for update and delete.")
@click.option("--method", type=click.Choice(["POST", "PUT", "PATCH", "DELETE"]), help="Instead of a template.")
@click.option("--url", metavar="URL", help="With --method: the complete URL with its pod. May hold macros.")
@click.option("--header", "headers", multiple=True, metavar="'A:B,C:D'", help="With --method: headers to add.")
@click.option("--date-format", metavar="F", default="yyyy-MM-dd", show_default=True, help="How {now} is written.")
@click.option(
    "--time-unit",
    type=click.Choice(["Second", "Minute", "Hour", "Day", "Week"]),
    default="Day",
    show_default=True,
    help="The step of {now-5}.",
)
@click.option(
    "--map", "fields", multiple=True, callback=_pairs, metavar="FIELD=COLUMN", help="Send only mapped fields."
)
@click.option(
    "--set", "constants", multiple=True, callback=_pairs, metavar="FIELD=VALUE", help="The same in every row."
)
@click.option(
    "--exclude", multiple=True, callback=_names, metavar="A,B.C", help="Columns, or paths in them, not to send."
)
@click.option("--match", metavar="FIELD", help="Find a record by it when nobody knows whether its creation worked.")
@click.option("--batch-size", type=int, metavar="N", help="Most records in a call, 1 to 500. [default: 100]")
@click.option("--grouping", metavar="NAME", help="How a call holds many records; see below. [default: none]")
@click.option("--grouping-option", "options", multiple=True, callback=_pairs, metavar="K=V", help="Its settings.")
@click.option("--dry-run", is_flag=True, help="Show the first payloads and the call count; send nothing.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run of this file, account and mapping.")
@click.option("--again", is_flag=True, help="Leave an unfinished run as it is, and send everything anew.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def send(
    file: Path,
    *,
    account: str,
    template: str | None,
    id_field: str | None,
    method: str | None,
    url: str | None,
    headers: tuple[str, ...],
    date_format: str,
    time_unit: str,
    fields: Pairs,
    constants: Pairs,
    exclude: tuple[str, ...],
    match: str | None,
    batch_size: int | None,
    grouping: str | None,
    options: Pairs,
    dry_run: bool,
    resume: bool,
    again: bool,
    as_json: bool,
) -> None:
    """Send the rows of FILE (CSV, TSV or JSON Lines) to an Insightly account.

    Say what each row becomes by --template, or by --method and --url. Without --map and --set every column is sent
    under its own name. Empty cells are left out. Every call is written down before it goes out; a row whose outcome
    nobody knows is never sent again blindly.
    """
    from crosswalk.cli.order import carry_out, show_order
    from crosswalk.cli.status import explained
    from crosswalk.delivery.grouping import make_grouping
    from crosswalk.delivery.plan import Plan

    if resume and again:
        raise click.UsageError("--resume and --again exclude each other.")
    with explained():
        call = _read_call(template, method, url, headers=headers, date_format=date_format, time_unit=time_unit)
        plan = Plan(
            call=call,
            fields=fields,
            constants=constants,
            exclude=exclude,
            id_column=id_field,
            match=match,
            grouping=make_grouping(grouping, batch_size, options),
        )
        if dry_run:
            show_order(file, plan)
            return
        summary = carry_out(file, account, plan, mode="resume" if resume else "again" if again else "new")
    click.echo(summary.as_json() if as_json else summary.as_text())
    sys.exit(summary.status)


def _read_call(
    template: str | None,
    method: str | None,
    url: str | None,
    *,
    headers: tuple[str, ...],
    date_format: str,
    time_unit: str,
) -> "Template | Manual":
    """What the options name: a template, or a call of the user's own."""
    import msgspec

    from crosswalk.delivery.headers import parse_headers
    from crosswalk.delivery.plan import Manual
    from crosswalk.delivery.template import find_template

    if template is not None and not (method or url or headers):
        return find_template(template)
    if template is not None or method is None or url is None:
        raise click.UsageError("Give --template, or --method and --url (and --header), one of the two.")
    pairs = tuple(pair for line in headers for pair in parse_headers(line))
    asked = {"type": "manual", "method": method, "url": url, "headers": pairs}
    return msgspec.convert(asked | {"date_format": date_format, "time_unit": time_unit}, Manual)
