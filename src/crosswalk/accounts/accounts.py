"""Integrated accounts: link, list, check and remove them, and open a client for one."""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import msgspec
from msgspec import Struct, convert
from msgspec.structs import asdict, replace
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts.check import Finding, Report, Right, check_key
from crosswalk.accounts.errors import (
    CredentialRefused,
    KeyMissing,
    NameTaken,
    OtherInstance,
    UnknownAccount,
    UnusableAccount,
)
from crosswalk.accounts.lifecycle import Turn, tell
from crosswalk.accounts.pulse import feel
from crosswalk.accounts.vault import Place, Sealed, Secret, Vault
from crosswalk.gate import (
    RESERVE,
    About,
    Budget,
    Credential,
    Hear,
    Limits,
    Meter,
    Paces,
    Track,
    budget,
    connect,
    deaf,
    shared_budget,
    shared_track,
    track,
)
from crosswalk.insightly import Insightly
from crosswalk.insightly.client import ATTEMPTS
from crosswalk.store.accounts import (
    ADD_ACCOUNT,
    ADD_CREDENTIAL,
    CHANGE_CREDENTIAL,
    CHECK_ACCOUNT,
    FIND_ACCOUNT,
    FIND_CREDENTIAL,
    LIST_ACCOUNTS,
    PAGE_ACCOUNTS,
    REMOVE_ACCOUNT,
    SAME_INSTANCE,
    STEP_REVISION,
    Status,
    accounts,
)
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id

# A name is not shaped like an id, so that either finds one account.
NAME = re.compile(r"(?![0-9a-fA-F]{8}-[0-9a-fA-F]{4}-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
API_KEY = "api_key"
LIMITS = {"rate", "daily", "reserve"}
LISTS = ("context", "scopes")
"""Columns that hold JSON."""
CHANCE = SystemRandom()


class Account(Struct, frozen=True, kw_only=True):
    """One customer's linked Insightly, without its key. `rate`, `daily`, `reserve` as the gate's `Limits`.

    `revision` steps with every change that an open client must know.
    """

    id: str
    name: str
    tenant_id: str | None = None
    base_url: str
    status: Status
    rate: int | None = None
    daily: int | None = None
    reserve: int | None = None
    instance_id: int | None = None
    instance_name: str | None = None
    plan: str | None = None
    user_id: int | None = None
    user_name: str | None = None
    administrator: bool | None = None
    context: dict[str, Any] = {}  # JSON of its owner's, kept and given back as it is
    created_at: datetime
    checked_at: datetime | None = None
    last_good_call_at: datetime | None = None
    refused_at: datetime | None = None
    revision: int = 0
    scopes: tuple[str, ...] = ()  # what its link asked for
    status_reason: str | None = None  # why it is not active


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An account to be linked. `base_url` is one that the client's rule has passed."""

    name: str
    api_key: Secret
    base_url: str
    tenant_id: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    rate: int | None = None
    daily: int | None = None
    reserve: int | None = None
    scopes: tuple[str, ...] = ()


class Wish(Struct, frozen=True, kw_only=True):
    """Which part of the list of accounts is asked for; `None` asks for any."""

    after: str = ""
    most: int = 100
    status: Status | None = None
    tenant_id: str | None = None
    reach: Collection[str] | None = None


Claim = Callable[[AsyncConnection], Awaitable[None]]
"""What must hold when an account is stored, checked in the same transaction: it raises, or nothing is stored."""


Judge = Callable[[Sequence[Right], Sequence[str]], str | None]
"""Why what was asked for cannot be done with a key's rights; `None` where nothing is known against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of one database. `timeout` is for one request to Insightly, in seconds.

    The pace is kept in `pace_folder` for the processes of one home, or in the rows of `paces` for those of a database.
    `meter` is where their calls are measured; `judge` says whether a key's rights suffice for what its link asked for.
    """

    database: Database
    vault: Vault
    pace_folder: Path
    paces: Paces | None = None
    allow_hosts: tuple[str, ...] = ()
    timeout: float = 30
    day_resets: int | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE
    judge: Judge = lambda _rights, _scopes: None
    meter: Meter = field(default_factory=Meter)

    async def add(self, wanted: Wanted) -> tuple[Account, Report]:
        """Check the key, then seal and store it; nothing is stored when this raises.

        Raises `UnusableAccount`, `NameTaken`, `CredentialRefused` for a 401 and `InsightlySilent` for no answer.
        What a plan or version does not answer is a line in the report.
        """
        _refuse_unusable(wanted)
        if await self._row(wanted.name) is not None:
            raise _taken(wanted.name)
        report = await self.examine(wanted)
        account = await self.keep(wanted, report)
        return account, await self._warn_of_twins(account, report)

    async def examine(self, wanted: Wanted) -> Report:
        """Ask what a key may do there, in four calls; nothing is stored. Raises as `add` does."""
        async with self._client(wanted.api_key, wanted, attempts=1) as crm:
            return await check_key(crm)

    async def keep(self, wanted: Wanted, report: Report, claim: Claim | None = None) -> Account:
        """Store an account whose key was checked. Raises `UnusableAccount`, `NameTaken` and what `claim` raises."""
        _refuse_unusable(wanted)
        at = self.now()
        account = Account(
            id=new_id(at, self.rng),
            name=wanted.name,
            tenant_id=wanted.tenant_id,
            base_url=wanted.base_url,
            rate=wanted.rate,
            daily=wanted.daily,
            reserve=wanted.reserve,
            context=dict(wanted.context),
            scopes=wanted.scopes,
            created_at=at,
            status="connecting",
        )
        account = self._apply(account, report, at)
        await self._store(account, wanted.api_key, claim)
        return account

    async def relink(self, key: str, wanted: Wanted, report: Report, claim: Claim | None = None) -> Account:
        """Put a checked key in the place of an account's; the account keeps its id, name, tenant and limits.

        Raises `UnknownAccount`, `OtherInstance` for a key of another instance, and what `claim` raises.
        """
        found = await self.find(key)
        refuse_other_instance(found, report)
        asked = replace(found, base_url=wanted.base_url, scopes=wanted.scopes or found.scopes)
        account = self._apply(asked, report, self.now())
        place = Place(account_id=found.id, field=API_KEY)
        sealed = self.vault.seal(wanted.api_key, place)
        values = {"new_key_id": sealed.key_id, "new_nonce": sealed.nonce, "new_sealed": sealed.sealed}
        async with self.database.begin() as connection:
            if claim is not None:
                await claim(connection)
            changed = await connection.execute(CHANGE_CREDENTIAL, {"account": found.id, "name": API_KEY} | values)
            if not changed.rowcount and (await connection.execute(FIND_ACCOUNT, {"key": found.id})).first() is None:
                raise UnknownAccount(f"Account {found.name} was removed meanwhile")
            if not changed.rowcount:  # its key was lost
                await connection.execute(ADD_CREDENTIAL, _to_credential(found.id, sealed))
            await _write(connection, found, account)
            await self._tell(connection, "relinked", account)
        return await self.find(found.id)

    async def page(self, wish: Wish) -> list[Account]:
        """A part of the list, oldest first."""
        asked = {"after": wish.after, "most": wish.most, "status": wish.status, "tenant": wish.tenant_id}
        statement = PAGE_ACCOUNTS
        if wish.reach is not None:
            statement = statement.where(accounts.c.id.in_(sorted(wish.reach)))
        async with self.database.read() as connection:
            return [_from_row(row) for row in (await connection.execute(statement, asked)).mappings()]

    async def list(self) -> list[Account]:
        """Every account, oldest first."""
        async with self.database.read() as connection:
            return [_from_row(row) for row in (await connection.execute(LIST_ACCOUNTS)).mappings()]

    async def find(self, key: str) -> Account:
        """The account of this name or id. Raises `UnknownAccount`."""
        account = await self._row(key)
        if account is None:
            raise UnknownAccount(f"No account is named {key!r}. `crosswalk accounts list` lists them")
        return account

    async def check(self, key: str) -> tuple[Account, Report]:
        """Ask Insightly again and store what it says. Raises `CredentialRefused`, which is stored too."""
        account = await self.find(key)
        try:
            async with self._client(await self._open_key(account), account, attempts=1) as crm:
                report = await check_key(crm)
        except CredentialRefused as exc:
            refused = replace(account, status="needs_reauth", status_reason=str(exc), checked_at=self.now())
            await self._update(account, refused)
            raise
        found, account = account, self._apply(account, report, self.now())
        await self._update(found, account)
        return account, await self._warn_of_twins(account, report)

    async def change(self, key: str, changes: Mapping[str, int | None]) -> Account:
        """Change an account's limits by name: `rate`, `daily` and `reserve`. Raises `UnknownAccount`."""
        account = await self.find(key)
        if unknown := set(changes) - LIMITS:
            raise ValueError(f"{sorted(unknown)} are no limits of an account")
        await self._update(account, convert(asdict(account) | dict(changes), Account))
        return await self.find(account.id)

    async def set_context(self, key: str, context: Mapping[str, Any]) -> Account:
        """Put another context in the place of an account's. Raises `UnknownAccount`."""
        account = await self.find(key)
        await self._update(account, replace(account, context=dict(context)))
        return await self.find(account.id)

    async def remove(self, key: str) -> Account:
        """Forget an account and destroy its credential. Raises `UnknownAccount`."""
        account = await self.find(key)
        async with self.database.begin() as connection:
            await connection.execute(REMOVE_ACCOUNT, {"account": account.id})
            await self._tell(connection, "removed", account)
        return account

    @asynccontextmanager
    async def connect(self, account: Account) -> AsyncIterator[Insightly]:
        """Open a paced client for an account. Raises `VaultError` when its key does not open."""
        key = await self._open_key(account)
        async with (
            feel(self.database, account.id, self.now) as pulse,
            self._client(key, account, hear=pulse.hear) as crm,
        ):
            yield crm

    async def budget(self, account: Account) -> Budget:
        """What is left of an account's day, without asking Insightly. Raises `VaultError`."""
        credential = self._credential(await self._open_key(account), account)
        if self.paces is not None:
            return await shared_budget(credential, self._limits(account), self.paces)
        return budget(credential, self._limits(account), folder=self.pace_folder, now=self.now())

    async def track(self, account: Account) -> Track:
        """How an account's pace was kept and what was learned of it, without asking Insightly. Raises `VaultError`."""
        credential = self._credential(await self._open_key(account), account)
        if self.paces is not None:
            return await shared_track(credential, self.paces, now=time.monotonic())
        return track(credential, folder=self.pace_folder, now=time.monotonic())

    def _client(
        self, key: Secret, account: Account | Wanted, *, attempts: int = ATTEMPTS, hear: Hear = deaf
    ) -> AbstractAsyncContextManager[Insightly]:
        limits = self._limits(account, attempts)
        about = About(meter=self.meter)
        if isinstance(account, Account):
            about = About(meter=self.meter, account=account.id, plan=account.plan)
        credential = self._credential(key, account)
        return connect(credential, limits, folder=self.pace_folder, paces=self.paces, hear=hear, about=about)

    def _credential(self, key: Secret, account: Account | Wanted) -> Credential:
        return Credential(base_url=account.base_url, api_key=key.reveal(), allow_hosts=self.allow_hosts)

    def _limits(self, account: Account | Wanted, attempts: int = ATTEMPTS) -> Limits:
        return Limits(
            rate=account.rate,
            daily=account.daily,
            reserve=RESERVE if account.reserve is None else account.reserve,
            resets=self.day_resets,
            timeout=self.timeout,
            attempts=attempts,
        )

    def _apply(self, account: Account, report: Report, at: datetime) -> Account:
        """The account as a check found it; what the check could not tell stays as it was."""
        told = {
            name: value
            for name in ("user_id", "user_name", "administrator", "instance_id", "instance_name", "plan")
            if (value := getattr(report, name)) is not None
        }
        if not report.is_insightly:
            silent = f"Nothing at {account.base_url} answers as Insightly does"
            return replace(account, status="validation_error", status_reason=silent, checked_at=at)
        lacks = self.judge(report.rights, account.scopes) if account.scopes else None
        status: Status = "active" if lacks is None else "post_install_error"
        good = {"checked_at": at, "last_good_call_at": at, "refused_at": None}
        return replace(account, **told, **good, status=status, status_reason=lacks)

    async def _open_key(self, account: Account) -> Secret:
        async with self.database.read() as connection:
            found = await connection.execute(FIND_CREDENTIAL, {"account": account.id, "name": API_KEY})
            row = found.one_or_none()
        if row is None:
            raise KeyMissing(f"Account {account.name} has no key. Link it again: POST /link-token with its id")
        place = Place(account_id=account.id, field=API_KEY)
        return self.vault.open(Sealed(row.key_id, row.nonce, row.sealed), place)

    async def _row(self, key: str) -> Account | None:
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_ACCOUNT, {"key": key})).mappings().one_or_none()
        return None if row is None else _from_row(row)

    async def _store(self, account: Account, key: Secret, claim: Claim | None) -> None:
        sealed = self.vault.seal(key, Place(account_id=account.id, field=API_KEY))
        try:
            async with self.database.begin() as connection:
                if claim is not None:
                    await claim(connection)
                await connection.execute(ADD_ACCOUNT, _to_row(account))
                await connection.execute(ADD_CREDENTIAL, _to_credential(account.id, sealed))
                await self._tell(connection, "linked", account)
        except IntegrityError as exc:
            raise _taken(account.name) from exc

    async def _update(self, before: Account, after: Account) -> None:
        async with self.database.begin() as connection:
            await _write(connection, before, after)
            if before.status != after.status and after.status in {"needs_reauth", "active"}:
                await self._tell(connection, "active" if after.status == "active" else "needs_reauth", after)

    async def _tell(self, connection: AsyncConnection, turn: Turn, account: Account) -> None:
        about = {"name": account.name, "tenant_id": account.tenant_id, "status": account.status}
        await tell(connection, turn, account.id, at=self.now(), rng=self.rng, **about)

    async def _warn_of_twins(self, account: Account, report: Report) -> Report:
        """One more line when another account is linked to the same instance."""
        async with self.database.read() as connection:
            found = await connection.execute(SAME_INSTANCE, {"instance": account.instance_id, "account": account.id})
            names = ", ".join(row.name for row in found)
        if not names:
            return report
        says = f"also linked as {names}: they share one rate and one day's calls, each counts its own"
        return report.add(Finding("instance", works=False, says=says))


async def _write(connection: AsyncConnection, before: Account, after: Account) -> None:
    """Write what changed, so that what calls tell of the account meanwhile stays."""
    old, new = _to_row(before), _to_row(after)
    changed = {name: value for name, value in new.items() if value != old[name]}
    if changed:
        await connection.execute(CHECK_ACCOUNT.values(changed), {"account": after.id})
    await connection.execute(STEP_REVISION, {"account": after.id})


def refuse_other_instance(account: Account, report: Report) -> None:
    """Raise `OtherInstance` unless a report is surely of the account's instance, or nothing is known of that."""
    for mine, its in ((account.instance_id, report.instance_id), (account.instance_name, report.instance_name)):
        if mine is None:
            continue
        if its == mine:
            return
        if its is not None:
            raise OtherInstance(
                f"The key belongs to another Insightly instance, {report.instance_name or its}. "
                f"Use a key of {account.instance_name or mine}"
            )
    if account.instance_id is not None or account.instance_name is not None:
        raise OtherInstance(
            f"Insightly does not say which instance the key belongs to; it must be {account.instance_name}. Try again"
        )


def _refuse_unusable(wanted: Wanted) -> None:
    if not NAME.fullmatch(wanted.name):
        raise UnusableAccount(
            f"An account cannot be named {wanted.name!r}; use letters, digits, '.', '_' and '-', at most 64"
        )
    if not wanted.api_key.reveal():
        raise UnusableAccount("The API key is empty; Insightly shows it in User Settings")


def _taken(name: str) -> NameTaken:
    return NameTaken(f"There is an account named {name!r} already; remove it first, or choose another name")


def _to_credential(account_id: str, sealed: Sealed) -> dict[str, object]:
    return {
        "account_id": account_id,
        "field": API_KEY,
        "key_id": sealed.key_id,
        "nonce": sealed.nonce,
        "sealed": sealed.sealed,
    }


def _from_row(row: RowMapping) -> Account:
    plain = {str(name): value for name, value in row.items()} | {name: msgspec.json.decode(row[name]) for name in LISTS}
    return convert(plain, Account, strict=False)  # not strict: a flag is stored as 0 or 1


def _to_row(account: Account) -> dict[str, object]:
    row = {name: getattr(account, name) for name in account.__struct_fields__}
    flag = None if account.administrator is None else int(account.administrator)
    kept = {name: msgspec.json.encode(row[name]).decode() for name in LISTS}
    return row | kept | {"administrator": flag}
