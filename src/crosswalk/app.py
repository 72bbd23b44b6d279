"""The composition root: everything is put together here, from the settings."""

import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import SystemRandom

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.errors import MasterKeyMissing
from crosswalk.accounts.vault import KEY_FILE, Vault, make_home_key, read_home_key
from crosswalk.config import Settings, settings
from crosswalk.delivery.engine import Engine
from crosswalk.insightly import Insightly
from crosswalk.store.accounts import ANY_CREDENTIAL
from crosswalk.store.database import Database, open_database
from crosswalk.store.migrate import require_head, upgrade


@dataclass(frozen=True, slots=True)
class Hub:
    """An open hub: its settings, database and accounts."""

    settings: Settings
    database: Database
    accounts: Accounts

    def engine(self, *, patient: bool = False) -> Engine:
        """What sends this hub's runs; whoever runs it holds the home's engine lock."""
        after = timedelta(seconds=self.settings.settle_after)
        return Engine(
            database=self.database,
            accounts=self.accounts,
            settle_after=after,
            clock=_now,
            rng=SystemRandom(),
            patient=patient,
        )

    def connect(self, account: Account) -> AbstractAsyncContextManager[Insightly]:
        """A paced client for a linked account, to be opened with `async with`."""
        return self.accounts.connect(account)


@asynccontextmanager
async def open_hub(given: Settings | None = None) -> AsyncIterator[Hub]:
    """Open the database, bring an embedded one to the schema, and open the vault.

    Raises `Misconfigured`, `StoreError` and `VaultError`.
    """
    chosen = settings() if given is None else given
    async with open_database(chosen.database_url) as database:
        await (upgrade if chosen.embedded else require_head)(database)
        accounts = Accounts(
            database=database,
            vault=Vault(await _gather_keys(chosen, database)),
            pace_folder=chosen.home / "pace",
            allow_hosts=chosen.allowed_hosts,
            timeout=chosen.request_timeout,
        )
        yield Hub(chosen, database, accounts)


@asynccontextmanager
async def open_account(key: str, given: Settings | None = None) -> AsyncIterator[Insightly]:
    """Open a paced client for a linked account, by name or id. Raises `UnknownAccount` and what `open_hub` does."""
    async with open_hub(given) as hub, hub.connect(await hub.accounts.find(key)) as crm:
        yield crm


@asynccontextmanager
async def serve_api(hub: Hub, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve the HTTP API while the block runs and yield its address; port 0 takes a free one. Raises `PortTaken`."""
    from crosswalk.api.routes import make_api
    from crosswalk.api.server import serve

    async with serve(make_api(hub.database), host=host, port=port) as url:
        yield url


def log_to_stderr() -> None:
    """Send the log to standard error, a JSON object a line, so that standard output stays the command's own."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _gather_keys(chosen: Settings, database: Database) -> tuple[bytes, ...]:
    """The master keys given, else the home's own, made on first use."""
    if chosen.master_keys:
        return chosen.master_keys
    kept = read_home_key(chosen.home)
    if kept is None:
        async with database.read() as connection:
            if (await connection.execute(ANY_CREDENTIAL)).first() is not None:
                raise MasterKeyMissing(
                    f"Keys are stored, and there is no master key to open them: neither CROSSWALK_MASTER_KEY nor "
                    f"{chosen.home / KEY_FILE}. Give the one that sealed them"
                )
        kept = make_home_key(chosen.home)
    return (kept,)


def _now() -> datetime:
    return datetime.now(UTC)
