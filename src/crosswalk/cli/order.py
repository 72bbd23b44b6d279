"""What `send` and `demo` share: an order shown, or carried out with progress and a summary."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import click
from msgspec import Struct

from crosswalk.app import Hub, open_hub
from crosswalk.cli.progress import Meter
from crosswalk.contract import load
from crosswalk.delivery.batch import Parcel, pack
from crosswalk.delivery.journal import Dead, open_journal
from crosswalk.delivery.payload import Invalid, Payload, make_payload
from crosswalk.delivery.plan import Plan, Rows, SettledPlan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.run import STATES, Counts, Mode, Order, Run, begin_run, count_states, end_run
from crosswalk.delivery.send import Lane, send_rows
from crosswalk.delivery.source import Row, Source, open_source, read_content
from crosswalk.insightly import Insightly
from crosswalk.insightly.pace import IN_FLIGHT
from crosswalk.store.lock import hold

SAMPLES = 3
PACE = 9.8
"""Calls a second that Insightly's limit of ten allows."""
UNPACED = 64
"""Calls in flight to an account without a limit, such as a sandbox."""


class Summary(Struct, frozen=True, kw_only=True):
    """What a run came to. `stopped` says why rows still wait, `None` when none do."""

    run: str
    counts: Counts
    calls: int
    seconds: float
    stopped: str | None
    left: int | None

    @property
    def status(self) -> int:
        """The command's status: 0 all delivered, 1 some dead or held, 3 stopped on the way."""
        if self.stopped is not None:
            return 3
        return 1 if self.counts["dead"] or self.counts["held"] else 0

    def as_json(self) -> str:
        """One object: run, calls, seconds, and one count for each record state."""
        head = {"run": self.run, "calls": self.calls, "seconds": round(self.seconds, 3), "stopped": self.stopped}
        return json.dumps(head | {"read": self.counts.read} | {state: self.counts[state] for state in STATES})

    def as_text(self) -> str:
        """Two lines for people."""
        parts = ", ".join(f"{self.counts[state]:,} {state}" for state in STATES if self.counts[state])
        rate = self.calls / max(self.seconds, 0.001)
        left = "" if self.left is None else f"; {self.left:,} calls left today"
        return (
            f"{self.counts.read:,} rows read: {parts or 'none'}.\n"
            f"{self.calls:,} calls in {self.seconds:.1f} s ({rate:.1f} a second){left}. Run {self.run}."
        )


def show_order(file: Path, plan: Plan) -> None:
    """Print the first payloads and the call count; touch neither network nor journal."""
    calls, rows = 0, 0
    bad: list[str] = []
    with open_source(file) as source:
        settled = _settle(plan, source, base_url=None)
        for note in settled.notes:
            click.echo(note, err=True)
        for parcel in pack(settled, _payloads(settled, source, bad)):
            calls += 1
            rows += len(parcel.numbers)
            if calls <= SAMPLES:
                click.echo(_picture(parcel))
    rows, span = rows + len(bad), _span(calls / PACE)
    click.echo(f"{calls:,} calls for {rows:,} rows, about {span} at {PACE} a second. Nothing was sent.")
    for line in bad[:10]:
        click.echo(line, err=True)
    if bad:
        click.echo(f"{len(bad):,} rows would be dead letters; no call would be spent on them.", err=True)


def _settle(plan: Plan, source: Source, *, base_url: str | None, custom: frozenset[str] | None = None) -> SettledPlan:
    rows = Rows(source.columns, closed=source.closed)
    return settle_plan(plan, load(), rows, base_url=base_url, now=_now(), custom=custom)


def _payloads(plan: SettledPlan, source: Source, bad: list[str]) -> Iterator[tuple[int, Payload]]:
    """Good rows by number; a line for each of the others goes to `bad`."""
    for row in source.rows:
        payload = make_payload(plan, row.cells) if isinstance(row, Row) else Invalid(row.reason)
        if isinstance(payload, Invalid):
            bad.append(f"row {row.number}: {payload.reason}")
        else:
            yield row.number, payload


def _picture(parcel: Parcel) -> str:
    lines = (f"{name}: {value}\n" for name, value in parcel.headers)
    head = f"{parcel.method} /v3.1{parcel.path}\nAuthorization: Basic ***\n{''.join(lines)}"
    if parcel.body is None:
        return head
    body = json.dumps(json.loads(parcel.body), ensure_ascii=False, indent=2)
    return f"{head}Content-Type: application/json; charset=utf-8\n{body}\n"


def _span(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 (below that, seconds read better)
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004 (the same)


def carry_out(file: Path, account: str, plan: Plan, *, mode: Mode) -> Summary:
    """Send a file in a hub of its own."""

    async def work() -> Summary:
        async with open_hub() as hub:
            return await send_order(hub, file, account, plan, mode=mode)

    return asyncio.run(work())


async def send_order(hub: Hub, file: Path, account: str, plan: Plan, *, mode: Mode) -> Summary:
    """Carry an order out: name the run, take its lock, send what is not settled, add up."""
    found = await hub.accounts.find(account)
    content = read_content(file)
    order = Order(source=str(file), content=content.digest, account=found.id, plan=plan)
    with open_source(file) as source, hold(_lock_of(hub, order), f"process {os.getpid()} (crosswalk send)"):
        settled = _settle(plan, source, base_url=found.base_url)
        async with hub.connect(found) as crm:
            if settled.sends_custom:
                custom = frozenset((await crm.custom_fields(settled.route.object)).fields)
                settled = _settle(plan, source, base_url=found.base_url, custom=custom)
            run = await begin_run(hub.database, order, mode, now=_now(), rng=SystemRandom())
            meter = Meter(f"{plan.name} {file.name}", total=content.lines - 1, left=lambda: crm.remaining)
            async with open_journal(hub.database, run.id) as journal:
                if run.state == "finished":
                    return await _add_up(hub, run, crm, meter, None)
                lane = Lane(
                    crm=crm,
                    journal=journal,
                    plan=settled,
                    resource=settled.route.resource,
                    in_flight=IN_FLIGHT if found.rate != 0 else UNPACED,
                    clock=_now,
                    tell=lambda outcome: meter.count(failed=isinstance(outcome, Dead) or outcome.state != "delivered"),
                    stop=asyncio.Event(),
                )
                with meter, _stopping(lane.stop):
                    await journal.hold_open_intents(at=_now())
                    stopped = await send_rows(lane, source.rows)
                await end_run(hub.database, run, stopped=stopped, now=_now(), calls=crm.calls)
                return await _add_up(hub, run, crm, meter, stopped)


def _lock_of(hub: Hub, order: Order) -> Path:
    """The run's lock file: the operating system drops the lock when its holder dies."""
    folder = hub.settings.home / "runs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{order.name}.lock"


async def _add_up(hub: Hub, run: Run, crm: Insightly, meter: Meter, stopped: str | None) -> Summary:
    counts = await count_states(hub.database, run.id)
    return Summary(
        run=run.id,
        counts=counts,
        calls=run.calls + crm.calls,
        seconds=meter.seconds,
        stopped=stopped,
        left=crm.remaining,
    )


@contextmanager
def _stopping(stop: asyncio.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop the admission of rows; calls in flight finish and are journalled."""
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    try:
        yield
    finally:
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(sign)


def _now() -> datetime:
    return datetime.now(UTC)
