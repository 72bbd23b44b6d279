"""Automations over a sandbox: one linked account, a clock that tests move, and what carries firings out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.pool import Pool, open_pool
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.automations.automations import Automations, Draft
from crosswalk.automations.carrying import Carrier
from crosswalk.automations.firing import Firings
from crosswalk.automations.recipe import Automation
from crosswalk.automations.work import Worker
from crosswalk.delivery.notices import Notices
from crosswalk.sandbox.clock import ClockChange
from crosswalk.store.database import Database
from crosswalk.unified.service import Service
from fixtures.sandbox import Ground


@dataclass(eq=False)
class Field:
    """Everything that a test of automations uses."""

    database: Database
    ground: Ground
    http: aiohttp.ClientSession
    pool: Pool
    account: str
    ahead: timedelta = timedelta(0)
    service: Service = field(default_factory=lambda: Service(key=bytes(32)))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def later(self, **span: float) -> None:
        """Let time go by, for the hub and for the sandbox."""
        self.ahead += timedelta(**span)
        self.ground.state.clock.change(ClockChange(advance=timedelta(**span).total_seconds()))

    @property
    def automations(self) -> Automations:
        return Automations(database=self.database, now=self.now)

    @property
    def firings(self) -> Firings:
        return Firings(database=self.database, now=self.now)

    @property
    def notices(self) -> Notices:
        return Notices(database=self.database, now=self.now)

    def worker(self, pool: Any = None, database: Any = None) -> Worker:
        """A process that works on automations; its clients and database may be others."""
        carrier = Carrier(
            automations=self.automations,
            firings=Firings(database=database or self.database, now=self.now),
            service=self.service,
            pool=pool or self.pool,
            notices=self.notices,
        )
        return Worker(carrier)

    async def make(self, name: str, kind: str, /, **settings: Any) -> Automation:
        """Make an automation of the account."""
        return await self.automations.create(Draft(name=name, kind=kind, account=self.account, settings=settings))

    async def call(self, method: str, path: str, **more: Any) -> Any:
        """One call straight to the sandbox."""
        async with self.http.request(method, path, **more) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json(content_type=None) if answer.status != 202 else None

    async def control(self, method: str, name: str, body: Any) -> None:
        """Steer the sandbox."""
        async with self.http.request(method, f"{self.ground.url}/_sandbox/{name}", json=body) as answer:
            assert answer.status < 300, await answer.text()

    def rows(self, key: str, *names: str) -> list[tuple[Any, ...]]:
        """Fields of all records of a table of the sandbox."""
        table = self.ground.instance.tables[key]
        return [tuple(table.get(row, name) for name in names) for row in table.all()]

    async def win(self, opportunity: int, state: str = "WON") -> None:
        """Give an opportunity a state."""
        await self.call("PUT", f"Opportunities/{opportunity}/StateChange", json={"FOR_OPPORTUNITY_STATE": state})

    async def open_deal(self, name: str, **more: Any) -> int:
        """A new opportunity that is open."""
        body = {"OPPORTUNITY_NAME": name, "OPPORTUNITY_STATE": "OPEN", **more}
        return (await self.call("POST", "Opportunities", json=body))["OPPORTUNITY_ID"]


@asynccontextmanager
async def make_field(database: Database, sandbox: Ground, folder: Path) -> AsyncIterator[Field]:
    """A linked account over a sandbox, with open clients."""
    host = sandbox.url.removeprefix("http://")
    accounts = Accounts(
        database=database, vault=Vault((bytes(32),)), pace_folder=folder / "pace", allow_hosts=(host,), timeout=5
    )
    wanted = Wanted(name="acme", api_key=Secret(sandbox.key), base_url=sandbox.base_url, rate=0)
    account = (await accounts.add(wanted))[0].id
    async with (
        aiohttp.ClientSession(f"{sandbox.base_url}/", headers=sandbox.auth) as http,
        open_pool(accounts) as pool,
    ):
        yield Field(database, sandbox, http, pool, account)


@pytest.fixture
async def ground(database: Database, sandbox: Ground, tmp_path: Path) -> AsyncIterator[Field]:
    """The same, once with each database."""
    async with make_field(database, sandbox, tmp_path) as made:
        yield made
