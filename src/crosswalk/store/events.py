"""Events: what happened, numbered in the order of its commits, who wants to hear of it, and every statement about both.

Numbers have no gaps and never appear out of order: who writes events holds `event_head` until its transaction ends, so
a reader that remembers the last number it saw misses nothing. Take that row last in a transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any, TypeAlias

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import Big, UTCDateTime, table
from crosswalk.store.endpoints import endpoints
from crosswalk.store.ids import new_id

EventRow: TypeAlias = dict[str, Any]

events = table(
    "events",
    Column("number", Big, primary_key=True, autoincrement=False),  # 1, 2, 3 … in the order of the commits
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),  # such as `record:updated`
    Column("account_id", Text),  # no reference: that an account was removed is an event, too
    Column("resource", Text),  # of a record: its unified name
    Column("record_id", Text),
    Column("at", UTCDateTime, nullable=False),
    Column("data", LargeBinary, nullable=False),  # JSON
    CheckConstraint("(resource IS NULL) = (record_id IS NULL)", name="record"),
    Index("ix_events_account", "account_id", "number"),
    Index("ix_events_record", "account_id", "resource", "record_id", "number"),
    Index(None, "at"),
)

# The last number given, in one row: writers take turns on it.
event_head = table(
    "event_head",
    Column("id", Integer, CheckConstraint("id = 1", name="one"), primary_key=True, autoincrement=False),
    Column("number", Big, nullable=False),
)

subscriptions = table(
    "subscriptions",
    Column("id", Text, primary_key=True),
    Column("endpoint_id", Text, ForeignKey(endpoints.c.id, ondelete="CASCADE"), nullable=False),
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="CASCADE")),  # null: of every account
    Column("types", Text),  # JSON; null: every type
    Column("resources", Text),  # JSON; null: every resource, and what is about no record
    Column("told", Big, nullable=False),  # the last event that was looked at for it
    Column("created_at", UTCDateTime, nullable=False),
    Index(None, "endpoint_id"),
    Index(None, "account_id"),
)

# Take the next numbers, and hold the head until the transaction ends.
TAKE_NUMBERS = (
    update(event_head)
    .where(event_head.c.id == 1)
    .values(number=event_head.c.number + bindparam("count"))
    .returning(event_head.c.number)
)

# Begin to number.
BEGIN_NUMBERS = text("INSERT INTO event_head (id, number) VALUES (1, 0) ON CONFLICT DO NOTHING")

# The last number given; 0 where nothing happened yet.
READ_HEAD = select(func.coalesce(func.max(event_head.c.number), 0))

# Write events.
ADD_EVENTS = insert(events)

# Events after one, in their order; more conditions may follow.
LIST_AFTER = (
    select(events).where(events.c.number > bindparam("after")).order_by(events.c.number).limit(bindparam("most"))
)

# Events before one, newest first; more conditions may follow.
LIST_BEFORE = (
    select(events)
    .where(events.c.number < bindparam("before_number"))
    .order_by(events.c.number.desc())
    .limit(bindparam("most"))
)

# One event, by its id.
FIND_EVENT = select(events).where(events.c.id == bindparam("event"))

# The oldest event that is still kept.
OLDEST = select(func.min(events.c.number))

# Forget events of long ago.
PRUNE_EVENTS = delete(events).where(events.c.at < bindparam("before"))

# Forget what was told of an account's records.
FORGET_RECORDS = delete(events).where(events.c.account_id == bindparam("account"), events.c.resource.is_not(None))

# Make a subscription.
ADD_SUBSCRIPTION = insert(subscriptions)

# Every subscription with its endpoint's name, oldest first; more conditions may follow.
LIST_SUBSCRIPTIONS = (
    select(subscriptions, endpoints.c.name.label("endpoint"))
    .join(endpoints, endpoints.c.id == subscriptions.c.endpoint_id)
    .order_by(subscriptions.c.id)
)

# Those that have not looked at every event yet.
LIST_BEHIND = LIST_SUBSCRIPTIONS.where(subscriptions.c.told < select(func.max(event_head.c.number)).scalar_subquery())

# Say how far a subscription is told, unless another was quicker.
MOVE_TOLD = (
    update(subscriptions)
    .where(subscriptions.c.id == bindparam("subscription"), subscriptions.c.told == bindparam("before_number"))
    .values(told=bindparam("to"))
)

# Remove a subscription.
REMOVE_SUBSCRIPTION = delete(subscriptions).where(subscriptions.c.id == bindparam("subscription"))


def write_event(
    kind: str,
    *,
    at: datetime,
    rng: Random,
    data: bytes,
    account: str | None = None,
    resource: str | None = None,
    record: str | None = None,
) -> EventRow:
    """An event as a row without its number, for `append`. `data` is JSON; `resource` and `record` go together."""
    return {
        "id": f"evt_{new_id(at, rng)}",
        "type": kind,
        "account_id": account,
        "resource": resource,
        "record_id": record,
        "at": at,
        "data": data,
    }


async def append(connection: AsyncConnection, rows: Sequence[EventRow]) -> None:
    """Number events and write them, in the transaction of what they tell of; the last thing that it does."""
    if rows:
        last = (await connection.execute(TAKE_NUMBERS, {"count": len(rows)})).scalar_one_or_none()
        if last is None:
            await connection.execute(BEGIN_NUMBERS)
            last = (await connection.execute(TAKE_NUMBERS, {"count": len(rows)})).scalar_one()
        first = last - len(rows) + 1
        await connection.execute(ADD_EVENTS, [row | {"number": first + place} for place, row in enumerate(rows)])
