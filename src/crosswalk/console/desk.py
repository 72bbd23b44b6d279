"""The desk: everything that a page of the console reads and does, in the name of whoever is signed in.

A session reaches every account of the hub. What it does is written down as `console`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.tokens import Tokens
from crosswalk.console.session import Sessions
from crosswalk.console.throughput import Throughput
from crosswalk.delivery.connections import Connections
from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.destinations import Destinations
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.places import Places
from crosswalk.delivery.sources import Sources
from crosswalk.delivery.workbench import Workbench
from crosswalk.outgoing.office import Office
from crosswalk.store.database import Database

WHO = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An open hub as pages use it."""

    database: Database
    accounts: Accounts
    office: Office
    places: Places
    throughput: Throughput
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        return Sessions(database=self.database, now=self.now)

    @property
    def destinations(self) -> Destinations:
        """Every destination."""
        return Destinations(database=self.database, who=WHO, accounts=self.accounts, now=self.now)

    @property
    def datasets(self) -> Datasets:
        """Every dataset."""
        return Datasets(database=self.database)

    @property
    def sources(self) -> Sources:
        """Every source; files only from uploads and listed folders."""
        vault = self.accounts.vault
        return Sources(database=self.database, vault=vault, places=self.places, who=WHO, now=self.now)

    @property
    def connections(self) -> Connections:
        """The databases that the operator defined."""
        return Connections(database=self.database, vault=self.accounts.vault, places=self.places, now=self.now)

    @property
    def notices(self) -> Notices:
        """Every notice."""
        office = self.office
        return Notices(database=self.database, emails=office.emails, can_mail=office.mail is not None, now=self.now)

    @property
    def bench(self) -> Workbench:
        """The workbench."""
        return Workbench(database=self.database, who=WHO, now=self.now)

    @property
    def tokens(self) -> Tokens:
        """Every token."""
        return Tokens(database=self.database, now=self.now)
