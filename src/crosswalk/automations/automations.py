"""Automations as they are kept: made, changed, paused, removed."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from typing import Any

import msgspec
from msgspec import Struct, to_builtins
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.accounts.errors import UnknownAccount
from crosswalk.automations.errors import AutomationTaken, UnknownAutomation, UnusableSettings
from crosswalk.automations.kinds import RECIPES
from crosswalk.automations.recipe import Automation
from crosswalk.store import automations as table
from crosswalk.store.accounts import FIND_ACCOUNT
from crosswalk.store.automations import AutomationState
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id

CHANCE = SystemRandom()
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An automation to be made: its kind, the account by name or id, and its kind's settings."""

    name: str
    kind: str
    account: str
    settings: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Automations:
    """The automations of one database, as far as `reach` goes (`None`: all of them)."""

    database: Database
    reach: frozenset[str] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = field(default=CHANCE)

    async def create(self, draft: Draft) -> Automation:
        """Make an automation; it is active at once, for what happens from now on.

        Raises `UnusableSettings`, `UnknownAccount` and `AutomationTaken`.
        """
        if not NAME.fullmatch(draft.name):
            raise UnusableSettings(
                f"An automation cannot be named {draft.name!r}; use letters, digits, '.', '_' and '-', at most 64"
            )
        settings = read_settings(draft.kind, draft.settings)
        account, at = await self._find_account(draft.account), self.now()
        row = {
            "id": new_id(at, self.rng),
            "name": draft.name,
            "kind": draft.kind,
            "account_id": account,
            "settings": msgspec.json.encode(settings).decode(),
            "state": "active",
            "look_at": at,
            "turn": 0,
            "created_at": at,
            "changed_at": at,
        }
        try:
            async with self.database.begin() as connection:
                await connection.execute(table.ADD_AUTOMATION, row)
        except IntegrityError as exc:
            raise AutomationTaken(f"There is an automation named {draft.name!r} already. Choose another name") from exc
        return await self.get(str(row["id"]))

    async def list(self, *, after: str = "", most: int | None = None) -> Sequence[Automation]:
        """Automations after one, oldest first."""
        statement = table.LIST_AUTOMATIONS.limit(most)
        if self.reach is not None:
            statement = statement.where(table.automations.c.account_id.in_(sorted(self.reach)))
        async with self.database.read() as connection:
            return [_automation_of(row) for row in (await connection.execute(statement, {"after": after})).mappings()]

    async def get(self, key: str) -> Automation:
        """The automation of this name or id. Raises `UnknownAutomation`."""
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_AUTOMATION, {"key": key})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["account_id"] not in self.reach):
            raise UnknownAutomation(f"There is no automation {key!r}. `crosswalk automations list` lists them")
        return _automation_of(row)

    async def change(self, key: str, settings: Mapping[str, Any]) -> Automation:
        """Change the settings named, for firings that are planned from now on; null takes one back to its default.

        Raises `UnusableSettings`.
        """
        found = await self.get(key)
        merged = {name: value for name, value in {**found.settings, **settings}.items() if value is not None}
        before = msgspec.convert(found.settings, RECIPES[found.kind].settings)
        read = read_settings(found.kind, merged, before=before)
        return await self._change(found, settings=msgspec.json.encode(read).decode())

    async def pause(self, key: str) -> Automation:
        """Fire no more, and go on with nothing, until it is resumed."""
        return await self._turn(key, "paused")

    async def resume(self, key: str) -> Automation:
        """Fire again, for what happened meanwhile too."""
        return await self._turn(key, "active")

    async def remove(self, key: str) -> Automation:
        """Forget an automation and its firings; what they made stays."""
        found = await self.get(key)
        async with self.database.begin() as connection:
            await connection.execute(table.REMOVE_AUTOMATION, {"automation": found.id})
        return found

    async def due(self, kinds: Sequence[str]) -> Sequence[Automation]:
        """Active automations that are to look for changes."""
        async with self.database.read() as connection:
            found = await connection.execute(table.DUE_AUTOMATIONS, {"at": self.now(), "kinds": list(kinds)})
            return [_automation_of(row) for row in found.mappings()]

    async def looked(self, automation: Automation, *, seen: datetime | None, again: timedelta) -> None:
        """Write down until when changes were seen, and look again then."""
        values: dict[str, object] = {"look_at": self.now() + again}
        if seen is not None:
            values["seen_until"] = seen
        async with self.database.begin() as connection:
            await connection.execute(table.CHANGE_AUTOMATION.values(**values), {"automation": automation.id})

    async def _turn(self, key: str, state: AutomationState) -> Automation:
        found = await self.get(key)
        return found if found.state == state else await self._change(found, state=state, look_at=self.now())

    async def _change(self, found: Automation, **values: object) -> Automation:
        async with self.database.begin() as connection:
            statement = table.CHANGE_AUTOMATION.values(**values, changed_at=self.now())
            await connection.execute(statement, {"automation": found.id})
        return await self.get(found.id)

    async def _find_account(self, key: str) -> str:
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_ACCOUNT, {"key": key})).mappings().first()
        if row is None or (self.reach is not None and row["id"] not in self.reach):
            raise UnknownAccount(f"There is no account {key!r}. `crosswalk accounts list` lists them")
        return str(row["id"])


def read_settings(kind: str, given: Mapping[str, Any], *, before: Struct | None = None) -> dict[str, Any]:
    """Settings as a kind reads them, only those that differ from its defaults. Raises `UnusableSettings`."""
    recipe = RECIPES.get(kind)
    if recipe is None:
        raise UnusableSettings(f"There is no kind of automation {kind!r}; there are {', '.join(RECIPES)}")
    try:
        settings = msgspec.convert(dict(given), recipe.settings)
    except msgspec.ValidationError as error:
        names = ", ".join(recipe.settings.__struct_fields__)
        raise UnusableSettings(f"The settings of {kind} cannot be read: {error}. They are {names}") from error
    recipe.check(before, settings)
    read: dict[str, Any] = to_builtins(settings)
    fields = {field.name: field for field in msgspec.structs.fields(recipe.settings)}
    needed = {name: read[name] for name, field in fields.items() if field.required}
    usual: dict[str, Any] = to_builtins(msgspec.convert(needed, recipe.settings))
    return {name: value for name, value in read.items() if name in needed or usual[name] != value}


def _automation_of(row: RowMapping) -> Automation:
    plain: dict[str, Any] = {str(name): value for name, value in row.items()}
    return msgspec.convert(plain | {"settings": msgspec.json.decode(plain["settings"])}, Automation)
