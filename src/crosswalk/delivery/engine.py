"""The engine: runs taken from the queue and sent, each over its account's lane. One process owns a home's engine."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeAlias

import structlog

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.errors import AccountError
from crosswalk.contract import load
from crosswalk.delivery.errors import DeliveryError, SourceError
from crosswalk.delivery.feed import WINDOW, Feed
from crosswalk.delivery.journal import Journal, open_journal
from crosswalk.delivery.lane import Lane, Policy
from crosswalk.delivery.payload import make_payload
from crosswalk.delivery.plan import Rows, SettledPlan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.run import Run, claim_runs, count_calls, end_run, queue_run
from crosswalk.delivery.source import Source, open_source, read_content
from crosswalk.insightly import Insightly, InsightlyError
from crosswalk.insightly.pace import IN_FLIGHT
from crosswalk.store.database import Database
from crosswalk.store.deliveries import RecordState

UNPACED = 64
"""Calls in flight to an account without a limit, such as a sandbox."""
FIRST_PROBE, LAST_PROBE = timedelta(minutes=1), timedelta(minutes=30)
"""How long a patient engine waits before it asks whether a halted lane may go on, at first and at last."""
POLL = 0.5
"""Seconds between two looks at the queue."""
STOPPED = "it was asked to, by Ctrl-C or a signal"


@dataclass(frozen=True, slots=True)
class Watch:
    """What a run tells while it is sent: every settled row, and the calls left today."""

    settled: Callable[[RecordState], None]
    left: Callable[[int | None], None]


log = structlog.get_logger()


def _nobody(_: object) -> None:
    return


KnownFields: TypeAlias = dict[tuple[str, str], frozenset[str]]
"""Names of custom fields by account and object, as asked for a moment ago."""
SILENT = Watch(_nobody, _nobody)


@dataclass(eq=False, slots=True, kw_only=True)
class Engine:
    """Sends runs. `settle_after` is how long a call may still take effect; `watches` are told of one run by its id.

    A `patient` engine holds a halted run until the day is over or Insightly lets it in again; another one stops it.
    """

    database: Database
    accounts: Accounts
    settle_after: timedelta
    clock: Callable[[], datetime]
    rng: Random
    patient: bool = False
    watches: dict[str, Watch] = field(default_factory=dict)
    known: KnownFields = field(default_factory=dict)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _clients: dict[str, tuple[Insightly, int]] = field(default_factory=dict)

    async def work(self, *, done: Callable[[], bool] = lambda: False) -> None:
        """Send what is queued, and what a dead owner left, until stopped or `done` and idle."""
        with _unwrapped():
            await self._work(done)

    async def _work(self, done: Callable[[], bool]) -> None:
        orphans = True
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as tasks:
            stopping = tasks.create_task(self.stop.wait())
            while not self.stop.is_set():
                for run in await claim_runs(self.database, orphans=orphans):
                    task = tasks.create_task(self.send(run), name=f"run {run.id}")
                    running.add(task)
                    task.add_done_callback(running.discard)
                orphans = False
                if done() and not running:
                    stopping.cancel()
                    return
                await asyncio.wait({stopping, *running}, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)

    async def send(self, run: Run) -> None:
        """Send one run to its end, and write how it ended; what a patient engine leaves, the next owner takes."""
        try:
            with _unwrapped():
                stopped = await self._send(run)
        except (DeliveryError, AccountError, InsightlyError) as error:
            stopped = str(error)
        if stopped == STOPPED and self.patient:
            await queue_run(self.database, run.id)
        else:
            await end_run(self.database, run.id, stopped=stopped, now=self.clock())

    async def _send(self, run: Run) -> str | None:
        order, path = run.order, Path(run.order.source)
        if read_content(path).digest != order.content:
            raise SourceError(f"{path} is not the file that this run began with. Send it as it is now: --again")
        account = await self.accounts.find(order.account)
        async with AsyncExitStack() as stack:
            source = stack.enter_context(open_source(path))
            crm = await stack.enter_async_context(self._client(account))
            plan = await self._settle(run, source, account, crm)
            journal = await stack.enter_async_context(open_journal(self.database, run.id, self.rng))
            lane = Lane(
                crm=crm,
                journal=journal,
                feed=await self._feed(journal, source, plan),
                plan=plan,
                policy=Policy(in_flight=UNPACED if account.rate == 0 else IN_FLIGHT, settle_after=self.settle_after),
                clock=self.clock,
                rng=self.rng,
                tell=self._teller(run, crm),
                stop=self.stop,
            )
            try:
                await self._drive(lane, run)
            finally:
                await count_calls(self.database, run.id, lane.flights.left)
            if lane.halted is not None:
                return lane.halted.reason
            return None if lane.feed.exhausted else STOPPED

    async def _drive(self, lane: Lane, run: Run) -> None:
        """Run a lane to its end; a patient engine waits until what halted it is over, and goes on by itself."""
        wait = FIRST_PROBE
        await lane.run()
        while lane.halted is not None and self.patient and not self.stop.is_set():
            until = lane.halted.until or self.clock() + wait
            log.warning("lane.paused", run=run.id, reason=lane.halted.reason, until=until.isoformat())
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, (until - self.clock()).total_seconds())):
                    await self.stop.wait()
                    return
            wait = min(2 * wait, LAST_PROBE)
            if await _is_healed(lane.crm):
                log.info("lane.resumed", run=run.id)
                lane.resume()
                await lane.run()

    async def _settle(self, run: Run, source: Source, account: Account, crm: Insightly) -> SettledPlan:
        """The run's plan, checked; the account's custom fields are asked for only when the plan names any."""
        rows, plan = Rows(source.columns, closed=source.closed), run.order.plan
        settled = settle_plan(plan, load(), rows, base_url=account.base_url, now=run.began_at)
        if not settled.sends_custom:
            return settled
        name = settled.route.object
        custom = self.known.pop((account.id, name), None) or frozenset((await crm.custom_fields(name)).fields)
        return settle_plan(plan, load(), rows, base_url=account.base_url, now=run.began_at, custom=custom)

    async def _feed(self, journal: Journal, source: Source, plan: SettledPlan) -> Feed:
        """The run's rows, from where an earlier process left them."""
        await journal.doubt_open_intents(at=self.clock())
        whole, beyond = await journal.taken(window=WINDOW + 1)
        feed = Feed(rows=source.rows, make=lambda row: make_payload(plan, row.cells), whole=whole, beyond=beyond)
        after = 0
        while lines := await journal.pending(after=after, most=WINDOW):
            for line in lines:
                feed.adopt(line, self.clock())
            after = lines[-1].number
        return feed

    def _teller(self, run: Run, crm: Insightly) -> Callable[[RecordState], None]:
        watch = self.watches.get(run.id, SILENT)

        def tell(state: RecordState) -> None:
            watch.settled(state)
            watch.left(crm.remaining)

        return tell

    @asynccontextmanager
    async def _client(self, account: Account) -> AsyncIterator[Insightly]:
        """One client an account, shared by its runs, so that they share its pace and places in flight fairly."""
        key = account.id
        if key in self._clients:
            crm, users = self._clients[key]
            self._clients[key] = (crm, users + 1)
            try:
                yield crm
            finally:
                crm, users = self._clients[key]
                self._clients[key] = (crm, users - 1)
            return
        async with self.accounts.connect(account) as crm:
            self._clients[key] = (crm, 1)
            try:
                yield crm
                while self._clients[key][1] > 1:  # noqa: ASYNC110 (other runs use it still; a look now and then does)
                    await asyncio.sleep(POLL)
            finally:
                del self._clients[key]


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Raise the first failure of a group of tasks as itself: the others were cancelled for its sake."""
    try:
        yield
    except ExceptionGroup as group:
        leaf: Exception = group
        while isinstance(leaf, ExceptionGroup):
            leaf = leaf.exceptions[0]
        raise leaf from group


async def _is_healed(crm: Insightly) -> bool:
    """Whether Insightly lets this account in: the cheapest call that tells."""
    try:
        await crm.request("GET", "/Users/Me")
    except InsightlyError:
        return False
    return True
