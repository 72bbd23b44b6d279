"""The outbox for readers: messages listed, shown, and sent once more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from sqlalchemy import RowMapping, Select, select

from crosswalk.outgoing.errors import StillWaiting, UnknownMessage
from crosswalk.outgoing.message import Message
from crosswalk.store import outbox as table
from crosswalk.store.database import Database
from crosswalk.store.endpoints import endpoints
from crosswalk.store.outbox import MessageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The messages of one database; with a `reach`, those to endpoints of its accounts."""

    database: Database
    reach: frozenset[str] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def list(
        self,
        *,
        target: str | None = None,
        state: MessageState | None = None,
        before: int | None = None,
        most: int = 100,
    ) -> Sequence[Message]:
        """Messages, newest first, before one number."""
        statement = self._within(table.LIST_MESSAGES)
        if target is not None:
            statement = statement.where(table.outbox.c.target == target)
        if state is not None:
            statement = statement.where(table.outbox.c.state == state)
        if before is not None:
            statement = statement.where(table.outbox.c.number < before)
        async with self.database.read() as connection:
            return [_from_row(row) for row in (await connection.execute(statement, {"most": most})).mappings()]

    async def find(self, message: str) -> Message:
        """One message. Raises `UnknownMessage`."""
        async with self.database.read() as connection:
            statement = self._within(table.FIND_MESSAGE)
            row = (await connection.execute(statement, {"message": message})).mappings().one_or_none()
        if row is None:
            raise UnknownMessage(f"The outbox has no message {message!r}. `crosswalk webhooks log` lists them.")
        return _from_row(row)

    async def replay(self, message: str) -> Message:
        """Send one that ended once more, under its id. Raises `UnknownMessage` and `StillWaiting`."""
        found = await self.find(message)
        async with self.database.begin() as connection:
            statement = table.REPLAY.where(table.outbox.c.id == found.id)
            if (await connection.execute(statement, {"at": self.now()})).rowcount != 1:
                raise StillWaiting(f"Message {message} waits still, until {found.due_at}. It needs no replay.")
        return await self.find(message)

    async def replay_range(
        self, target: str, *, since: datetime, until: datetime | None = None, state: MessageState | None = "dead"
    ) -> int:
        """Send those that one endpoint was told in a time once more; answers how many."""
        statement = table.REPLAY.where(table.outbox.c.target == target, table.outbox.c.created_at >= since)
        if until is not None:
            statement = statement.where(table.outbox.c.created_at < until)
        if state is not None:
            statement = statement.where(table.outbox.c.state == state)
        async with self.database.begin() as connection:
            return (await connection.execute(statement, {"at": self.now()})).rowcount

    def _within(self, statement: Select[Message]) -> Select[Message]:
        if self.reach is None:
            return statement
        own = select(endpoints.c.id).where(endpoints.c.account_id.in_(sorted(self.reach)))
        return statement.where(table.outbox.c.target.in_(own))


def _from_row(row: RowMapping) -> Message:
    return msgspec.convert({str(name): value for name, value in row.items()}, Message)
