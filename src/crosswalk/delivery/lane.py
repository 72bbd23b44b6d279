"""A lane: one account's sending order. Workers take what may go, journal it, call, judge, and journal the outcome."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import assert_never

from msgspec import json
from msgspec.structs import replace

from crosswalk.delivery.batch import repack, stand_alone
from crosswalk.delivery.breaker import Breaker
from crosswalk.delivery.feed import Feed, Item
from crosswalk.delivery.flights import Flights
from crosswalk.delivery.journal import Attempt, Journal, Line
from crosswalk.delivery.judge import Try, judge
from crosswalk.delivery.lookup import date_of, look_up, match_of
from crosswalk.delivery.outcome import (
    Absent,
    Adopt,
    Delivered,
    Halt,
    Hold,
    LookAgain,
    Outcome,
    Rejected,
    Retry,
    Settlement,
    Unknown,
)
from crosswalk.delivery.payload import Payload
from crosswalk.delivery.plan import SettledPlan
from crosswalk.delivery.present import read_present, says_something
from crosswalk.delivery.recall import AT_ONCE, Aimed, Later, Missed, Recall
from crosswalk.delivery.report import Call, Load, Reporter, describe, describe_attempt
from crosswalk.delivery.settle import SEARCH_LAG, Doubt, Hit, first_look, settle
from crosswalk.insightly import Answer, Insightly, InsightlyError, NotFound
from crosswalk.store.deliveries import RecordState
from crosswalk.tracing import span

LOOK_LATER = timedelta(seconds=30)
"""How long after a failed look-up the next one is made."""
SOON = timedelta(seconds=1)
"""How long a row waits while another run may make its record."""
JUMP = timedelta(seconds=3)
"""A clock that falls back by more was set; less is the answer's way to us, and its cut to whole seconds."""
IDLE = 1.0
"""Seconds that a worker without work waits at most before it looks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a lane behaves. `settle_after` and `search_lag` are of `settle`."""

    in_flight: int
    settle_after: timedelta
    search_lag: timedelta = SEARCH_LAG


@dataclass(eq=False, slots=True, kw_only=True)
class Lane:
    """One run on its account's lane. `tell` hears the state of every row that is settled.

    `stop` asks for no more calls; those in flight are finished and journalled. `halted` says why it stopped by itself.
    `report` tells of every call, `recall` knows the records that rows are about.
    """

    crm: Insightly
    journal: Journal
    feed: Feed
    plan: SettledPlan
    policy: Policy
    clock: Callable[[], datetime]
    rng: Random
    tell: Callable[[RecordState], None]
    stop: asyncio.Event
    report: Reporter = field(default_factory=Reporter)
    recall: Recall | None = None
    halted: Halt | None = None
    breaker: Breaker = field(default_factory=Breaker)
    flights: Flights = field(default_factory=Flights)
    skew: timedelta | None = None
    _loads: deque[Load] = field(default_factory=deque)
    _later: list[tuple[datetime, int, Load]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Send until nothing is left, or the lane halts or is stopped."""
        async with asyncio.TaskGroup() as tasks:
            giving_up = tasks.create_task(self._give_up())
            async with asyncio.TaskGroup() as workers:
                for _ in range(self.policy.in_flight):
                    workers.create_task(self._work())
            giving_up.cancel()

    async def _give_up(self) -> None:
        """Give up what waits for its turn when the lane is stopped: that could take a minute."""
        await self.stop.wait()
        self.flights.stop()

    def resume(self) -> None:
        """Forget what halted the lane."""
        self.halted, self.breaker = None, Breaker()

    async def _work(self) -> None:
        while not self.stop.is_set() and self.halted is None:
            await self._read_ahead()
            if self.recall is not None and not self._loads:
                await self._recall(self.recall)
            now = self.clock()
            doubted = self.feed.next_doubt(now)
            load = None if doubted else self._next(now)
            if self.feed.dead:
                await self._bury()
            if doubted is not None:
                await self._look(doubted)
            elif load is not None:
                with span("lane part") as told:
                    if told.heard:
                        told.say(describe(load))
                    await self._send(load)
            elif self.feed.exhausted:
                self._changed.set()
                return
            else:
                await self._wait(now)
                continue
            self._changed.set()

    @property
    def _at_once(self) -> int:
        """Most rows that are taken from the feed in one go."""
        if self.recall is not None:
            return AT_ONCE
        return 1 if self.plan.grouping is None else self.plan.grouping.size

    async def _read_ahead(self) -> None:
        """Fill the feed's window before it runs dry, a slice at a time: whoever shares the process has turns between.

        Nobody takes a row before the window is full, so that rows of one record meet and are merged.
        """
        if len(self.feed.ready) >= self._at_once and not self._reading.locked():
            return
        async with self._reading:
            if len(self.feed.ready) < self._at_once:  # another worker may have filled it meanwhile
                while not self.stop.is_set() and self.feed.read_on():  # noqa: ASYNC110 (a turn for others, no wait)
                    await asyncio.sleep(0)

    def _next(self, now: datetime) -> Load | None:
        """The next call that may go: a repeat that is due, a part of a batch, or what the feed has."""
        if self._later and self._later[0][0] <= now:
            return heapq.heappop(self._later)[2]
        if not self._loads and self.recall is None:
            items: list[Item] = []
            while len(items) < self._at_once and (item := self.feed.next(now)) is not None:
                items.append(item)
            self._loads.extend(self._pack(items))
        return self._loads.popleft() if self._loads else None

    def _pack(self, items: Sequence[Item]) -> list[Load]:
        if self.plan.grouping is None:
            return [Load(stand_alone(item.number, item.payload), (item,)) for item in items]
        by_number = {item.number: item for item in items}
        parcels = repack(self.plan, [(item.number, item.payload) for item in items])
        return [Load(parcel, tuple(by_number[number] for number in parcel.numbers), grouped=True) for parcel in parcels]

    async def _wait(self, now: datetime) -> None:
        """Wait until something is due, or another worker changed something."""
        times = [time for time in (self.feed.due(), self._later[0][0] if self._later else None) if time is not None]
        due = min(times, default=None)
        self._changed.clear()
        try:
            async with asyncio.timeout(IDLE if due is None else min(IDLE, max(0.0, (due - now).total_seconds()))):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _bury(self) -> None:
        """Journal the rows that no call is spent on."""
        dead = self.feed.bury()
        if dead:
            await self.journal.take(dead, at=self.clock())
            for line in dead:
                self.tell(line.state)

    async def _recall(self, recall: Recall) -> None:
        """Ask the memory about many rows at once."""
        async with recall.turn:
            while not self._loads and not self.stop.is_set():
                await self._read_ahead()
                items = await recall.next_items()
                if items is None:
                    return
                self._loads.extend(self._pack(items))

    async def _send(self, load: Load) -> None:
        if self.recall is not None and not load.items[0].aimed:
            aimed = await self._aim(load, self.recall)
            if aimed is None:
                return
            load = aimed
        if load.parcel.method == "PUT" and any(item.payload.if_empty for item in load.items):
            seen = await self._look_first(load)
            if seen is None:
                return
            load = seen
        began = self.clock()
        await self._intend(load, began)
        try:
            call = await self._call(load, began)
        except TimeoutError:
            await self._keep_back(load)
            return
        attempt = Try(
            method=load.parcel.method,
            number=load.items[0].attempts,
            harmless=all(item.harmless for item in load.items),
            id_field=self.plan.route.answer_id,
            keys=tuple(item.record if item.harmless else None for item in load.items),
            now=call.ended,
            chance=self.rng.random(),
        )
        await self._act(load, judge(call.result, attempt), call)

    async def _aim(self, load: Load, recall: Recall) -> Load | None:
        """Find out which call an upsert becomes; `None` when it is none, or not yet."""
        (item,) = load.items
        aiming = await recall.aim(item)
        match aiming:
            case Aimed():
                (load,) = self._pack([item])
                return load
            case Missed(reason, look):
                await self._intend(load, self.clock())
                await self._settle(load, "dead", look, reason=reason)
            case InsightlyError():
                await self._look_again(load, aiming)
            case Later():
                heapq.heappush(self._later, (self.clock() + SOON, next(self._order), load))
            case _:
                assert_never(aiming)
        return None

    async def _look_first(self, load: Load) -> Load | None:
        """Read the record and leave out what it has already; `None` when nothing is left to send, or not yet."""
        (item,) = load.items
        resource = self.plan.route.resource
        try:
            async with self.flights.call() as watch:
                found = await read_present(self.crm, resource, item.payload, watch=watch)
        except TimeoutError:
            heapq.heappush(self._later, (self.clock(), next(self._order), load))
            return None
        if isinstance(found, InsightlyError):
            await self._look_again(load, found)
            return None
        item.payload = found
        (load,) = self._pack([item])
        if says_something(found, resource):
            return load
        await self._intend(load, self.clock())
        await self._settle(load, "unchanged", None, reason="the record has a value in every field that would be sent")
        return None

    async def _look_again(self, load: Load, error: InsightlyError) -> None:
        """Act on a record that could not be read: it is gone, or is read again later."""
        now = self.clock()
        attempt = Try(method="GET", number=1, harmless=True, id_field=None, keys=(), now=now, chance=0.5)
        match judge(error, attempt):
            case Rejected(status, reason) if isinstance(error, NotFound) and load.items[0].trusted:
                await self._intend(load, now)
                await self._miss(load, status, reason, Call(now, now, error))
                return
            case Rejected(status, reason):
                await self._intend(load, now)
                await self._settle(load, "dead", None, status=status, reason=f"its record cannot be read: {reason}")
                return
            case Halt() as halt:
                self.halted = self.halted or halt
            case _:
                pass
        heapq.heappush(self._later, (now + LOOK_LATER, next(self._order), load))

    async def _intend(self, load: Load, now: datetime) -> None:
        """Write the intent, and what these rows supersede, before the first byte goes out."""
        fresh: list[Line] = []
        gone: list[int] = []
        taken: list[int] = []
        replanned: dict[int, Payload] = {}
        looks: list[Attempt] = []
        for item in load.items:
            item.attempts += 1
            looks += item.looks
            item.looks = []
            if item.taken and item.payload.upsert:
                replanned[item.number] = item.payload
            item.first_sent = item.first_sent or now
            for old in item.replaced:
                if old.taken:
                    gone.append(old.number)
                else:
                    fresh.append(Line(number=old.number, state="superseded", phase=None, key=old.key, cells=old.cells))
            if item.taken:
                taken.append(item.number)
            else:
                fresh.append(self._line(item, load.numbers[0]))
        await self.journal.begin(
            fresh,
            intents=taken,
            superseded=gone,
            first=load.numbers[0],
            at=now,
            replanned=replanned,
            looks=looks,
        )
        for item in load.items:
            self.feed.taken(item)
            for _ in item.replaced:
                self.tell("superseded")
            item.replaced = []

    def _line(self, item: Item, first: int) -> Line:
        return Line(
            number=item.number,
            phase="sending",
            key=item.key,
            cells=item.cells,
            payload=item.payload,
            match_value=match_of(item.payload),
            parcel=first,
        )

    async def _call(self, load: Load, began: datetime) -> Call:
        parcel = load.parcel
        try:
            async with self.flights.call() as watch:
                answer = await self.crm.request(
                    parcel.method, parcel.path, body=parcel.body, headers=dict(parcel.headers), watch=watch
                )
        except InsightlyError as error:
            return Call(began, self.clock(), error)
        now = self.clock()
        self._learn_skew(answer, now)
        return Call(began, now, answer)

    async def _keep_back(self, load: Load) -> None:
        """Let a call wait of which nothing left before the lane was stopped: it took no effect."""
        now = self.clock()
        reason = "stopped before it went out"
        await self.journal.put_off(load.numbers, phase="waiting", due=now, status=None, reason=reason)
        heapq.heappush(self._later, (now, next(self._order), load))

    def _learn_skew(self, answer: Answer, now: datetime) -> None:
        """Learn how far Insightly's clock is ahead of ours at least, from the whole seconds of an answer's `Date`."""
        there = date_of(answer)
        if there is None:
            return
        least = there - now
        jumped = self.skew is not None and self.skew - least > JUMP
        self.skew = least if self.skew is None or jumped else max(self.skew, least)

    async def _act(self, load: Load, outcome: Outcome, call: Call) -> None:
        match outcome:
            case Delivered(status, remote_ids):
                self.breaker = self.breaker.note(None)
                attempt = self.report.sent(load, "delivered", call, remote_ids)
                await self._settle(load, "delivered", attempt, status=status, remote_ids=remote_ids)
            case Rejected(status, reason) if len(load.items) > 1:
                await self._halve(load, status, reason, call)
            case Rejected(status, reason) if isinstance(call.result, NotFound) and load.items[0].trusted:
                await self._miss(load, status, reason, call)
            case Rejected(status) if isinstance(call.result, NotFound) and load.derived:
                gone = (load.items[0].key,)  # somebody was faster
                await self._settle(
                    load, "delivered", self.report.sent(load, "delivered", call), status=status, remote_ids=gone
                )
            case Rejected(status, reason):
                await self._settle(load, "dead", self.report.sent(load, "rejected", call), status=status, reason=reason)
                self._trip(reason)
            case Retry(at, status, reason):
                await self._put_off(load, at, status, reason, self.report.sent(load, "retrying", call))
                heapq.heappush(self._later, (at, next(self._order), load))
            case Unknown(last_byte, status, reason):
                await self._doubt(load, last_byte, status, reason, self.report.sent(load, "unknown", call))
            case Halt(_, status, reason) as halt:
                self.halted = self.halted or halt
                await self._put_off(load, call.ended, status, reason, self.report.sent(load, "retrying", call))
                heapq.heappush(self._later, (call.ended, next(self._order), load))
            case _:
                assert_never(outcome)

    async def _miss(self, load: Load, status: int | None, reason: str, call: Call) -> None:
        """Forget a remembered record that is gone, and look for the row's once more."""
        assert self.recall is not None, "only what is remembered is trusted"
        forget = self.recall.doubt(load.items[0])
        attempt = self.report.sent(load, "retrying", call)
        await self.journal.put_off(
            load.numbers, phase="waiting", due=call.ended, status=status, reason=reason, attempt=attempt, forget=forget
        )
        heapq.heappush(self._later, (call.ended, next(self._order), load))

    async def _put_off(self, load: Load, at: datetime, status: int | None, reason: str, attempt: Attempt) -> None:
        await self.journal.put_off(load.numbers, phase="waiting", due=at, status=status, reason=reason, attempt=attempt)

    async def _halve(self, load: Load, status: int | None, reason: str, call: Call) -> None:
        """A refused batch took no effect: its halves go on their own, until the row that is refused stands alone."""
        await self._put_off(load, call.ended, status, reason, self.report.sent(load, "rejected", call))
        middle = len(load.items) // 2
        for half in (load.items[middle:], load.items[:middle]):
            self._loads.extendleft(reversed(self._pack(half)))

    def _trip(self, reason: str) -> None:
        self.breaker = self.breaker.note(reason)
        if self.breaker.tripped is not None and self.halted is None:
            self.halted = Halt(None, None, self.breaker.tripped)

    async def _doubt(self, load: Load, last_byte: datetime, status: int | None, reason: str, attempt: Attempt) -> None:
        """Look for what the call may have done, where something can be looked for; hold it otherwise."""
        item = load.items[0]
        if len(load.items) > 1 or item.payload.match is None or item.harmless:
            await self._settle(load, "held", attempt, status=status, reason=reason)
            return
        item.last_byte = last_byte
        at = first_look(self._known(item, 0), self.clock())
        await self.journal.put_off(
            load.numbers,
            phase="unknown",
            due=at,
            status=status,
            reason=reason,
            attempt=attempt,
            last_byte=last_byte,
        )
        self.feed.doubt(item, at, flew=True)

    def _known(self, item: Item, twins: int) -> Doubt:
        now = self.clock()
        return Doubt(
            first_sent=item.first_sent or now,
            last_byte=item.last_byte or now,
            skew=self.skew or timedelta(0),
            empty_at=item.empty_at,
            twins=twins,
            settle_after=self.policy.settle_after,
            search_lag=self.policy.search_lag,
        )

    async def _look(self, item: Item) -> None:
        """Look for the record of an unknown outcome, and act on what is found."""
        (load,) = self._pack([item])
        item.aimed = True
        if item.harmless:
            heapq.heappush(self._later, (self.clock(), next(self._order), load))
            return
        if item.payload.match is None:
            why = "its outcome is unknown: the process died while the call was at Insightly. Look there, then decide"
            await self._settle(load, "held", None, reason=why)
            return
        began = self.clock()
        try:
            async with self.flights.call() as watch:
                found = await look_up(self.crm, self.plan.route.resource, item.payload, watch=watch)
        except TimeoutError:
            self.feed.doubt(item, began, flew=True)
            return
        now = self.clock()
        if isinstance(found, InsightlyError):
            self._look_later(item, found, now)
            return
        hits, answer = found
        await self.journal.flush()  # what other rows came to counts here
        hits = tuple([replace(hit, claimed=await self.journal.is_claimed(hit.id, item.number)) for hit in hits])
        self._learn_skew(answer, now)
        doubt = self._known(item, await self._twins(item))
        told = settle(doubt, hits, now)
        await self._conclude(load, told, Call(began, now, answer), ripe=now >= doubt.ripe, hits=hits)

    async def _twins(self, item: Item) -> int:
        """How many other rows of the run have the same value: in the journal, or read ahead."""
        if item.payload.upsert:
            return 0  # they are about the same record, whoever made it
        value = match_of(item.payload)
        taken = 0 if value is None else await self.journal.count_matches(value) - 1
        return taken + len(self.feed.queues.get(item.key or "", ()))

    async def _conclude(
        self, load: Load, settlement: Settlement, call: Call, *, ripe: bool, hits: Sequence[Hit]
    ) -> None:
        item = load.items[0]
        match settlement:
            case Adopt(remote_id):
                attempt = self.report.found(load, call, remote_id)
                await self._settle(load, "delivered", attempt, remote_ids=(remote_id,))
            case Absent():
                item.empty_at = None
                reason = "it was not there after its time: it is sent again"
                await self._put_off(load, call.ended, None, reason, describe_attempt(load, "look", "absent", call))
                heapq.heappush(self._later, (call.ended, next(self._order), load))
            case LookAgain(at):
                item.empty_at = item.empty_at or (call.ended if ripe else None)
                attempt = describe_attempt(load, "look", "absent", call)
                reason = "looked for and not there yet"
                await self.journal.put_off(
                    load.numbers, phase="unknown", due=at, status=None, reason=reason, attempt=attempt
                )
                self.feed.doubt(item, at, flew=True)
            case Hold() if item.payload.upsert and self.recall is not None and len(hits) == 1:
                self.recall.adopt(item, hits[0].id)
                item.looks.append(describe_attempt(load, "look", "found", call))
                (load,) = self._pack([item])
                heapq.heappush(self._later, (call.ended, next(self._order), load))
            case Hold(reason):
                attempt = replace(describe_attempt(load, "look", "ambiguous", call), found=json.encode(hits))
                await self._settle(load, "held", attempt, reason=reason)
            case _:
                assert_never(settlement)

    def _look_later(self, item: Item, error: InsightlyError, now: datetime) -> None:
        attempt = Try(method="GET", number=1, harmless=True, id_field=None, keys=(), now=now, chance=0.5)
        match judge(error, attempt):
            case Halt() as halt:
                self.halted = self.halted or halt
            case _:
                pass
        self.feed.doubt(item, now + LOOK_LATER, flew=True)

    async def _settle(
        self,
        load: Load,
        state: RecordState,
        attempt: Attempt | None,
        *,
        status: int | None = None,
        remote_ids: Sequence[str | None] | None = None,
        reason: str | None = None,
    ) -> None:
        remember = None
        if self.recall is not None:
            self.recall.release(load.items[0])
            if state in {"delivered", "unchanged"}:
                remember = self.recall.note(load.items[0], remote_ids[0] if remote_ids else None)
        await self.journal.settle(
            load.numbers,
            state,
            at=self.clock(),
            status=status,
            remote_ids=remote_ids,
            reason=reason,
            attempt=attempt,
            remember=remember,
        )
        for item in load.items:
            self.feed.settled(item)
            self.tell(state)
