"""Carrying firings out: each call's intent is written before it, its outcome after; what is unknown is looked for.

A call that may have taken effect is never repeated blindly. It is found by its mark, its link, its title or what it
made; its absence is believed only as `delivery/settle.py` does: late, and by two look-ups.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import Protocol, TypeAlias

import msgspec
from msgspec import Struct

from crosswalk.accounts.errors import AccountError, VaultError
from crosswalk.automations.automations import Automations
from crosswalk.automations.errors import AutomationError
from crosswalk.automations.firing import Firing, Firings, Kept, LeaseLost
from crosswalk.automations.kinds import RECIPES
from crosswalk.automations.recipe import Automation, Planned, Work
from crosswalk.automations.steps import DETAILS, Step, fill_step
from crosswalk.delivery.judge import MOST_TRIES, Try, judge
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.outcome import Absent, Delivered, Halt, LookAgain, Rejected, Retry, Unknown
from crosswalk.delivery.settle import SEARCH_LAG, SETTLE_AFTER, Doubt, settle
from crosswalk.insightly import Insightly, InsightlyError
from crosswalk.insightly.call import Answer, Call
from crosswalk.insightly.errors import Later, NotFound, PageOrder
from crosswalk.insightly.patience import waiting_at_most
from crosswalk.insightly.walk import Ask
from crosswalk.unified.errors import UnifiedError
from crosswalk.unified.known import JSON, Search, Wire
from crosswalk.unified.links import Linked
from crosswalk.unified.nouns import CRM
from crosswalk.unified.service import Asker, Service, find
from crosswalk.unified.value import Unfit
from crosswalk.unified.wire_list import read_list, reading

CHANCE = SystemRandom()
NOUNS = {noun.object: noun for noun in CRM.values()}
MARK = re.compile(r"\[crosswalk [^\]]+\]")
TAIL = 500
"""Newest records among which a mark is looked for, beside those that a search finds."""
TURN_SECONDS = 30.0
"""How long a call waits for its turn at the gate before its firing is laid aside."""
PERSON_NEEDED = timedelta(minutes=5)
"""How long a firing waits that goes no better before a person acts."""
BEHIND = timedelta(seconds=1)
LONG = timedelta(minutes=10)
"""A wait as long as that is told."""


class Pool(Protocol):
    """Open clients by the account's id."""

    def client(self, account_id: str) -> AbstractAsyncContextManager[Insightly]:
        """A client, while the block runs."""


class Done(Struct, frozen=True):
    """A step took effect: the id of what it made, and the paths that take it back."""

    record_id: str | None
    made: tuple[str, ...] = ()


class Wait(Struct, frozen=True):
    """Not now: not before `at`. With `stuck` it goes no better before a person acts."""

    at: datetime
    why: str
    stuck: bool = False


class Failed(Struct, frozen=True):
    """It is refused for good."""

    why: str


class Held(Struct, frozen=True):
    """Nobody can tell but a person."""

    why: str


class Gone(Struct, frozen=True):
    """A call of an earlier try took no effect: it may be made again."""


Came: TypeAlias = Done | Wait | Failed | Held


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Carries firings out with the clients of one process."""

    automations: Automations
    firings: Firings
    service: Service
    pool: Pool
    notices: Notices | None = None
    settle_after: timedelta = SETTLE_AFTER
    rng: Random = field(default=CHANCE)

    def now(self) -> datetime:
        """The time by which firings go."""
        return self.firings.now()

    async def carry(self, firing_id: str) -> Firing:
        """Go on with a firing as far as it goes now, and give it as it stands then."""
        firing = await self.firings.take(firing_id)
        if firing is None:
            return await self.firings.find(firing_id)
        automation = await self.automations.get(firing.automation_id)
        try:
            return await self._carry(automation, firing)
        except LeaseLost:
            return await self.firings.find(firing_id)

    async def rehearse(self, automation: Automation, given: Mapping[str, JSON]) -> Planned:
        """What a firing would do, and with what calls; nothing is written, here or at Insightly.

        Raises what planning raises.
        """

        async def peek(among: int) -> int:
            return automation.turn % among

        async with self.pool.client(automation.account_id) as crm:
            work = self.work_on(automation, crm)
            work.turn = peek
            return await RECIPES[automation.kind].plan(work, given)

    def work_on(self, automation: Automation, crm: Insightly) -> Work:
        """One automation at work with an open client."""
        return Work(
            automation=automation,
            database=self.firings.database,
            service=self.service,
            asker=Asker(account=automation.account_id, crm=crm),
            now=self.now(),
            mark="crosswalk rehearsal",
        )

    async def _carry(self, automation: Automation, firing: Firing) -> Firing:  # noqa: PLR0911 (a table of cases)
        if await self.firings.is_behind(firing):
            why = "an earlier firing about the same is under way"
            return await self.firings.change(firing, due_at=self.now() + BEHIND, leased_until=self.now(), reason=why)
        try:
            async with self.pool.client(automation.account_id) as crm:
                if firing.state == "undoing":
                    return await self._undo(automation, firing, crm)
                if firing.result is None:
                    planned = await self._plan(automation, firing, crm)
                    await self.firings.plan(firing, planned)
                    if planned.skip is not None:
                        return await self._end(automation, firing, "skipped", planned.skip)
                return await self._take_steps(automation, firing, crm)
        except Later as error:
            return await self._wait(automation, firing, Wait(error.retry_at, str(error)))
        except (AccountError, VaultError) as error:
            return await self._wait(automation, firing, Wait(self.now() + PERSON_NEEDED, str(error), stuck=True))
        except LeaseLost:
            raise
        except (InsightlyError, UnifiedError, Unfit, AutomationError, ValueError) as error:
            return await self._end(automation, firing, "failed", str(error))

    async def _plan(self, automation: Automation, firing: Firing, crm: Insightly) -> Planned:
        work = self.work_on(automation, crm)
        work.mark = firing.mark
        work.earlier = lambda: self.firings.results(firing)
        work.turn = lambda among: self.firings.take_turn(automation.id, among)
        with waiting_at_most(TURN_SECONDS):
            return await RECIPES[automation.kind].plan(work, firing.input)

    async def _take_steps(self, automation: Automation, firing: Firing, crm: Insightly) -> Firing:
        ids: dict[int, str] = {}
        made: dict[str, JSON] = {}
        for kept in await self.firings.steps(firing.id):
            record_id = kept.remote_id
            if kept.state != "done":
                step = fill_step(kept.step, ids)
                firing, came = await self._take(firing, kept, step, crm)
                match came:
                    case Wait():
                        return await self._wait(automation, firing, came)
                    case Failed(why) | Held(why):
                        state = "failed" if isinstance(came, Failed) else "held"
                        firing = await self.firings.step(firing, kept.number, state=state, reason=why)
                        return await self._end(automation, firing, state, f"{step.name}: {why}")
                    case Done(record_id, paths):
                        values = {"state": "done", "remote_id": record_id, "ended_at": self.now(), "reason": None}
                        encoded = msgspec.json.encode(paths).decode()
                        firing = await self.firings.step(firing, kept.number, made=encoded, **values)
            if record_id is not None:
                ids[kept.number] = record_id
                made[kept.step.named or kept.step.name] = record_id
        result = {**(firing.result or (await self.firings.find(firing.id)).result or {}), "made": made}
        return await self._end(automation, firing, "done", None, result=msgspec.json.encode(result).decode())

    async def _take(  # noqa: PLR0911 (a table of cases)
        self, firing: Firing, kept: Kept, step: Step, crm: Insightly
    ) -> tuple[Firing, Came]:
        """Take one step, or find out what became of it."""
        if kept.state == "sent" and step.settling != "repeat":
            firing, found = await self._settle(firing, kept, step, crm)
            if not isinstance(found, Gone):
                return firing, found
        if kept.tries >= MOST_TRIES:
            return firing, Failed(f"tried {kept.tries} times; the last time: {kept.reason or 'no answer'}")
        sent = self.now()
        tries = kept.tries + 1
        firing = await self.firings.step(firing, kept.number, state="sent", sent_at=sent, tries=tries, empty_at=None)
        result = await _call(crm, step)
        harmless = step.method in {"PUT", "DELETE"}
        attempt = Try(
            method=step.method,
            number=tries,
            harmless=harmless,
            id_field=step.id_field if step.settling == "marked" else None,
            keys=(None,),
            now=self.now(),
            chance=self.rng.random(),
        )
        match judge(result, attempt):
            case Delivered(_, record_ids):
                return await self._confirm(firing, kept, step, record_ids[0] if record_ids else None, crm)
            case Rejected(status, why):
                firing = await self.firings.step(firing, kept.number, status=status)
                return firing, Failed(why)
            case Retry(at, status, why):
                firing = await self._note(firing, kept, "open", status, why)
                return firing, Wait(at, why)
            case Unknown(_, status, why):
                firing = await self._note(firing, kept, "sent", status, why)
                return firing, Wait(sent + SEARCH_LAG, why)
            case Halt(until, status, why):
                firing = await self._note(firing, kept, "open", status, why)
                return firing, Wait(until or self.now() + PERSON_NEEDED, why, stuck=until is None)

    async def _note(self, firing: Firing, kept: Kept, state: str, status: int | None, why: str) -> Firing:
        return await self.firings.step(firing, kept.number, state=state, status=status, reason=why)

    async def _confirm(
        self, firing: Firing, kept: Kept, step: Step, record_id: str | None, crm: Insightly
    ) -> tuple[Firing, Came]:
        """What a call that went well made, where its answer does not say."""
        match step.settling:
            case "titled":
                found = await _look(crm, step)
                if isinstance(found, Done):
                    return firing, found
                return firing, Wait(self.now() + SEARCH_LAG, f"{step.name} is not listed yet")
            case "assigned":
                found = await _look(crm, step)
                return firing, found if isinstance(found, Done) else Done(None)
            case _:
                return firing, Done(record_id)

    async def _settle(self, firing: Firing, kept: Kept, step: Step, crm: Insightly) -> tuple[Firing, Came | Gone]:
        """Find out whether a call took effect."""
        assert kept.sent_at is not None, "a step that was sent has its time"
        found = await _look(crm, step)
        if not isinstance(found, Gone):
            return firing, found
        at = self.now()
        doubt = Doubt(
            first_sent=kept.sent_at, last_byte=kept.sent_at, empty_at=kept.empty_at, settle_after=self.settle_after
        )
        match settle(doubt, (), at):
            case Absent():
                return firing, found
            case LookAgain(when):
                if at >= doubt.ripe:
                    firing = await self.firings.step(firing, kept.number, empty_at=kept.empty_at or at)
                return firing, Wait(when, f"whether {step.name} took effect is being found out")
            case other:
                raise AssertionError(f"nothing was found, and yet {other}")

    async def _undo(self, automation: Automation, firing: Firing, crm: Insightly) -> Firing:
        """Take back what was made, the newest first; a step whose outcome is unknown is settled before."""
        steps = await self.firings.steps(firing.id)
        ids = {kept.number: kept.remote_id for kept in steps if kept.remote_id is not None}
        doubtful: list[str] = []
        for kept in reversed(steps):
            step = fill_step(kept.step, ids) if kept.state in {"sent", "done"} else kept.step
            paths = kept.made or ((step.undo.replace("{id}", kept.remote_id),) if step.undo and kept.remote_id else ())
            if kept.state == "sent" and step.settling != "repeat":
                firing, came = await self._settle(firing, kept, step, crm)
                match came:
                    case Wait():
                        return await self._wait(automation, firing, came)
                    case Held(why):
                        doubtful.append(why)
                    case Done(record_id, made):
                        paths = made or ((step.undo.replace("{id}", record_id),) if step.undo and record_id else ())
                    case _:
                        pass
            elif kept.state == "held":
                doubtful.append(f"{kept.step.name}: {kept.reason}")
            for path in reversed(paths):
                await _delete(crm, path)
            if kept.state in {"sent", "done"}:
                firing = await self.firings.step(firing, kept.number, state="undone", ended_at=self.now())
        reason = f"Nobody knows what became of this; look for it: {'; '.join(doubtful)}" if doubtful else None
        return await self._end(automation, firing, "undone", reason)

    async def _wait(self, automation: Automation, firing: Firing, wait: Wait) -> Firing:
        at = self.now()
        if wait.stuck or wait.at > at + LONG:
            await self._tell(automation, firing, f"waits until {wait.at:%Y-%m-%d %H:%M:%S} UTC: {wait.why}")
        return await self.firings.change(firing, due_at=max(wait.at, at), reason=wait.why, leased_until=at)

    async def _end(
        self, automation: Automation, firing: Firing, state: str, reason: str | None, **values: object
    ) -> Firing:
        at = self.now()
        ended = {"state": state, "reason": reason, "due_at": None, "ended_at": at, "leased_until": at}
        firing = await self.firings.change(firing, **ended, **values)
        if state in {"failed", "held"}:
            await self._tell(automation, firing, f"is {state}: {reason}")
        elif self.notices is not None:
            await self.notices.end(firing.id, "automation.stuck")
        return firing

    async def _tell(self, automation: Automation, firing: Firing, what: str) -> None:
        if self.notices is not None:
            how = f"crosswalk automations firing {automation.name} {firing.id}"
            message = f"Automation {automation.name}, {firing.key}: {what}. Look at it: {how}"
            await self.notices.tell("automation.stuck", firing.id, message, account=automation.account_id)


async def _call(crm: Insightly, step: Step) -> Answer | InsightlyError:
    body = None if step.body is None else msgspec.json.encode(step.body)
    try:
        with waiting_at_most(TURN_SECONDS):
            return await crm.call(Call(method=step.method, path=step.path, body=body))
    except InsightlyError as error:
        return error


async def _delete(crm: Insightly, path: str) -> None:
    """Delete a record that is ours, if it is there still. Raises what the client raises."""
    try:
        with waiting_at_most(TURN_SECONDS):
            await crm.call(Call(method="DELETE", path=path))
    except NotFound:
        pass  # it is gone already: that is what was wanted


async def _look(crm: Insightly, step: Step) -> Done | Held | Gone:
    """Look for what a call would have made."""
    match step.settling:
        case "marked":
            return await _look_for_mark(crm, step)
        case "linked":
            parent = step.path.removesuffix("/Links")
            call = Call(method="GET", path=parent, reads=True)
            wire: Wire = msgspec.json.decode((await crm.call(call)).body, type=dict)
            ends = Linked(name="linked", object=step.object or "").ends(wire)
            return Done(None) if (step.body or {}).get("LINK_OBJECT_ID") in ends else Gone()
        case "titled":
            hits = [each for each in await _list(crm, step.path) if step.find and each.get("TITLE") == step.find[1]]
            if len(hits) > 1:
                return Held(f"{len(hits)} are called {step.find[1] if step.find else ''!r}: say which is ours")
            return Done(str(hits[0].get(step.id_field or ""))) if hits else Gone()
        case "assigned":
            parent = step.path.removesuffix("/ActivitySetAssignment")
            made = [
                f"/{kind}/{each[key]}"
                for kind, key in (("Tasks", "TASK_ID"), ("Events", "EVENT_ID"))
                for each in await _list(crm, f"{parent}/{kind}")
                if not MARK.search(str(each.get("DETAILS") or ""))
            ]
            return Done(None, tuple(made)) if made else Gone()
        case "repeat":
            return Gone()


async def _look_for_mark(crm: Insightly, step: Step) -> Done | Held | Gone:
    """Among the newest records, whose list lags behind nothing, and those that a search finds."""
    noun = NOUNS[step.object or ""]
    name = DETAILS[noun.object][0]
    mark = MARK.findall(str((step.body or {}).get(name)))[-1]
    fetch = reading(crm, noun.resource)
    total = (await fetch(Ask(0, 1, count=True))).rows.total or 0
    try:
        newest = (await fetch(Ask(max(total - TAIL, 0), TAIL))).records
    except PageOrder:
        newest = []
    asker = Asker(account="", crm=crm)
    searched = await find(asker, Search(noun.object, *step.find)) if step.find else []
    hits = {str(wire.get(noun.id_field)) for wire in [*newest, *searched] if mark in str(wire.get(name) or "")}
    if len(hits) > 1:
        return Held(f"several records carry its mark {mark}: {', '.join(sorted(hits))}")
    return Done(hits.pop()) if hits else Gone()


async def _list(crm: Insightly, path: str) -> list[Wire]:
    """All of a list below a record, which is short."""
    call = Call(method="GET", path=path, params={"top": "500"}, reads=True)
    return read_list(call, await crm.call(call))
