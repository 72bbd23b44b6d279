"""The work of automations in one process: looking for what fires them, and going on with firings, until stopped."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from crosswalk.accounts.errors import AccountError, VaultError
from crosswalk.automations.carrying import Carrier
from crosswalk.automations.errors import AutomationError
from crosswalk.automations.firing import Firing
from crosswalk.automations.kinds import RECIPES
from crosswalk.automations.recipe import Automation
from crosswalk.gate.purpose import calling_for
from crosswalk.insightly import InsightlyError
from crosswalk.insightly.errors import Later
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.unified.errors import UnifiedError
from crosswalk.unified.known import JSON
from crosswalk.unified.value import Unfit

EVERY_SECONDS = 1.0
AT_ONCE = 8
"""Firings that one process carries at a time."""
WATCHING = tuple(name for name, recipe in RECIPES.items() if recipe.watches)
SOON = timedelta(seconds=1)
AFTER_FAILURE = timedelta(minutes=5)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Worker:
    """Looks and carries."""

    carrier: Carrier

    async def look(self, automation: Automation) -> int:
        """Look once for what fires an automation; answers how many firings began. Raises what looking raises."""
        carrier = self.carrier
        async with carrier.pool.client(automation.account_id) as crm:
            work = carrier.work_on(automation, crm)
            found, seen = await RECIPES[automation.kind].look(work)
        begun = 0
        for occasion in found:
            _, new = await carrier.firings.begin(automation, occasion)
            begun += new
        again = timedelta(seconds=int(automation.settings.get("every_seconds", 300)))
        await carrier.automations.looked(automation, seen=seen, again=again)
        return begun

    async def fire(self, automation: Automation, given: dict[str, JSON], key: str | None) -> tuple[Firing, bool]:
        """Fire for what a caller gives, once a key, and go on with it as far as it goes now; the flag says it is new.

        One that failed goes on where it failed. Without a key of the caller's the input names it, where it can.

        Raises `UnusableInput`, `InputChanged` and what reading raises.
        """
        carrier = self.carrier
        async with carrier.pool.client(automation.account_id) as crm:
            work = carrier.work_on(automation, crm)
            occasion = await RECIPES[automation.kind].admit(work, given, key)
        firing, new = await carrier.firings.begin(automation, occasion, strict=not RECIPES[automation.kind].watches)
        if firing.state == "failed":
            await carrier.firings.replay(firing)
        return await carrier.carry(firing.id), new

    async def step(self) -> int:
        """Look and carry once what is due; answers how much that was."""
        looked = await self.carrier.automations.due(WATCHING)
        for automation in looked:
            with calling_for("lane", f"automation {automation.name}"):
                await self._look(automation)
        due = await self.carrier.firings.due(AT_ONCE)
        await asyncio.gather(*(self._carry(each) for each in due))
        return len(looked) + len(due)

    async def work(self, stop: asyncio.Event) -> None:
        """Do so until stopped; a database that is away is waited for."""
        while not stop.is_set():
            try:
                done = await self.step()
            except DatabaseUnreachable as error:
                log.warning("automations.waiting", why=str(error))
                done = 0
            if done == 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY_SECONDS):
                        await stop.wait()

    async def _carry(self, firing: str) -> None:
        with calling_for("lane", "automations"):
            await self.carrier.carry(firing)

    async def _look(self, automation: Automation) -> None:
        """Look, and tell once where that fails."""
        carrier = self.carrier
        try:
            await self.look(automation)
        except Later as error:
            await carrier.automations.looked(automation, seen=None, again=max(error.retry_at - carrier.now(), SOON))
        except (InsightlyError, UnifiedError, Unfit, AutomationError, AccountError, VaultError) as error:
            await carrier.automations.looked(automation, seen=None, again=AFTER_FAILURE)
            if carrier.notices is not None:
                message = f"Automation {automation.name} cannot look for changes: {error}"
                account = automation.account_id
                await carrier.notices.tell("automation.stuck", automation.id, message, account=account)
        else:
            if carrier.notices is not None:
                await carrier.notices.end(automation.id, "automation.stuck")
