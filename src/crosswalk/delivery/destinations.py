"""Destinations: where rows go and as what, in versions that never change."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts.accounts import CHANCE, NAME, Accounts
from crosswalk.accounts.errors import AccountError
from crosswalk.contract import load
from crosswalk.delivery.backlog import Choice, Held, activate, find_under_way, hold, pause
from crosswalk.delivery.errors import DestinationTaken, PlanError, UnknownDestination, WrongState
from crosswalk.delivery.forecast import Forecast, Pace, count_calls, forecast, rate_of
from crosswalk.delivery.known import Known, ask_account
from crosswalk.delivery.nexla import Exported, export_sink, import_sink
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.settings import (
    UNSEEN,
    Preview,
    Settings,
    check_settings,
    list_differences,
    make_plan,
    preview,
)
from crosswalk.insightly import InsightlyError
from crosswalk.store import destinations as table
from crosswalk.store.accounts import FIND_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.datasets import FIND_DATASET
from crosswalk.store.destinations import DestinationState
from crosswalk.store.ids import new_id
from crosswalk.store.records import READ_RECORDS

T = TypeVar("T")
Notes = tuple[str, ...]
Reach = frozenset[str] | None
"""Ids of the accounts that whoever asks may use; `None` is every account."""


class Destination(Struct, frozen=True, kw_only=True):
    """One destination with its present settings. Name, account and dataset never change.

    `position` is the last record of its dataset that a run has taken, `backlog` how many wait after it.
    """

    id: str
    name: str
    account_id: str | None
    dataset_id: str | None = None
    dataset: str | None = None
    position: int = 0
    backlog: int = 0
    state: DestinationState
    version: int
    settings: Settings
    created_at: datetime
    changed_at: datetime


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A destination to be made; `account` and `dataset` are a name or an id.

    With a dataset its records go by themselves while the destination is active.
    """

    name: str
    account: str
    dataset: str | None = None
    settings: Settings


class Saved(Destination, frozen=True, kw_only=True):
    """A destination that was made or changed, and what was asked of its account for that."""

    notes: tuple[str, ...] = ()


class Activated(Destination, frozen=True, kw_only=True):
    """A destination that was activated, and the id of the run that its backlog became, if there was one."""

    run: str | None = None


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
    """The destinations of one database, as far as `reach` goes; `who` is written beside every version.

    With `accounts`, saving settings that name custom fields asks the account for these, in one call.
    """

    database: Database
    who: str
    reach: Reach = None
    accounts: Accounts | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE

    async def create(self, draft: Draft) -> Saved:
        """Make a draft. Raises `PlanError` for an account or settings of no use, and `DestinationTaken`."""
        at = self.now()
        if not NAME.fullmatch(draft.name):
            raise PlanError(
                f"A destination cannot be named {draft.name!r}; use letters, digits, '.', '_' and '-', at most 64"
            )
        account = await self._find_account(draft.account)
        dataset = None if draft.dataset is None else (await self.find_dataset(draft.dataset))["id"]
        notes = await self._check(draft.settings, account)
        made = new_id(at, self.rng)
        row = {"id": made, "name": draft.name, "account_id": account["id"], "state": "draft", "version": 1}
        row |= {"dataset_id": dataset}
        try:
            async with self.database.begin() as connection:
                await connection.execute(table.ADD_DESTINATION, row | {"created_at": at})
                await connection.execute(table.ADD_VERSION, self._version_row(made, 1, draft.settings, at))
        except IntegrityError as exc:
            raise DestinationTaken(f"There is a destination named {draft.name!r} already; choose another name") from exc
        return Saved(**asdict(await self.find(made)), notes=notes)

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

    async def change(self, key: str, settings: Settings, *, version: int | None = None) -> Saved:
        """Add a version and make it the present one; equal settings add none.

        With `version`, only on top of that one. Raises `WrongState` when another change was quicker, and `PlanError`.
        """
        found = await self.find(key)
        if version is not None and version != found.version:
            raise WrongState(f"Destination {found.name} is at version {found.version}, not {version}. Read it again")
        if settings == found.settings:
            return Saved(**asdict(found))
        at = self.now()
        notes = await self._check(settings, await self.account_of(found))
        want = found.version + 1
        step = {"destination": found.id, "have": found.version, "want": want}
        async with self.database.begin() as connection:
            if (await connection.execute(table.STEP_VERSION, step)).rowcount != 1:
                raise WrongState(f"Destination {found.name} was changed just now. Read it again")
            await connection.execute(table.ADD_VERSION, self._version_row(found.id, want, settings, at))
        return Saved(**asdict(await self.find(found.id)), notes=notes)

    async def _check(self, settings: Settings, account: RowMapping) -> Notes:
        """Refuse settings of no use, and say what was asked of the account; it is saved unasked where it is silent."""
        now, base_url = self.now(), account["base_url"]
        plan = settle_plan(make_plan(settings), load(), UNSEEN, base_url=base_url, now=now)
        if self.accounts is None or not plan.sends_custom:
            return ()
        try:
            async with self.accounts.connect(await self.accounts.find(account["id"])) as crm:
                custom = (await crm.custom_fields(plan.route.object)).fields
        except (InsightlyError, AccountError) as error:
            return (f"The account was not asked for its custom fields, which sending does: {error}",)
        check_settings(settings, load(), base_url=base_url, now=now, custom=custom)
        return (f"One call asked the account for the custom fields of {plan.route.object}.",)

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

    async def roll_back(self, key: str, version: int) -> Saved:
        """Make an earlier version's settings the present ones, as a new version."""
        return await self.change(key, (await self._find_version(key, version)).settings)

    async def activate(self, key: str, backlog: Choice | None = None) -> Activated:
        """Let rows go, and runs of it that stopped go on; `backlog` says what becomes of the records that wait.

        Raises `BacklogUndecided` when some wait and it does not say, `WrongState` when the account is gone.
        """
        found = await self.find(key)
        account = await self.account_of(found)
        check_settings(found.settings, load(), base_url=account["base_url"], now=self.now())
        async with self.hold(found) as (connection, held):
            run = await activate(connection, held, backlog, now=self.now(), rng=self.rng)
        return Activated(**asdict(await self.find(found.id)), run=None if run is None else run.id)

    async def pause(self, key: str) -> Destination:
        """Let no more rows go; calls in flight finish, what waits stays. Raises `WrongState` for a draft."""
        found = await self.find(key)
        async with self.hold(found) as (connection, held):
            if held.state == "draft":
                raise WrongState(f"Destination {found.name} is a draft and sends nothing; there is nothing to pause")
            await pause(connection, held, who=self.who)
        return await self.find(found.id)

    async def remove(self, key: str) -> Destination:
        """Forget a destination and its versions; its runs stay. Raises `WrongState` while it is active or sends."""
        found = await self.find(key)
        async with self.hold(found) as (connection, held):
            if held.state == "active":
                raise WrongState(f"Destination {found.name} is active; pause it first")
            run = await find_under_way(connection, found.id)
            if run is not None:
                raise WrongState(
                    f"Run {run['id']} of destination {found.name} is unfinished ({run['state']}); activate the "
                    f"destination to let it end, or give it up first: crosswalk runs cancel {run['id']}"
                )
            await connection.execute(table.REMOVE_DESTINATION, {"destination": found.id})
        return found

    @asynccontextmanager
    async def hold(self, found: Destination) -> AsyncIterator[tuple[AsyncConnection, Held]]:
        """A transaction that holds a destination's row. Raises `UnknownDestination` when it was removed just now."""
        async with self.database.begin() as connection:
            held = await hold(connection, found.id)
            if held is None:
                raise UnknownDestination(f"Destination {found.name} was removed just now")
            yield connection, held

    async def samples(self, found: Destination, *, most: int) -> Sequence[dict[str, Any]]:
        """The latest records of its dataset. Raises `PlanError` when it has none."""
        last = found.position + found.backlog
        asked = {"dataset": found.dataset_id, "after": max(0, last - most), "until": last, "most": most}
        async with self.database.read() as connection:
            rows = (await connection.execute(READ_RECORDS, asked)).all() if found.dataset else ()
        if not rows:
            raise PlanError(f"Destination {found.name} has no records to take as samples. Give rows")
        return [msgspec.json.decode(row.cells, type=dict[str, Any]) for row in rows]

    async def preview(
        self, key: str, rows: Sequence[dict[str, Any]], settings: Settings | None = None, *, ask: bool = False
    ) -> Preview:
        """The exact calls that rows would become, under settings not yet saved if given.

        Nothing is called, unless it is to `ask` the account for the custom fields and names that these need.
        """
        found = await self.find(key)
        account, now = await self.account_of(found), self.now()
        chosen = found.settings if settings is None else settings
        known = await self.ask(chosen, account) if ask else Known()
        return preview(
            chosen,
            rows,
            load(),
            base_url=account["base_url"],
            now=now,
            custom=known.custom,
            references=known.references,
        )

    async def ask(self, settings: Settings, account: RowMapping) -> Known:
        """What settings need to know of an account: one call for custom fields, and one for each table of names."""
        assert self.accounts is not None, "whoever asks has accounts"
        plan = settle_plan(make_plan(settings), load(), UNSEEN, base_url=account["base_url"], now=self.now())
        async with self.accounts.connect(await self.accounts.find(account["id"])) as crm:
            return await ask_account(crm, plan)

    async def _find_account(self, key: str) -> RowMapping:
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_ACCOUNT, {"key": key})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["id"] not in self.reach):
            raise PlanError(f"There is no account {key!r}. `crosswalk accounts list` lists them")
        return row

    async def find_dataset(self, key: str) -> RowMapping:
        """The dataset of this name or id, if it may be used. Raises `PlanError`."""
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_DATASET, {"key": key})).mappings().one_or_none()
        mine = row is not None and (self.reach is None or row["account_id"] in self.reach)
        if row is None or not mine:
            raise PlanError(f"There is no dataset {key!r}. `crosswalk datasets list` lists them")
        return row

    async def account_of(self, found: Destination) -> RowMapping:
        """The account's row. Raises `WrongState` when it was removed."""
        if found.account_id is None:
            raise WrongState(f"The account of destination {found.name} was removed. Make the destination anew")
        return await self._find_account(found.account_id)

    async def forecast(self, key: str, accounts: Accounts, *, rows: int | None = None) -> Forecast:
        """What sending so many rows, or those that wait in its dataset, would come to; Insightly is not called."""
        found = await self.find(key)
        row = await self.account_of(found)
        account = await accounts.find(row["id"])
        at = self.now()
        plan = settle_plan(make_plan(found.settings), load(), UNSEEN, base_url=account.base_url, now=at)
        wanted = found.backlog if rows is None else rows
        pace = Pace(rate=rate_of(account.rate), budget=await accounts.budget(account))
        return forecast(wanted, count_calls(plan, wanted), pace, at)

    async def import_sink(self, name: str, account: str, document: dict[str, Any]) -> tuple[Saved, Notes]:
        """Make a draft of a Nexla sink's configuration, and say what of it is not kept. Raises `PlanError`."""
        found = import_sink(document)
        return await self.create(Draft(name=name, account=account, settings=found.settings)), found.notes

    async def export_sink(self, key: str) -> Exported:
        """The present settings as Nexla's portable keys."""
        found = await self.find(key)
        return export_sink(found.settings, base_url=(await self.account_of(found))["base_url"])

    async def _find_version(self, key: str, version: int) -> Version:
        for each in await self.versions(key):
            if each.version == version:
                return each
        raise UnknownDestination(f"Destination {key!r} has no version {version}")

    def _version_row(self, destination: str, version: int, settings: Settings, at: datetime) -> dict[str, object]:
        text = msgspec.json.encode(settings).decode()
        row = {"destination_id": destination, "version": version, "settings": text}
        return row | {"created_at": at, "made_by": self.who}


def _from_row(row: RowMapping, kind: type[T]) -> T:
    plain = {str(name): value for name, value in row.items()}
    return msgspec.convert(plain | {"settings": msgspec.json.decode(row["settings"])}, kind)
