"""`crosswalk automations`: what happens by itself in an account: made, changed, rehearsed, fired, undone."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crosswalk.cli.settings import FILE, read_json
from crosswalk.cli.status import SOME_FAILED, print_json, run

if TYPE_CHECKING:
    from crosswalk.automations.firing import Firing
    from crosswalk.automations.recipe import Automation
    from crosswalk.automations.work import Worker

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NAME = click.argument("automation", metavar="NAME")
FIRING = click.argument("firing", metavar="FIRING")
SETTINGS = click.option("--settings", "file", type=FILE, help="A JSON file of settings; - reads standard input.")
INPUT = click.option(
    "--input", "file", type=FILE, required=True, help="A JSON file of what to fire for; - reads stdin."
)
GOOD = frozenset({"done", "open", "undone", "undoing", "skipped"})


@click.group()
def automations() -> None:
    """Let things happen by themselves in an account. NAME is an automation's name or id. See docs/automations.md."""


@automations.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List the automations."""
    found = run(_work(lambda worker: worker.carrier.automations.list()))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_line(each))


@automations.command(
    epilog="Example: crosswalk automations create handoff --kind kickoff --account acme --settings k.json"
)
@click.argument("name")
@click.option("--kind", required=True, help="kickoff, lead_task, activity_note or pipeline_sync.")
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@SETTINGS
@JSON
def create(*, name: str, kind: str, account: str, file: Path | None, as_json: bool) -> None:
    """Make an automation. It is active at once, for what happens from now on.

    Name, kind and account cannot be changed later: make another automation for another.
    """
    from crosswalk.automations.automations import Draft

    draft = Draft(name=name, kind=kind, account=account, settings=_read(file))
    _tell(run(_work(lambda worker: worker.carrier.automations.create(draft))), as_json=as_json)


@automations.command(epilog="Example: crosswalk automations show handoff")
@NAME
@JSON
def show(*, automation: str, as_json: bool) -> None:
    """Show one automation with its settings, those that differ from the defaults."""
    found = run(_work(lambda worker: worker.carrier.automations.get(automation)))
    _tell(found, as_json=as_json)
    if not as_json:
        print_json(found.settings)


@automations.command(epilog="Example: echo '{\"again\": null}' | crosswalk automations change handoff --settings -")
@NAME
@click.option("--settings", "file", type=FILE, required=True, help="A JSON file; - reads standard input.")
@JSON
def change(*, automation: str, file: Path, as_json: bool) -> None:
    """Change the settings that the file names, for firings that are planned from now on; null is the default again."""
    settings = _read(file)
    _tell(run(_work(lambda worker: worker.carrier.automations.change(automation, settings))), as_json=as_json)


@automations.command()
@NAME
@JSON
def pause(*, automation: str, as_json: bool) -> None:
    """Fire no more, and go on with nothing, until it is resumed."""
    _tell(run(_work(lambda worker: worker.carrier.automations.pause(automation))), as_json=as_json)


@automations.command()
@NAME
@JSON
def resume(*, automation: str, as_json: bool) -> None:
    """Fire again, for what happened meanwhile too."""
    _tell(run(_work(lambda worker: worker.carrier.automations.resume(automation))), as_json=as_json)


@automations.command()
@NAME
@JSON
def remove(*, automation: str, as_json: bool) -> None:
    """Forget an automation and its firings; what they made stays in Insightly."""
    found = run(_work(lambda worker: worker.carrier.automations.remove(automation)))
    if as_json:
        print_json({"id": found.id, "name": found.name, "removed": True})
    else:
        click.echo(f"Removed {found.name} ({found.id}).")


@automations.command(
    "dry-run", epilog='Example: echo \'{"opportunity": "7"}\' | crosswalk automations dry-run handoff --input -'
)
@NAME
@INPUT
@JSON
def dry_run(*, automation: str, file: Path, as_json: bool) -> None:
    """Print every call that a firing would make. It reads the account, and writes nothing."""
    from crosswalk.automations.firing import Kept, show_steps

    given = _read(file)

    async def work(worker: "Worker") -> Any:
        return await worker.carrier.rehearse(await worker.carrier.automations.get(automation), given)

    planned = run(_work(work))
    steps = show_steps([Kept(number=number, step=step) for number, step in enumerate(planned.steps)])
    if as_json:
        print_json({"steps": steps, "result": planned.result, "skip": planned.skip})
        return
    if planned.skip is not None:
        click.echo(f"It would do nothing: {planned.skip}")
    for step in steps:
        click.echo(f"{step.number + 1:>3}  {step.call}")
        if step.body is not None:
            print_json(step.body)


@automations.command(epilog='Example: echo \'{"opportunity": "7"}\' | crosswalk automations fire handoff --input -')
@NAME
@INPUT
@click.option("--key", help="A text of your own: it fires once for it, ever; given again, it goes on.")
@JSON
def fire(*, automation: str, file: Path, key: str | None, as_json: bool) -> None:
    """Fire for one thing, once. Status 1 when it fails or is held."""
    given = _read(file)

    async def work(worker: "Worker") -> "Firing":
        fired, _ = await worker.fire(await worker.carrier.automations.get(automation), given, key)
        return fired

    _tell_firing(automation, run(_work(work)), as_json=as_json)


@automations.command(epilog="Example: crosswalk automations look handoff")
@NAME
@JSON
def look(*, automation: str, as_json: bool) -> None:
    """Look now for what fires an automation, without waiting for its time; what fires goes on where the hub serves."""

    async def work(worker: "Worker") -> int:
        return await worker.look(await worker.carrier.automations.get(automation))

    begun = run(_work(work))
    if as_json:
        print_json({"begun": begun})
    else:
        click.echo(f"{begun:,} firings began.")


@automations.command(epilog="Example: crosswalk automations firings handoff --state failed")
@NAME
@click.option(
    "--state", type=click.Choice(["open", "done", "failed", "held", "skipped", "undoing", "undone"]), help="Only those."
)
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="Most firings.")
@JSON
def firings(*, automation: str, state: Any, limit: int, as_json: bool) -> None:
    """List an automation's firings, newest first."""

    async def work(worker: "Worker") -> Any:
        found = await worker.carrier.automations.get(automation)
        return await worker.carrier.firings.list(found, state=state, most=limit)

    found = run(_work(work))
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(_firing_line(each))


@automations.command(epilog="Example: crosswalk automations firing handoff 0199c2f1-…")
@NAME
@FIRING
@JSON
def firing(*, automation: str, firing: str, as_json: bool) -> None:
    """Show one firing with every step."""
    _tell_firing(automation, run(_work(lambda worker: _find(worker, automation, firing))), as_json=as_json, ends=False)


@automations.command(epilog="Example: crosswalk automations replay handoff 0199c2f1-…")
@NAME
@FIRING
@JSON
def replay(*, automation: str, firing: str, as_json: bool) -> None:
    """Go on where a firing failed or is held; one that was skipped or undone begins anew. A held call is sent again."""

    async def work(worker: "Worker") -> "Firing":
        await worker.carrier.firings.replay(await _find(worker, automation, firing))
        return await worker.carrier.carry(firing)

    _tell_firing(automation, run(_work(work)), as_json=as_json)


@automations.command(epilog="Example: crosswalk automations undo handoff 0199c2f1-…")
@NAME
@FIRING
@JSON
def undo(*, automation: str, firing: str, as_json: bool) -> None:
    """Delete the records that a firing made: those, and no others."""

    async def work(worker: "Worker") -> "Firing":
        await worker.carrier.firings.undo(await _find(worker, automation, firing))
        return await worker.carrier.carry(firing)

    _tell_firing(automation, run(_work(work)), as_json=as_json)


async def _find(worker: "Worker", automation: str, firing: str) -> "Firing":
    found = await worker.carrier.automations.get(automation)
    return await worker.carrier.firings.find(firing, found.id)


async def _work(task: "Callable[[Worker], Awaitable[T]]") -> T:
    from crosswalk.app import open_hub

    async with open_hub() as hub, hub.automations() as worker:
        return await task(worker)


def _read(file: Path | None) -> dict[str, Any]:
    from crosswalk.cli.status import explained

    if file is None:
        return {}
    with explained():
        given: dict[str, Any] = read_json(file, dict[str, Any], "The file")
    return given


def _tell(found: "Automation", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(_line(found))


def _line(found: "Automation") -> str:
    return f"{found.id}  {found.name:20}  {found.kind:14}  {found.state}"


def _firing_line(found: "Firing") -> str:
    why = f"  {found.reason}" if found.reason else ""
    return f"{found.id}  {found.created_at:%Y-%m-%d %H:%M:%S}  {found.state:8}  {found.key}{why}"


def _tell_firing(automation: str, found: "Firing", *, as_json: bool, ends: bool = True) -> None:
    """Print a firing with its steps; one that came to no good end is status 1."""
    from crosswalk.automations.firing import show_steps

    steps = run(_work(lambda worker: worker.carrier.firings.steps(found.id)))
    if as_json:
        from msgspec.structs import asdict

        print_json({**asdict(found), "steps": show_steps(steps)})
    else:
        click.echo(_firing_line(found))
        for step in show_steps(steps):
            made = f"  {step.record_id}" if step.record_id else ""
            why = f"  {step.reason}" if step.reason else ""
            click.echo(f"  {step.number + 1:>3}  {step.state:6}  {step.call}{made}{why}")
    if ends and found.state not in GOOD:
        click.echo(f"It is {found.state}. Then: crosswalk automations replay {automation} {found.id}", err=True)
        raise SystemExit(SOME_FAILED)
