"""An account's pacer where several machines send: places are taken ahead from the account's row, and given back.

A place is good for `LATE` seconds. Whoever comes later, because a connection took its time or the process was stopped,
changes it for another one before the first byte leaves. So what leaves keeps to the row, whatever happens to a process.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

from crosswalk.gate.budget import Shares, budget_of
from crosswalk.gate.day import Told
from crosswalk.gate.paces import Paces, boottime
from crosswalk.gate.purpose import Caller, Purpose, caller
from crosswalk.gate.purse import Ask, Granted, Purse, Wish, busy
from crosswalk.gate.tally import Clocks, refuse
from crosswalk.gate.waiting import Ticket, Waiting
from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import BURST
from crosswalk.insightly.pace import (
    CALLS,
    URGENT,
    Lessons,
    Seen,
    has_room,
    lessons,
    let_through,
    note,
    recall,
    send,
    start,
)
from crosswalk.insightly.pacer import Slot
from crosswalk.insightly.patience import WaitedLong, patience
from crosswalk.store.errors import StoreError

LATE = 0.015
"""Seconds for which a place is good."""
APART = 0.05
"""Seconds by which a window is longer than one process alone needs: ways of several machines differ."""
EARLY = 0.15
"""Seconds before a place that was not to be had yet at which it is asked for again."""
LEAST_WAIT = 0.01
"""Seconds between two steps that gave nothing."""
CHUNK = 64
"""Calls of the day that an account without a pace takes at once, while a hundred times as many are left."""
SOON = 0.5
"""Seconds after which what is to be written is, when no step was made meanwhile."""
RANK: dict[Purpose, int] = {"lane": 0, "probe": 1, "person": 2}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """A place taken: for what, and from which time of the database on it is good; without a pace it always is."""

    purpose: Purpose
    at: float
    paced: bool


class SharedPacer:
    """Who lets an account's calls through, here and together with every other process of the database."""

    def __init__(
        self, paces: Paces, name: str, rate: int | None, shares: Shares, *, resets: int | None, clocks: Clocks
    ) -> None:
        self._paces = paces
        self._name = name
        self._pace = start(CALLS if rate is None else rate or None)
        self._shares = shares
        self._resets = resets
        self._clocks = clocks
        self._waiting: Waiting[Slot] = Waiting()
        self._stock: list[Place] = []
        self._back: list[float] = []
        self._purse = Purse()
        self._told: Told | None = None
        self._taught = False
        self._again = 0.0
        self._turn = asyncio.Lock()
        self._asking: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def slot(self, call: Call) -> Slot:
        """Wait for leave to make this call. Raises `BudgetSpent`, `BudgetReserved`, `WaitedLong` and `StoreError`."""
        ticket: Ticket[Slot] = Ticket(caller(), asyncio.get_running_loop().create_future(), call=call)
        self._waiting.add(ticket)
        self._serve()
        granted = False
        try:
            async with asyncio.timeout(patience()):
                slot = await ticket.turn
            granted = True
        except TimeoutError as exc:
            raise WaitedLong(call, now=self._clocks.now()) from exc
        finally:
            if not granted:
                self._leave(ticket)
        return slot

    async def close(self) -> None:
        """Give back what was taken, and write what was learned; no call follows."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            self._writing.cancel()
        under_way = {task for task in (self._asking, self._writing) if task is not None}
        if under_way:
            await asyncio.wait(under_way)
        self._return_stock()
        await self._write()

    def sent(self) -> None:
        """A call leaves now."""
        self._pace = send(self._pace, monotonic())

    def note(self, seen: Seen, place: Place | None) -> None:
        """A call is over: learn from it, here and for all who share the account."""
        now = monotonic()
        count = busy(self._purse, self._latest(), self._pace.window) if seen.status == BURST else None
        before = lessons(self._pace), self._pace.hold
        self._pace = note(self._pace, seen, now, busy=count)
        after = lessons(self._pace), self._pace.hold
        if after[0] is not None and after != before:
            self._taught = True
            self._write_in(0.0 if after[1] != before[1] else SOON)
        if seen.sent_at is None and place is not None:
            self._stock.append(place)
        elif seen.sent_at is not None and seen.remaining is not None:
            self._hear(seen.remaining, seen.quota, seen.sent_at, now)
        self._serve()

    async def exchange(self, call: Call, place: Place | None, purpose: Purpose) -> Place:
        """Give a place back for the next one that is free. Raises what `slot` does."""
        if place is not None:
            self._back.append(place.at)
        granted = await self._step([Ask(purpose, firm=True)])
        if not granted.places:
            raise self._refusal(call, granted, granted.refused[purpose])
        ((_, at),) = granted.places
        return Place(purpose, at, self._pace.calls is not None)

    def opens_in(self, place: Place) -> float | None:
        """Seconds until a place is good; `None` when it went by."""
        clock = self._paces.clock
        if not place.paced or clock is None:
            return 0.0
        here = boottime()
        if clock.latest(here) > place.at + LATE:
            return None
        # after the database's clock was set, nobody can say what left within the last window: let it go by
        return max(0.0, clock.soonest(place.at) - here, self._paces.set_at + self._pace.window - here)

    def _leave(self, ticket: Ticket[Slot]) -> None:
        """Whoever waited has gone: its turn, if it had one, goes back."""
        turn = ticket.turn
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            turn.result().note(Seen(None, None))
        else:
            turn.cancel()
            self._serve()

    def _serve(self) -> None:
        """Let through whoever may go; ask for places, or come back in time, when nobody may yet."""
        if self._closed:
            return
        now = monotonic()
        while has_room(self._pace, urgent=True):  # whoever ends makes room and comes here
            ticket = self._waiting.head(now, lanes=has_room(self._pace))
            if ticket is None:
                break
            if now < self._pace.hold:
                self._come_back(self._pace.hold - now)
                return
            place = self._find(ticket.caller.purpose)
            wait = None if place is None else self.opens_in(place)
            if place is None or wait is None:
                self._ask()
                return
            if wait > 0:
                self._come_back(wait)
                return
            self._stock.remove(place)
            self._waiting.pop(ticket)
            self._pace = let_through(self._pace)
            ticket.turn.set_result(_Turn(self, ticket, place))
            if not place.paced and len(self._stock) < CHUNK // 2:
                self._ask()
        if self._waiting.is_empty and self._pace.calls is not None and self._stock:
            self._return_stock()
            self._write_in(0.0)

    def _find(self, purpose: Purpose) -> Place | None:
        """The first place that a call of this purpose may have; those that went by are given back."""
        for place in [each for each in self._stock if self.opens_in(each) is None]:
            self._stock.remove(place)
            self._back.append(place.at)
        return _usable(self._stock, purpose)

    def _latest(self) -> float:
        clock = self._paces.clock
        return float("-inf") if clock is None else clock.latest(boottime())

    def _come_back(self, wait: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(wait, self._serve)

    def _ask(self) -> None:
        """Ask the row for places, unless that is under way, or is known to be too early."""
        if self._asking is not None:
            return
        wait = self._again - boottime()
        if wait > 0:
            self._come_back(wait)
        else:
            self._asking = asyncio.create_task(self._refill(), name="places")

    async def _refill(self) -> None:
        """One step for those who wait."""
        try:
            granted = await self._step(None)
        except StoreError as exc:
            reason = exc
            self._waiting.fail(lambda _: reason)
            return
        finally:
            self._asking = None
        if not granted.places:
            clock = self._paces.clock
            until = 0.0 if granted.again is None or clock is None else clock.soonest(granted.again) - EARLY
            self._again = max(until, boottime() + LEAST_WAIT)
        if granted.refused:
            self._refuse(granted)
        self._serve()

    def _refuse(self, granted: Granted) -> None:
        """Tell those whom the day keeps its calls from."""

        def why(ticket: Ticket[Slot]) -> Exception | None:
            kept = granted.refused.get(ticket.caller.purpose)
            if kept is None or _usable(self._stock, ticket.caller.purpose) is not None:
                return None
            return self._refusal(ticket.call, granted, kept)

        self._waiting.fail(why)

    def _refusal(self, call: Call | None, granted: Granted, kept: int) -> Exception:
        assert call is not None, "whoever waits here said for which call"
        return refuse(call, granted.purse.day, self._shares, kept)

    def _asks(self) -> list[Ask]:
        """What those who wait may use now: as many as may be in flight, less what is in stock."""
        if self._pace.calls is None:
            return self._free_asks()
        room = max(0, int(self._pace.room) + URGENT - self._pace.in_flight)
        now, stock = monotonic(), list(self._stock)
        asks: list[Ask] = []
        for ticket in self._waiting.first(room):
            purpose = ticket.caller.purpose
            have = _usable(stock, purpose)
            if have is None:
                urgent = purpose != "lane" or self._waiting.is_overdue(ticket, now)
                asks.append(Ask(purpose, firm=urgent and not asks and not self._stock))
            else:
                stock.remove(have)
        return asks

    def _free_asks(self) -> list[Ask]:
        """Calls of the day: for those who wait, and more, of a kind that all may use, while the day's end is far."""
        asks = [Ask(ticket.caller.purpose, firm=True) for ticket in self._waiting.first(CHUNK)]
        budget = budget_of(self._purse.day, self._shares)
        if budget.remaining is None or budget.remaining - budget.reserved > 100 * CHUNK:
            asks += [Ask("lane", firm=True)] * max(0, CHUNK - len(asks))
        return asks

    async def _step(self, asks: Sequence[Ask] | None) -> Granted:
        """One step at a time; `None` asks for those who wait, and what they get comes into stock."""
        async with self._turn:
            wanted = self._asks() if asks is None else asks
            (back, self._back), (told, self._told) = (self._back, []), (self._told, None)
            learned, self._taught = (lessons(self._pace) if self._taught else None), False
            wish = Wish(
                calls=self._pace.calls,
                window=self._pace.window + APART,
                shares=self._shares,
                asks=wanted,
                back=back,
                told=told,
                learned=learned,
                hold=self._latest() + self._pace.hold - monotonic() if learned is not None else 0.0,
                resets=self._resets,
            )
            try:
                granted = await self._paces.step(self._name, wish)
            except StoreError:
                self._keep(back, told, learned)
                raise
            if asks is None:
                self._stock += [Place(purpose, at, wish.calls is not None) for purpose, at in granted.places]
            self._recall(granted)
            return granted

    def _keep(self, back: list[float], told: Told | None, learned: Lessons | None) -> None:
        """Keep for the next step what this one could not write."""
        self._back = back + self._back
        self._told = self._told or told
        self._taught = self._taught or learned is not None

    def _recall(self, granted: Granted) -> None:
        """Take over what others have learned of the account."""
        if granted.foreign is not None:
            day = granted.purse.day
            log.warning("budget.foreign_use", calls=granted.foreign, quota=int(day.quota), ours=int(day.spent))
        if granted.purse.lesson != self._purse.lesson:
            hold = monotonic() + granted.purse.hold - self._latest()
            self._pace = recall(self._pace, granted.purse.lessons, hold)
        self._purse = granted.purse

    def _hear(self, remaining: int, quota: int | None, sent_at: float, now: float) -> None:
        """Keep what an answer told of the day, in the database's time."""
        there = self._latest()
        told = Told(remaining, quota, there - (now - sent_at), there)
        if self._told is None or told.sent_at >= self._told.sent_at:
            self._told = told
        self._write_in(SOON)

    def _return_stock(self) -> None:
        """Give back what nobody waits for."""
        self._back += [place.at for place in self._stock]
        self._stock = []

    def _write_in(self, seconds: float) -> None:
        """Write what is to be written, unless a step did so meanwhile."""
        if self._closed or (self._writing is not None and not self._writing.done()):
            return

        async def write() -> None:
            await asyncio.sleep(seconds)
            await self._write()

        self._writing = asyncio.create_task(write(), name="pace")

    async def _write(self) -> None:
        if not self._back and self._told is None and not self._taught:
            return
        try:
            await self._step(())
        except StoreError as exc:
            log.warning("pace.not_written", given_back=len(self._back), why=str(exc))


def _usable(stock: Sequence[Place], purpose: Purpose) -> Place | None:
    """The first place that a call of this purpose may have: one taken for it, or for something less urgent."""
    return next((each for each in stock if RANK[each.purpose] <= RANK[purpose]), None)


class _Turn:
    """Leave for one call; it counts as sent once, even when a broken connection sends it again."""

    __slots__ = ("_call", "_pacer", "_place", "_sent", "_who")

    def __init__(self, pacer: SharedPacer, ticket: Ticket[Slot], place: Place) -> None:
        self._pacer = pacer
        self._call = ticket.call
        self._who: Caller = ticket.caller
        self._place: Place | None = place
        self._sent = False

    async def leave(self) -> None:
        """Wait until the place is good; one that went by is changed for another."""
        while self._place is None or (wait := self._pacer.opens_in(self._place)) != 0:
            if self._place is not None and wait is not None:
                await asyncio.sleep(wait)
                continue
            assert self._call is not None, "whoever waits here said for which call"
            gone, self._place = self._place, None
            self._place = await self._pacer.exchange(self._call, None if self._sent else gone, self._who.purpose)
        self._who.check()

    def sent(self) -> None:
        if not self._sent:
            self._sent = True
            self._pacer.sent()

    def note(self, seen: Seen) -> None:
        self._pacer.note(seen, self._place)
