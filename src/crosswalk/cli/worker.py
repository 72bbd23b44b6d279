"""`crosswalk worker`: sends runs and reads sources beside other workers of one PostgreSQL."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from random import SystemRandom
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import explained, print_json

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.automations.work import Worker as Automations

LANES = 100


@click.command(epilog="Example: crosswalk worker --lanes 50")
@click.option("--lanes", type=click.IntRange(1, 1000), default=LANES, show_default=True, help="Most jobs at once.")
@click.option("--json", "as_json", is_flag=True, help="Print that it works as JSON.")
def worker(*, lanes: int, as_json: bool) -> None:
    """Send runs, read sources and tell endpoints, until Ctrl-C, as one of any number of workers on one PostgreSQL.

    Each has a home of its own; all have the same CROSSWALK_DATABASE_URL and CROSSWALK_MASTER_KEY. Runs of files need
    the files at the same path. Set CROSSWALK_ENGINE=workers where `crosswalk serve` is to leave sending to workers.
    """
    import uvloop

    with explained():
        uvloop.run(_worker(lanes, as_json=as_json))


async def _worker(lanes: int, *, as_json: bool) -> None:
    from crosswalk.app import open_hub, sending_traces
    from crosswalk.config import Misconfigured, settings
    from crosswalk.delivery.errors import unwrapped
    from crosswalk.engine.jobs import Work, heed, make_app, run_worker
    from crosswalk.engine.schema import require
    from crosswalk.logs import log_to_stderr

    chosen = settings()
    if chosen.embedded:
        raise Misconfigured(
            "A worker needs PostgreSQL: set CROSSWALK_DATABASE_URL. On SQLite `crosswalk serve` sends by itself"
        )
    if not chosen.master_keys:
        raise Misconfigured("A worker needs the key that sealed all others: set CROSSWALK_MASTER_KEY to it")
    log_to_stderr(form=chosen.log_format, least=chosen.log_level or "info", others=True)
    with sending_traces(chosen):
        async with open_hub(chosen) as hub, hub.automations() as automations:
            await asyncio.to_thread(require, chosen.database_url)
            engine = hub.engine(patient=True, heir=False)
            for each in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(each, engine.stop.set)
            work = Work(
                engine=engine, puller=hub.puller(patient=True), silent=chosen.lease, chores=_chores(hub, automations)
            )
            _announce(lanes, as_json=as_json)
            with unwrapped():
                async with engine.keeping(), asyncio.TaskGroup() as tasks:
                    tasks.create_task(hub.courier().work(engine.stop), name="outbox")
                    tasks.create_task(hub.changes().work(engine.stop), name="changes")
                    tasks.create_task(heed(engine, engine.stop), name="heed")
                    await run_worker(
                        make_app(chosen.database_url, work), lanes=lanes, silent=chosen.lease, stop=engine.stop
                    )
                    engine.stop.set()


def _chores(hub: "Hub", automations: "Automations") -> Mapping[str, tuple[str, Callable[[], Awaitable[object]]]]:
    """What one worker of all does now and then."""
    from crosswalk.automations.subscription import CHANCE, address_events, forget_events
    from crosswalk.delivery.backlog import admit_all
    from crosswalk.delivery.foreign import look_at_days
    from crosswalk.delivery.retention import prune, tidy
    from crosswalk.delivery.trial import hold_left

    kept = hub.settings

    async def forget() -> None:
        await forget_events(hub.database, now=_now())
        await tidy(hub.database, notices=kept.keep_notices, now=_now())
        if kept.retention is not None:
            await prune(hub.database, before=_now() - kept.retention, now=_now())

    return {
        "queue records": ("* * * * * *", lambda: admit_all(hub.database, now=_now(), rng=SystemRandom())),
        "hold tests": ("* * * * * */30", lambda: hold_left(hub.database, now=_now())),
        "look at days": ("* * * * * 30", lambda: look_at_days(hub.accounts, hub.notices())),
        "address events": ("* * * * * *", lambda: address_events(hub.database, now=_now(), rng=CHANCE)),
        "forget": ("17 * * * * 0", forget),
        "automations": ("* * * * * */2", automations.step),
    }


def _announce(lanes: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"lanes": lanes})
    else:
        click.echo(f"This worker does up to {lanes} jobs at once, until Ctrl-C.")


def _now() -> datetime:
    return datetime.now(UTC)
