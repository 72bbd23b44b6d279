"""What `send` and `demo` share: an order shown, or carried out with progress and a summary."""

import asyncio
import json
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import click
from msgspec import Struct

from crosswalk.accounts.accounts import Account
from crosswalk.accounts.errors import UnknownAccount
from crosswalk.app import Hub, open_hub
from crosswalk.cli.progress import Meter
from crosswalk.cli.status import loop_through, print_json
from crosswalk.config import settings
from crosswalk.contract import load as contract
from crosswalk.delivery.batch import Parcel, pack
from crosswalk.delivery.engine import Engine, KnownFields, Watch
from crosswalk.delivery.forecast import PACE, Forecast, Pace, forecast, rate_of
from crosswalk.delivery.known import Known, ask_account, count_questions, count_reads
from crosswalk.delivery.payload import Invalid, Payload, make_payload
from crosswalk.delivery.plan import Plan, Rows, SettledPlan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.run import STATES, Counts, Mode, Order, Run, begin_run, count_calls, count_states, find_run
from crosswalk.delivery.source import Content, Options, Row, Source, open_source, read_content
from crosswalk.insightly.trail import recorded
from crosswalk.store.lock import ENGINE_LOCK, Held, hold

SAMPLES = 3
FOLLOW = 0.5
"""Seconds between two looks at a run that another process sends."""
LINES = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".ndjson"})
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
    note: str | None = None

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
        why += "" if self.note is None else f"\n{self.note}."
        return (
            f"{self.counts.read:,} rows read: {parts or 'none'}.\n"
            f"{made:,} calls in {self.seconds:.1f} s{rate}{earlier}{left}. Run {self.run}.{why}"
        )


class Load(Struct, frozen=True):
    """What is sent: a file, a folder or a pattern, and how it is read."""

    path: Path
    options: Options = Options()


def show_order(load: Load, account: str, plan: Plan, *, ask: bool) -> None:
    """Print the first payloads and the forecast; touch no journal, and the network only to `ask` the account."""
    counted = _count(load, plan, show=SAMPLES, known=asyncio.run(_ask(load, account, plan)) if ask else Known())
    click.echo(f"{asyncio.run(_forecast_known(account, counted))} Nothing was sent.")
    for line in counted.bad[:10]:
        click.echo(line, err=True)
    if counted.bad:
        click.echo(f"{len(counted.bad):,} rows would be dead letters; no call would be spent on them.", err=True)


async def _ask(load: Load, account: str, plan: Plan) -> Known:
    """What the account says of custom fields and names; Insightly is called."""
    async with open_hub() as hub:
        found = await hub.accounts.find(account)
        with open_source(load.path, load.options) as source:
            settled = _settle(plan, source, base_url=found.base_url)
        with recorded() as asked:
            async with hub.connect(found) as crm:
                known = await ask_account(crm, settled)
    click.echo(f"{len(asked):,} calls asked the account for custom fields and names.", err=True)
    return known


def show_forecast(load: Load, account: str, plan: Plan, *, as_json: bool) -> None:
    """Print what sending a file would come to; touch neither network nor journal."""

    async def work() -> Forecast:
        async with open_hub() as hub:
            found = await hub.accounts.find(account)
            return await _forecast(hub, found, _count(load, plan, show=0, known=Known()))

    made = asyncio.run(work())
    if as_json:
        print_json(made)
    else:
        click.echo(f"{made.says}.")


class Counted(Struct, frozen=True):
    """A file's rows and calls, and a line for each row that would be a dead letter."""

    rows: int
    calls: int
    bad: list[str]


def _count(load: Load, plan: Plan, *, show: int, known: Known) -> Counted:
    """Count rows and calls, and print the first few calls."""
    calls, rows = 0, 0
    bad: list[str] = []
    with open_source(load.path, load.options) as source:
        settled = _settle(plan, source, base_url=None, known=known)
        _tell((*source.notes, *settled.notes))
        for parcel in pack(settled, _payloads(settled, source, bad)):
            calls += 1
            rows += len(parcel.numbers)
            if calls <= show:
                click.echo(_picture(parcel))
    calls += count_reads(settled, rows) + (count_questions(settled) if calls else 0)
    return Counted(rows + len(bad), calls, bad)


def _tell(notes: Iterable[str]) -> None:
    """Say what was guessed, and what goes out otherwise than asked."""
    for note in notes:
        click.echo(note, err=True)


async def _forecast_known(account: str, counted: Counted) -> str:
    """The forecast of a linked account; without one, as Insightly's usual pace has it."""
    span = _span(counted.calls / PACE)
    about = f"{counted.calls:,} calls for {counted.rows:,} rows, about {span} at {PACE} a second."
    if settings().embedded and not (settings().home / "crosswalk.db").exists():
        return about
    async with open_hub() as hub:
        try:
            found = await hub.accounts.find(account)
        except UnknownAccount:
            return about
        return f"{counted.rows:,} rows: {(await _forecast(hub, found, counted)).says}."


async def _forecast(hub: Hub, account: Account, counted: Counted) -> Forecast:
    pace = Pace(rate=rate_of(account.rate), budget=await hub.accounts.budget(account))
    return forecast(counted.rows, counted.calls, pace, _now())


def _settle(plan: Plan, source: Source, *, base_url: str | None, known: Known = Known()) -> SettledPlan:
    rows, now = Rows(source.columns, closed=source.closed), _now()
    return settle_plan(
        plan, contract(), rows, base_url=base_url, now=now, custom=known.custom, references=known.references
    )


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


def carry_out(load: Load, account: str, plan: Plan, *, mode: Mode) -> Summary:
    """Send a file in a hub of its own."""
    whole = Load(load.path.absolute(), load.options)  # another process may be the one that reads it

    async def work() -> Summary:
        async with open_hub() as hub:
            return await send_order(hub, whole, account, plan, mode=mode)

    return loop_through(work())


async def send_order(hub: Hub, load: Load, account: str, plan: Plan, *, mode: Mode) -> Summary:
    """Carry an order out: check it, queue the run, send it or follow whoever owns the engine, add up."""
    found = await hub.accounts.find(account)
    content = read_content(load.path)
    with open_source(load.path, load.options) as source, recorded() as asked:
        known = await _check(hub, found, plan, source)
    order = Order(source=str(load.path), content=content.digest, account=found.id, plan=plan, options=load.options)
    engine, title = hub.engine(), f"{plan.name} {load.path.name}"
    with _stopping(engine.stop):  # from the first moment at which there is a run to tell of
        run = await begin_run(hub.database, order, mode, now=_now(), rng=SystemRandom())
        await count_calls(hub.database, run.id, len(asked))
        return await follow_run(hub, run, title, total=_rows_of(load, content), known=known, engine=engine)


def _rows_of(load: Load, content: Content) -> int | None:
    """About how many rows a file of text holds, for the progress; `None` where lines are no rows."""
    return max(0, content.lines - 1) if load.options.format is None and load.path.suffix in LINES else None


async def follow_run(
    hub: Hub,
    run: Run,
    title: str,
    *,
    total: int | None = None,
    known: KnownFields | None = None,
    engine: Engine | None = None,
) -> Summary:
    """Send a run, or follow whoever owns the engine, with progress; add up."""
    left: list[int | None] = [None]
    meter = Meter(title, total=total, left=lambda: left[0])
    if run.state != "finished":
        watch = Watch(settled=lambda state: meter.count(failed=state in FAILED), left=lambda n: left.__setitem__(0, n))
        engine = engine or hub.engine()
        engine.watches[run.id] = watch
        engine.known.update(known or {})
        with meter, _stopping(engine.stop):
            await _see_through(hub, engine, run, meter)
    return await _add_up(hub, run, meter, left[0])


async def _check(hub: Hub, account: Account, plan: Plan, source: Source) -> KnownFields:
    """Check the plan before a run begins; the account's custom fields are asked for only when it names any."""
    settled = _settle(plan, source, base_url=account.base_url)
    _tell((*source.notes, *settled.notes))
    if not settled.sends_custom:
        return {}
    async with hub.connect(account) as crm:
        custom = (await crm.custom_fields(settled.route.object)).fields
    _settle(plan, source, base_url=account.base_url, known=Known(custom=custom))
    return {(account.id, settled.route.object): custom}


async def _see_through(hub: Hub, engine: Engine, run: Run, meter: Meter) -> None:
    """Own the engine and send the run; follow it while somebody else owns the engine."""
    while not engine.stop.is_set():
        try:
            with hold(hub.settings.home / ENGINE_LOCK, f"process {os.getpid()} (crosswalk send)"):
                async with hub.courier().working():
                    await engine.work(done=lambda: True)
        except Held:
            if await _follow(hub, run, meter, engine.stop):
                return
        else:
            if engine.lanes is None or not await engine.lanes.is_elsewhere(run.order.account):
                return
            if await _follow(hub, run, meter, engine.stop):  # another process of the database sends it
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
        note=ended.reason if ended.state == "finished" else None,
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
