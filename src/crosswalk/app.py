"""The composition root: everything is put together here, from the settings."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from os import getpid
from pathlib import Path
from random import SystemRandom
from secrets import token_hex
from socket import gethostname
from typing import TYPE_CHECKING

import msgspec

from crosswalk import __version__
from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.check import Right
from crosswalk.accounts.errors import MasterKeyMissing, VaultError
from crosswalk.accounts.home_key import KEY_FILE, make_home_key, read_home_keys
from crosswalk.accounts.pool import open_pool
from crosswalk.accounts.vault import Place, Sealed, Secret, Vault
from crosswalk.automations.automations import Automations
from crosswalk.automations.carrying import Carrier
from crosswalk.automations.change_watch import Watches
from crosswalk.automations.change_work import ChangeWork
from crosswalk.automations.firing import Firings
from crosswalk.automations.subscription import Subscriptions
from crosswalk.automations.work import Worker
from crosswalk.config import Misconfigured, Settings, read_master_keys, settings
from crosswalk.delivery.connections import Connections
from crosswalk.delivery.engine import Engine
from crosswalk.delivery.fetch import Fetcher
from crosswalk.delivery.herald import Herald
from crosswalk.delivery.intake import Intake
from crosswalk.delivery.lease import Lanes
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.places import Places
from crosswalk.delivery.pull import Puller
from crosswalk.delivery.responses import add_responses
from crosswalk.delivery.sources import Sources
from crosswalk.gate import open_paces
from crosswalk.insightly import Insightly
from crosswalk.logs import log_to_stderr
from crosswalk.outgoing.courier import Courier
from crosswalk.outgoing.office import Office
from crosswalk.outgoing.sender import Sender
from crosswalk.outgoing.signing import Seals
from crosswalk.store.accounts import ANY_CREDENTIAL
from crosswalk.store.database import Database, open_database
from crosswalk.store.migrate import require_head, upgrade
from crosswalk.unified.service import Service

if TYPE_CHECKING:
    from litestar import Litestar

    from crosswalk.api.health import Vitals

AFTERWARDS = 5
"""Seconds that a request has at the end beyond one to Insightly, so that what became of that is written."""
FOR_EVER = timedelta(days=36_500)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SPOOL = "spool"
"""Folder of the home where records wait for the time that they are sent."""


@dataclass(frozen=True, slots=True)
class Hub:
    """An open hub: its settings, database and accounts."""

    settings: Settings
    database: Database
    accounts: Accounts

    def engine(self, *, patient: bool = False, heir: bool = True) -> Engine:
        """What sends this hub's runs; whoever runs it holds the home's engine lock, or is no `heir`."""
        after = timedelta(seconds=self.settings.settle_after)
        return Engine(
            database=self.database,
            accounts=self.accounts,
            settle_after=after,
            clock=_now,
            rng=SystemRandom(),
            folder=self.settings.home / SPOOL,
            patient=patient,
            herald=Herald(self.notices()),
            lanes=self.lanes(heir=heir),
            endpoints=self.office.endpoints(),
        )

    def lanes(self, *, heir: bool = True) -> Lanes | None:
        """The lanes that one engine of this process owns; an embedded database has one engine, which owns all.

        An heir holds the home's engine lock, and goes on at once with what a dead holder of it left.
        """
        if self.settings.embedded:
            return None
        own = _name_home(self.settings.home) if heir else f"{getpid()}:{token_hex(4)}"
        return Lanes(database=self.database, owner=f"{gethostname()}:{own}", heir=heir, length=self.settings.lease)

    @property
    def office(self) -> Office:
        """What tells others: the checked sender, the seals, the mail server."""
        return Office(
            database=self.database,
            sender=Sender(listed=self.settings.webhook_hosts),
            seals=_make_seals(self.accounts.vault),
            mail=self.settings.mail,
            emails=self.settings.notice_emails,
        )

    def notices(self) -> Notices:
        """What people are told."""
        mail, emails = self.settings.mail, self.settings.notice_emails
        return Notices(database=self.database, emails=emails, can_mail=mail is not None)

    def courier(self) -> Courier:
        """What empties this hub's outbox; whoever runs it holds the home's engine lock."""
        return Courier(
            database=self.database,
            endpoints=self.office.endpoints(),
            add=add_responses,
            tell_disabled=self.notices().tell_disabled,
            mail=self.settings.mail,
            clock=_now,
            rng=SystemRandom(),
            keep_dead=self.settings.keep_messages,
        )

    def places(self, *, free: bool) -> Places:
        """What sources may read: `free` paths and addresses, for the command line, or what the operator listed."""
        return Places(
            home=self.settings.home,
            database_url=self.settings.database_url,
            folders=None if free else self.settings.files,
            largest_upload=self.settings.largest_upload,
        )

    def puller(self, *, patient: bool = False) -> Puller:
        """What reads this hub's sources."""
        home = self.settings.home
        intake = Intake(
            places=self.places(free=True),
            accounts=self.accounts,
            connections=self.connections(),
            fetch=Fetcher(Sender(listed=self.settings.webhook_hosts)),
            listed=self.settings.files,
        )
        holder = f"{gethostname()}:{home}"
        return Puller(
            database=self.database,
            home=home,
            holder=holder,
            open=intake.read,
            patient=patient,
            notices=self.notices(),
        )

    @asynccontextmanager
    async def automations(self) -> AsyncIterator[Worker]:
        """What fires this hub's automations; firings are leased, so that several processes may."""
        async with open_pool(self.accounts) as pool:
            yield Worker(
                Carrier(
                    automations=Automations(database=self.database),
                    firings=Firings(database=self.database),
                    service=Service(key=self.accounts.vault.derive("unified cursors")),
                    pool=pool,
                    notices=self.notices(),
                    settle_after=timedelta(seconds=self.settings.settle_after),
                )
            )

    def changes(self) -> ChangeWork:
        """What finds out what changed at Insightly; watches are leased, so that several processes may."""
        from crosswalk.api.asking import make_mappings

        return ChangeWork(
            database=self.database,
            accounts=self.accounts,
            notices=self.notices(),
            clock=_now,
            rng=SystemRandom(),
            mappings=make_mappings(self.database),
        )

    def watches(self) -> Watches:
        """What is followed, as the command line has it."""
        return Watches(database=self.database, accounts=self.accounts)

    def subscriptions(self) -> Subscriptions:
        """Who is told of events, as the command line has it."""
        return Subscriptions(database=self.database, endpoints=self.office.endpoints())

    def connections(self) -> Connections:
        """Databases that SQL sources may name."""
        return Connections(database=self.database, vault=self.accounts.vault, places=self.places(free=True))

    def sources(self) -> Sources:
        """This hub's sources, as the command line has them."""
        vault, places = self.accounts.vault, self.places(free=True)
        return Sources(database=self.database, vault=vault, places=places, who="command line")

    def connect(self, account: Account) -> AbstractAsyncContextManager[Insightly]:
        """A paced client for a linked account, to be opened with `async with`."""
        return self.accounts.connect(account)


@asynccontextmanager
async def open_hub(given: Settings | None = None) -> AsyncIterator[Hub]:
    """Open the database, bring an embedded one to the schema, and open the vault.

    Raises `Misconfigured`, `StoreError` and `VaultError`.
    """
    import structlog

    chosen = settings() if given is None else given
    if not structlog.is_configured():  # standard output is the command's own, and it tells what went well
        log_to_stderr(form=chosen.log_format, least=chosen.log_level or "warning")
    async with open_database(chosen.database_url) as database, AsyncExitStack() as stack:
        await (upgrade if chosen.embedded else require_head)(database)
        accounts = Accounts(
            database=database,
            vault=Vault(await _gather_keys(chosen, database), reread=lambda: _reread_keys(chosen)),
            pace_folder=chosen.home / "pace",
            paces=None if chosen.embedded else await stack.enter_async_context(open_paces(chosen.database_url)),
            allow_hosts=chosen.allowed_hosts,
            timeout=chosen.request_timeout,
            day_resets=chosen.day_resets,
            judge=_judge,
        )
        yield Hub(chosen, database, accounts)


@asynccontextmanager
async def open_account(key: str, given: Settings | None = None) -> AsyncIterator[Insightly]:
    """Open a paced client for a linked account, by name or id. Raises `UnknownAccount` and what `open_hub` does."""
    async with open_hub(given) as hub, hub.connect(await hub.accounts.find(key)) as crm:
        yield crm


def build_api(hub: Hub, vitals: "Vitals | None" = None) -> "Litestar":
    """The whole application of a hub: API, console, widgets."""
    from crosswalk.api.routes import make_api
    from crosswalk.console.desk import Desk
    from crosswalk.console.home import front
    from crosswalk.console.routes import add_console
    from crosswalk.console.throughput import Throughput

    office, places = hub.office, hub.places(free=False)
    api = make_api(
        hub.database,
        accounts=hub.accounts,
        office=office,
        places=places,
        front=front,
        settle_after=timedelta(seconds=hub.settings.settle_after),
        vitals=vitals,
        keep_requests=hub.settings.keep_requests or FOR_EVER,
    )
    throughput = Throughput(hub.database)
    desk = Desk(database=hub.database, accounts=hub.accounts, office=office, places=places, throughput=throughput)
    add_console(api, desk)
    return api


@asynccontextmanager
async def serve_api(
    hub: Hub, *, host: str = "127.0.0.1", port: int = 0, vitals: "Vitals | None" = None
) -> AsyncIterator[str]:
    """Serve the HTTP API while the block runs and yield its address; port 0 takes a free one. Raises `PortTaken`."""
    from crosswalk.api.server import serve

    grace = ceil(hub.settings.request_timeout) + AFTERWARDS
    proxies = hub.settings.trusted_proxies
    async with serve(build_api(hub, vitals), host=host, port=port, proxies=proxies, grace=grace) as url:
        yield url


def _make_seals(vault: Vault) -> Seals:
    """Seals for secrets of webhooks, by the vault that seals credentials."""

    def place(own: str) -> Place:
        return Place(account_id=own, field="webhook secret")

    return Seals(
        seal=lambda secret, own: msgspec.json.encode(vault.seal(Secret(secret), place(own))),
        open=lambda sealed, own: vault.open(msgspec.json.decode(sealed, type=Sealed), place(own)).reveal(),
    )


@contextmanager
def sending_traces(chosen: Settings) -> Iterator[None]:
    """Send spans away while the block runs, where the settings ask for it. Raises `Misconfigured`."""
    if not chosen.traces:
        yield
        return
    from crosswalk.tracing.export import TracingMissing, exported

    try:
        with exported(__version__):
            yield
    except TracingMissing as exc:
        raise Misconfigured(str(exc)) from exc


async def _gather_keys(chosen: Settings, database: Database) -> tuple[bytes, ...]:
    """The master keys given, else the home's own, made on first use."""
    if chosen.master_keys:
        return chosen.master_keys
    kept = read_home_keys(chosen.home)
    if not kept:
        async with database.read() as connection:
            if (await connection.execute(ANY_CREDENTIAL)).first() is not None:
                raise MasterKeyMissing(
                    f"Keys are stored, and there is no master key to open them: neither CROSSWALK_MASTER_KEY nor "
                    f"{chosen.home / KEY_FILE}. Give the one that sealed them"
                )
        kept = (make_home_key(chosen.home),)
    return kept


def _reread_keys(chosen: Settings) -> tuple[bytes, ...]:
    """The master keys as their files have them now. Raises `VaultError`."""
    try:
        return read_master_keys() if chosen.master_keys else read_home_keys(chosen.home)
    except Misconfigured as exc:
        raise VaultError(str(exc)) from exc


def _judge(rights: Sequence[Right], scopes: Sequence[str]) -> str | None:
    from crosswalk.api.capabilities import judge_scopes

    return judge_scopes(rights, scopes)


def _name_home(home: Path) -> str:
    """A name of this home that no other has, on this machine or another, from one start of the machine to the next."""
    boot = BOOT_ID.read_text(encoding="ascii").strip() if BOOT_ID.exists() else ""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = home.stat()
    return f"{boot}:{found.st_dev}:{found.st_ino}"


def _now() -> datetime:
    return datetime.now(UTC)
