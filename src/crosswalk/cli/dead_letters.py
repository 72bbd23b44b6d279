"""`crosswalk dead-letters`: rows that could not be delivered, put right and sent again, or given up."""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crosswalk.cli.deliveries import (
    JSON,
    MOST,
    filter_of,
    filters,
    find_deliveries,
    find_whole,
    tell,
    tell_whole,
    with_ids,
)
from crosswalk.cli.status import DONE, SOME_FAILED, explained, loop_through, print_json, run

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.delivery.edit import Edit
    from crosswalk.delivery.workbench import Changed, RunPreview, Selection, Verdict, Workbench

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
LATER = click.option("--later", is_flag=True, help="Only put it in the queue: the next `serve` or `send` sends it.")


def chosen(command: F) -> F:
    """Give a command the options that say which rows."""
    for option in reversed(
        (
            click.option("--run", metavar="RUN", help="Rows of one run."),
            click.option("--row", "number", type=click.IntRange(1, 2**31 - 1), help="One row, by its number in --run."),
            click.option("--group", metavar="ID", help="All rows of a group; `dead-letters groups` lists them."),
            click.option("--all", "all_", is_flag=True, help="All dead letters, narrowed by the other options."),
            click.option("--account", metavar="NAME", help="Rows for one account: its name or id."),
            click.option("--destination", metavar="NAME", help="Rows of one destination: its name or id."),
        )
    ):
        command = option(command)
    return command


def edited(command: F) -> F:
    """Give a command the options that say what to change."""
    for option in reversed(
        (
            click.option("--set", "columns", multiple=True, metavar="COLUMN=VALUE", help="Put a value into a column."),
            click.option("--remove", multiple=True, metavar="COLUMN", help="Take a column out."),
            click.option("--rename", multiple=True, metavar="OLD=NEW", help="Give a column another name."),
            click.option("--set-field", "fields", multiple=True, metavar="FIELD=VALUE", help="Send this as the field."),
            click.option("--leave-out", multiple=True, metavar="FIELD", help="Do not send the field."),
        )
    ):
        command = option(command)
    return command


@click.group("dead-letters")
def dead_letters() -> None:
    """Put rows right that could not be delivered, and send them again, or give them up."""


@dead_letters.command("list", epilog="Example: crosswalk dead-letters list --account acme --group 1f0c2a7b9d3e")
@filters
@click.option("--group", metavar="ID", help="Rows of a group; `dead-letters groups` lists them.")
@click.option("--held", is_flag=True, help="Rows whose outcome is unknown instead: a person must decide.")
@MOST
@JSON
def list_(*, held: bool, most: int, as_json: bool, **narrow: Any) -> None:
    """List dead letters, each with its reason, newest first."""
    tell(run(find_deliveries(narrow | {"state": "held" if held else "dead"}, most)), as_json=as_json)


@dead_letters.command(epilog="Example: crosswalk dead-letters groups --run 019ab3c4-5d6e-7f80-9123-456789abcdef")
@click.option("--run", "run_id", metavar="RUN", help="Rows of one run.")
@click.option("--account", metavar="NAME", help="Rows for one account: its name or id.")
@click.option("--destination", metavar="NAME", help="Rows of one destination: its name or id.")
@JSON
def groups(*, run_id: str | None, account: str | None, destination: str | None, as_json: bool) -> None:
    """Count dead letters by what they say, ids, numbers and quoted values aside."""
    from crosswalk.delivery.history import group_dead

    async def work() -> Any:
        from crosswalk.app import open_hub

        async with open_hub() as hub:
            narrow = {"run": run_id, "account": account, "destination": destination}
            return await group_dead(hub.database, await filter_of(hub, narrow))

    found = run(work())
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"{each.id}  {each.count:>7,}  {each.reason}")


@dead_letters.command(epilog="Example: crosswalk dead-letters show 019ab3c4-5d6e-7f80-9123-456789abcdef 17")
@click.argument("run_id", metavar="RUN")
@click.argument("number", metavar="NUMBER", type=click.IntRange(1, 2**31 - 1))
@JSON
def show(*, run_id: str, number: int, as_json: bool) -> None:
    """Show one row with all that is known of it, and of a held one every record that a look-up found."""
    tell_whole(run(find_whole(run_id, number)), as_json=as_json)


@dead_letters.command(epilog="Example: crosswalk dead-letters preview --group 1f0c2a7b9d3e --set country=Germany")
@chosen
@edited
@click.option("--most", type=click.IntRange(1, 100), default=10, show_default=True, help="How many rows to show.")
@JSON
def preview(*, most: int, as_json: bool, **words: Any) -> None:
    """Show the exact calls that edited rows would become, or why they stay dead. Nothing is called or changed."""
    edit = _read_edit(words)
    found = run(_work(words, lambda bench, rows: bench.preview(rows, edit, most=most)))
    if as_json:
        print_json(found)
        return
    for each in found:
        _picture(each)


@dead_letters.command(epilog="Example: crosswalk dead-letters edit --run RUN --row 17 --set email=ann@example.com")
@chosen
@edited
@JSON
def edit(*, as_json: bool, **words: Any) -> None:
    """Change rows. They stay dead until they are replayed."""
    change = _read_edit(words)
    _tell_changed(run(_work(words, lambda bench, rows: bench.edit(rows, change))), "edited", as_json=as_json)


@dead_letters.command(epilog="Example: crosswalk dead-letters replay --group 1f0c2a7b9d3e --set country=Germany")
@chosen
@edited
@LATER
@JSON
def replay(*, later: bool, as_json: bool, **words: Any) -> None:
    """Let rows go again as they were edited, before or now. They are sent at once, unless --later is given.

    The status is 1 when some rows are still dead or held at the end.
    """
    change = _read_edit(words)
    _finish(words, lambda bench, rows: bench.replay(rows, change), later=later, as_json=as_json)


@dead_letters.command(epilog='Example: crosswalk dead-letters discard --group 1f0c2a7b9d3e --reason "test data"')
@chosen
@click.option("--reason", required=True, metavar="TEXT", help="Why, for whoever reads the rows' history.")
@JSON
def discard(*, reason: str, as_json: bool, **words: Any) -> None:
    """Give dead rows up for a reason: they are cancelled."""
    _tell_changed(run(_work(words, lambda bench, rows: bench.discard(rows, reason))), "discarded", as_json=as_json)


@dead_letters.command(epilog="Example: crosswalk dead-letters decide RUN 17 --record 345678901")
@click.argument("run_id", metavar="RUN")
@click.argument("number", metavar="NUMBER", type=click.IntRange(1, 2**31 - 1))
@click.option("--send-again", is_flag=True, help="It did not arrive: send it again.")
@click.option("--record", metavar="ID", help="It arrived: this is its record.")
@click.option("--give-up", is_flag=True, help="Leave it; --reason says why.")
@click.option("--reason", metavar="TEXT", help="Why, for whoever reads the row's history.")
@click.option("--unchecked", is_flag=True, help="Do not look in Insightly whether the record is there.")
@LATER
@JSON
def decide(
    *,
    run_id: str,
    number: int,
    send_again: bool,
    record: str | None,
    give_up: bool,
    reason: str | None,
    unchecked: bool,
    later: bool,
    as_json: bool,
) -> None:
    """Decide on a held row: nobody knows whether it arrived. `dead-letters list --held` lists them."""
    from crosswalk.delivery.history import Place
    from crosswalk.delivery.workbench import Decision

    if [send_again, record is not None, give_up].count(True) != 1:
        raise click.UsageError("Say one of --send-again, --record ID and --give-up.")
    verdict: Verdict = "send_again" if send_again else "give_up" if give_up else "adopt"
    decision = Decision(verdict=verdict, remote_id=record, reason=reason, unchecked=unchecked)

    async def work() -> "tuple[Changed, int]":
        from crosswalk.app import open_hub
        from crosswalk.delivery.workbench import look_for

        async with open_hub() as hub:
            bench = _bench(hub)
            place = Place(run_id, number)
            done = await bench.decide(place, decision, exists=lambda own, path: look_for(hub.accounts, own, path))
            return done, await _send(hub, done.runs) if send_again and not later else DONE

    _end(*run(work()), "decided", as_json=as_json)


def _finish(
    words: dict[str, Any], act: "Callable[[Workbench, Selection], Awaitable[Changed]]", *, later: bool, as_json: bool
) -> None:
    """Replay, and send what goes again at once unless that is for later."""

    async def work() -> "tuple[Changed, int]":
        from crosswalk.app import open_hub

        async with open_hub() as hub:
            done = await act(_bench(hub), await _select(hub, words))
            return done, DONE if later else await _send(hub, done.runs)

    with explained():
        done, status = loop_through(work())
    _end(done, max(status, SOME_FAILED if done.still_dead or done.left else DONE), "replayed", as_json=as_json)


async def _send(hub: "Hub", runs: list[str]) -> int:
    """See runs through to their end, or follow whoever owns the engine; the worst of their statuses."""
    from crosswalk.cli.order import follow_run
    from crosswalk.delivery.run import find_run

    worst = DONE
    for each in runs:
        queued = await find_run(hub.database, each)
        if queued is not None and queued.state in {"queued", "running"}:
            summary = await follow_run(hub, queued, f"replay of {queued.order.plan.name}")
            click.echo(summary.as_text(), err=True)
            worst = max(worst, summary.status)
    return worst


async def _work(words: dict[str, Any], act: "Callable[[Workbench, Selection], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await act(_bench(hub), await _select(hub, words))


def _bench(hub: "Hub") -> "Workbench":
    from crosswalk.delivery.workbench import Workbench

    return Workbench(database=hub.database, who=who())


def who() -> str:
    """Who decides, for the rows' history: the user of this machine."""
    import getpass

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"user {os.getuid()}"
    return f"command line of {name}"


async def _select(hub: "Hub", words: dict[str, Any]) -> "Selection":
    from crosswalk.delivery.workbench import Selection

    named = await with_ids(hub, words)
    return Selection(
        run=named["run"],
        number=named["number"],
        group=named["group"],
        all=named["all_"],
        account=named["account"],
        destination=named["destination"],
    )


def _read_edit(words: dict[str, Any]) -> "Edit":
    from crosswalk.delivery.edit import Edit

    return Edit(
        rename=_pairs(words["rename"], "--rename"),
        remove=words["remove"],
        set=_pairs(words["columns"], "--set"),
        leave_out=words["leave_out"],
        set_fields=_pairs(words["fields"], "--set-field"),
    )


def _pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name.strip() or name.strip() in pairs:
            raise click.UsageError(f"{option} {value!r}: write NAME=VALUE, each name once.")
        pairs[name.strip()] = rest
    return pairs


def _picture(found: "RunPreview") -> None:
    for note in found.notes:
        click.echo(note, err=True)
    for call in found.calls:
        numbers = ", ".join(str(number) for number in call.rows)
        click.echo(f"run {found.run_id}, row {numbers}: {call.method} {call.url}")
        if call.body is not None:
            click.echo(f"    {call.body}")
    for row in found.refused:
        click.echo(f"run {found.run_id}, row {row.row}: still dead: {row.reason}")


def _tell_changed(done: "Changed", what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    click.echo(f"{done.rows:,} rows {what}." if done.rows != 1 else f"1 row {what}.")
    for row in done.examples:
        click.echo(f"run {row.run_id}, row {row.number}: still dead: {row.reason}", err=True)
    if done.still_dead > len(done.examples):
        click.echo(f"{done.still_dead:,} rows are still dead.", err=True)
    for each in done.left:
        click.echo(f"{each.reason}.", err=True)


def _end(done: "Changed", status: int, what: str, *, as_json: bool) -> None:
    _tell_changed(done, what, as_json=as_json)
    click.get_current_context().exit(status)
