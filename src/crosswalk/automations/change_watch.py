"""Watches: which resources of which accounts are followed, how often, at what cost; addresses that hints come to."""

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from random import Random, SystemRandom
from secrets import token_urlsafe
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.errors import UnknownAccount
from crosswalk.automations.change_pace import (
    FIRST_LAG,
    LONGEST,
    SHORTEST,
    SHORTEST_SWEEP,
    USUAL,
    USUAL_SLOWEST,
    USUAL_SWEEP,
    Cost,
    cost,
    day_of,
)
from crosswalk.automations.event_errors import HintRefused, UnknownWatch, Unwatchable, WatchTaken
from crosswalk.automations.hint import read_hint
from crosswalk.store import watches as table
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id
from crosswalk.store.watches import WatchState
from crosswalk.unified.mapping import Noun
from crosswalk.unified.nouns import find_noun

CHANCE = SystemRandom()
SECRET_BYTES = 24
MOST_HINTS = 5_000
"""Records of one watch that may wait to be read again; what comes on top is found by the next poll."""


class Pace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often to look, in seconds: `every` while records change, `slowest` when nothing has for long.

    `sweep_every` is how often complete lists are read to find deletions; `None` never does.
    """

    every: int = USUAL
    slowest: int = USUAL_SLOWEST
    sweep_every: int | None = USUAL_SWEEP


def read_pace(given: Mapping[str, int | None], *, before: "Watch | None" = None) -> Pace:
    """A pace from some of its times; the others are as they were before, or the usual ones."""
    kept = {} if before is None else {name: getattr(before, name) for name in Pace.__struct_fields__}
    return msgspec.convert(kept | dict(given), Pace)


class Watch(Struct, frozen=True, kw_only=True):
    """One watch.

    `mark` is the time, by Insightly's clock, before which all changes were seen; null until the first reading is
    complete. `records` are known, `held` of them missing and not announced, `hints` wait to be read.
    """

    id: str
    account_id: str
    account: str
    resource: str
    state: WatchState
    every: int
    slowest: int
    sweep_every: int | None
    interval: int
    mark: datetime | None
    based_at: datetime | None
    lag: float
    next_at: datetime
    sweep_at: datetime | None
    polled_at: datetime | None
    swept_at: datetime | None
    held: int
    released_at: datetime | None
    trouble: str | None
    calls_today: int
    hint_url: bool
    hint_user: str | None
    hint_first_at: datetime | None
    hint_last_at: datetime | None
    hint_count: int
    records: int
    hints: int
    calls_per_day: Cost
    created_at: datetime

    @property
    def noun(self) -> Noun:
        """The unified resource that is watched."""
        return find_noun(self.resource)

    def sweep_due(self, now: datetime) -> bool:
        """Whether a complete list is to be read now."""
        return self.sweep_at is not None and self.sweep_at <= now


class HintAddress(Struct, frozen=True, kw_only=True):
    """Where Insightly's workflow is to post, shown this once: the path below Crosswalk's own address."""

    watch_id: str
    account: str
    resource: str
    object: str
    path: str
    user: str | None = None
    password: str | None = None


class Hinted(Struct, frozen=True, kw_only=True):
    """What became of a hint: the record that will be read again."""

    resource: str
    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watches:
    """The watches of one database, as far as `reach` goes (`None`: of every account)."""

    database: Database
    accounts: Accounts
    reach: frozenset[str] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = field(default=CHANCE)

    async def add(self, account: str, resource: str, pace: Pace | None = None) -> Watch:
        """Follow a resource of an account. Raises `UnknownAccount`, `UnknownNoun`, `Unwatchable` and `WatchTaken`.

        The first reading learns what is there and announces nothing; changes from then on are events.
        """
        found = await self.accounts.find(account)
        if self.reach is not None and found.id not in self.reach:
            raise UnknownAccount(f"No account is named {account!r}. `crosswalk accounts list` lists them")
        noun = find_noun(resource)
        chosen = pace or (Pace() if is_searched(noun) else Pace(every=USUAL_SLOWEST, slowest=USUAL_SLOWEST))
        check_pace(chosen)
        at = self.now()
        row = {
            "id": new_id(at, self.rng),
            "account_id": found.id,
            "resource": noun.name,
            "state": "active",
            "every": chosen.every,
            "slowest": chosen.slowest,
            "sweep_every": chosen.sweep_every,
            "interval": chosen.every,
            "lag": FIRST_LAG,
            "next_at": at,
            "day": day_of(at),
            "created_at": at,
        }
        try:
            async with self.database.begin() as connection:
                await connection.execute(table.ADD_WATCH, row)
        except IntegrityError as exc:
            raise WatchTaken(
                f"{noun.name} of account {found.name} are watched already. Change that: crosswalk events change"
            ) from exc
        return await self.find(str(row["id"]))

    async def list(self, *, account: str | None = None, after: str = "", most: int = 500) -> list[Watch]:
        """Watches, oldest first."""
        statement = table.LIST_WATCHES.limit(most)
        if self.reach is not None:
            statement = statement.where(table.watches.c.account_id.in_(sorted(self.reach)))
        if account is not None:
            statement = statement.where(table.watches.c.account_id == account)
        async with self.database.read() as connection:
            rows = (await connection.execute(statement, {"after": after})).mappings().all()
            return [await self._complete(connection, row) for row in rows]

    async def find(self, key: str) -> Watch:
        """A watch by its id, or by `ACCOUNT/RESOURCE`. Raises `UnknownWatch`."""
        account, _, resource = key.rpartition("/")
        asked = {"key": key, "of_account": account, "of_resource": resource}
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_WATCH, asked)).mappings().one_or_none()
            if row is None or (self.reach is not None and row["account_id"] not in self.reach):
                raise UnknownWatch(f"Nothing is watched as {key!r}. `crosswalk events watches` lists what is.")
            return await self._complete(connection, row)

    async def change(self, key: str, pace: Pace) -> Watch:
        """Look more often or more seldom from now on. Raises `Unwatchable`."""
        check_pace(pace)
        found = await self.find(key)
        return await self._change(
            found,
            every=pace.every,
            slowest=pace.slowest,
            sweep_every=pace.sweep_every,
            interval=pace.every,
            next_at=self.now(),
            sweep_at=None if pace.sweep_every is None else found.sweep_at or self.now(),
        )

    async def pause(self, key: str) -> Watch:
        """Look no more; what changes meanwhile is announced, merged, when it goes on."""
        return await self._change(await self.find(key), state="paused")

    async def resume(self, key: str) -> Watch:
        """Look again, now."""
        return await self._change(await self.find(key), state="active", next_at=self.now())

    async def poll(self, key: str) -> Watch:
        """Look now, and often for a while."""
        found = await self.find(key)
        return await self._change(found, next_at=self.now(), interval=found.every)

    async def sweep(self, key: str) -> Watch:
        """Look for deletions now."""
        found = await self.find(key)
        return await self._change(found, sweep_at=self.now())

    async def release(self, key: str) -> Watch:
        """Let the next sweep announce what it misses, however many; it begins now. Each is still asked for by id."""
        at = self.now()
        found = await self.find(key)
        return await self._change(found, released_at=at, sweep_at=at, next_at=at)

    async def remove(self, key: str) -> Watch:
        """Follow no more and forget how records were seen; events stay."""
        found = await self.find(key)
        async with self.database.begin() as connection:
            await connection.execute(table.REMOVE_WATCH, {"watch": found.id})
        return found

    async def make_hint(self, key: str, *, user: str | None = None) -> HintAddress:
        """A new secret address for Insightly's workflows; one that was made before takes nothing more.

        With a `user`, a password is made too, and hints without both are refused.
        """
        found = await self.find(key)
        secret = token_urlsafe(SECRET_BYTES)
        password = None if user is None else token_urlsafe(SECRET_BYTES)
        await self._change(
            found,
            hint_digest=digest(secret),
            hint_user=user,
            hint_password=None if password is None else digest(password),
            hint_first_at=None,
            hint_last_at=None,
            hint_count=0,
        )
        return HintAddress(
            watch_id=found.id,
            account=found.account,
            resource=found.resource,
            object=found.noun.wire,
            path=f"/hooks/insightly/{secret}",
            user=user,
            password=password,
        )

    async def drop_hint(self, key: str) -> Watch:
        """Take no hints any more."""
        found = await self.find(key)
        return await self._change(found, hint_digest=None, hint_user=None, hint_password=None)

    async def take_hint(self, secret: str, body: bytes, authorization: str | None) -> Hinted:
        """Keep that a record may have changed; returns when it is on disk. One that waits already is not doubled.

        Raises `UnknownWatch`, `HintRefused` and `UnusableHint`.
        """
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_BY_HINT, {"digest": digest(secret)})).mappings().one_or_none()
        if row is None:
            raise UnknownWatch("No watch takes hints at this address. It was mistyped, made anew or removed.")
        _check_user(row, authorization)
        noun = find_noun(row["resource"])
        hint = read_hint(body, noun.id_field)
        at = self.now()
        async with self.database.begin() as connection:
            asked = {"watch": row["id"], "record": hint.record}
            waiting = (await connection.execute(table.FIND_HINT, asked)).mappings().one_or_none()
            if waiting is not None:
                said = max((each for each in (waiting["said_at"], hint.said_at) if each is not None), default=None)
                await connection.execute(table.REPEAT_HINT, asked | {"now": at, "said": said})
            elif (await connection.execute(table.COUNT_HINTS, {"watch": row["id"]})).scalar_one() < MOST_HINTS:
                new = {"watch_id": row["id"], "record_id": hint.record, "said_at": hint.said_at}
                await connection.execute(table.ADD_HINT, new | {"came_at": at, "due_at": at})
            counted = table.CHANGE_WATCH.values(
                hint_first_at=row["hint_first_at"] or at,
                hint_last_at=at,
                hint_count=table.watches.c.hint_count + 1,
                **({} if waiting is not None or row["state"] != "active" else {"interval": row["every"]}),
            )
            await connection.execute(counted, {"watch": row["id"]})
        return Hinted(resource=noun.name, record_id=str(hint.record))

    async def _change(self, found: Watch, **values: Any) -> Watch:
        async with self.database.begin() as connection:
            await connection.execute(table.CHANGE_WATCH.values(**values), {"watch": found.id})
        return await self.find(found.id)

    async def _complete(self, connection: AsyncConnection, row: RowMapping) -> Watch:
        """A watch from its row, with what is counted."""
        asked = {"watch": row["id"]}
        records = (await connection.execute(table.COUNT_WATCHED, asked)).scalar_one()
        hints = (await connection.execute(table.COUNT_HINTS, asked)).scalar_one()
        whole = not is_searched(find_noun(row["resource"]))
        paces = {name: row[name] for name in ("every", "slowest", "sweep_every")}
        plain = {str(name): value for name, value in row.items() if name in Watch.__struct_fields__}
        return msgspec.convert(
            plain
            | {
                "calls_today": row["calls"] if row["day"] == day_of(self.now()) else 0,
                "hint_url": row["hint_digest"] is not None,
                "records": records,
                "hints": hints,
                "calls_per_day": cost(**paces, records=records, whole=whole),
            },
            Watch,
        )


def is_searched(noun: Noun) -> bool:
    """Whether Insightly can be asked for what changed; of others the whole list is read each time."""
    return noun.resource.serves("GET", "/Search")


def check_pace(pace: Pace) -> None:
    """Raise `Unwatchable` for a pace that cannot be kept, or would take the day's calls."""
    if not SHORTEST <= pace.every <= pace.slowest <= LONGEST:
        raise Unwatchable(
            f"Polls can be {SHORTEST} seconds to {LONGEST // 3600} hours apart, and the slowest not less than the "
            f"usual: every {pace.every} and slowest {pace.slowest} seconds cannot be"
        )
    if pace.sweep_every is not None and not SHORTEST_SWEEP <= pace.sweep_every <= 30 * LONGEST:
        raise Unwatchable(f"Sweeps can be {SHORTEST_SWEEP // 60} minutes to 30 days apart, or off")


def digest(secret: str) -> bytes:
    """What is kept of a secret: it has 192 random bits, so that nothing needs to slow a guess down."""
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


def setup_guide(address: HintAddress, base_url: str) -> Sequence[str]:
    """What to do in Insightly, line by line, so that its workflow posts to an address."""
    auth = (
        "Leave user and password empty."
        if address.user is None
        else f"User name: {address.user}\n     Password: {address.password}"
    )
    return (
        "In Insightly (Professional plan or higher) open System Settings > Workflow Automation.",
        f"Add a workflow for {address.object}.",
        "Start it when a record is created or edited, with no further condition.",
        f"Add the immediate action Webhook and paste this URL:\n     {base_url.rstrip('/')}{address.path}",
        auth,
        "Send all fields, or at least the record's id; only the id is used, and the record is read again.",
        f"Save, change one record, and look: crosswalk events show {address.account}/{address.resource}",
        "Insightly tries three times and drops a call then; it says nothing of deletions. Polls and sweeps find both.",
    )


def _check_user(row: RowMapping, authorization: str | None) -> None:
    """Raise `HintRefused` unless the call shows the user and the password that the watch asks for."""
    if row["hint_user"] is None:
        return
    kind, _, packed = (authorization or "").partition(" ")
    try:
        user, _, password = b64decode(packed.strip(), validate=True).decode().partition(":")
    except (NotBase64, UnicodeDecodeError, ValueError):
        user, password = "", ""
    fits = hmac.compare_digest(digest(user), digest(row["hint_user"]))
    if kind.lower() != "basic" or not (fits & hmac.compare_digest(digest(password), row["hint_password"])):
        raise HintRefused("This address asks for the user and password that were shown with it")
