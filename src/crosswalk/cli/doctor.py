"""`crosswalk doctor`: whether this installation can work, and what to do where it cannot."""

import asyncio
import shutil
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from crosswalk.cli.status import SOME_FAILED, print_json

if TYPE_CHECKING:
    from crosswalk.config import Settings
    from crosswalk.store.database import Database

State = Literal["good", "warn", "bad"]
MARKS = {"good": "ok  ", "warn": "warn", "bad": "BAD "}
LITTLE, TIGHT = 1 << 30, 100 << 20
"""Free bytes of the home's disk below which we warn, and below which nothing can be kept for long."""
REACH = 5.0
"""Seconds that a host may take to answer."""
MADE = datetime(2026, 11, 1, tzinfo=UTC)
PODS = ("na1", "eu1", "au1")
SKEW = 5.0
"""Seconds by which this machine's clock may differ from a host's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    state: State
    says: str


@click.command(epilog="Example: crosswalk doctor --json")
@click.option("--reach/--offline", default=False, help="Ask the accounts' hosts, or Insightly's pods, for an answer.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, reach: bool, as_json: bool) -> None:
    """Look at configuration, home, disk, retention, database, keys, accounts, the owner of the engine.

    With --reach also at the hosts of the accounts and at this machine's clock beside theirs; without accounts, at
    Insightly's pods.

    No call to Insightly's API is made and nothing is changed. Status 1 when something is bad.
    """
    findings = asyncio.run(_examine(reach=reach))
    if as_json:
        print_json([asdict(each) for each in findings])
    else:
        for each in findings:
            click.echo(f"{MARKS[each.state]}  {each.about:<14} {each.says}")
    if any(each.state == "bad" for each in findings):
        raise SystemExit(SOME_FAILED)


async def _examine(*, reach: bool) -> list[Finding]:
    from crosswalk.config import Misconfigured, settings

    try:
        chosen = settings()
    except Misconfigured as exc:
        return [Finding("configuration", "bad", str(exc))]
    kind = "the embedded database" if chosen.embedded else "a PostgreSQL of yours"
    findings = [
        Finding("configuration", "good", f"home {chosen.home}, {kind}"),
        Finding("clock", *_read_clock()),
        Finding("retention", "good", _tell_retention(chosen)),
        *_examine_traces(chosen),
        *_examine_home(chosen.home),
        _find_owner(chosen),
    ]
    return [*findings, *[each async for each in _examine_database(chosen, reach=reach)]]


def _examine_home(home: Path) -> list[Finding]:
    if not home.exists():
        return [Finding("home", "warn", f"{home} is not there yet; the first command that keeps something makes it")]
    mode = home.stat().st_mode & 0o777
    private = not mode & 0o077
    says = f"{home} is its owner's alone" if private else f"{home} can be read by others: chmod 700 {home}"
    free = shutil.disk_usage(home).free
    state: State = "bad" if free < TIGHT else "warn" if free < LITTLE else "good"
    todo = "" if state == "good" else "; make room, or move CROSSWALK_HOME"
    return [
        Finding("home", "good" if private else "warn", says),
        Finding("disk", state, f"{free / (1 << 30):.1f} GiB free{todo}"),
    ]


def _read_clock() -> tuple[State, str]:
    """Whether the clock can be right at all: it is not before this version was made. Hosts tell more, with --reach."""
    now = datetime.now(UTC)
    if now < MADE:
        return "bad", f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, which is long past; set it by NTP"
    return "good", f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _tell_retention(chosen: "Settings") -> str:
    kept = {
        "content of rows": chosen.retention,
        "requests": chosen.keep_requests,
        "notices": chosen.keep_notices,
        "messages": chosen.keep_messages,
    }
    told = (f"{what} {'for ever' if keep is None else f'{keep.days} days'}" for what, keep in kept.items())
    return f"kept: {', '.join(told)}"


def _examine_traces(chosen: "Settings") -> list[Finding]:
    if not chosen.traces:
        return []
    if find_spec("opentelemetry.exporter") is None or find_spec("opentelemetry.sdk") is None:
        says = "CROSSWALK_TRACES is otlp, and the exporter is not installed: pip install 'crosswalk[otel]'"
        return [Finding("traces", "bad", says)]
    return [Finding("traces", "good", "spans are sent by OTLP while `serve` runs")]


def _find_owner(chosen: "Settings") -> Finding:
    from crosswalk.store.lock import ENGINE_LOCK, Held, hold

    if not chosen.home.exists():
        return Finding("engine", "good", "nobody sends; `crosswalk serve` or `send` will")
    try:
        with hold(chosen.home / ENGINE_LOCK, "crosswalk doctor"):
            return Finding("engine", "good", "nobody sends now; `crosswalk serve` or `send` may")
    except Held as held:
        return Finding("engine", "good", f"{held.holder or 'another process'} sends")


async def _examine_database(chosen: "Settings", *, reach: bool) -> AsyncIterator[Finding]:
    from crosswalk.store.database import open_database
    from crosswalk.store.errors import StoreError
    from crosswalk.store.migrate import require_head

    if chosen.embedded and not (chosen.home / "crosswalk.db").exists():
        yield Finding("database", "good", "none yet; it is made with the first account")
        return
    try:
        async with open_database(chosen.database_url) as database:
            await require_head(database)
            yield Finding("database", "good", "answers, at this version's revision")
            async for each in _examine_keys(chosen, database):
                yield each
            async for each in _examine_hosts(database, reach=reach):
                yield each
    except StoreError as exc:
        yield Finding("database", "bad", str(exc))


async def _examine_keys(chosen: "Settings", database: "Database") -> AsyncIterator[Finding]:
    """Whether the master keys here open every stored credential; none of them is shown."""
    from sqlalchemy import func, select

    from crosswalk.accounts.home_key import read_home_keys
    from crosswalk.accounts.vault import name_key
    from crosswalk.store.accounts import credentials

    have = {name_key(key) for key in chosen.master_keys or read_home_keys(chosen.home)}
    counted = select(credentials.c.key_id, func.count()).group_by(credentials.c.key_id)
    async with database.read() as connection:
        sealed = {row[0]: row[1] for row in await connection.execute(counted)}
    lost = sorted(set(sealed) - have)
    if lost:
        count = sum(sealed[key] for key in lost)
        says = f"{count} credentials are sealed with master key {', '.join(lost)}, which is not here. Give it"
        yield Finding("keys", "bad", f"{says}: CROSSWALK_MASTER_KEY")
    else:
        yield Finding("keys", "good", f"{sum(sealed.values())} credentials open with {len(set(sealed))} master key(s)")


async def _examine_hosts(database: "Database", *, reach: bool) -> AsyncIterator[Finding]:
    """Whether the hosts of the accounts can be reached, and what their clocks say. No key is sent."""
    from urllib.parse import urlsplit

    from crosswalk.store.accounts import LIST_ACCOUNTS

    async with database.read() as connection:
        accounts = (await connection.execute(LIST_ACCOUNTS)).all()
    waiting = [each.name for each in accounts if each.status != "active"]
    if waiting:
        yield Finding("accounts", "warn", f"{', '.join(waiting)}: not active. `crosswalk accounts check` says why")
    else:
        yield Finding("accounts", "good", f"{len(accounts)} linked, all active")
    urls = {each.base_url for each in accounts} or {f"https://api.{pod}.insightly.com/v3.1" for pod in PODS}
    for url in sorted(urls) if reach else ():
        yield await _reach(urlsplit(url).netloc, url)


async def _reach(host: str, url: str) -> Finding:
    import aiohttp

    began = time.monotonic()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REACH)) as session,
            session.head(url, allow_redirects=False) as answer,
        ):
            took, there = time.monotonic() - began, answer.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError, socket.gaierror, OSError) as exc:
        return Finding("host", "bad", f"{host} does not answer: {str(exc) or 'no answer in time'}. Look at the network")
    skew = _skew(there)
    if skew is not None and abs(skew) > SKEW:
        return Finding("clock", "warn", f"this machine's clock is {skew:+.0f} s from {host}'s; set it by NTP")
    return Finding("host", "good", f"{host} answers in {took * 1000:.0f} ms, and the clocks agree")


def _skew(date: str | None) -> float | None:
    """Seconds that we are ahead of a `Date` header, as far as its whole seconds tell."""
    from email.utils import parsedate_to_datetime

    try:
        there = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    return time.time() - there
