"""`crosswalk sandbox`: an Insightly on this machine."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import ssl

    from crosswalk.sandbox.sandbox import Sandbox
    from crosswalk.sandbox.server import Running

LOOPBACK = ("127.0.0.1", "::1", "localhost")
PLANS = ("free", "legacy", "plus", "professional", "enterprise")


class Refused(click.ClickException):
    """A wrong option's value: one line, status 2."""

    exit_code = 2


@click.command(epilog="Example: crosswalk sandbox --contacts 1000 --port 8931")
@click.option("--port", type=click.IntRange(0, 65535), default=8931, show_default=True, help="0 takes any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--contacts", type=click.IntRange(0), help="Contacts in each account.")
@click.option("--accounts", type=click.IntRange(1), default=1, show_default=True, help="Each with its own key.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same number makes the same records.")
@click.option("--api-key", help="Key of the first account; otherwise made from the seed.")
@click.option("--no-limits", is_flag=True, help="No limits a second or a day.")
@click.option("--plan", type=click.Choice(PLANS), default="enterprise", show_default=True, help="Plan profile.")
@click.option("--latency-ms", type=click.FloatRange(0), default=0.0, help="Wait this long in every call.")
@click.option("--per-second", type=click.IntRange(1), help="Calls a second, instead of 10.")
@click.option("--per-day", type=click.IntRange(1), help="Calls a day, instead of the plan's.")
@click.option("--tls", type=click.Path(file_okay=False, path_type=Path), help="Serve https, certificates here.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keep the records in this file.")
@click.option("--patience", type=click.FloatRange(1), default=120.0, show_default=True, help="Seconds for a request.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when calls are answered.")
def sandbox(
    *,
    port: int,
    host: str,
    contacts: int | None,
    accounts: int,
    seed: int,
    api_key: str | None,
    no_limits: bool,
    plan: str,
    latency_ms: float,
    per_second: int | None,
    per_day: int | None,
    tls: Path | None,
    state: Path | None,
    patience: float,
    as_json: bool,
) -> None:
    """Run an Insightly that programs cannot tell from the real one, until Ctrl-C.

    Prints the base URL and the key of each account. Faults, clock, log and switches: docs/sandbox.md.
    """
    import asyncio
    import gc

    import uvloop

    from crosswalk.sandbox.limits import Limits
    from crosswalk.sandbox.plans import make_plans
    from crosswalk.sandbox.sandbox import Sandbox, make_recipes
    from crosswalk.sandbox.save import Unwritable
    from crosswalk.sandbox.server import bind, run

    if api_key is not None and (not api_key.strip() or ":" in api_key):
        raise Refused("--api-key is a user name of Basic auth: it is not empty and holds no colon. Name another key.")
    try:
        sock = bind(host, port)
    except OSError as error:
        raise Refused(f"Cannot listen on {host}:{port}: {error.strerror}. Name another --port.") from error
    if host not in LOOPBACK:
        click.echo(
            f"Whoever reaches {host}:{sock.getsockname()[1]} may use /_sandbox, which asks for no key.", err=True
        )
    limits = Limits(enabled=not no_limits, per_second=per_second or 10, per_day=per_day or make_plans()[plan].per_day)
    sizes = {} if contacts is None else {"contacts": contacts}
    recipes = make_recipes(accounts=accounts, seed=seed, sizes=sizes, api_key=api_key, plan=plan, limits=limits)
    with sock:
        made = Sandbox(recipes, latency_ms=latency_ms)
        gc.freeze()  # seeded records live as long as the process: the collector need not walk them again and again
        serving = run(
            made,
            sock,
            host=host,
            announce=_print_json if as_json else _print_plain,
            tls=_make_tls(tls) if tls else None,
            state=_load(made, state) if state else None,
            patience=patience,
        )
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serving)
        except* Unwritable as errors:
            raise Refused(str(errors.exceptions[0])) from errors


def _make_tls(folder: Path) -> "ssl.SSLContext":
    from datetime import UTC, datetime

    from crosswalk.sandbox.tls import make_tls

    context, files = make_tls(folder, datetime.now(UTC))
    click.echo(f"Trust {files.authority}, e.g. SSL_CERT_FILE={files.authority} or REQUESTS_CA_BUNDLE.", err=True)
    return context


def _load(made: "Sandbox", path: Path) -> Path:
    from crosswalk.sandbox.save import Unreadable, Unwritable, load_state, save_state

    try:
        if load_state(made, path):
            click.echo(f"Records of {path} are in place.", err=True)
        save_state(made, path)
    except (Unreadable, Unwritable) as error:
        raise Refused(str(error)) from error
    return path


def _print_json(running: "Running") -> None:
    import os

    print(json.dumps({"base_url": running.base_url, "keys": running.keys, "pid": os.getpid()}), flush=True)


def _print_plain(running: "Running") -> None:
    print(f"Base URL  {running.base_url}")
    for key in running.keys:
        print(f"API key   {key}")
    print(f"Page      {running.url}/_sandbox", flush=True)
