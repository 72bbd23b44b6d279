"""The pool: one open client an account, found in memory, gone with its account."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from crosswalk.accounts.accounts import Account, Accounts, Wanted
from crosswalk.accounts.errors import UnknownAccount
from crosswalk.accounts.pool import FRESH_SECONDS, IDLE_SECONDS, Pool
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.store.database import Database
from fixtures.scripted import GOOD, KEY, Scripted, scripted


class Clock:
    """Time as a test wants it."""

    seconds = 0.0

    def __call__(self) -> float:
        """Seconds since some start."""
        return self.seconds


@pytest.fixture
def insightly() -> Iterator[Scripted]:
    """An Insightly that answers what a check asks."""
    with scripted(GOOD) as script:
        yield script


@pytest.fixture
def accounts(database: Database, insightly: Scripted, tmp_path: Path) -> Accounts:
    """No accounts."""
    return Accounts(
        database=database,
        vault=Vault((b"k" * 32,)),
        pace_folder=tmp_path / "pace",
        allow_hosts=(insightly.host,),
    )


@pytest.fixture
async def account(accounts: Accounts, insightly: Scripted) -> Account:
    """One linked account."""
    wanted = Wanted(name="acme", api_key=Secret(KEY), base_url=insightly.base_url)
    return (await accounts.add(wanted))[0]


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
async def pool(accounts: Accounts, clock: Clock) -> AsyncIterator[Pool]:
    """A pool without the task that follows the database."""
    pool = Pool(accounts=accounts, clock=clock)
    yield pool
    await pool.close()


async def test_one_client_an_account(pool: Pool, account: Account):
    """Whoever calls an account shares its client, and so its pace."""
    async with pool.client(account.id) as one, pool.client(account.id) as other:
        assert one is other


async def test_no_statement_for_a_known_account(pool: Pool, account: Account, accounts: Accounts):
    """A client that is open costs no statement of the database."""
    async with pool.client(account.id):
        pass
    statements: list[str] = []
    engine = accounts.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    async with pool.client(account.id):
        pass
    assert [] == statements


async def test_unknown(pool: Pool):
    """An account that is not there is said to be unknown."""
    with pytest.raises(UnknownAccount):
        async with pool.client("nobody"):
            pass


async def test_a_removed_account_is_gone_within_a_second(
    pool: Pool, account: Account, accounts: Accounts, clock: Clock
):
    """No client is given out for an account that was removed a second ago."""
    async with pool.client(account.id):
        pass
    await accounts.remove(account.id)
    clock.seconds += FRESH_SECONDS
    with pytest.raises(UnknownAccount):
        async with pool.client(account.id):
            pass


async def test_a_changed_account_gets_another_client(pool: Pool, account: Account, accounts: Accounts, clock: Clock):
    """A check or a new key makes a new client; calls that use the old one finish."""
    async with pool.client(account.id) as old:
        await accounts.check(account.id)
        clock.seconds += FRESH_SECONDS
        async with pool.client(account.id) as new:
            assert old is not new
            assert 200 == (await old.request("GET", "/Users/Me")).status


async def test_idle_clients_are_closed(pool: Pool, account: Account, clock: Clock):
    """A client that nobody used for a minute is closed, one in use is not."""
    async with pool.client(account.id) as first:
        clock.seconds += IDLE_SECONDS + 1
        await pool.sweep()
        async with pool.client(account.id) as second:
            assert first is second
    clock.seconds += IDLE_SECONDS + 1
    await pool.sweep()
    async with pool.client(account.id) as third:
        assert first is not third
