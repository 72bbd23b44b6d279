"""`crosswalk serve`: the hub's HTTP API, until it is told to stop."""

import asyncio
import os
import signal

import click

from crosswalk.cli.status import WrongUse, explained, print_json


@click.command(epilog="Example: crosswalk serve --port 8080")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes any free one.")
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON.")
def serve(*, host: str, port: int, as_json: bool) -> None:
    """Serve the hub's HTTP API and send queued runs until Ctrl-C. One process serves a home."""
    import uvloop

    from crosswalk.api.server import PortTaken

    try:
        with explained():
            uvloop.run(_serve(host, port, as_json=as_json))
    except PortTaken as exc:
        raise WrongUse(str(exc)) from exc


async def _serve(host: str, port: int, *, as_json: bool) -> None:
    from crosswalk.app import log_to_stderr, open_hub, serve_api
    from crosswalk.config import Misconfigured, settings
    from crosswalk.insightly.pods import is_loopback
    from crosswalk.store.lock import ENGINE_LOCK, hold

    chosen = settings()
    if not is_loopback(host) and not chosen.master_keys:
        raise Misconfigured(f"{host} can be reached from elsewhere; set CROSSWALK_MASTER_KEY, or keep to 127.0.0.1")
    log_to_stderr()
    with hold(chosen.home / ENGINE_LOCK, f"process {os.getpid()} (crosswalk serve)"):
        async with open_hub(chosen) as hub, serve_api(hub, host=host, port=port) as url:
            engine = hub.engine(patient=True)
            _listen_for_signals(engine.stop)
            _announce(url, as_json=as_json)
            await engine.work()


def _announce(url: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": url})
    else:
        click.echo(f"Crosswalk serves {url} until Ctrl-C.")


def _listen_for_signals(stop: asyncio.Event) -> None:
    """Let SIGINT and SIGTERM stop the engine: calls in flight finish and are journalled."""
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
