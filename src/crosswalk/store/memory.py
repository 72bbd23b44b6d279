"""Memory: which record of Insightly a match value stands for, and what was last sent to it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, table
from crosswalk.store.deliveries import deliveries
from crosswalk.store.many import Many

memory = table(
    "memory",
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="CASCADE"), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("field", Text, primary_key=True),  # that names a record, such as EMAIL_ADDRESS
    Column("value", Text, primary_key=True),  # folded: as a search compares it
    Column("remote_id", Text, nullable=False),
    Column("digest", LargeBinary),  # of what was last delivered
    Column("body", LargeBinary),  # what was last delivered, where a deletion may have to tell it
    Column("destination_id", Text),  # that made or adopted it; no foreign key: it outlives its destination
    Column("changed_at", UTCDateTime, nullable=False),
    Index(None, "destination_id"),
)

Insert = sqlite.Insert | postgresql.Insert
NAMES = tuple(column.name for column in memory.columns)
CHANGED = ("remote_id", "digest", "body", "changed_at")
"""What a later delivery changes; who made or adopted the record stays."""


def _remember(insert: Callable[[Any], Any]) -> Many:
    def write(rows: list[dict[str, BindParameter[Any]]]) -> Any:
        made = insert(memory).values(rows)
        return made.on_conflict_do_update(
            index_elements=["account_id", "object", "field", "value"],
            set_={name: made.excluded[name] for name in CHANGED},
        )

    return Many({name: memory.c[name].type for name in NAMES}, write)


# Remember what records were made or changed, by the database's kind.
REMEMBER = {"sqlite": _remember(sqlite.insert), "postgresql": _remember(postgresql.insert)}

_PLACE = (
    memory.c.account_id == bindparam("account"),
    memory.c.object == bindparam("name"),
    memory.c.field == bindparam("by"),
)

# What is remembered of some values.
RECALL = select(memory.c.value, memory.c.remote_id, memory.c.digest).where(
    *_PLACE, memory.c.value.in_(bindparam("some", expanding=True))
)

# Forget one value, whose record is gone, unless another record was remembered for it since.
FORGET = delete(memory).where(*_PLACE, memory.c.value == bindparam("one"), memory.c.remote_id == bindparam("remote"))

# Forget what is known of an account.
FORGET_ACCOUNT = delete(memory).where(memory.c.account_id == bindparam("account"))

# How much is remembered of an account, by object and field.
COUNT_MEMORY = (
    select(memory.c.object, memory.c.field, func.count().label("records"))
    .where(memory.c.account_id == bindparam("account"))
    .group_by(memory.c.object, memory.c.field)
    .order_by(memory.c.object, memory.c.field)
)

_OWN = (*_PLACE, memory.c.destination_id == bindparam("destination"))

# How many records a destination has made or adopted.
COUNT_OWN = select(func.count()).where(*_OWN)

# Some of them after a value, in the order of their values.
LIST_OWN = (
    select(memory.c.value, memory.c.remote_id)
    .where(*_OWN, memory.c.value > bindparam("after"))
    .order_by(memory.c.value)
    .limit(bindparam("most"))
)

# Those of them whose value no row of a run had, in the order of their values.
_seen = (
    select(deliveries.c.number)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.match_value == memory.c.field + "=" + memory.c.value,
        deliveries.c.number > 0,
    )
    .exists()
)
_derived = (
    select(deliveries.c.number)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.match_value == memory.c.field + "=" + memory.c.value,
        deliveries.c.number < 0,
    )
    .exists()
)
COUNT_GONE = select(func.count()).where(*_OWN, ~_seen)

# Those of them that the run has no deletion for.
LIST_GONE = (
    select(memory.c.value, memory.c.remote_id, memory.c.body)
    .where(*_OWN, ~_seen, ~_derived)
    .order_by(memory.c.value)
    .limit(bindparam("most"))
)

# Forget records that a run has deleted, or found gone.
FORGET_DELETED = delete(memory).where(
    *_OWN,
    select(deliveries.c.number)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.match_value == memory.c.field + "=" + memory.c.value,
        deliveries.c.remote_id == memory.c.remote_id,
        deliveries.c.number < 0,
        deliveries.c.state == "delivered",
    )
    .exists(),
)
