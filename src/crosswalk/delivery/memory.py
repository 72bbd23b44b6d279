"""What Crosswalk remembers of an account's records: ids by match value, and a digest of what was last sent.

It is written in the journal's commits, with the outcome that it follows from: who dies loses both or neither.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.contract import UnknownResource, load
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.payload import Payload
from crosswalk.store import memory as table
from crosswalk.store.database import Database

Claim = tuple[str, str, str, str]
"""Account, object, field and value of a record that a run is about to make."""


@dataclass(eq=False, slots=True)
class Claims:
    """What the runs of one process look for just now; `entered` and `left` count runs of each memory."""

    held: set[Claim] = field(default_factory=set)
    entered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    left: Counter[tuple[str, str, str]] = field(default_factory=Counter)


class Known(Struct, frozen=True):
    """One remembered record: its id, and the digest of what was last delivered to it."""

    remote_id: str
    digest: bytes | None


class Kept(Struct, frozen=True):
    """How many records of an object are remembered, by which field."""

    object: str
    field: str
    records: int


def digest_of(wish: Payload) -> bytes:
    """A digest of all that a row asks for, the same for equal bodies whatever the order of their fields."""
    said = (wish.path, wish.headers, wish.if_empty, wish.body)
    return sha256(msgspec.json.encode(said, order="sorted")).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered of one object of an account (`name`) by one field, for one run; runs share `claims`."""

    database: Database
    account: str
    name: str
    by: str
    destination: str | None = None
    keeps_bodies: bool = False
    claims: Claims = field(default_factory=Claims)
    own: set[str] = field(default_factory=set)

    def enter(self) -> None:
        """Say that a run begins to use this memory: others ask again before they make a record."""
        self.claims.entered[self.account, self.name, self.by] += 1

    @property
    def epoch(self) -> int:
        """How many runs have begun to use this memory in this process."""
        return self.claims.entered[self.account, self.name, self.by]

    def is_alone(self, epoch: int) -> bool:
        """Whether no other run has used this memory since that epoch."""
        place = (self.account, self.name, self.by)
        return epoch == self.epoch and self.epoch == self.claims.left[place] + 1

    async def recall(self, values: Sequence[str]) -> dict[str, Known]:
        """What is remembered of these values."""
        asked = {"account": self.account, "name": self.name, "by": self.by, "some": list(values)}
        async with self.database.read() as connection:
            rows = await connection.execute(table.RECALL, asked)
            return {row.value: Known(row.remote_id, row.digest) for row in rows}

    def claim(self, value: str) -> bool:
        """Say that this run looks for a record and may make it; `False` while another run does."""
        if value in self.own:
            return True
        claim = (self.account, self.name, self.by, value)
        if claim in self.claims.held:
            return False
        self.claims.held.add(claim)
        self.own.add(value)
        return True

    def release(self, value: str) -> None:
        """Let others look for it."""
        if value in self.own:
            self.own.discard(value)
            self.claims.held.discard((self.account, self.name, self.by, value))

    def leave(self) -> None:
        """Let others look for everything: the run is over, or stopped."""
        self.claims.left[self.account, self.name, self.by] += 1
        for value in tuple(self.own):
            self.release(value)

    def note(self, value: str, remote_id: str, wish: Payload, *, at: datetime) -> tuple[object, ...]:
        """The row that remembers what was delivered, in the order of the table's columns."""
        body = msgspec.json.encode(wish.body) if self.keeps_bodies else None
        place = (self.account, self.name, self.by, value)
        return (*place, remote_id, digest_of(wish), body, self.destination, at)

    def forgetting(self, value: str, remote_id: str) -> dict[str, str]:
        """The values of the statement that forgets one."""
        place = {"account": self.account, "name": self.name, "by": self.by}
        return place | {"one": value, "remote": remote_id}


def find_object(name: str) -> str:
    """An object as its records are remembered, however it is written. Raises `PlanError` for an unknown one."""
    if name.lower().endswith("__c"):
        return name
    try:
        return load().resource(name).path.removeprefix("/")
    except UnknownResource as error:
        raise PlanError(str(error)) from error


async def count_memory(connection: AsyncConnection, account: str) -> list[Kept]:
    """How much is remembered of an account."""
    rows = await connection.execute(table.COUNT_MEMORY, {"account": account})
    return [Kept(row.object, row.field, row.records) for row in rows]


async def forget(connection: AsyncConnection, account: str, name: str | None = None) -> int:
    """Forget what is known of an account's records, or of one object's; answers how many were remembered."""
    statement = table.FORGET_ACCOUNT
    if name is not None:
        statement = statement.where(table.memory.c.object == name)
    return (await connection.execute(statement, {"account": account})).rowcount
