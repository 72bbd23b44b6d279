"""Open clients: one an account, shared by whoever calls it, found without a statement of the database.

One row tells whether any account was linked, changed or removed; it is asked for every `POLL_SECONDS` beside the
requests, and by a request itself when the last answer is older than `FRESH_SECONDS`. So a removed account and a changed
key are known within a second in every process. A client that nobody used for a minute is closed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.errors import UnknownAccount
from crosswalk.insightly import Insightly
from crosswalk.store.accounts import ACCOUNTS_REVISION
from crosswalk.store.errors import DatabaseUnreachable

POLL_SECONDS = 0.4
FRESH_SECONDS = 1.0
IDLE_SECONDS = 60.0
log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class Open:
    """One open client: for which account as it was, until when it was used, by how many now."""

    account: Account
    crm: Insightly
    stack: AsyncExitStack
    used_at: float
    users: int = 0


@dataclass(eq=False, slots=True, kw_only=True)
class Pool:
    """The open clients of one process. Open with `open_pool`."""

    accounts: Accounts
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, Account] = field(default_factory=dict)
    _open: dict[str, Open] = field(default_factory=dict)
    _closing: list[Open] = field(default_factory=list)
    _revision: tuple[object, ...] | None = None
    _refreshed: float = float("-inf")
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _opening: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def account(self, account_id: str) -> Account:
        """The account of this id, as it is. Raises `UnknownAccount` and `DatabaseUnreachable`."""
        if self.clock() - self._refreshed >= FRESH_SECONDS:
            await self.refresh()
        if account_id not in self._known:
            await self.refresh()  # it may be a moment old
        found = self._known.get(account_id)
        if found is None:
            raise UnknownAccount(f"No account has the id {account_id!r}. `crosswalk accounts list` lists them")
        return found

    @asynccontextmanager
    async def client(self, account_id: str) -> AsyncIterator[Insightly]:
        """A paced client of an account, shared with all who use it. Raises `UnknownAccount` and `VaultError`."""
        account = await self.account(account_id)
        entry = self._open.get(account_id)
        if entry is None or entry.account is not account:
            entry = await self._enter(account)
        entry.users += 1
        try:
            yield entry.crm
        finally:
            entry.users -= 1
            entry.used_at = self.clock()

    async def _enter(self, account: Account) -> Open:
        async with self._opening.setdefault(account.id, asyncio.Lock()):
            entry = self._open.get(account.id)
            if entry is not None and entry.account is account:
                return entry
            async with AsyncExitStack() as stack:
                crm = await stack.enter_async_context(self.accounts.connect(account))
                kept = stack.pop_all()
            if entry is not None:
                self._closing.append(entry)
            self._open[account.id] = Open(account, crm, kept, self.clock())
            return self._open[account.id]

    async def refresh(self) -> None:
        """Learn what was linked, changed and removed; an account that did not change stays the same value."""
        async with self._turn:
            at = self.clock()
            async with self.accounts.database.read() as connection:
                revision = tuple((await connection.execute(ACCOUNTS_REVISION)).one())
            if revision != self._revision:
                listed = {each.id: each for each in await self.accounts.list()}
                kept = {key: known for key, known in self._known.items() if _is_same(known, listed.get(key))}
                self._known, self._revision = listed | kept, revision
            self._refreshed = at

    async def sweep(self) -> None:
        """Close the clients that are of no more use, and those that nobody used for long."""
        old = self.clock() - IDLE_SECONDS
        for key, entry in list(self._open.items()):
            gone = self._known.get(key) is not entry.account
            if gone or (entry.users == 0 and entry.used_at < old):
                self._closing.append(self._open.pop(key))
                self._opening.pop(key, None)
        free = [entry for entry in self._closing if entry.users == 0]
        self._closing = [entry for entry in self._closing if entry.users > 0]
        for entry in free:
            await entry.stack.aclose()

    async def follow(self) -> None:
        """Keep up with the database until cancelled; says once that it fails, and once that it is back."""
        failing = False
        while True:
            try:
                await self.refresh()
                await self.sweep()
            except DatabaseUnreachable as exc:
                if not failing:
                    log.warning("accounts.stale", why=str(exc))
                failing = True
            else:
                if failing:
                    log.info("accounts.fresh")
                failing = False
            await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Close every client."""
        for entry in (*self._open.values(), *self._closing):
            await entry.stack.aclose()
        self._open, self._closing = {}, []


@asynccontextmanager
async def open_pool(accounts: Accounts) -> AsyncIterator[Pool]:
    """A pool of clients, kept fresh while the block runs."""
    pool = Pool(accounts=accounts)
    following = asyncio.create_task(pool.follow(), name="accounts")
    try:
        yield pool
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await pool.close()


def _is_same(known: Account, listed: Account | None) -> bool:
    """Whether open clients need not know the difference: when the last call went well is told without a revision."""
    return listed is not None and known.revision == listed.revision
