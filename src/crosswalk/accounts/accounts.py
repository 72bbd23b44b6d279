"""Integrated accounts: link, list, check and remove them, and open a client for one."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random, SystemRandom

from msgspec import Struct, convert
from msgspec.structs import replace
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.accounts.check import Finding, Report, check_key
from crosswalk.accounts.errors import CredentialRefused, NameTaken, UnknownAccount, UnusableAccount, VaultError
from crosswalk.accounts.vault import Place, Sealed, Secret, Vault
from crosswalk.gate import Credential, Limits, connect
from crosswalk.insightly import Insightly
from crosswalk.insightly.client import ATTEMPTS
from crosswalk.store.accounts import (
    ADD_ACCOUNT,
    ADD_CREDENTIAL,
    CHECK_ACCOUNT,
    FIND_ACCOUNT,
    FIND_CREDENTIAL,
    LIST_ACCOUNTS,
    REMOVE_ACCOUNT,
    SAME_INSTANCE,
    Status,
)
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id

# A name is not shaped like an id, so that either finds one account.
NAME = re.compile(r"(?![0-9a-fA-F]{8}-[0-9a-fA-F]{4}-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
API_KEY = "api_key"
CHANCE = SystemRandom()


class Account(Struct, frozen=True, kw_only=True):
    """One customer's linked Insightly, without its key. `rate` and `daily` as `Limits` of the gate has them."""

    id: str
    name: str
    tenant_id: str | None = None
    base_url: str
    status: Status
    rate: int | None = None
    daily: int | None = None
    instance_id: int | None = None
    instance_name: str | None = None
    plan: str | None = None
    user_id: int | None = None
    administrator: bool | None = None
    created_at: datetime
    checked_at: datetime | None = None
    last_good_call_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An account to be linked. `base_url` is one that the client's rule has passed."""

    name: str
    api_key: Secret
    base_url: str
    tenant_id: str | None = None
    rate: int | None = None
    daily: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of one database. `timeout` is for one request to Insightly, in seconds; `pace_folder` the gate's."""

    database: Database
    vault: Vault
    pace_folder: Path
    allow_hosts: tuple[str, ...] = ()
    timeout: float = 30
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE

    async def add(self, wanted: Wanted) -> tuple[Account, Report]:
        """Check the key, then seal and store it; nothing is stored when this raises.

        Raises `UnusableAccount`, `NameTaken`, `CredentialRefused` for a 401 and `InsightlySilent` for no answer.
        What a plan or version does not answer is a line in the report.
        """
        _refuse_unusable(wanted)
        if await self._row(wanted.name) is not None:
            raise _taken(wanted.name)
        async with self._client(wanted.api_key, wanted, attempts=1) as crm:
            report = await check_key(crm)
        at = self.now()
        account = Account(
            id=new_id(at, self.rng),
            name=wanted.name,
            tenant_id=wanted.tenant_id,
            base_url=wanted.base_url,
            rate=wanted.rate,
            daily=wanted.daily,
            created_at=at,
            status="connecting",
        )
        account = _apply(account, report, at)
        report = await self._warn_of_twins(account, report)
        await self._store(account, wanted.api_key)
        return account, report

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
        except CredentialRefused:
            await self._update(replace(account, status="needs_reauth", checked_at=self.now()))
            raise
        account = _apply(account, report, self.now())
        await self._update(account)
        return account, await self._warn_of_twins(account, report)

    async def remove(self, key: str) -> Account:
        """Forget an account and destroy its credential. Raises `UnknownAccount`."""
        account = await self.find(key)
        async with self.database.begin() as connection:
            await connection.execute(REMOVE_ACCOUNT, {"account": account.id})
        return account

    @asynccontextmanager
    async def connect(self, account: Account) -> AsyncIterator[Insightly]:
        """Open a paced client for an account. Raises `VaultError` when its key does not open."""
        async with self._client(await self._open_key(account), account) as crm:
            yield crm

    def _client(
        self, key: Secret, account: Account | Wanted, *, attempts: int = ATTEMPTS
    ) -> AbstractAsyncContextManager[Insightly]:
        credential = Credential(base_url=account.base_url, api_key=key.reveal(), allow_hosts=self.allow_hosts)
        limits = Limits(rate=account.rate, daily=account.daily, timeout=self.timeout, attempts=attempts)
        return connect(credential, limits, folder=self.pace_folder)

    async def _open_key(self, account: Account) -> Secret:
        async with self.database.read() as connection:
            found = await connection.execute(FIND_CREDENTIAL, {"account": account.id, "name": API_KEY})
            row = found.one_or_none()
        if row is None:
            raise VaultError(f"Account {account.name} has no key; remove it and add it again")
        place = Place(account_id=account.id, field=API_KEY)
        return self.vault.open(Sealed(row.key_id, row.nonce, row.sealed), place)

    async def _row(self, key: str) -> Account | None:
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_ACCOUNT, {"key": key})).mappings().one_or_none()
        return None if row is None else _from_row(row)

    async def _store(self, account: Account, key: Secret) -> None:
        sealed = self.vault.seal(key, Place(account_id=account.id, field=API_KEY))
        try:
            async with self.database.begin() as connection:
                await connection.execute(ADD_ACCOUNT, _to_row(account))
                await connection.execute(
                    ADD_CREDENTIAL,
                    {
                        "account_id": account.id,
                        "field": API_KEY,
                        "key_id": sealed.key_id,
                        "nonce": sealed.nonce,
                        "sealed": sealed.sealed,
                    },
                )
        except IntegrityError as exc:
            raise _taken(account.name) from exc

    async def _update(self, account: Account) -> None:
        async with self.database.begin() as connection:
            await connection.execute(CHECK_ACCOUNT.values(_to_row(account)), {"account": account.id})

    async def _warn_of_twins(self, account: Account, report: Report) -> Report:
        """One more line when another account is linked to the same instance."""
        async with self.database.read() as connection:
            found = await connection.execute(SAME_INSTANCE, {"instance": account.instance_id, "account": account.id})
            names = ", ".join(row.name for row in found)
        if not names:
            return report
        says = f"also linked as {names}: they share one rate and one day's calls, each counts its own"
        return report.add(Finding("instance", works=False, says=says))


def _refuse_unusable(wanted: Wanted) -> None:
    if not NAME.fullmatch(wanted.name):
        raise UnusableAccount(
            f"An account cannot be named {wanted.name!r}; use letters, digits, '.', '_' and '-', at most 64"
        )
    if not wanted.api_key.reveal():
        raise UnusableAccount("The API key is empty; Insightly shows it in User Settings")


def _taken(name: str) -> NameTaken:
    return NameTaken(f"There is an account named {name!r} already; remove it first, or choose another name")


def _apply(account: Account, report: Report, at: datetime) -> Account:
    """The account as a check found it; what the check could not tell stays as it was."""
    told = {
        name: value
        for name in ("user_id", "administrator", "instance_id", "instance_name", "plan")
        if (value := getattr(report, name)) is not None
    }
    if not report.is_insightly:
        return replace(account, status="validation_error", checked_at=at)
    return replace(account, **told, status="active", checked_at=at, last_good_call_at=at)


def _from_row(row: RowMapping) -> Account:
    plain = {str(name): value for name, value in row.items()}
    return convert(plain, Account, strict=False)  # not strict: a flag is stored as 0 or 1


def _to_row(account: Account) -> dict[str, object]:
    row = {name: getattr(account, name) for name in account.__struct_fields__}
    return row | {"administrator": None if account.administrator is None else int(account.administrator)}
