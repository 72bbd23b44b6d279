"""The events of a database for readers: those after a place, those that come, and one by its id."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Raw
from sqlalchemy import RowMapping, Select, or_

from crosswalk.automations.event import Event, Filter
from crosswalk.automations.event_errors import UnknownEvent
from crosswalk.store import events as table
from crosswalk.store.database import Database

STEP = 100
LOOK_EVERY = 0.5
"""Seconds between two looks for new events."""
ANY = Filter()


async def events_after(
    database: Database, cursor: int, *, most: int = STEP, wanted: Filter = ANY, reach: frozenset[str] | None = None
) -> list[Event]:
    """Events with a higher number than `cursor`, in order; 0 is the beginning. `reach`: accounts to tell of."""
    statement = narrow(table.LIST_AFTER, wanted, reach)
    async with database.read() as connection:
        rows = (await connection.execute(statement, {"after": cursor, "most": most})).mappings()
        return [read_event(row) for row in rows]


async def events_before(
    database: Database,
    number: int | None,
    *,
    most: int = STEP,
    wanted: Filter = ANY,
    record: str | None = None,
    reach: frozenset[str] | None = None,
) -> list[Event]:
    """Events with a lower number, newest first; without one, the newest of all."""
    statement = narrow(table.LIST_BEFORE, wanted, reach)
    if record is not None:
        statement = statement.where(table.events.c.record_id == record)
    asked = {"before_number": 2**62 if number is None else number, "most": most}
    async with database.read() as connection:
        return [read_event(row) for row in (await connection.execute(statement, asked)).mappings()]


async def find_event(database: Database, event: str, *, reach: frozenset[str] | None = None) -> Event:
    """One event by its id. Raises `UnknownEvent`."""
    statement = narrow(table.FIND_EVENT, ANY, reach)
    async with database.read() as connection:
        row = (await connection.execute(statement, {"event": event})).mappings().one_or_none()
    if row is None:
        raise UnknownEvent(f"There is no event {event!r}. Events are kept for 30 days.")
    return read_event(row)


async def last_number(database: Database) -> int:
    """The number of the newest event; 0 where nothing happened yet."""
    async with database.read() as connection:
        number: int = (await connection.execute(table.READ_HEAD)).scalar_one()
    return number


async def oldest_number(database: Database) -> int | None:
    """The number of the oldest event that is kept; `None` where there is none."""
    async with database.read() as connection:
        number: int | None = (await connection.execute(table.OLDEST)).scalar_one()
    return number


async def follow(
    database: Database,
    *,
    after: int,
    stop: asyncio.Event,
    wanted: Filter = ANY,
    reach: frozenset[str] | None = None,
) -> AsyncIterator[Sequence[Event]]:
    """Events after a number, in groups, as they come, until stopped; an empty group says that none came for a while."""
    cursor = after
    while not stop.is_set():
        found = await events_after(database, cursor, wanted=wanted, reach=reach)
        yield found
        if found:
            cursor = found[-1].number
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await stop.wait()


def narrow(statement: Select[Any], wanted: Filter, reach: frozenset[str] | None) -> Select[Any]:
    """A statement that lists no more than what is wanted and may be seen."""
    column = table.events.c
    if reach is not None:
        statement = statement.where(column.account_id.in_(sorted(reach)))
    if wanted.account is not None:
        statement = statement.where(column.account_id == wanted.account)
    if wanted.resources is not None:
        statement = statement.where(column.resource.in_(wanted.resources))
    if wanted.types is not None:
        each = (
            column.type.startswith(kind[:-1]) if kind.endswith(":*") else column.type == kind for kind in wanted.types
        )
        statement = statement.where(or_(*each))
    return statement


def read_event(row: RowMapping) -> Event:
    """An event as its row has it."""
    plain = {str(name): value for name, value in row.items()}
    return Event(**plain | {"data": Raw(plain["data"])})
