"""The post office: everything of this room that a process has once, and the services made of it."""

from collections.abc import Collection
from dataclasses import dataclass

from crosswalk.outgoing.endpoints import Endpoints
from crosswalk.outgoing.mail import Server
from crosswalk.outgoing.outbox import Outbox
from crosswalk.outgoing.sender import Sender
from crosswalk.outgoing.signing import Seals
from crosswalk.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who sends, who seals secrets, which mail server takes letters, and who is told by configuration."""

    database: Database
    sender: Sender
    seals: Seals
    mail: Server | None = None
    emails: Collection[str] = ()

    def endpoints(self, reach: frozenset[str] | None = None) -> Endpoints:
        """The endpoints, as far as a reach goes."""
        return Endpoints(database=self.database, sender=self.sender, seals=self.seals, reach=reach)

    def outbox(self, reach: frozenset[str] | None = None) -> Outbox:
        """The messages, as far as a reach goes."""
        return Outbox(database=self.database, reach=reach)
