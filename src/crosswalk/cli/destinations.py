"""`crosswalk destinations`: where rows go and as what: made, tried, forecast, activated, run, and their versions."""

import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

import click

from crosswalk.cli.reading import Reading, read_options, reading_options
from crosswalk.cli.rehearsal import tell_rehearsal
from crosswalk.cli.settings import FILE, Chosen, is_blank, read_json, read_settings, settings_options
from crosswalk.cli.status import explained, print_json, run, tell_removed

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.cli.order import Summary
    from crosswalk.delivery.destinations import Activated, Destination, Destinations, Saved
    from crosswalk.delivery.rehearsal import Rehearsal
    from crosswalk.delivery.run import Run
    from crosswalk.delivery.settings import Preview, Settings
    from crosswalk.delivery.trial import Ask, Trial

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NAME = click.argument("destination", metavar="NAME")
SETTINGS = click.option(
    "--settings", "file", type=FILE, help="A JSON file of settings instead, as the HTTP API takes them; - reads stdin."
)
ROWS = click.option("--rows", "rows_file", type=FILE, help="A JSON array of rows, or of one; - reads standard input.")
MOST = 100
FAILED = {"dead": 1, "held": 1}
WHO = "command line"


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


@destinations.command(epilog="Example: crosswalk destinations show people")
@NAME
@JSON
def show(*, destination: str, as_json: bool) -> None:
    """Show one destination with its settings."""
    found = run(_work(lambda service: service.find(destination)))
    if as_json:
        print_json(found)
        return
    click.echo(_line(found))
    if found.dataset is not None:
        click.echo(f"reads dataset {found.dataset}: {found.position:,} records taken, {found.backlog:,} wait")
    print_json(found.settings)


@destinations.command(
    epilog="Example: crosswalk destinations create people --account acme --dataset signups --template create-contact "
    "--map FIRST_NAME=first --map LAST_NAME=last"
)
@click.argument("name")
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@click.option("--dataset", metavar="NAME", help="The dataset whose records go by themselves while it is active.")
@settings_options
@SETTINGS
@JSON
def create(
    *, name: str, account: str, dataset: str | None, file: Path | None, as_json: bool, **chosen: Unpack[Chosen]
) -> None:
    """Make a destination. It is a draft, and sends nothing before it is activated.

    Name, account and dataset cannot be changed later: make another destination for another. Settings can: each change
    is a version.
    """
    from crosswalk.delivery.destinations import Draft

    with explained():
        settings = _choose(file, chosen)
    draft = Draft(name=name, account=account, dataset=dataset, settings=settings)
    found = run(_work(lambda service: service.create(draft)))
    _tell_saved(found, as_json=as_json)
    run(_work(lambda service: _warn_of_unseen(service, found)))


@destinations.command(
    epilog="Example: crosswalk destinations change people --template create-contact --map FIRST_NAME=given --version 1"
)
@NAME
@click.option("--version", type=click.IntRange(1), metavar="N", help="Only on top of this version.")
@settings_options
@SETTINGS
@JSON
def change(
    *, destination: str, version: int | None, file: Path | None, as_json: bool, **chosen: Unpack[Chosen]
) -> None:
    """Give a destination new settings, whole, as a new version. A run under way keeps those that it began with.

    Its name, account and dataset cannot be changed: make another destination, and remove this one.
    """
    with explained():
        settings = _choose(file, chosen)
    _tell_saved(run(_work(lambda service: service.change(destination, settings, version=version))), as_json=as_json)


@destinations.command(epilog="Example: crosswalk destinations preview people --rows sample.json")
@NAME
@ROWS
@click.option(
    "--most",
    type=click.IntRange(1, MOST),
    default=3,
    show_default=True,
    help="How many samples of its dataset; all of --rows.",
)
@click.option("--ask-account", is_flag=True, help="Ask the account for its custom fields and names first.")
@settings_options
@SETTINGS
@JSON
def preview(
    *,
    destination: str,
    rows_file: Path | None,
    most: int,
    ask_account: bool,
    file: Path | None,
    as_json: bool,
    **chosen: Unpack[Chosen],
) -> None:
    """Show the exact calls that rows, or samples of its dataset, become; nothing is called.

    With settings, these are shown unsaved; else the destination's own. Custom fields are checked, and names of users,
    stages and the like become ids, only with --ask-account, which calls Insightly for just these.
    """
    with explained():
        settings = _choose_unsaved(file, chosen)
        rows = None if rows_file is None else _read_rows(rows_file)

    async def work(service: "Destinations") -> "Preview":
        found = await service.find(destination)
        samples = rows or await service.samples(found, most=most)
        return await service.preview(destination, samples, settings, ask=ask_account)

    shown = run(_work(work))
    if as_json:
        print_json(shown)
        return
    for call in shown.calls:
        click.echo(f"{call.method} {call.url}\n" + "".join(f"{k}: {v}\n" for k, v in call.headers.items()), nl=False)
        click.echo(f"{call.body or ''}\n")
    for refused in shown.refused:
        click.echo(f"row {refused.row} would be a dead letter: {refused.reason}", err=True)
    _note(shown.notes)


@destinations.command(
    epilog="Examples: crosswalk destinations test people --rows one.json; crosswalk destinations test people --undo RUN"
)
@NAME
@ROWS
@click.option("--call", "call_file", type=FILE, help="The call itself, edited: JSON of method, url, headers, body.")
@click.option("--undo", metavar="RUN", help="Delete the record that this test made; once.")
@settings_options
@SETTINGS
@JSON
def test(
    *,
    destination: str,
    rows_file: Path | None,
    call_file: Path | None,
    undo: str | None,
    file: Path | None,
    as_json: bool,
    **chosen: Unpack[Chosen],
) -> None:
    """Make one REAL call: of rows, of a sample of its dataset, or as edited. It is counted against the day's quota.

    The answer is shown with what Insightly said, and how to delete what the test made. A test is never repeated.
    """
    from crosswalk.delivery.trial import Ask, Edited

    with explained():
        rows = [] if rows_file is None else _read_rows(rows_file)
        call = None if call_file is None else read_json(call_file, Edited, "The call")
        ask = Ask(rows=rows, settings=_choose_unsaved(file, chosen), call=call)
    made = run(_try(destination, ask, undo))
    if as_json:
        print_json(made)
    else:
        _tell_trial(made)
    if made.state != "delivered":
        sys.exit(FAILED.get(made.state, 3))


@destinations.command(epilog="Example: crosswalk destinations forecast people --rows 41200")
@NAME
@click.option("--rows", type=click.IntRange(0), help="How many rows; without, the records that wait.")
@JSON
def forecast(*, destination: str, rows: int | None, as_json: bool) -> None:
    """Say what sending will cost: calls, the share of the day's quota, when it is done. Nothing is called."""

    async def work(hub: "Hub") -> object:
        return await _service(hub).forecast(destination, hub.accounts, rows=rows)

    made: Any = run(_with_hub(work))
    if as_json:
        print_json(made)
    else:
        click.echo(f"{made.says}.")


@destinations.command(epilog="Example: crosswalk destinations activate people --backlog skip")
@NAME
@click.option("--backlog", type=click.Choice(["send", "skip"]), help="What becomes of the records that wait already.")
@JSON
def activate(*, destination: str, backlog: "Any", as_json: bool) -> None:
    """Let rows go, and runs of it that stopped go on. Records of its dataset become runs by themselves from now on.

    `crosswalk serve` sends them; without it, `crosswalk destinations run NAME` does.
    """

    async def work(hub: "Hub") -> "tuple[str, Activated]":
        service = _service(hub)
        waiting = (await service.find(destination)).backlog
        says = (await service.forecast(destination, hub.accounts)).says if waiting else ""
        return says, await service.activate(destination, backlog)

    says, found = run(_with_hub(work))
    _tell(found, as_json=as_json)
    if found.run is not None and not as_json:
        what = "were skipped" if backlog == "skip" else f"are queued: {says}"
        click.echo(f"The records that waited {what}. Run {found.run}.")


@destinations.command()
@NAME
@JSON
def pause(*, destination: str, as_json: bool) -> None:
    """Let no more rows go. Calls in flight finish; what waits goes on when it is activated again."""
    _tell(run(_work(lambda service: service.pause(destination))), as_json=as_json)


@destinations.command(
    "run",
    epilog="""\b
Examples:
  crosswalk destinations run people
  crosswalk destinations run people people.csv --encoding cp1252
  crosswalk destinations run people 'data/*.csv'
  crosswalk destinations run people people.csv --dry-run
  crosswalk destinations run people --dataset signups""",
)
@NAME
@click.argument("source", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@click.option("--dataset", metavar="NAME", help="Every record of this dataset instead of a file.")
@reading_options
@click.option("--later", is_flag=True, help="Only queue it; whoever owns the engine sends it.")
@click.option(
    "--dry-run", is_flag=True, help="Only say what it would come to, what a mirror deletes too; send nothing."
)
@click.option(
    "--ask-account", is_flag=True, help="With --dry-run: ask the account for its custom fields and names first."
)
@JSON
def run_(
    *,
    destination: str,
    source: Path | None,
    dataset: str | None,
    later: bool,
    dry_run: bool,
    ask_account: bool,
    as_json: bool,
    **chosen: Unpack[Reading],
) -> None:
    """Send a FILE, a dataset, or the records that wait, through an active destination, and follow it to its end.

    FILE may be a folder, or a pattern in quotes. What says how to read it belongs to the run, and to no version.

    With --dry-run every row is read and held against what is remembered of the account, and nothing is sent: how many
    records would be made, changed, left alone, looked for or refused, and which ones a mirror would delete.

    Status: 0 every row is delivered; 1 some are dead or held; 2 wrong use; 3 stopped on the way: crosswalk runs resume.
    """
    if source is not None and dataset is not None:
        raise click.UsageError("Give a FILE, or --dataset, one of the two.")
    if source is None and any(value is not None for value in chosen.values()):
        raise click.UsageError("--format, --delimiter and the like say how a FILE is read. Name the FILE.")
    if ask_account and not dry_run:
        raise click.UsageError("--ask-account goes with --dry-run. A run asks by itself for what it needs.")
    if dry_run and later:
        raise click.UsageError("--dry-run queues nothing. Leave out --later.")
    load = None if source is None else (source.absolute(), chosen)  # another process may be the one that reads it
    if dry_run:
        rehearsal = run(_with_hub(lambda hub: _rehearse(hub, destination, load, dataset, ask=ask_account)))
        print_json(rehearsal) if as_json else tell_rehearsal(rehearsal)
        sys.exit(1 if rehearsal.refused else 0)
    began, summary = run(_with_hub(lambda hub: _run(hub, destination, load, dataset, later=later)))
    if summary is None:
        queued = {"run": began.id, "state": began.state}
        print_json(queued) if as_json else click.echo(f"Run {began.id} is queued.")
        return
    click.echo(summary.as_json() if as_json else summary.as_text())
    sys.exit(summary.status)


@destinations.command()
@NAME
@JSON
def versions(*, destination: str, as_json: bool) -> None:
    """List a destination's versions, newest first."""
    found = run(_work(lambda service: service.versions(destination)))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"version {each.version}  {each.created_at:%Y-%m-%d %H:%M} UTC  {each.made_by}")


@destinations.command(epilog="Example: crosswalk destinations compare people 1 2")
@NAME
@click.argument("before", type=click.IntRange(1))
@click.argument("after", type=click.IntRange(1))
@JSON
def compare(*, destination: str, before: int, after: int, as_json: bool) -> None:
    """Show what two versions say differently."""
    found = run(_work(lambda service: service.compare(destination, before, after)))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"{each.name}: {each.before!r} -> {each.after!r}")


@destinations.command(epilog="Example: crosswalk destinations rollback people 1")
@NAME
@click.argument("version", type=click.IntRange(1))
@JSON
def rollback(*, destination: str, version: int, as_json: bool) -> None:
    """Make an earlier version's settings the present ones, as a new version."""
    _tell_saved(run(_work(lambda service: service.roll_back(destination, version))), as_json=as_json)


@destinations.command("import", epilog="Example: crosswalk destinations import sink.json --name people --account acme")
@click.argument("document", metavar="FILE", type=FILE)
@click.option("--name", required=True, help="The destination's name.")
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@JSON
def import_(*, document: Path, name: str, account: str, as_json: bool) -> None:
    """Make a draft of a Nexla sink's configuration: its portable keys, flat or nested, bare or in its document."""
    with explained():
        whole = read_json(document, dict[str, Any], "The configuration")
    found, notes = run(_work(lambda service: service.import_sink(name, account, whole)))
    if as_json:
        print_json({"destination": found, "notes": notes})
        return
    click.echo(_line(found))
    _note(notes)


@destinations.command("export", epilog="Example: crosswalk destinations export people --format nexla > sink.json")
@NAME
@click.option("--format", "_form", type=click.Choice(["nexla"]), default="nexla", show_default=True, help="Whose keys.")
def export(*, destination: str, _form: str) -> None:
    """Print the settings as Nexla's portable keys, in JSON; what has no key there is named on standard error."""
    made = run(_work(lambda service: service.export_sink(destination)))
    print_json(made.config)
    _note(made.notes)


@destinations.command()
@NAME
@JSON
def remove(*, destination: str, as_json: bool) -> None:
    """Forget a destination that is not active, and its versions; its runs stay."""
    found = run(_work(lambda service: service.remove(destination)))
    tell_removed(found.id, found.name, as_json=as_json)


async def _with_hub(task: "Callable[[Hub], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await task(hub)


async def _work(task: "Callable[[Destinations], Awaitable[T]]") -> T:
    return await _with_hub(lambda hub: task(_service(hub)))


def _service(hub: "Hub") -> "Destinations":
    from crosswalk.delivery.destinations import Destinations

    return Destinations(database=hub.database, who=WHO, accounts=hub.accounts)


async def _try(destination: str, ask: "Ask", undo: str | None) -> "Trial":
    from datetime import UTC, datetime
    from random import SystemRandom

    from crosswalk.delivery.trial import Trials

    async def work(hub: "Hub") -> "Trial":
        trials = Trials(
            database=hub.database,
            accounts=hub.accounts,
            destinations=_service(hub),
            now=lambda: datetime.now(UTC),
            rng=SystemRandom(),
            endpoints=hub.office.endpoints(),
        )
        return await (trials.send(destination, ask) if undo is None else trials.undo(destination, undo))

    return await _with_hub(work)


async def _run(
    hub: "Hub", destination: str, load: tuple[Path, Reading] | None, dataset: str | None, *, later: bool
) -> "tuple[Run, Summary | None]":
    from crosswalk.cli.order import follow_run
    from crosswalk.delivery.start import find_going, start_backlog, start_dataset, start_file

    service = _service(hub)
    if load is not None:
        begun = await start_file(service, destination, load[0], read_options(load[1]))
        began = begun.run
        _note(begun.notes)
    elif dataset is not None:
        began = await start_dataset(service, destination, dataset)
    else:
        found = await service.find(destination)
        began = await find_going(service, found) or await start_backlog(service, found)
    if later:
        return began, None
    return began, await follow_run(hub, began, destination)


async def _rehearse(
    hub: "Hub", destination: str, load: tuple[Path, Reading] | None, dataset: str | None, *, ask: bool
) -> "Rehearsal":
    from crosswalk.delivery.rehearsal import Rehearser

    rehearser = Rehearser(destinations=_service(hub), accounts=hub.accounts)
    if load is not None:
        return await rehearser.rehearse_file(destination, load[0], read_options(load[1]), ask=ask)
    return await rehearser.rehearse_records(destination, dataset, ask=ask)


async def _warn_of_unseen(service: "Destinations", found: "Destination") -> None:
    """Say which columns that the settings name are not in the dataset's records, as far as these are known."""
    if found.dataset is None or found.position + found.backlog == 0:
        return
    from crosswalk.delivery.errors import PlanError

    try:
        notes = (await service.preview(found.id, await service.samples(found, most=MOST))).notes
    except PlanError as error:  # it is made all the same: its settings can still be changed
        notes = (str(error),)
    _note(notes)


def _note(notes: Iterable[str]) -> None:
    """Say beside the output what was guessed, asked or left out."""
    for note in notes:
        click.echo(note, err=True)


def _choose(file: Path | None, chosen: Chosen) -> "Settings":
    """Settings from a file, or from the options."""
    if file is None:
        return read_settings(chosen)
    return _read_file(file, chosen)


def _choose_unsaved(file: Path | None, chosen: Chosen) -> "Settings | None":
    """Settings that are given, or `None` for the destination's own."""
    return None if file is None and is_blank(chosen) else _choose(file, chosen)


def _read_file(file: Path, chosen: Chosen) -> "Settings":
    from crosswalk.delivery.settings import Settings

    if not is_blank(chosen):
        raise click.UsageError("Give --settings, or the other options, one of the two.")
    return read_json(file, Settings, "The settings")


def _read_rows(file: Path) -> list[dict[str, Any]]:
    given: Any = read_json(file, object, "The rows")
    rows: list[dict[str, Any]] = given if isinstance(given, list) else [given]
    if not all(isinstance(row, dict) for row in rows):
        raise click.UsageError("--rows holds what is no object. Give a JSON object, or an array of them.")
    if not 1 <= len(rows) <= MOST:
        raise click.UsageError(f"--rows holds {len(rows)} rows. Give 1 to {MOST}.")
    return rows


def _tell_trial(made: "Trial") -> None:
    click.echo(f"{made.call.method} {made.call.url}")
    click.echo(f"{made.state}: {made.says} ({made.elapsed_ms:,} ms)")
    for name, value in made.headers.items():
        click.echo(f"{name}: {value}")
    if made.response:
        click.echo(made.response)
    if made.remote_id is not None:
        click.echo(f"It made record {made.remote_id}." if made.undo else f"Record {made.remote_id}.")
    if made.undo is not None:
        click.echo(f"Delete it again: {made.undo}")


def _tell_saved(found: "Saved", *, as_json: bool) -> None:
    _tell(found, as_json=as_json)
    _note(found.notes)


def _tell(found: "Destination", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(_line(found))


def _line(found: "Destination") -> str:
    what = found.settings.template or f"{found.settings.method} {found.settings.url}"
    waits = f"  {found.backlog:,} wait" if found.backlog else ""
    return f"{found.id}  {found.name:20}  {found.state:6}  version {found.version}  {what}{waits}"
