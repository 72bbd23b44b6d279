"""`crosswalk serve`: the hub's HTTP API and console, until it is told to stop."""

import asyncio
import gc
import os
import signal
from contextlib import AsyncExitStack, nullcontext, suppress
from datetime import UTC, datetime
from random import SystemRandom
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import WrongUse, explained, print_json

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.delivery.engine import Engine


BEAT = 1.0
"""Seconds between two signs of life of a server that leaves sending to workers."""


@click.command(epilog="Example: crosswalk serve --port 8080")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes any free one.")
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON.")
def serve(*, host: str, port: int, as_json: bool) -> None:
    """Serve the hub's HTTP API and console, and send queued runs, until Ctrl-C. One process serves a home.

    With CROSSWALK_ENGINE=workers, on PostgreSQL, it leaves sending to `crosswalk worker`, and any number may serve.
    """
    import uvloop

    from crosswalk.api.server import PortTaken

    try:
        with explained():
            uvloop.run(_serve(host, port, as_json=as_json))
    except PortTaken as exc:
        raise WrongUse(str(exc)) from exc


async def _serve(host: str, port: int, *, as_json: bool) -> None:
    from crosswalk.api.health import Vitals
    from crosswalk.app import open_hub, sending_traces, serve_api
    from crosswalk.config import Misconfigured, settings
    from crosswalk.delivery.errors import unwrapped
    from crosswalk.insightly.pods import is_loopback
    from crosswalk.logs import log_to_stderr
    from crosswalk.store.lock import ENGINE_LOCK, hold

    chosen = settings()
    if not is_loopback(host) and not chosen.master_keys:
        raise Misconfigured(f"{host} can be reached from elsewhere; set CROSSWALK_MASTER_KEY, or keep to 127.0.0.1")
    log_to_stderr(form=chosen.log_format, least=chosen.log_level or "info", others=True)
    lock = hold(chosen.home / ENGINE_LOCK, f"process {os.getpid()} (crosswalk serve)")
    with sending_traces(chosen), nullcontext() if chosen.workers else lock:
        async with AsyncExitStack() as stack:
            hub = await stack.enter_async_context(open_hub(chosen))
            engine = hub.engine(patient=True)
            vitals = Vitals(home=chosen.home, silent=engine.silent, stopping=engine.stop)
            url = await stack.enter_async_context(serve_api(hub, host=host, port=port, vitals=vitals))
            _listen_for_signals(engine.stop)
            gc.freeze()  # routes and libraries stay: looking through them again took a quarter of a unified call's time
            _announce(url, await sign_in_link(hub, url), as_json=as_json)
            with unwrapped():
                await (_keep_beating(engine) if chosen.workers else _send(hub, engine))


async def _keep_beating(engine: "Engine") -> None:
    """Serve, and leave the sending to workers."""
    while not engine.stop.is_set():
        engine.beat()
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT):
                await engine.stop.wait()


async def _send(hub: "Hub", engine: "Engine") -> None:
    """Do what workers would do."""
    from crosswalk.delivery.retention import Keep, work_retention
    from crosswalk.delivery.work import work_sources

    keep = Keep(content=hub.settings.retention, notices=hub.settings.keep_notices)
    async with asyncio.TaskGroup() as workers:
        workers.create_task(engine.work(), name="engine")
        pruning = work_retention(hub.database, keep, clock=_now, stop=engine.stop)
        workers.create_task(pruning, name="retention")
        workers.create_task(hub.courier().work(engine.stop), name="outbox")
        workers.create_task(work_sources(hub.puller(patient=True), engine.stop), name="sources")
        workers.create_task(_queue_records(hub, engine.stop), name="destinations")
        workers.create_task(_hold_tests(hub, engine.stop), name="trials")
        workers.create_task(_work_automations(hub, engine.stop), name="automations")
        workers.create_task(hub.changes().work(engine.stop), name="changes")
        workers.create_task(_tell_events(hub, engine.stop), name="events")
        workers.create_task(_look_at_days(hub, engine.stop), name="days")


async def sign_in_link(hub: "Hub", url: str) -> str:
    """An address of the console that lets one person in, once."""
    from crosswalk.console.session import Sessions

    secret = await Sessions(database=hub.database).make_link()
    return f"{url}/sign-in?link={secret.reveal()}"


async def _queue_records(hub: "Hub", stop: asyncio.Event) -> None:
    """New records of active destinations become runs."""
    from crosswalk.delivery.backlog import work_destinations

    await work_destinations(hub.database, clock=_now, rng=SystemRandom(), stop=stop)


async def _look_at_days(hub: "Hub", stop: asyncio.Event) -> None:
    """What other clients take of the accounts' days is told."""
    from crosswalk.delivery.foreign import work_days

    await work_days(hub.accounts, hub.notices(), stop)


async def _work_automations(hub: "Hub", stop: asyncio.Event) -> None:
    """Automations look for what fires them, and firings go on."""
    async with hub.automations() as worker:
        await worker.work(stop)


async def _tell_events(hub: "Hub", stop: asyncio.Event) -> None:
    """New events go into the outbox of those who subscribe."""
    from crosswalk.automations.subscription import work_events

    await work_events(hub.database, clock=_now, stop=stop)


async def _hold_tests(hub: "Hub", stop: asyncio.Event) -> None:
    """What dead processes left of tests is held."""
    from crosswalk.delivery.trial import work_trials

    await work_trials(hub.database, clock=_now, stop=stop)


def _announce(url: str, link: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": url, "sign_in": link})
    else:
        click.echo(f"Crosswalk serves {url} until Ctrl-C.\nSign in, once, within half an hour: {link}")


def _listen_for_signals(stop: asyncio.Event) -> None:
    """Let SIGINT and SIGTERM stop the engine: calls in flight finish and are journalled."""
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)


def _now() -> datetime:
    return datetime.now(UTC)
