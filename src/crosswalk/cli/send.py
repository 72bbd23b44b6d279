"""`crosswalk send`: the rows of a file, through the journal, into Insightly."""

import sys
from pathlib import Path
from typing import Unpack

import click

from crosswalk.cli.reading import Reading, read_options, reading_options
from crosswalk.cli.settings import Chosen, read_settings, settings_options

EPILOG = """\b
Templates: create-, update-, upsert- and delete- with contact, lead, organisation, opportunity, project, task or
  event, such as create-contact; and notes, links, tags, stages and states: crosswalk templates lists them all.
\b
Macros, in --url and --header: {record.COLUMN}, {record.column.below}, {now}, {now-5}. In a URL every value is
percent-encoded; a row without a value for a macro becomes a dead letter, and no call is spent on it.
\b
Groupings: json_array; property_in_object (property=records, constants='{"mode":"x"}'); keyed_object
(key_attribute=EMAIL_ADDRESS). Each also takes max_bytes=1000000.
\b
Examples:
  crosswalk send people.csv --account acme --template create-contact \\
      --map FIRST_NAME=first_name --map PHONE=phone --dry-run
  crosswalk send 'data/*.csv' --account acme --template create-lead --map LAST_NAME=name --encoding cp1252
  crosswalk send people.csv --account acme --template update-contact --id-field id --map PHONE=phone
  crosswalk send people.csv --account acme --template upsert-contact --match EMAIL_ADDRESS \\
      --map FIRST_NAME=first_name --map EMAIL_ADDRESS=mail --map PHONE=phone
  crosswalk send notes.csv --account acme --method POST --map TITLE=title --map BODY=text \\
      --url 'https://api.na1.insightly.com/v3.1/Contacts/{record.contact}/Notes'

Status: 0 every row is delivered; 1 some are dead or held (crosswalk runs show RUN says why); 2 wrong use; 3 Insightly
could not be reached, or refused the key, the plan or the day's quota. What was not sent waits: --resume."""


class Given(Chosen, Reading):
    """What becomes of a row, and how the file is read."""


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@settings_options
@reading_options
@click.option("--dry-run", is_flag=True, help="Show the first payloads and the forecast; send nothing.")
@click.option(
    "--ask-account", is_flag=True, help="With --dry-run: ask the account for its custom fields and names first."
)
@click.option("--forecast", "only_forecast", is_flag=True, help="Show only what it will cost; send nothing.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run of this file, account and mapping.")
@click.option("--again", is_flag=True, help="Leave an unfinished run as it is, and send everything anew.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def send(
    file: Path,
    *,
    account: str,
    dry_run: bool,
    ask_account: bool,
    only_forecast: bool,
    resume: bool,
    again: bool,
    as_json: bool,
    **chosen: Unpack[Given],
) -> None:
    """Send the rows of FILE to an Insightly account.

    FILE is CSV, TSV, JSON, JSON Lines, Parquet or a workbook; or a folder of such files, or a pattern in quotes, such
    as 'data/*.csv', whose files are read in the order of their names as one. Text may be packed: people.csv.gz.

    Say what each row becomes by --template, or by --method and --url. Without --map and --set every column is sent
    under its own name. Empty cells are left out. Every call is written down before it goes out; a row whose outcome
    nobody knows is never sent again blindly.
    """
    from crosswalk.cli.order import Load, carry_out, show_forecast, show_order
    from crosswalk.cli.status import explained
    from crosswalk.delivery.settings import make_plan

    if resume and again:
        raise click.UsageError("--resume and --again exclude each other.")
    if ask_account and not dry_run:
        raise click.UsageError("--ask-account goes with --dry-run. Sending asks by itself for what it needs.")
    manual = bool(chosen["method"] or chosen["url"] or chosen["headers"])
    if (chosen["template"] is not None) == manual or (manual and not (chosen["method"] and chosen["url"])):
        raise click.UsageError("Give --template, or --method and --url (and --header), one of the two.")
    load = Load(file, read_options(chosen))
    if chosen["mirror"]:
        raise click.UsageError("--mirror belongs to a destination: crosswalk destinations create NAME --mirror …")
    with explained():
        plan = make_plan(read_settings(chosen))
        if only_forecast:
            show_forecast(load, account, plan, as_json=as_json)
            return
        if dry_run:
            show_order(load, account, plan, ask=ask_account)
            return
        summary = carry_out(load, account, plan, mode="resume" if resume else "again" if again else "new")
    click.echo(summary.as_json() if as_json else summary.as_text())
    sys.exit(summary.status)
