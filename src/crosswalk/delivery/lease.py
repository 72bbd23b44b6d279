"""Leases of lanes: on PostgreSQL an account's runs are sent by one process at a time, whichever machine it is on.

A lease has an end, and every owner a number of its own, the token. No call starts within `MARGIN` of the end, by a
clock that counts a machine's sleep too; what is journalled is fenced by the token. So a process that was stopped, and
wakes when another one owns its lane, neither sends nor writes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.gate.paces import boottime
from crosswalk.store import lanes as table
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable, StoreError

LENGTH = 12.0
"""Seconds that a lease lasts unless it is kept."""
MARGIN = 2.0
"""Seconds before a lease's end in which no call starts."""
KEPT = 4
"""How often a lease is kept while it lasts."""
log = structlog.get_logger()


class LaneLost(StoreError):
    """The lane is another process's, or may be: what this one has of it is void."""


@dataclass(eq=False, slots=True, kw_only=True)
class Lease:
    """One account's lane in this process's hands, until `ends` on this machine's clock at the latest."""

    account: str
    owner: str
    token: int
    ends: float
    margin: float
    clock: Callable[[], float]
    users: int = 0

    def guard(self) -> None:
        """Raise `LaneLost` when no call may start any more."""
        if self.clock() >= self.ends - self.margin:
            raise LaneLost(f"The lane of account {self.account} was not kept in time; whoever owns it next goes on")

    @property
    def _named(self) -> dict[str, object]:
        return {"account": self.account, "owner": self.owner, "token": self.token}

    def fence(self, connection: Connection) -> None:
        """Keep the lane for the rest of the transaction. Raises `LaneLost` when it is another's by now."""
        if connection.execute(table.FENCE, self._named).first() is None:
            raise self._lost()

    async def hold(self, connection: AsyncConnection) -> None:
        """The same, in a transaction of the other kind."""
        await connection.execute(table.BOUND_STANDSTILL)
        if (await connection.execute(table.FENCE, self._named)).first() is None:
            raise self._lost()

    def _lost(self) -> LaneLost:
        return LaneLost(f"The lane of account {self.account} is another process's now; it goes on there")


@dataclass(eq=False, slots=True, kw_only=True)
class Lanes:
    """The lanes that one process owns, of a database on which several may work. `length` and `margin` are seconds.

    `owner` names the process for as long as it lives. An `heir` has the name of a dead one: both held a lock that dies
    with its holder, such as a home's, so it need not wait for the end of what that one left.
    """

    database: Database
    owner: str
    heir: bool = False
    length: float = LENGTH
    margin: float = MARGIN
    clock: Callable[[], float] = boottime
    held: dict[str, Lease] = field(default_factory=dict)

    async def inherit(self) -> None:
        """Free what a dead process of this name left. Only for an heir, and before it owns anything."""
        if self.heir:
            async with self.database.begin() as connection:
                await connection.execute(table.LEAVE_LANES, {"owner": self.owner})

    async def list_open(self) -> list[str]:
        """Accounts whose runs wait for a sender that this process may be."""
        async with self.database.read() as connection:
            return list(await connection.scalars(table.LIST_OPEN, {"owner": self.owner}))

    async def list_free(self) -> list[str]:
        """Accounts whose runs wait and whose lanes nobody owns."""
        async with self.database.read() as connection:
            return list(await connection.scalars(table.LIST_FREE))

    async def list_more(self) -> list[str]:
        """Accounts of lanes that this process owns in which something new waits."""
        async with self.database.read() as connection:
            return list(await connection.scalars(table.LIST_MORE, {"owner": self.owner}))

    async def take(self, account: str) -> Lease | None:
        """Own a lane, unless another process does."""
        asked = self.clock()
        values = {"account": account, "owner": self.owner, "length": round(self.length * 1e6)}
        try:
            async with self.database.begin() as connection:
                await connection.execute(table.BOUND_STANDSTILL)
                await connection.execute(table.WAIT_SHORTLY)
                token = await connection.scalar(table.TAKE_LANE, values)
        except DatabaseUnreachable as error:
            if _is_lock_timeout(error):
                return None  # its old owner was stopped in the middle of a commit; PostgreSQL ends that
            raise
        if token is None:
            return None
        lease = Lease(
            account=account,
            owner=self.owner,
            token=int(token),
            ends=asked + self.length,
            margin=self.margin,
            clock=self.clock,
        )
        self.held[account] = lease
        log.info("lane.taken", account=account, token=lease.token)
        return lease

    async def leave(self, lease: Lease) -> None:
        """Let the next one have it at once; nothing of it holds any more."""
        lease.ends = 0.0
        if self.held.get(lease.account) is lease:
            del self.held[lease.account]
        values = {"account": lease.account, "owner": lease.owner, "token": lease.token}
        async with self.database.begin() as connection:
            await connection.execute(table.LEAVE_LANE, values)

    async def keep(self) -> list[Lease]:
        """Keep what is held for another while; answers what was lost."""
        asked, before = self.clock(), list(self.held.values())
        if not before:
            return []
        values = {"owner": self.owner, "length": round(self.length * 1e6)}
        async with self.database.begin() as connection:
            rows = (await connection.execute(table.KEEP_LANES, values)).all()
        kept = {(str(row[0]), int(row[1])) for row in rows}
        lost = [lease for lease in before if (lease.account, lease.token) not in kept]
        for lease in before:
            if lease not in lost:
                lease.ends = max(lease.ends, asked + self.length)
            elif self.held.get(lease.account) is lease:
                del self.held[lease.account]
                lease.ends = 0.0
                log.warning("lane.lost", account=lease.account, token=lease.token)
        return lost

    async def is_elsewhere(self, account: str) -> bool:
        """Whether another process owns a lane now."""
        async with self.database.read() as connection:
            found = await connection.execute(table.IS_ELSEWHERE, {"account": account, "owner": self.owner})
            return found.first() is not None

    @asynccontextmanager
    async def keeping(self, lose: Callable[[Lease], None]) -> AsyncIterator[None]:
        """Keep what is held while the block runs; `lose` is told of what another process has taken."""

        async def follow() -> None:
            while True:
                await asyncio.sleep(self.length / KEPT)
                try:
                    for lease in await self.keep():
                        lose(lease)
                except DatabaseUnreachable as error:
                    log.warning("lanes.not_kept", lanes=len(self.held), why=str(error))

        following = asyncio.create_task(follow(), name="lanes")
        try:
            yield
        finally:
            following.cancel()
            await asyncio.wait({following})


def _is_lock_timeout(error: DatabaseUnreachable) -> bool:
    cause = error.__cause__
    return isinstance(cause, OperationalError) and getattr(cause.orig, "sqlstate", None) == "55P03"
