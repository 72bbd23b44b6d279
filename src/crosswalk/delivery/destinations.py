"""Destinations: where rows go and as what, in versions that never change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.accounts.accounts import CHANCE, NAME
from crosswalk.contract import load
from crosswalk.delivery.errors import DestinationTaken, PlanError, UnknownDestination, WrongState
from crosswalk.delivery.settings import Preview, Settings, check_settings, list_differences, preview
from crosswalk.store import destinations as table
from crosswalk.store.accounts import FIND_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.destinations import DestinationState
from crosswalk.store.ids import new_id

T = TypeVar("T")
Reach = frozenset[str] | None
"""Ids of the accounts that whoever asks may use; `None` is every account."""


class Destination(Struct, frozen=True, kw_only=True):
    """One destination with its present settings. Name and account never change."""

    id: str
    name: str
    account_id: str | None
    state: DestinationState
    version: int
    settings: Settings
    created_at: datetime
    changed_at: datetime


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A destination to be made; `account` is a name or an id."""

    name: str
    account: str
    settings: Settings


class Version(Struct, frozen=True, kw_only=True):
    """One version of a destination's settings, and which token, or the command line, made it."""

    version: int
    settings: Settings
    created_at: datetime
    made_by: str


class Difference(Struct, frozen=True):
    """One setting that two versions say differently; null where a version does not say it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """The destinations of one database, as far as `reach` goes; `who` is written beside every version."""

    database: Database
    who: str
    reach: Reach = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE

    async def create(self, draft: Draft) -> Destination:
        """Make a draft. Raises `PlanError` for an account or settings of no use, and `DestinationTaken`."""
        at = self.now()
        if not NAME.fullmatch(draft.name):
            raise PlanError(
                f"A destination cannot be named {draft.name!r}; use letters, digits, '.', '_' and '-', at most 64"
            )
        account = await self._find_account(draft.account)
        check_settings(draft.settings, load(), base_url=account["base_url"], now=at)
        made = new_id(at, self.rng)
        row = {"id": made, "name": draft.name, "account_id": account["id"], "state": "draft", "version": 1}
        try:
            async with self.database.begin() as connection:
                await connection.execute(table.ADD_DESTINATION, row | {"created_at": at})
                await connection.execute(table.ADD_VERSION, self._version_row(made, 1, draft.settings, at))
        except IntegrityError as exc:
            raise DestinationTaken(f"There is a destination named {draft.name!r} already; choose another name") from exc
        return await self.find(made)

    async def list(self, *, after: str = "", most: int | None = None) -> list[Destination]:
        """Destinations after one, oldest first; `most` of them, or all."""
        statement = table.LIST_DESTINATIONS.limit(most)
        if self.reach is not None:
            statement = statement.where(table.destinations.c.account_id.in_(sorted(self.reach)))
        async with self.database.read() as connection:
            rows = (await connection.execute(statement, {"after": after})).mappings()
            return [_from_row(row, Destination) for row in rows]

    async def find(self, key: str) -> Destination:
        """The destination of this name or id. Raises `UnknownDestination`."""
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_DESTINATION, {"key": key})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["account_id"] not in self.reach):
            raise UnknownDestination(f"There is no destination {key!r}. `crosswalk destinations list` lists them")
        return _from_row(row, Destination)

    async def change(self, key: str, settings: Settings, *, version: int | None = None) -> Destination:
        """Add a version and make it the present one; equal settings add none.

        With `version`, only on top of that one. Raises `WrongState` when another change was quicker, and `PlanError`.
        """
        found = await self.find(key)
        if version is not None and version != found.version:
            raise WrongState(f"Destination {found.name} is at version {found.version}, not {version}. Read it again")
        if settings == found.settings:
            return found
        at = self.now()
        account = await self._account_of(found)
        check_settings(settings, load(), base_url=account["base_url"], now=at)
        want = found.version + 1
        step = {"destination": found.id, "have": found.version, "want": want}
        async with self.database.begin() as connection:
            if (await connection.execute(table.STEP_VERSION, step)).rowcount != 1:
                raise WrongState(f"Destination {found.name} was changed just now. Read it again")
            await connection.execute(table.ADD_VERSION, self._version_row(found.id, want, settings, at))
        return await self.find(found.id)

    async def versions(self, key: str) -> Sequence[Version]:
        """Every version, newest first."""
        found = await self.find(key)
        async with self.database.read() as connection:
            rows = (await connection.execute(table.LIST_VERSIONS, {"destination": found.id})).mappings()
            return [_from_row(row, Version) for row in rows]

    async def compare(self, key: str, before: int, after: int) -> Sequence[Difference]:
        """What two versions say differently. Raises `UnknownDestination` for a version that is not there."""
        old, new = await self._find_version(key, before), await self._find_version(key, after)
        differences = list_differences(old.settings, new.settings)
        return [Difference(name, *values) for name, values in differences.items()]

    async def roll_back(self, key: str, version: int) -> Destination:
        """Make an earlier version's settings the present ones, as a new version."""
        return await self.change(key, (await self._find_version(key, version)).settings)

    async def activate(self, key: str) -> Destination:
        """Let rows go. Raises `WrongState` when its account is gone, and `PlanError`."""
        found = await self.find(key)
        account = await self._account_of(found)
        check_settings(found.settings, load(), base_url=account["base_url"], now=self.now())
        return await self._set_state(found, "active")

    async def pause(self, key: str) -> Destination:
        """Let no more rows go. Raises `WrongState` for a draft."""
        found = await self.find(key)
        if found.state == "draft":
            raise WrongState(f"Destination {found.name} is a draft and sends nothing; there is nothing to pause")
        return await self._set_state(found, "paused")

    async def remove(self, key: str) -> Destination:
        """Forget a destination and its versions. Raises `WrongState` for an active one."""
        found = await self.find(key)
        async with self.database.begin() as connection:
            done = await connection.execute(table.REMOVE_DESTINATION, {"destination": found.id})
        if done.rowcount != 1:
            raise WrongState(f"Destination {found.name} is active; pause it first")
        return found

    async def preview(self, key: str, rows: Sequence[dict[str, Any]], settings: Settings | None = None) -> Preview:
        """The exact calls that rows would become, under settings not yet saved if given. Nothing is called."""
        found = await self.find(key)
        account = await self._account_of(found)
        chosen = found.settings if settings is None else settings
        return preview(chosen, rows, load(), base_url=account["base_url"], now=self.now())

    async def _find_account(self, key: str) -> RowMapping:
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_ACCOUNT, {"key": key})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["id"] not in self.reach):
            raise PlanError(f"There is no account {key!r}. `crosswalk accounts list` lists them")
        return row

    async def _account_of(self, found: Destination) -> RowMapping:
        if found.account_id is None:
            raise WrongState(f"The account of destination {found.name} was removed. Make the destination anew")
        return await self._find_account(found.account_id)

    async def _find_version(self, key: str, version: int) -> Version:
        for each in await self.versions(key):
            if each.version == version:
                return each
        raise UnknownDestination(f"Destination {key!r} has no version {version}")

    async def _set_state(self, found: Destination, state: DestinationState) -> Destination:
        async with self.database.begin() as connection:
            await connection.execute(table.SET_STATE, {"destination": found.id, "want": state})
        return await self.find(found.id)

    def _version_row(self, destination: str, version: int, settings: Settings, at: datetime) -> dict[str, object]:
        text = msgspec.json.encode(settings).decode()
        row = {"destination_id": destination, "version": version, "settings": text}
        return row | {"created_at": at, "made_by": self.who}


def _from_row(row: RowMapping, kind: type[T]) -> T:
    plain = {str(name): value for name, value in row.items()}
    return msgspec.convert(plain | {"settings": msgspec.json.decode(row["settings"])}, kind)
