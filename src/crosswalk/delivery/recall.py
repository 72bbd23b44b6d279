"""What a lane asks the memory: which rows say nothing new, and which record each of the others is about."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec import Struct

from crosswalk.delivery.feed import Feed, Item
from crosswalk.delivery.flights import Flights
from crosswalk.delivery.journal import Attempt, Journal, Line, Values
from crosswalk.delivery.lookup import look_up, match_of
from crosswalk.delivery.memory import Known, Memory, digest_of
from crosswalk.delivery.plan import SettledPlan
from crosswalk.delivery.settle import Hit
from crosswalk.delivery.upsert import Ambiguous, Change, aim_at, aim_by, wish_of
from crosswalk.insightly import Answer, Insightly, InsightlyError
from crosswalk.store.attempts import AttemptOutcome
from crosswalk.store.deliveries import RecordState

AT_ONCE = 256
"""Rows that the memory is asked about at once."""


class Aimed(Struct, frozen=True):
    """The row's call is known."""


class Missed(Struct, frozen=True):
    """Several records have the row's value; the look-up says which."""

    reason: str
    look: Attempt


class Later(Struct, frozen=True):
    """Another run looks for the same record: it may make it. Or the lane stops."""


Aiming: TypeAlias = Aimed | Missed | Later | InsightlyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """One run's memory at work. `tell` hears of rows that cost no call."""

    memory: Memory
    crm: Insightly
    journal: Journal
    feed: Feed
    plan: SettledPlan
    flights: Flights
    clock: Callable[[], datetime]
    tell: Callable[[RecordState], None]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def next_items(self) -> list[Item] | None:
        """Rows that need a call, `None` when no row may go now; those that say what was delivered before are done."""
        now = self.clock()
        items: list[Item] = []
        while len(items) < AT_ONCE and (item := self.feed.next(now)) is not None:
            items.append(item)
        if not items:
            return None
        await self.journal.flush()  # what earlier rows came to counts here
        epoch = self.memory.epoch
        known = await self.memory.recall(sorted({item.key for item in items if item.key is not None}))
        for item in items:
            item.epoch = epoch
        same = [item for item in items if self._is_same(item, known.get(item.key or ""))]
        await self._leave(same)
        gone = {*same}
        return [item for item in items if item not in gone]

    def _is_same(self, item: Item, found: Known | None) -> bool:
        """Note what is known of a row's record; answers whether the row says what was last delivered to it."""
        item.wish = wish_of(item.payload, self._id_field) if self.plan.upserts else item.payload
        item.aimed = not self.plan.upserts
        if found is None or self.plan.verify:
            return False
        if self.plan.changed_only and found.digest == digest_of(item.wish):
            return True
        if self.plan.upserts:
            self._aim_at(item, found.remote_id, trusted=True)
        return False

    async def _leave(self, items: Sequence[Item]) -> None:
        """Journal rows that say nothing new, with those that they supersede."""
        at = self.clock()
        lines: list[Line] = []
        for item in items:
            for old in (item, *item.replaced):
                state: RecordState = "unchanged" if old is item else "superseded"
                if old.taken:
                    await self.journal.settle((old.number,), state, at=at)
                else:
                    lines.append(self._line(old, state))
        if lines:
            await self.journal.take(lines, at=at)
        for item in items:
            self.feed.taken(item)
            self.feed.settled(item)
            self.tell("unchanged")
            for _ in item.replaced:
                self.tell("superseded")

    def _line(self, item: Item, state: RecordState) -> Line:
        value = match_of(item.payload)
        return Line(number=item.number, state=state, phase=None, key=item.key, cells=item.cells, match_value=value)

    async def aim(self, item: Item) -> Aiming:
        """Find out which record an upsert is about: by memory, else by one look-up."""
        assert item.wish is not None, "a row that needs a call was recalled"
        assert item.key is not None, "an upsert has its match"
        if not self.memory.claim(item.key):
            return Later()
        if not self.plan.verify and (found := await self._recall_again(item)) is not None:
            self._aim_at(item, found.remote_id, trusted=True)
            return Aimed()
        began = self.clock()
        try:
            async with self.flights.call() as watch:
                answer = await look_up(self.crm, self.plan.route.resource, item.wish, watch=watch)
        except TimeoutError:
            return Later()
        if isinstance(answer, InsightlyError):
            return answer
        return self._aim_by(item, *answer, began=began)

    async def _recall_again(self, item: Item) -> Known | None:
        """What another run may have made since the memory was asked; with none beside this one, nothing."""
        if item.key is None or self.memory.is_alone(item.epoch):
            return None
        return (await self.memory.recall([item.key])).get(item.key)

    def _aim_by(self, item: Item, hits: Sequence[Hit], answer: Answer, *, began: datetime) -> Aiming:
        assert item.wish is not None, "a row that needs a call was recalled"
        aim = aim_by(hits, item.wish)
        match aim:
            case Ambiguous(reason):
                look = self._report(item, "ambiguous", answer, began)
                return Missed(reason, msgspec.structs.replace(look, found=msgspec.json.encode(hits)))
            case Change(remote_id):
                item.looks.append(self._report(item, "found", answer, began))
                self._aim_at(item, remote_id, trusted=False)
            case _:
                item.looks.append(self._report(item, "absent", answer, began))
                item.payload, item.aimed = item.wish, True
        return Aimed()

    def _aim_at(self, item: Item, remote_id: str, *, trusted: bool) -> None:
        assert item.wish is not None, "a row that needs a call was recalled"
        item.payload = aim_at(item.wish, remote_id, self._id_field)
        item.aimed, item.trusted = True, trusted

    def adopt(self, item: Item, remote_id: str) -> None:
        """Aim at a record that a look-up for another reason has found."""
        item.wish = item.wish or wish_of(item.payload, self._id_field)
        self._aim_at(item, remote_id, trusted=False)

    def doubt(self, item: Item) -> dict[str, str]:
        """Forget a record that is gone: the row's is looked for once more. Answers what the journal forgets."""
        assert item.key is not None, "an upsert has its match"
        assert item.record is not None, "it was aimed at a record"
        forgotten = self.memory.forgetting(item.key, item.record)
        item.aimed = item.trusted = False
        return forgotten

    def note(self, item: Item, remote_id: str | None) -> Values | None:
        """What is remembered of a row that was delivered."""
        wish = item.wish or (wish_of(item.payload, self._id_field) if self.plan.upserts else item.payload)
        known = item.record or remote_id
        if item.key is None or known is None:
            return None
        return self.memory.note(item.key, known, wish, at=self.clock())

    def claim_doubts(self) -> None:
        """Keep other runs from making what an earlier process may have made."""
        for _, _, item in self.feed.doubts:
            if item.payload.upsert and item.key is not None:
                self.memory.claim(item.key)

    def release(self, item: Item) -> None:
        """Let other runs look for a row's record."""
        if item.key is not None:
            self.memory.release(item.key)

    def _report(self, item: Item, outcome: AttemptOutcome, answer: Answer, began: datetime) -> Attempt:
        return Attempt(
            number=item.number,
            kind="look",
            began_at=began,
            ended_at=self.clock(),
            request=f"look for {match_of(item.payload)}",
            outcome=outcome,
            status=answer.status,
            response=answer.body,
        )

    @property
    def _id_field(self) -> str:
        return self.plan.route.resource.id or ""
