"""Sessions of the console: begun by a one-time link or the password, kept as digests, ended by time or by people.

A cookie holds 256 bits of chance; the database has its digest only. The token that forms carry is derived from the
cookie, so that it needs no room of its own and is worth nothing without it.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import scrypt, sha256
from random import Random, SystemRandom
from typing import Literal

from msgspec import Struct

from crosswalk.accounts.vault import Secret
from crosswalk.store import sessions as table
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id

LINK_LASTS = timedelta(minutes=30)
SESSION_LASTS = timedelta(days=7)
SESSION_IDLES = timedelta(hours=12)
USE_WRITTEN_EVERY = timedelta(minutes=1)
TRIES, TRIES_OF_ALL, LOCKED_FOR = 5, 50, timedelta(minutes=15)
SHORTEST, LONGEST = 12, 200
SECRET_BYTES, SALT_BYTES = 32, 16
COST, BLOCK, LANES = 2**15, 8, 1
MEMORY = 64 * 1024 * 1024
CHANCE = SystemRandom()
Way = Literal["link", "password"]


class SignInRefused(Exception):
    """Nobody was let in; the message says why and what to do."""


class WeakPassword(ValueError):
    """The password cannot be used."""


class Session(Struct, frozen=True, kw_only=True):
    """Somebody who is signed in: how, since when, until when. `csrf` goes into every form and into `X-CSRF-Token`."""

    way: Way
    created_at: datetime
    used_at: datetime
    ends_at: datetime
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The console sessions of one database."""

    database: Database
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE
    make_secret: Callable[[], str] = lambda: secrets.token_urlsafe(SECRET_BYTES)

    async def make_link(self) -> Secret:
        """A secret that lets one person in once, within half an hour."""
        secret, at = self.make_secret(), self.now()
        async with self.database.begin() as connection:
            await connection.execute(table.PRUNE_LINKS, {"now": at})
            row = {"digest": digest(secret), "created_at": at, "ends_at": at + LINK_LASTS}
            await connection.execute(table.ADD_LINK, row)
        return Secret(secret)

    async def enter_by_link(self, secret: str) -> Secret:
        """Begin a session; the link is spent. Raises `SignInRefused`."""
        async with self.database.begin() as connection:
            asked = {"of": digest(secret), "now": self.now()}
            if (await connection.execute(table.TAKE_LINK, asked)).rowcount != 1:
                raise SignInRefused(
                    "This link was used already, or is older than half an hour. Make another: crosswalk console link"
                )
        return await self._begin("link")

    async def enter_by_password(self, password: str, address: str) -> Secret:
        """Begin a session. Raises `SignInRefused`, for a quarter of an hour after too many wrong passwords."""
        async with self.database.begin() as connection:
            await self._refuse_locked(address)
            row = {"id": new_id(self.now(), self.rng), "address": address, "at": self.now()}
            await connection.execute(table.ADD_FAILURE, row)  # counted before it is tried: tries at once count too
        if not await self._is_right(password):
            raise SignInRefused("This password is wrong. Without it: crosswalk console link")
        async with self.database.begin() as connection:
            await connection.execute(table.FORGIVE, {"of": address})
        return await self._begin("password")

    async def find(self, secret: str) -> Session | None:
        """Whoever's cookie this is; `None` when the session has ended."""
        at, own = self.now(), digest(secret)
        asked = {"of": own, "now": at, "idle": at - SESSION_IDLES}
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_SESSION, asked)).one_or_none()
        if row is None:
            return None
        if at - row.used_at >= USE_WRITTEN_EVERY:
            async with self.database.begin() as connection:
                await connection.execute(table.MARK_SESSION, {"of": own, "at": at})
        return Session(
            way=row.way, created_at=row.created_at, used_at=row.used_at, ends_at=row.ends_at, csrf=make_csrf(secret)
        )

    async def end(self, secret: str) -> None:
        """End one session."""
        async with self.database.begin() as connection:
            await connection.execute(table.END_SESSION, {"of": digest(secret)})

    async def end_others(self, secret: str = "") -> int:
        """End every session but this one; answers how many."""
        async with self.database.begin() as connection:
            return (await connection.execute(table.END_OTHERS, {"but": digest(secret)})).rowcount

    async def has_password(self) -> bool:
        """Whether one can sign in by password."""
        async with self.database.read() as connection:
            return (await connection.execute(table.FIND_PASSWORD)).first() is not None

    async def set_password(self, password: str) -> None:
        """Keep a password. Raises `WeakPassword`."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise WeakPassword(f"Give a password of {SHORTEST} to {LONGEST} characters; this one has {len(password)}")
        salt = secrets.token_bytes(SALT_BYTES)
        row = {"id": 1, "salt": salt, "digest": await _stretch(password, salt), "changed_at": self.now()}
        async with self.database.begin() as connection:
            await connection.execute(table.REMOVE_PASSWORD)
            await connection.execute(table.ADD_PASSWORD, row)

    async def remove_password(self) -> None:
        """Let people in by links only."""
        async with self.database.begin() as connection:
            await connection.execute(table.REMOVE_PASSWORD)

    async def _begin(self, way: Way) -> Secret:
        secret, at = self.make_secret(), self.now()
        row = {"digest": digest(secret), "way": way, "created_at": at, "used_at": at, "ends_at": at + SESSION_LASTS}
        async with self.database.begin() as connection:
            await connection.execute(table.PRUNE_SESSIONS, {"now": at})
            await connection.execute(table.ADD_SESSION, row)
        return Secret(secret)

    async def _refuse_locked(self, address: str) -> None:
        since = self.now() - LOCKED_FOR
        async with self.database.read() as connection:
            own, of_all = (await connection.execute(table.COUNT_FAILURES, {"of": address, "since": since})).one()
        if own >= TRIES or of_all >= TRIES_OF_ALL:
            raise SignInRefused(
                "Too many wrong passwords. Wait a quarter of an hour, or use a link: crosswalk console link"
            )

    async def _is_right(self, password: str) -> bool:
        """Compare in the same time whether or not there is a password."""
        async with self.database.begin() as connection:
            await connection.execute(table.PRUNE_FAILURES, {"before": self.now() - LOCKED_FOR})
            row = (await connection.execute(table.FIND_PASSWORD)).one_or_none()
        salt = bytes(SALT_BYTES) if row is None else row.salt
        made = await _stretch(password[: LONGEST + 1], salt)
        return row is not None and hmac.compare_digest(made, row.digest)


async def _stretch(password: str, salt: bytes) -> bytes:
    return await asyncio.to_thread(
        scrypt, password.encode(), salt=salt, n=COST, r=BLOCK, p=LANES, maxmem=MEMORY, dklen=SECRET_BYTES
    )


def digest(secret: str) -> bytes:
    """What is kept of a secret. It has 256 bits of chance, so that a slow hash would add nothing."""
    return sha256(secret.encode()).digest()


def make_csrf(secret: str) -> str:
    """What forms of a session carry."""
    return sha256(b"csrf:" + secret.encode()).hexdigest()
