"""Two refusals a while apart make an account want another key; a good call heals it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crosswalk.accounts.accounts import Account, Accounts, Wanted
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.insightly.errors import Answered
from crosswalk.store.accounts import CHECK_ACCOUNT
from crosswalk.store.database import Database
from fixtures.scripted import DENIED, FORBIDDEN, GOOD, KEY, Scripted, scripted

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that a test moves."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def insightly() -> Iterator[Scripted]:
    """An Insightly that answers well."""
    with scripted(GOOD) as script:
        yield script


@pytest.fixture
def accounts(database: Database, insightly: Scripted, tmp_path: Path, clock: Clock) -> Accounts:
    """No accounts."""
    return Accounts(
        database=database,
        vault=Vault((b"k" * 32,)),
        pace_folder=tmp_path / "pace",
        allow_hosts=(insightly.host,),
        now=clock,
    )


@pytest.fixture
async def account(accounts: Accounts, insightly: Scripted) -> Account:
    """One linked account."""
    return (await accounts.add(Wanted(name="acme", api_key=Secret(KEY), base_url=insightly.base_url)))[0]


async def call(accounts: Accounts, account: Account, insightly: Scripted, answer: tuple[int, object]) -> Account:
    """Make one call that is answered so; the account as it is then."""
    insightly.answers["/Countries"] = answer
    async with accounts.connect(account) as crm:
        with suppress(Answered):
            await crm.request("GET", "/Countries")
    return await accounts.find(account.id)


async def test_one_refusal(accounts: Accounts, account: Account, insightly: Scripted):
    """A single 401 is remembered and changes nothing."""
    found = await call(accounts, account, insightly, DENIED)
    assert ("active", NOW) == (found.status, found.refused_at)


async def test_burst(accounts: Accounts, account: Account, insightly: Scripted, clock: Clock):
    """Several refusals within a minute count as one."""
    for _ in range(3):
        found = await call(accounts, account, insightly, DENIED)
        clock.forward(15)
    assert "active" == found.status


async def test_two_apart(accounts: Accounts, account: Account, insightly: Scripted, clock: Clock):
    """A second refusal a minute after the first makes the account want another key; open clients learn it."""
    await call(accounts, account, insightly, DENIED)
    clock.forward(60)
    found = await call(accounts, account, insightly, DENIED)
    assert ("needs_reauth", NOW, account.revision + 1) == (found.status, found.refused_at, found.revision)


async def test_good_between(accounts: Accounts, account: Account, insightly: Scripted, clock: Clock):
    """A good call between two refusals starts the count again."""
    await call(accounts, account, insightly, DENIED)
    clock.forward(30)
    await call(accounts, account, insightly, (200, []))
    clock.forward(30)
    assert "active" == (await call(accounts, account, insightly, DENIED)).status


async def test_heals(accounts: Accounts, account: Account, insightly: Scripted, clock: Clock):
    """One good call makes the account active again, and says when."""
    await call(accounts, account, insightly, DENIED)
    clock.forward(60)
    await call(accounts, account, insightly, DENIED)
    clock.forward(1)
    found = await call(accounts, account, insightly, (200, []))
    assert ("active", None, clock.at) == (found.status, found.refused_at, found.last_good_call_at)


async def test_other_errors_say_nothing(accounts: Accounts, account: Account, insightly: Scripted, clock: Clock):
    """A 403 neither counts against the key nor heals it."""
    await call(accounts, account, insightly, DENIED)
    clock.forward(30)
    await call(accounts, account, insightly, FORBIDDEN)
    clock.forward(30)
    assert "needs_reauth" == (await call(accounts, account, insightly, DENIED)).status


async def test_good_calls_cost_little(accounts: Accounts, account: Account, insightly: Scripted, clock: Clock):
    """Within half a minute good calls are written once, and the last at the end."""
    insightly.answers["/Countries"] = (200, [])
    async with accounts.connect(account) as crm:
        for _ in range(5):
            clock.forward(1)
            await crm.request("GET", "/Countries")
        before = (await accounts.find(account.id)).last_good_call_at
    after = (await accounts.find(account.id)).last_good_call_at
    assert (True, NOW + timedelta(seconds=5)) == (before is None or before < clock.at, after)


async def test_other_status_stays(accounts: Accounts, account: Account, insightly: Scripted):
    """A good call makes no account active that never was checked through."""
    async with accounts.database.begin() as connection:
        await connection.execute(CHECK_ACCOUNT.values(status="validation_error"), {"account": account.id})
    assert "validation_error" == (await call(accounts, account, insightly, (200, []))).status
