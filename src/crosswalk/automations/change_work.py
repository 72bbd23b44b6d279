"""Reads watches when their time has come, each in turn: hints first, then a poll, then a sweep, until it is stopped."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeAlias

import structlog
from sqlalchemy import case

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.errors import AccountError
from crosswalk.automations.change_pace import day_of, next_interval
from crosswalk.automations.change_reader import LEASE, LeaseLost, Reader
from crosswalk.automations.change_watch import Watch, Watches, is_searched
from crosswalk.automations.event_errors import UnknownWatch
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.vigil import find_halt
from crosswalk.gate import calling_for
from crosswalk.insightly import Insightly, InsightlyError
from crosswalk.insightly.trail import recorded
from crosswalk.store import watches as table
from crosswalk.store.database import Database
from crosswalk.store.errors import StoreError
from crosswalk.unified.errors import UnifiedError
from crosswalk.unified.mapping import Noun
from crosswalk.unified.mappings import Mappings, Whose
from crosswalk.unified.references import References

AT_ONCE = 4
"""Watches read at once; those of one account share its pace, behind people."""
POLL = 1.0
"""Seconds between two looks for watches whose time has come."""
Trouble: TypeAlias = InsightlyError | AccountError | UnifiedError
log = structlog.get_logger()


@dataclass(eq=False, slots=True, kw_only=True)
class ChangeWork:
    """Reads the watches of one database. Several processes may; a watch is with one at a time.

    Records are told as `mappings` have them for their account; without any, as the unified model has them by itself.
    """

    database: Database
    accounts: Accounts
    notices: Notices
    clock: Callable[[], datetime]
    rng: Random
    mappings: Mappings | None = None
    references: References = field(default_factory=References)

    async def work(self, stop: asyncio.Event) -> None:
        """Read what is due until stopped; what is being read then is left to the next who looks."""
        running: dict[str, asyncio.Task[None]] = {}
        try:
            while not stop.is_set():
                with suppress(StoreError):  # said where it is met first; the next look may find it healed
                    for watch in await self.list_due():
                        if watch not in running and len(running) < AT_ONCE:
                            running[watch] = asyncio.create_task(self._read(watch), name=f"watch {watch}")
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await stop.wait()
                running = {watch: task for watch, task in running.items() if not task.done()}
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)

    async def list_due(self) -> list[str]:
        """Ids of watches that have something to do now."""
        async with self.database.read() as connection:
            asked = {"now": self.clock(), "most": AT_ONCE * 4}
            return [*(await connection.scalars(table.LIST_DUE, asked)).all()]

    async def read(self, watch: str) -> int:
        """Read one watch, if nobody else does; how many events that made. What fails is written, and tried later."""
        until = self.clock() + LEASE
        async with self.database.begin() as connection:
            asked = {"watch": watch, "now": self.clock(), "until": until}
            if (await connection.execute(table.LEASE, asked)).rowcount != 1:
                return 0
        watches = Watches(database=self.database, accounts=self.accounts, now=self.clock)
        found = await watches.find(watch)
        trouble: Trouble | None = None
        reader: Reader | None = None
        done: dict[str, object] = {}
        with recorded() as calls, calling_for("lane", f"watch {watch}"):
            try:
                account = await self.accounts.find(found.account_id)
                async with self.accounts.connect(account) as crm:
                    reader = self._reader(found, crm, until, await self._find_noun(account, found))
                    done = await self._look(found, reader)
            except (InsightlyError, AccountError, UnifiedError) as error:
                trouble = error
            except LeaseLost:
                log.info("watch.lost", watch=watch)
                return 0
            finally:
                mine = until if reader is None else reader.leased
                await self._leave(found, mine, calls=len(calls), values=done | self._plan(found, reader, done, trouble))
        return 0 if reader is None else reader.changes

    async def _look(self, watch: Watch, reader: Reader) -> dict[str, object]:
        """Do what is due; what is to be written of it. A mark is written only where all before it is."""
        now = self.clock()
        done: dict[str, object] = {}
        if watch.mark is not None:
            await reader.read_hints(now)
        if watch.mark is None or watch.next_at <= now or watch.sweep_due(now):
            mark = await reader.poll()
            done = {"polled_at": now, "lag": reader.lag} | ({} if mark is None else {"mark": mark})
            if watch.mark is None:
                done |= {"based_at": mark}
            await self._write(watch, reader, done)
        if watch.mark is not None and watch.sweep_due(now) and is_searched(watch.noun):
            await reader.sweep()
            done |= {"swept_at": now}
        return done

    def _plan(
        self,
        watch: Watch,
        reader: Reader | None,
        done: dict[str, object],
        trouble: Trouble | None,
    ) -> dict[str, object]:
        """When to look next."""
        now = self.clock()
        if trouble is not None:
            halt = find_halt(trouble, now) if isinstance(trouble, InsightlyError) else None
            later = now + timedelta(seconds=watch.slowest)
            log.warning("watch.troubled", watch=watch.id, account=watch.account, why=str(trouble))
            until = halt.until if halt is not None and halt.until is not None else later
            sweep = {"sweep_at": until} if watch.sweep_due(now) else {}
            return {"trouble": str(trouble), "next_at": until, **sweep}
        if reader is None:  # cancelled before it began
            return {}
        planned: dict[str, object] = {"trouble": None}
        if "polled_at" in done:
            changed = reader.changes > 0 or watch.mark is None
            interval = next_interval(watch.interval, every=watch.every, slowest=watch.slowest, changed=changed)
            planned |= {"interval": interval, "next_at": now + timedelta(seconds=interval)}
        if "swept_at" in done or (watch.mark is None and "mark" in done) or not is_searched(watch.noun):
            every = watch.sweep_every
            planned["sweep_at"] = (
                None if every is None or not is_searched(watch.noun) else now + timedelta(seconds=every)
            )
        return planned

    async def _write(self, watch: Watch, reader: Reader, values: dict[str, object]) -> None:
        """Write how far a poll came, while the watch is still ours."""
        until = self.clock() + LEASE
        async with self.database.begin() as connection:
            asked = {"watch": watch.id, "mine": reader.leased, "until": until}
            if (await connection.execute(table.RENEW, asked)).rowcount != 1:
                raise LeaseLost(watch.id)
            await connection.execute(table.CHANGE_WATCH.values(**values), {"watch": watch.id})
        reader.leased = until

    async def _leave(self, watch: Watch, mine: datetime, *, calls: int, values: dict[str, object]) -> None:
        """Give a watch back, unless another took it."""
        today = day_of(self.clock())
        column = table.watches.c
        counted = case((column.day == today, column.calls + calls), else_=calls)
        async with self.database.begin() as connection:
            asked = {"watch": watch.id, "mine": mine}
            if (await connection.execute(table.LEAVE, asked)).rowcount == 1:
                change = table.CHANGE_WATCH.values(day=today, calls=counted, **values)
                await connection.execute(change, {"watch": watch.id})

    async def _find_noun(self, account: Account, watch: Watch) -> Noun:
        """The resource as the account's overrides have it. Raises `MappingBroken`."""
        if self.mappings is None:
            return watch.noun
        return await self.mappings.noun(watch.resource, Whose(account.id, account.tenant_id))

    def _reader(self, watch: Watch, crm: Insightly, until: datetime, noun: Noun) -> Reader:
        return Reader(
            database=self.database,
            watch=watch,
            noun=noun,
            crm=crm,
            leased=until,
            references=self.references,
            notices=self.notices,
            rng=self.rng,
            clock=self.clock,
        )

    async def _read(self, watch: str) -> None:
        try:
            await self.read(watch)
        except UnknownWatch:
            log.info("watch.gone", watch=watch)
        except StoreError as error:
            log.warning("watch.broken", watch=watch, why=str(error))
