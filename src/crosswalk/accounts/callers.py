"""Who calls: living tokens held in memory, so that a request waits for no statement.

Two counts tell whether any token was made or revoked; they are asked for every `POLL_SECONDS` beside the requests, and
by a request itself when the last answer is older than `FRESH_SECONDS`. So a revoked token ends within a second in every
process, and while the database is gone nobody is let in on old knowledge.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from ipaddress import ip_address

import structlog
from msgspec import Struct
from sqlalchemy import RowMapping

from crosswalk.accounts.tokens import PREFIX_CHARACTERS, TOKEN, Caller, Network, digest, read_networks, to_caller
from crosswalk.accounts.vault import Vault
from crosswalk.accounts.widgets import PREFIX, read_grant
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.store.tokens import COUNT_CHANGES, LIST_LIVE, MARK_USED

POLL_SECONDS = 0.4
FRESH_SECONDS = 1.0
USE_WRITTEN_EVERY = timedelta(minutes=1)
log = structlog.get_logger()


class Unidentified(Exception):
    """No living token came with the request."""


class Known(Struct, frozen=True):
    """A living token: what it must hash to, who it makes of its bearer, whence, and until when this text holds."""

    digest: bytes
    caller: Caller
    networks: tuple[Network, ...] | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of itself: its `Authorization` and `Origin` headers, and whence it came."""

    header: str | None
    ip: str | None = None
    origin: str | None = None


class Callers:
    """The living tokens of one database. Open with `open_callers`."""

    def __init__(
        self,
        database: Database,
        vault: Vault | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._vault = vault
        self._now = now
        self._clock = clock
        self._known: dict[str, Known] = {}
        self._by_id: dict[str, Known] = {}
        self._counts: tuple[object, ...] | None = None
        self._refreshed = float("-inf")
        self._begun = self._done = 0  # refreshes so far
        self._turn = asyncio.Lock()
        self._used: dict[str, datetime] = {}
        self._written: dict[str, datetime] = {}

    async def identify(self, shown: Shown) -> Caller:
        """Whose token a request carries. Raises `Unidentified` and `DatabaseUnreachable`."""
        text = read_bearer(shown.header)
        if text is None:
            raise Unidentified("Send a token of Crosswalk: Authorization: Bearer cw_…")
        if self._clock() - self._refreshed >= FRESH_SECONDS:
            await self.refresh()
        if text.startswith(PREFIX):
            return self._read_widget(text, shown)
        if text[:PREFIX_CHARACTERS] not in self._known:
            await self.refresh()  # it may be a moment old
        known = self._known.get(text[:PREFIX_CHARACTERS])
        if known is None or not compare_digest(known.digest, digest(text)):
            raise Unidentified("This token is unknown or revoked. `crosswalk tokens list` lists those that live")
        at = self._now()
        self._refuse_ended(known, at)
        if known.networks is not None and not _is_from(shown.ip, known.networks):
            raise Unidentified(f"This token is not taken from {shown.ip or 'an unknown address'}")
        self._used[known.caller.id] = at
        return known.caller

    def _read_widget(self, text: str, shown: Shown) -> Caller:
        """Whoever shows a widget's token: less than the one that made it, for one account and page."""
        grant = None if self._vault is None else read_grant(text, self._vault)
        maker = None if grant is None else self._by_id.get(grant.parent)
        if grant is None or maker is None:
            raise Unidentified("This widget's token is unknown, or the token that made it was revoked")
        at, ends = self._now(), datetime.fromtimestamp(grant.ends, UTC)
        self._refuse_ended(Known(b"", maker.caller), at)
        if ends <= at:
            raise Unidentified("This widget's token has ended; the page asks for another by its getToken()")
        if shown.origin != grant.origin:
            raise Unidentified(f"This widget's token is for pages of {grant.origin} alone")
        if not maker.caller.may_use(grant.account):
            raise Unidentified("The token that made this widget's token does not reach its account")
        return Caller(
            id=maker.caller.id,
            name=f"{maker.caller.name}/{grant.widget}",
            scopes=tuple(scope for scope in grant.scopes if maker.caller.may(scope)),
            accounts=frozenset({grant.account}),
            expires_at=ends,
            deny=maker.caller.deny,
            origin=grant.origin,
        )

    def _refuse_ended(self, known: Known, at: datetime) -> None:
        ends = known.caller.expires_at
        if ends is not None and ends <= at:
            raise Unidentified(f"This token ended at {ends:%Y-%m-%d %H:%M} UTC. Make another")
        if known.until is not None and known.until <= at:
            raise Unidentified("This token was rotated, and its old text holds no longer. Use the new one")

    async def refresh(self) -> None:
        """Learn what was made and revoked; whoever waits together asks once."""
        asked = self._begun
        async with self._turn:
            if self._done > asked:
                return
            self._begun += 1
            at = self._clock()
            async with self._database.read() as connection:
                counts = tuple((await connection.execute(COUNT_CHANGES)).one())
                if counts != self._counts:
                    rows = (await connection.execute(LIST_LIVE)).mappings()
                    self._known = {prefix: known for row in rows for prefix, known in _read_row(row)}
                    self._by_id = {known.caller.id: known for known in self._known.values()}
                    self._counts = counts
            self._refreshed, self._done = at, self._begun

    async def write_used(self, *, every: timedelta) -> None:
        """Write when tokens were last used, each no more than once in `every`."""
        now = self._now()
        due = {token: at for token, at in self._used.items() if self._is_due(token, at, now - every)}
        if due:
            async with self._database.begin() as connection:
                await connection.execute(MARK_USED, [{"token": token, "at": at} for token, at in due.items()])
            self._written |= due

    def _is_due(self, token: str, used: datetime, before: datetime) -> bool:
        written = self._written.get(token)
        return written is None or (written < used and written <= before)

    async def follow(self) -> None:
        """Keep up with the database until cancelled; says once that it fails, and once that it is back."""
        failing = False
        while True:
            try:
                await self.refresh()
                await self.write_used(every=USE_WRITTEN_EVERY)
            except DatabaseUnreachable as exc:
                if not failing:
                    log.warning("tokens.stale", why=str(exc))
                failing = True
            else:
                if failing:
                    log.info("tokens.fresh")
                failing = False
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def open_callers(database: Database, vault: Vault | None = None) -> AsyncIterator[Callers]:
    """The living tokens, kept fresh while the block runs; last uses are written at its end."""
    callers = Callers(database, vault)
    following = asyncio.create_task(callers.follow(), name="tokens")
    try:
        yield callers
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        with suppress(DatabaseUnreachable):  # said by `follow` already; a last use is no more than a hint
            await callers.write_used(every=timedelta(0))


def read_bearer(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header; `None` when there is none that could be ours."""
    scheme, _, text = (header or "").partition(" ")
    text = text.strip(" ")
    is_ours = TOKEN.fullmatch(text) or text.startswith(PREFIX)
    return text if scheme.lower() == "bearer" and is_ours else None


def _read_row(row: RowMapping) -> Iterator[tuple[str, Known]]:
    """A token's entries: its text, and the one before it while that holds on."""
    caller = to_caller(row)
    networks = None if caller.networks is None else read_networks(caller.networks)
    yield row["prefix"], Known(row["digest"], caller, networks)
    if row["old_prefix"] is not None:
        yield row["old_prefix"], Known(row["old_digest"], caller, networks, row["old_ends_at"])


def _is_from(ip: str | None, networks: Sequence[Network]) -> bool:
    try:
        address = ip_address(ip or "")
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in networks)
