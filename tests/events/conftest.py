"""Watches over a sandbox whose clock the test moves, on either database."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import aiohttp
import pytest

from crosswalk.accounts.accounts import Account, Accounts, Wanted
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.api.asking import make_mappings
from crosswalk.automations.change_watch import Pace, Watch, Watches
from crosswalk.automations.change_work import ChangeWork
from crosswalk.automations.event import Event
from crosswalk.automations.events import events_after
from crosswalk.delivery.notices import Notices
from crosswalk.sandbox.clock import ClockChange
from crosswalk.store.database import Database
from crosswalk.unified.references import References
from fixtures.sandbox import Ground

MORNING = datetime(2030, 3, 4, 6, tzinfo=UTC)


@dataclass(eq=False)
class Post:
    """A watched account: its Insightly, whose clock stands still until it is moved, and what Crosswalk makes of it."""

    database: Database
    sandbox: Ground
    http: aiohttp.ClientSession
    accounts: Accounts
    account: Account
    told: int = 0
    references: References = field(default_factory=References)
    rng: Random = field(default_factory=lambda: Random(1))

    def now(self) -> datetime:
        """The time, for both sides."""
        return self.sandbox.state.clock.now

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.sandbox.state.clock.change(ClockChange(advance=seconds))

    @property
    def watches(self) -> Watches:
        """The watches, by this clock."""
        return Watches(database=self.database, accounts=self.accounts, now=self.now)

    def work(self) -> ChangeWork:
        """Who reads them."""
        return ChangeWork(
            database=self.database,
            accounts=self.accounts,
            notices=Notices(database=self.database, now=self.now),
            clock=self.now,
            rng=self.rng,
            references=self.references,
            mappings=make_mappings(self.database),
        )

    async def watch(self, resource: str = "contacts", **pace: object) -> Watch:
        """Follow a resource, its first reading done."""
        made = await self.watches.add("acme", resource, Pace(**pace))
        await self.work().read(made.id)
        return await self.watches.find(made.id)

    async def look(self, watch: Watch, *, seconds: float = 60) -> list[Event]:
        """Let time pass, poll, and give what was told since the last look."""
        self.later(seconds)
        await self.watches.poll(watch.id)
        await self.work().read(watch.id)
        return await self.news()

    async def sweep(self, watch: Watch, *, seconds: float = 60) -> list[Event]:
        """Let time pass, sweep, and give what was told since the last look."""
        self.later(seconds)
        await self.watches.sweep(watch.id)
        await self.work().read(watch.id)
        return await self.news()

    async def news(self) -> list[Event]:
        """What was told since the last look."""
        found = await events_after(self.database, self.told, most=100_000)
        self.told = found[-1].number if found else self.told
        return found

    async def write(self, path: str = "Contacts", **values: object) -> int:
        """Make a record, or change it where its id is among the values; its id."""
        names = {"Contacts": "CONTACT_ID", "Leads": "LEAD_ID", "Opportunities": "OPPORTUNITY_ID"}
        method = "PUT" if names[path] in values else "POST"
        async with self.http.request(method, path, json=values) as answer:
            assert answer.status in {200, 201}, await answer.text()
            return int((await answer.json())[names[path]])

    async def delete(self, record: int, path: str = "Contacts") -> None:
        """Delete a record."""
        async with self.http.delete(f"{path}/{record}") as answer:
            assert answer.status == 202, await answer.text()


@pytest.fixture
async def post(database: Database, sandbox: Ground, sandbox_http: aiohttp.ClientSession, tmp_path: Path) -> Post:
    """One account without limits, at six in the morning of a day in 2030."""
    sandbox.state.clock.change(ClockChange(now=MORNING, frozen=True))
    host = sandbox.url.removeprefix("http://")
    accounts = Accounts(database=database, vault=Vault((bytes(32),)), pace_folder=tmp_path / "pace", allow_hosts=[host])
    wanted = Wanted(name="acme", api_key=Secret(sandbox.key), base_url=sandbox.base_url, rate=0)
    account, _ = await accounts.add(wanted)
    made = Post(database, sandbox, sandbox_http, accounts, account)
    await made.news()  # that the account was linked
    return made
