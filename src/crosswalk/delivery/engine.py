"""The engine: runs taken from the queue and sent, each over its account's lane. One process owns a home's engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bound_contextvars

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.errors import AccountError
from crosswalk.contract import load
from crosswalk.delivery.custom_fields import Custom
from crosswalk.delivery.edit import Planner
from crosswalk.delivery.errors import DeliveryError, PlanError, SourceError, unwrapped
from crosswalk.delivery.feed import WINDOW, Feed
from crosswalk.delivery.flights import Flights
from crosswalk.delivery.foreign import tell_foreign
from crosswalk.delivery.herald import Herald
from crosswalk.delivery.history import list_columns
from crosswalk.delivery.journal import Journal, open_journal
from crosswalk.delivery.known import ask_account
from crosswalk.delivery.lane import Lane, Policy
from crosswalk.delivery.lease import LaneLost, Lanes, Lease
from crosswalk.delivery.memory import Claims, Memory
from crosswalk.delivery.mirror import (
    PART,
    count_loss,
    feed_deletions,
    forget_deleted,
    is_whole,
    journal_deletions,
    object_to,
    tell_derived,
)
from crosswalk.delivery.payload import make_payload
from crosswalk.delivery.plan import Plan, Rows, SettledPlan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.recall import Recall
from crosswalk.delivery.records import spool
from crosswalk.delivery.replay import plan_replays
from crosswalk.delivery.report import Reporter
from crosswalk.delivery.responses import Responses, open_responses
from crosswalk.delivery.run import Run, claim_lane, claim_runs, count_calls, count_states, read_span
from crosswalk.delivery.source import Source, open_source, read_content
from crosswalk.delivery.steering import STOPPED, leave_run, list_asked, settle_asked
from crosswalk.delivery.vigil import Vigil, find_halt
from crosswalk.gate import calling_for
from crosswalk.insightly import Insightly, InsightlyError
from crosswalk.insightly.pace import IN_FLIGHT
from crosswalk.insightly.trail import recorded
from crosswalk.outgoing.endpoints import Endpoints
from crosswalk.store.database import Database
from crosswalk.store.deliveries import RecordState
from crosswalk.store.errors import StoreError
from crosswalk.tracing import Kind, timed

UNPACED, SHARED = 100, 25
"""Calls in flight to an account without a limit, such as a sandbox: of a command; of a process that others share."""
POLL = 0.5
"""Seconds between two looks at the queue."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run was left: `stopped` says why rows may wait, `note` what is to be told of one that is finished."""

    stopped: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a run tells while it is sent: every settled row, and the calls left today."""

    settled: Callable[[RecordState], None]
    left: Callable[[int | None], None]


def _nobody(_: object) -> None:
    return


KnownFields: TypeAlias = dict[tuple[str, str], Custom]
"""Custom fields by account and object, as asked for a moment ago."""
log = structlog.get_logger()
SILENT = Watch(_nobody, _nobody)


@dataclass(eq=False, slots=True, kw_only=True)
class Engine:
    """Sends runs. `settle_after` is how long a call may still take effect; `watches` are told of one run by its id.

    `folder` is where records of datasets are written out for the time that they are sent.

    `herald` tells of runs; `endpoints` hear of every call where a response webhook is wanted.

    Where several processes may send, `lanes` are those that this one owns: it sends the runs of no other account.

    A `patient` engine holds a halted run until the day is over or Insightly lets it in again; another one stops it.
    """

    database: Database
    accounts: Accounts
    settle_after: timedelta
    clock: Callable[[], datetime]
    rng: Random
    folder: Path
    patient: bool = False
    herald: Herald | None = None
    endpoints: Endpoints | None = None
    lanes: Lanes | None = None
    watches: dict[str, Watch] = field(default_factory=dict)
    known: KnownFields = field(default_factory=dict)
    claims: Claims = field(default_factory=Claims)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _beat: float = field(default_factory=monotonic)
    _clients: dict[str, tuple[Insightly, int]] = field(default_factory=dict)
    _stops: dict[str, asyncio.Event] = field(default_factory=dict)
    _leases: dict[str, Lease] = field(default_factory=dict)
    _more: set[str] = field(default_factory=set)

    def beat(self) -> None:
        """Give a sign of life."""
        self._beat = monotonic()

    def silent(self) -> float:
        """Seconds since the last sign of life; while it works it gives one at every look for runs."""
        return monotonic() - self._beat

    async def work(self, *, done: Callable[[], bool] = lambda: False) -> None:
        """Send what is queued, and what a dead owner left, until stopped or `done` and idle."""
        with unwrapped():
            async with self.keeping():
                await self._work(done)

    def keeping(self) -> AbstractAsyncContextManager[None]:
        """Keep the lanes that this engine owns while the block runs."""
        return nullcontext() if self.lanes is None else self.lanes.keeping(self._lose)

    async def _work(self, done: Callable[[], bool]) -> None:
        orphans = True
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as tasks:
            stopping = tasks.create_task(self.stop.wait())
            if self.lanes is None:
                await settle_asked(self.database, now=self.clock())
            else:
                await self.lanes.inherit()
            while not self.stop.is_set():
                self.beat()
                await self.heed()
                for run in await self._claim(orphans=orphans):
                    task = tasks.create_task(self.send(run), name=f"run {run.id}")
                    running.add(task)
                    task.add_done_callback(running.discard)
                orphans = False
                if done() and not running:
                    stopping.cancel()
                    return
                await asyncio.wait({stopping, *running}, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)

    async def heed(self) -> None:
        """Stop the runs that somebody asked to be left."""
        for asked in await list_asked(self.database):
            if asked in self._stops:
                self._stops[asked].set()

    async def _claim(self, *, orphans: bool) -> list[Run]:
        """Take the runs that this process may send."""
        if self.lanes is None:
            return await claim_runs(self.database, orphans=orphans)
        runs: list[Run] = []
        for account in await self.lanes.list_open():
            runs += await self.claim(account)
        return runs

    async def claim(self, account: str) -> list[Run]:
        """Take the runs of one account's lane, unless another process owns it; `send` each of them."""
        assert self.lanes is not None, "lanes are owned where several processes may send"
        lease, fresh = self.lanes.held.get(account), False
        if lease is None:
            if any(each.account == account for each in self._leases.values()):
                return []  # what we lost is still on its way out
            lease, fresh = await self.lanes.take(account), True
        if lease is None:
            return []
        lease.users += 1
        runs: list[Run] = []
        try:
            if fresh:
                await settle_asked(self.database, now=self.clock(), lease=lease)
            runs = await claim_lane(self.database, lease, orphans=fresh)
        except LaneLost as error:
            log.warning("lane.lost", account=account, why=str(error))
        lease.users += len(runs)
        self._leases |= {run.id: lease for run in runs}
        await self._let_go(lease)
        return runs

    async def notice_more(self) -> None:
        """Learn in which lanes under way new runs wait."""
        if self.lanes is not None and self.lanes.held:
            self._more |= set(await self.lanes.list_more())

    async def work_lane(self, account: str, *, longest: float, others_wait: Callable[[], Awaitable[bool]]) -> bool:
        """Send one account's runs until none waits, or `longest` seconds are over and `others_wait`.

        Answers whether anything is left for another slice.
        """
        running: dict[asyncio.Task[None], str] = {}
        assert self.lanes is not None, "lanes are owned where several processes may send"
        clock, resting = self.lanes.clock, False
        began = clock()
        self._more.add(account)
        with unwrapped():
            async with asyncio.TaskGroup() as tasks:
                while not self.stop.is_set():
                    if account in self._more and not resting:
                        self._more.discard(account)
                        for run in await self.claim(account):
                            running[tasks.create_task(self.send(run), name=f"run {run.id}")] = run.id
                    if not running:
                        break
                    if not resting and clock() - began > longest and await others_wait():
                        resting = True
                    for run_id in running.values() if resting else ():
                        if run_id in self._stops:
                            self._stops[run_id].set()
                    await asyncio.wait(running, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
                    running = {task: run_id for task, run_id in running.items() if not task.done()}
        return resting

    async def _let_go(self, lease: Lease) -> None:
        """One use of a lane is over; the last one leaves it to others."""
        lease.users -= 1
        if lease.users == 0 and self.lanes is not None:
            try:
                await self.lanes.leave(lease)
            except StoreError as error:  # it ends by itself
                log.warning("lane.not_left", account=lease.account, why=str(error))

    def _lose(self, lease: Lease) -> None:
        """Another process owns a lane: drop its runs where they are."""
        for run, held in self._leases.items():
            if held is lease and run in self._stops:
                self._stops[run].set()

    async def send(self, run: Run) -> None:
        """Send one run to its end; one on a lease is left to the lane's next owner when that or the database fails."""
        lease = self._leases.get(run.id)
        if lease is None:
            await self._see_through(run, None)
            return
        try:
            await self._see_through(run, lease)
        except (StoreError, SQLAlchemyError) as error:
            log.warning("run.left", run=run.id, account=lease.account, why=str(error))
        finally:
            del self._leases[run.id]
            await self._let_go(lease)

    async def _see_through(self, run: Run, lease: Lease | None) -> None:
        """Send one run to its end, and write how it ended; what a patient engine leaves, the next owner takes."""
        told = timed("run", Kind.INSIDE)  # its parts are traces of their own: a run may have a million
        try:
            async with self._stoppable(run.id):
                guard = None if lease is None else lease.guard
                with calling_for("lane", run.id, guard=guard), bound_contextvars(run=run.id):
                    ending = await self._send(run)
        except (DeliveryError, AccountError, InsightlyError) as error:
            ending = Ending(str(error))
        told.say({"crosswalk.run": run.id, "crosswalk.account": run.order.account})
        if ending.stopped is not None:
            told.fail("stopped")
        told.end()
        await leave_run(
            self.database,
            run.id,
            stopped=ending.stopped,
            note=ending.note,
            go_on=self.patient,
            now=self.clock(),
            lease=lease,
        )
        if self.herald is not None:
            await self.herald.ended(run)

    async def _send(self, run: Run) -> Ending:
        if not run.order.account:
            raise SourceError("the account that this run sends to was removed. Cancel the run, or link an account anew")
        account = await self.accounts.find(run.order.account)
        async with AsyncExitStack() as stack:
            source = await self._open_source(run, stack)
            crm = await stack.enter_async_context(self._client(account))
            plan = await self._prepare(run, source, account, crm)
            if plan is None:
                return Ending(STOPPED)
            await self._plan_replays(run, plan, account)
            journal = await stack.enter_async_context(
                open_journal(self.database, run.id, self.rng, lease=self._leases.get(run.id))
            )
            feed, flights = await self._feed(journal, source, plan), Flights()
            recall = self._recall(run, plan, crm=crm, journal=journal, feed=feed, flights=flights)
            lane = Lane(
                crm=crm,
                journal=journal,
                feed=feed,
                flights=flights,
                plan=plan,
                policy=Policy(in_flight=self._in_flight(account), settle_after=self.settle_after),
                clock=self.clock,
                rng=Random(self.rng.getrandbits(64)),  # noqa: S311 (no secret; the system is slow)
                tell=self._teller(run, crm),
                stop=self._stops[run.id],
                report=Reporter(await self._open_responses(run, account)),
                recall=recall,
            )
            try:
                return await self._carry_out(lane, run)
            finally:
                await count_calls(self.database, run.id, lane.flights.left)
                if self.herald is not None:
                    await tell_foreign(self.herald.notices, account, await self.accounts.budget(account))
                if recall is not None:
                    recall.memory.leave()

    def _in_flight(self, account: Account) -> int:
        if account.rate != 0:
            return IN_FLIGHT
        return SHARED if self.patient else UNPACED

    async def _carry_out(self, lane: Lane, run: Run) -> Ending:
        """Drive a lane, and then delete what a mirror has to."""
        ending = await self._drive(lane, run)
        mirror = lane.plan.mirror
        if ending.stopped is not None or mirror is None or lane.recall is None or run.order.destination is None:
            return ending
        memory = lane.recall.memory
        await lane.journal.flush()
        loss = await count_loss(self.database, memory, run.id)
        objection = object_to(mirror, await count_states(self.database, run.id), loss)
        objection = objection or (None if await is_whole(self.database, run) or not loss.gone else PART)
        if objection is not None or not loss.gone:
            return Ending(note=objection)
        resource = lane.plan.route.resource
        await journal_deletions(lane.journal, memory, run.id, path=resource.path, at=self.clock())
        deleting = replace(lane, feed=await feed_deletions(lane.journal, self.clock()), recall=None, tell=_nobody)
        ending = await self._drive(deleting, run)
        await lane.journal.flush()
        await forget_deleted(self.database, memory, run.id)
        return ending if ending.stopped is not None else Ending(note=await tell_derived(self.database, run.id))

    async def _open_source(self, run: Run, stack: AsyncExitStack) -> Source:
        """The run's rows; none are left in a source that was read to its end, as when dead letters are replayed."""
        if run.read_whole:
            return Source(await list_columns(self.database, run.id), iter(()), closed=False)
        path = await stack.enter_async_context(self._open_rows(run))
        return stack.enter_context(open_source(path, run.order.options))

    @asynccontextmanager
    async def _open_rows(self, run: Run) -> AsyncIterator[Path]:
        """The file of a run's rows: the one that it began with, or a dataset's records, written out for the while."""
        span = read_span(run.order.source)
        if span is None:
            path = Path(run.order.source)
            if read_content(path).digest != run.order.content:
                raise SourceError(f"{path} is not the file that this run began with. Send it as it is now: --again")
            yield path
            return
        path = self.folder / f"{run.id}.jsonl"
        try:
            await spool(self.database, span.dataset, span.first, span.last, path)
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def _drive(self, lane: Lane, run: Run) -> Ending:
        """Run a lane to its end; a patient engine waits until what halted it is over, and goes on by itself."""
        vigil = self._vigil(run, lane.crm)
        await lane.run()
        if lane.halted is not None and self.herald is not None:
            await self.herald.spent(run, lane.halted)
        while lane.halted is not None and self.patient and await vigil.hold(lane.halted):
            lane.resume()
            await lane.run()
        if lane.halted is not None:
            return Ending(lane.halted.reason)
        return Ending(None if lane.feed.exhausted else STOPPED)

    def _vigil(self, run: Run, crm: Insightly) -> Vigil:
        return Vigil(run=run, crm=crm, herald=self.herald, clock=self.clock, stop=self._stops[run.id])

    async def _prepare(self, run: Run, source: Source, account: Account, crm: Insightly) -> SettledPlan | None:
        """The run's plan; a patient engine waits until the account answers. `None` when it is to stop instead."""
        vigil = self._vigil(run, crm)
        while True:
            try:
                return await self._settle(run, source, account, crm)
            except InsightlyError as error:
                halt = find_halt(error, self.clock())
                if halt is None or not self.patient:
                    raise
            if self.herald is not None:
                await self.herald.spent(run, halt)
            if not await vigil.hold(halt):
                return None

    async def _settle(self, run: Run, source: Source, account: Account, crm: Insightly) -> SettledPlan:
        """The run's plan, checked; custom fields and tables of names are read only when the plan needs them."""
        rows, plan = Rows(source.columns, closed=source.closed), run.order.plan
        settled = settle_plan(plan, load(), rows, base_url=account.base_url, now=run.began_at)
        if not (settled.sends_custom or settled.lookups):
            return settled
        with recorded() as asked:
            try:
                custom = self.known.pop((account.id, settled.route.object), None)
                known = await ask_account(crm, settled, custom=custom)
            finally:
                await count_calls(self.database, run.id, len(asked))
        return settle_plan(
            plan,
            load(),
            rows,
            base_url=account.base_url,
            now=run.began_at,
            custom=known.custom,
            references=known.references,
        )

    async def _plan_replays(self, run: Run, like: SettledPlan, account: Account) -> None:
        """Plan the rows that were replayed, as the run's own were planned."""

        def settle(plan: Plan, rows: Rows) -> SettledPlan:
            return settle_plan(
                plan,
                load(),
                rows,
                base_url=account.base_url,
                now=run.began_at,
                custom=like.custom,
                references=like.references,
            )

        await plan_replays(self.database, run.id, Planner(run.order.plan, settle), now=self.clock())

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

    def _recall(
        self, run: Run, plan: SettledPlan, *, crm: Insightly, journal: Journal, feed: Feed, flights: Flights
    ) -> Recall | None:
        """What is remembered of the records that a run's rows are about; `None` where nothing is."""
        if plan.remembered_by is None:
            return None
        memory = Memory(
            database=self.database,
            account=run.order.account,
            name=plan.route.object,
            by=plan.remembered_by,
            destination=run.order.destination,
            keeps_bodies=plan.mirror is not None,
            claims=self.claims,
        )
        recall = Recall(
            memory=memory,
            crm=crm,
            journal=journal,
            feed=feed,
            plan=plan,
            flights=flights,
            clock=self.clock,
            tell=self._teller(run, crm),
        )
        memory.enter()
        recall.claim_doubts()
        return recall

    def _teller(self, run: Run, crm: Insightly) -> Callable[[RecordState], None]:
        watch = self.watches.get(run.id, SILENT)

        def tell(state: RecordState) -> None:
            watch.settled(state)
            if self.herald is not None:
                self.herald.settled(run, state)
            watch.left(crm.remaining)

        return tell

    async def _open_responses(self, run: Run, account: Account) -> Responses | None:
        """Who hears of every call of a run; `None` where nobody wants to."""
        webhook = run.order.plan.response_webhook
        if webhook is None:
            return None
        if self.endpoints is None:
            raise PlanError("a response webhook is wanted, and this engine tells nobody")
        return await open_responses(
            self.database,
            self.endpoints,
            webhook,
            run=run.id,
            account=account.id,
            base_url=account.base_url,
            destination=run.order.destination,
            test=run.order.kind == "test",
            now=self.clock(),
            rng=self.rng,
        )

    @asynccontextmanager
    async def _stoppable(self, run: str) -> AsyncIterator[None]:
        """Let one run be stopped by itself, and with all others."""
        own = self._stops[run] = asyncio.Event()

        async def relay() -> None:
            await self.stop.wait()
            own.set()

        relaying = asyncio.create_task(relay(), name=f"stop {run}")
        try:
            with unwrapped():
                yield
        finally:
            relaying.cancel()
            del self._stops[run]

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
