"""An account's pacer: who goes next here, what every process of the home has sent, and what is left of the day."""

import asyncio

from crosswalk.gate.budget import Shares
from crosswalk.gate.day import Told
from crosswalk.gate.ledger import Ask, Ledger, NotYet, Place
from crosswalk.gate.purpose import Caller, caller
from crosswalk.gate.tally import Clocks, Tally
from crosswalk.gate.waiting import Ticket, Waiting
from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import BURST
from crosswalk.insightly.pace import CALLS, Seen, has_room, lessons, let_through, note, recall, send, start
from crosswalk.insightly.pacer import Slot
from crosswalk.insightly.patience import WaitedLong, patience

LATE = 0.01
"""Seconds between two looks whether a call that has leave has left."""


CLOCKS = Clocks()


class AccountPacer:
    """Who lets an account's calls through: at most `rate` in a second (`None`: ten, 0: no limit), as `shares` say."""

    def __init__(
        self,
        ledger: Ledger,
        rate: int | None = None,
        shares: Shares | None = None,
        *,
        clocks: Clocks = CLOCKS,
    ) -> None:
        self._pace = start(CALLS if rate is None else rate or None)
        self._ledger = ledger
        shares = Shares() if shares is None else shares
        free = self._pace.calls is None and shares.daily is None
        self._tally = Tally(ledger, shares, clocks, in_steps=free)
        self._clocks = clocks
        self._waiting: Waiting[Slot] = Waiting()
        self._place: Place | None = None
        self._unsent: dict[int, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next: Ticket[Slot] | None = None
        self._until = 0.0
        self._lesson = 0.0

    async def slot(self, call: Call) -> Slot:
        """Wait for leave to make this call. Raises `BudgetSpent`, `BudgetReserved` and `WaitedLong`."""
        who = caller()
        self._tally.spend(call, who.purpose)
        if self._is_free():
            self._pace = let_through(self._pace)
            return _Turn(self, who, None)
        ticket: Ticket[Slot] = Ticket(who, asyncio.get_running_loop().create_future())
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

    def _is_free(self) -> bool:
        """Whether a call of an account without a pace may leave at once: nobody waits, and there is room."""
        if self._pace.calls is not None or not self._waiting.is_empty:
            return False
        self._recall()
        return has_room(self._pace) and self._clocks.steady() >= self._pace.hold

    def close(self) -> None:
        """Write what is counted in memory; no call follows."""
        self._tally.flush()

    def _leave(self, ticket: Ticket[Slot]) -> None:
        """Whoever waited has gone: its turn, if it had one, and its call of the day go back."""
        if ticket.turn.done() and not ticket.turn.cancelled():
            ticket.turn.result().note(Seen(None, None))
        else:
            ticket.turn.cancel()
            self._tally.refund()
            self._serve()

    def _serve(self) -> None:
        """Let through whoever may go; when nobody may yet, come back in time."""
        self._recall()
        now = self._clocks.steady()
        while has_room(self._pace, urgent=True):  # whoever ends makes room and comes here
            ticket = self._waiting.head(now, lanes=has_room(self._pace))
            if ticket is None or (ticket is self._next and now < self._until):
                return
            until = self._opens(ticket, now)
            if until > now:
                self._come_back(ticket, until, now)
                return
            place, self._place = self._place, None
            self._waiting.pop(ticket)
            if place is not None:
                self._unsent[place.number] = None
            self._pace = let_through(self._pace)
            ticket.turn.set_result(_Turn(self, ticket.caller, place))

    def _come_back(self, ticket: Ticket[Slot], until: float, now: float) -> None:
        """Look again then; nobody asks for this call before."""
        if self._timer is not None:
            self._timer.cancel()
        self._next, self._until = ticket, until
        self._timer = asyncio.get_running_loop().call_later(until - now, self._wake)

    def _wake(self) -> None:
        """It is time, or, where the loop's clock is coarser than ours, almost."""
        self._next = None
        self._serve()

    def _opens(self, ticket: Ticket[Slot], now: float) -> float:
        """When the head of the line may go; its place is taken then, and ahead of time when it may not be passed."""
        if now < self._pace.hold:
            return self._pace.hold
        if self._pace.calls is None:
            return now
        if self._unsent and next(iter(self._unsent)) <= self._ledger.taken - self._pace.calls:
            return now + LATE  # a call ten places back has not left yet: when it does, its second begins
        if self._place is None:
            purpose = ticket.caller.purpose
            firm = purpose != "lane" or self._waiting.is_overdue(ticket, now)
            match self._ledger.take(now, Ask(self._pace.calls, self._pace.window, purpose, firm)):
                case NotYet(until):
                    return until
                case Place() as place:
                    self._place = place
        return self._place.at

    def sent(self, who: Caller, place: Place | None) -> None:
        """A call leaves now."""
        now = self._clocks.steady()
        if place is not None:
            self._unsent.pop(place.number, None)
            self._ledger.sent(place.number, now, lane=who.purpose == "lane")
        self._pace = send(self._pace, now)

    def note(self, seen: Seen, place: Place | None) -> None:
        """A call is over: learn from it, here and for all who share the account."""
        if place is not None:
            self._unsent.pop(place.number, None)
        now = self._clocks.steady()
        self._recall()
        busy = self._ledger.busy(now, self._pace.window) if seen.status == BURST else None
        before = lessons(self._pace), self._pace.hold
        self._pace = note(self._pace, seen, now, busy=busy)
        after = lessons(self._pace), self._pace.hold
        if after[0] is not None and after != before:
            self._lesson = self._ledger.learn(after[0], after[1])
        if seen.sent_at is None:
            self._tally.refund()
        elif seen.remaining is not None:
            self._tally.hear(Told(seen.remaining, seen.quota, seen.sent_at, now))
        self._serve()

    def _recall(self) -> None:
        """Take over what another client of the account has learned."""
        if self._ledger.lesson != self._lesson:
            self._lesson = self._ledger.lesson
            self._pace = recall(self._pace, *self._ledger.lessons(self._clocks.steady()))


class _Turn:
    """Leave for one call; it counts as sent once, even when a broken connection sends it again."""

    __slots__ = ("_pacer", "_place", "_sent", "_who")

    def __init__(self, pacer: AccountPacer, who: Caller, place: Place | None) -> None:
        self._pacer = pacer
        self._who = who
        self._place = place
        self._sent = False

    async def leave(self) -> None:
        self._who.check()

    def sent(self) -> None:
        if not self._sent:
            self._sent = True
            self._pacer.sent(self._who, self._place)

    def note(self, seen: Seen) -> None:
        self._pacer.note(seen, self._place)
