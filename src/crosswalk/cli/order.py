"""What `send` and `demo` share: an order shown, or carried out with progress and a summary."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import click
from msgspec import Struct

from crosswalk.accounts.accounts import Account
from crosswalk.app import Hub, open_hub
from crosswalk.cli.progress import Meter
from crosswalk.contract import load
from crosswalk.delivery.batch import Parcel, pack
from crosswalk.delivery.engine import KnownFields, Watch
from crosswalk.delivery.payload import Invalid, Payload, make_payload
from crosswalk.delivery.plan import Plan, Rows, SettledPlan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.run import STATES, Counts, Mode, Order, Run, begin_run, count_states, find_run
from crosswalk.delivery.source import Row, Source, open_source, read_content
from crosswalk.store.lock import ENGINE_LOCK, Held, hold

SAMPLES = 3
PACE = 9.8
"""Calls a second that Insightly's limit of ten allows."""
FOLLOW = 0.5
"""Seconds between two looks at a run that another process sends."""
UNDER_WAY = frozenset({"queued", "running"})
LEFT = "this command was asked to; whoever owns the engine goes on with the run"
FAILED = frozenset({"dead", "held", "cancelled"})


class Summary(Struct, frozen=True, kw_only=True):
    """What a run came to. `stopped` says why rows still wait, `None` when none do; `before` calls are of earlier."""

    run: str
    counts: Counts
    calls: int
    before: int
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
        """Two lines for people, and a third when rows still wait."""
        parts = ", ".join(f"{self.counts[state]:,} {state}" for state in STATES if self.counts[state])
        made = self.calls - self.before
        rate = "" if made == 0 else f" ({made / max(self.seconds, 0.001):.1f} a second)"
        earlier = f", {self.before:,} before" if self.before else ""
        left = "" if self.left is None else f"; {self.left:,} calls left today"
        why = "" if self.stopped is None else f"\nStopped: {self.stopped.rstrip('.')}. Go on with it: --resume"
        return (
            f"{self.counts.read:,} rows read: {parts or 'none'}.\n"
            f"{made:,} calls in {self.seconds:.1f} s{rate}{earlier}{left}. Run {self.run}.{why}"
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
    path = file.absolute()  # another process may be the one that reads it

    async def work() -> Summary:
        async with open_hub() as hub:
            return await send_order(hub, path, account, plan, mode=mode)

    return asyncio.run(work())


async def send_order(hub: Hub, file: Path, account: str, plan: Plan, *, mode: Mode) -> Summary:
    """Carry an order out: check it, queue the run, send it or follow whoever owns the engine, add up."""
    found = await hub.accounts.find(account)
    content = read_content(file)
    with open_source(file) as source:
        known = await _check(hub, found, plan, source)
    order = Order(source=str(file), content=content.digest, account=found.id, plan=plan)
    run = await begin_run(hub.database, order, mode, now=_now(), rng=SystemRandom())
    left: list[int | None] = [None]
    meter = Meter(f"{plan.name} {file.name}", total=content.lines - 1, left=lambda: left[0])
    if run.state != "finished":
        watch = Watch(settled=lambda state: meter.count(failed=state in FAILED), left=lambda n: left.__setitem__(0, n))
        with meter:
            await _see_through(hub, run, watch, meter, known)
    return await _add_up(hub, run, meter, left[0])


async def _check(hub: Hub, account: Account, plan: Plan, source: Source) -> KnownFields:
    """Check the plan before a run begins; the account's custom fields are asked for only when it names any."""
    settled = _settle(plan, source, base_url=account.base_url)
    if not settled.sends_custom:
        return {}
    async with hub.connect(account) as crm:
        custom = frozenset((await crm.custom_fields(settled.route.object)).fields)
    _settle(plan, source, base_url=account.base_url, custom=custom)
    return {(account.id, settled.route.object): custom}


async def _see_through(hub: Hub, run: Run, watch: Watch, meter: Meter, known: KnownFields) -> None:
    """Own the engine and send the run; follow it while somebody else owns the engine."""
    engine = hub.engine()
    engine.watches[run.id] = watch
    engine.known.update(known)
    with _stopping(engine.stop):
        while not engine.stop.is_set():
            try:
                with hold(hub.settings.home / ENGINE_LOCK, f"process {os.getpid()} (crosswalk send)"):
                    await engine.work(done=lambda: True)
            except Held:
                if await _follow(hub, run, meter, engine.stop):
                    return
            else:
                return


async def _follow(hub: Hub, run: Run, meter: Meter, stop: asyncio.Event) -> bool:
    """Show how far the owner is; whether the run has ended."""
    counts = await count_states(hub.database, run.id)
    meter.show(done=counts.read - counts["pending"], failed=counts["dead"] + counts["held"])
    now = await find_run(hub.database, run.id)
    if now is None or now.state not in UNDER_WAY:
        return True
    with suppress(TimeoutError):
        async with asyncio.timeout(FOLLOW):
            await stop.wait()
    return False


async def _add_up(hub: Hub, run: Run, meter: Meter, left: int | None) -> Summary:
    ended = await find_run(hub.database, run.id)
    assert ended is not None, "a run that began is in the journal"
    return Summary(
        run=run.id,
        counts=await count_states(hub.database, run.id),
        calls=ended.calls,
        before=run.calls,
        seconds=meter.seconds,
        stopped=LEFT if ended.state in UNDER_WAY else ended.reason if ended.state == "stopped" else None,
        left=left,
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
