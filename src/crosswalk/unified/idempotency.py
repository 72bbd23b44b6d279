"""Writes with a key: each is done once, whatever was cut, and its answer is kept for a day.

A write is written down before it is planned, before each call and after it, so that another try under the same key,
after a crash too, knows what is done, what is not, and which one call may or may not have taken effect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.store.database import Database
from crosswalk.store.idempotency import (
    ADD_WRITE,
    CHANGE_WRITE,
    FIND_WRITE,
    REMOVE_OLD_WRITES,
    REMOVE_WRITE,
    TAKE_WRITE,
)
from crosswalk.unified.errors import UnifiedError
from crosswalk.unified.plan import Step, WritePlan
from crosswalk.unified.writing import Undecided

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=120)
"""For how long whoever works on a write is believed to be at it, from its last call on: longer than a call may last."""
MOST_CHARACTERS = 255


class KeyReused(UnifiedError):
    """The key was used for another write."""


class KeyBusy(UnifiedError):
    """Another request with this key is being carried out."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Another request with this Idempotency-Key is being carried out; send it again later")
        self.retry_after = retry_after


class Kept(Struct, frozen=True):
    """The answer of a write that is done."""

    status: int
    body: str | None


@dataclass(eq=False, slots=True, kw_only=True)
class Claim:
    """A write that this request works on; no other does until the lease ends."""

    keys: "Keys"
    account: str
    key: str
    lease: datetime
    since: datetime
    plan: WritePlan | None = None
    done: Mapping[str, str] = field(default_factory=dict)
    sent: str | None = None

    async def planned(self, plan: WritePlan) -> None:
        """A plan is made; nothing was sent."""
        self.plan = plan
        await self._change(plan=msgspec.json.encode(plan).decode())

    async def sending(self, step: Step) -> None:
        """A call goes out now."""
        at = self.keys.now()
        await self._change(sent=step.name, sent_at=at, until=at + LEASE)

    async def did(self, step: Step, record_id: str) -> None:
        """A call is done."""
        self.done = {**self.done, step.name: record_id}
        self.sent = None
        await self._change(done=msgspec.json.encode(self.done).decode(), sent=None, sent_at=None)

    async def leave(self) -> None:
        """Something is undone: the next request with this key goes on."""
        await self._change(sent=None, sent_at=None, until=self.keys.now())

    async def wonder(self) -> None:
        """A call's outcome is unknown: the next request with this key finds out."""
        await self._change(until=self.keys.now())

    async def finish(self, status: int, body: str | None) -> None:
        """All is done, and this is the answer."""
        await self._change(state="done", status=status, answer=body, until=self.keys.now())

    async def forget(self) -> None:
        """Nothing took effect: the key is free."""
        async with self.keys.database.begin() as connection:
            await connection.execute(REMOVE_WRITE, self._here())

    async def _change(self, *, until: datetime | None = None, **values: object) -> None:
        lease = self.lease if until is None else until
        async with self.keys.database.begin() as connection:
            changed = await connection.execute(CHANGE_WRITE.values(leased_until=lease, **values), self._here())
        if changed.rowcount != 1:
            raise KeyBusy(ceil(LEASE.total_seconds()))  # it was taken over: whoever has it now goes on
        self.lease = lease

    def _here(self) -> Mapping[str, object]:
        return {"of_account": self.account, "of_key": self.key, "lease": self.lease}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of one database. `settle_after` a call's last byte its effect can be looked for."""

    database: Database
    settle_after: timedelta = timedelta(seconds=120)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def claim(self, account: str, key: str, digest: bytes) -> Claim | Kept:
        """Begin the write, go on with it, or give the answer that it had.

        Raises `KeyReused`, `KeyBusy`, and `Undecided` while it is too early to find out what became of a call.
        """
        at = self.now()
        row = {
            "account_id": account,
            "key": key,
            "digest": digest,
            "state": "open",
            "done": "{}",
            "leased_until": at + LEASE,
            "created_at": at,
        }
        try:
            async with self.database.begin() as connection:
                await connection.execute(REMOVE_OLD_WRITES, {"before": at - KEPT, "at": at})
                await connection.execute(ADD_WRITE, row)
        except IntegrityError:
            return await self._go_on(account, key, digest)
        return Claim(keys=self, account=account, key=key, lease=at + LEASE, since=at)

    async def _go_on(self, account: str, key: str, digest: bytes) -> Claim | Kept:
        at, here = self.now(), {"of_account": account, "of_key": key}
        async with self.database.begin() as connection:
            found = (await connection.execute(FIND_WRITE, here)).mappings().one_or_none()
            if found is None:
                raise KeyBusy(1)  # it was given up this moment
            if found["digest"] != digest:
                raise KeyReused("This Idempotency-Key was used for another request; a new request takes a new key")
            if found["state"] == "done":
                return Kept(found["status"], found["answer"])
            if found["leased_until"] > at:
                raise KeyBusy(max(ceil((found["leased_until"] - at).total_seconds()), 1))
            self._refuse_early(found, at)
            until = {"lease": found["leased_until"], "until": at + LEASE}
            taken = await connection.execute(TAKE_WRITE, here | until)
        if taken.rowcount != 1:
            raise KeyBusy(1)
        return Claim(
            keys=self,
            account=account,
            key=key,
            lease=at + LEASE,
            since=found["created_at"],
            plan=None if found["plan"] is None else _read_plan(found["plan"]),
            done=msgspec.json.decode(found["done"], type=dict[str, str]),
            sent=found["sent"],
        )

    def _refuse_early(self, found: RowMapping, at: datetime) -> None:
        if found["sent"] is not None and at < found["sent_at"] + self.settle_after:
            left = max(ceil((found["sent_at"] + self.settle_after - at).total_seconds()), 1)
            raise Undecided(
                f"Whether {found['sent']} took effect is not known yet; send the same request again in {left} s, "
                f"and the hub finds out",
                retry_after=left,
            )


def _read_plan(text: str) -> WritePlan:
    """A plan as it was kept. Bodies of calls are any JSON, which no decoder's type can say."""
    kept: dict[str, Any] = msgspec.json.decode(text)
    steps = tuple(Step(**step) for step in kept.pop("steps"))
    return WritePlan(steps=steps, **kept)
