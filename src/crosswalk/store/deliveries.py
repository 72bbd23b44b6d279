"""Deliveries: each row of a run, the call it became, and the one state it is in."""

from typing import Any, Literal, get_args

from sqlalchemy import (
    CTE,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.types import TypeEngine

from crosswalk.store.columns import UTCDateTime, one_of, table
from crosswalk.store.many import change_many, insert_many
from crosswalk.store.runs import runs

RecordState = Literal["delivered", "unchanged", "superseded", "skipped", "cancelled", "dead", "pending", "held"]
Phase = Literal["waiting", "sending", "unknown"]

TRANSITIONS: tuple[tuple[RecordState, RecordState], ...] = (
    ("pending", "delivered"),
    ("pending", "unchanged"),
    ("pending", "superseded"),
    ("pending", "skipped"),
    ("pending", "cancelled"),
    ("pending", "dead"),
    ("pending", "held"),
    ("dead", "pending"),  # replayed
    ("dead", "cancelled"),  # discarded
    ("held", "pending"),  # a person says: send it again
    ("held", "delivered"),  # a person found it in Insightly
    ("held", "cancelled"),  # a person gives it up
)
"""Every change of state there is; a trigger refuses the others."""

transitions = table(
    "transitions",
    Column("old", Text, primary_key=True),
    Column("new", Text, primary_key=True),
)

deliveries = table(
    "deliveries",
    Column("run_id", Text, ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # of the row in its source, from 1
    Column("state", Text, CheckConstraint(one_of("state", get_args(RecordState)), name="state"), nullable=False),
    Column("phase", Text, CheckConstraint(one_of("phase", get_args(Phase)), name="phase")),  # of a pending delivery
    Column("key", Text),  # rows of one key keep their order
    Column("cells", LargeBinary),  # the row as it was read: JSON, of an unreadable one its text
    Column("edited", LargeBinary),  # what a person changed since, as JSON
    Column("payload", LargeBinary),  # the planned call as JSON
    Column("match_value", Text),  # what a look-up finds the record by
    Column("parcel", Integer),  # first row of the call that carries it; membership never changes on a retry
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_sent_at", UTCDateTime),  # of the first attempt
    Column("sent_at", UTCDateTime),  # of the latest intent; when its outcome is unknown, of the last byte at the latest
    Column("due_at", UTCDateTime),  # not before then
    Column("settled_at", UTCDateTime),
    Column("status", Integer),  # of the latest answer
    Column("remote_id", Text),
    Column("reason", Text),  # why it is dead, held or cancelled, or what the latest attempt met
    Column("decided", Integer, nullable=False, server_default="0"),  # decisions of people, for whoever comes second
    CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="settled"),
    CheckConstraint("(state = 'pending') = (phase IS NOT NULL)", name="pending"),
    CheckConstraint("state NOT IN ('dead', 'held', 'cancelled') OR reason IS NOT NULL", name="reason"),
    Index(None, "run_id", "state"),
    Index(None, "run_id", "match_value"),
    Index(None, "remote_id"),
    Index(  # rows of one key in every run, newest first
        None,
        "key",
        "run_id",
        "number",
        sqlite_where=text("key IS NOT NULL"),
        postgresql_where=text("key IS NOT NULL"),
    ),
    Index(  # what needs a person is found without reading what went well
        "ix_deliveries_troubled",
        "run_id",
        "number",
        "state",
        sqlite_where=text("state IN ('dead', 'held')"),
        postgresql_where=text("state IN ('dead', 'held')"),
    ),
)

# Take rows into the journal, whatever their state.
ADD_DELIVERIES = insert(deliveries)

# Take many rows as they are read.
TAKE = insert_many(
    deliveries,
    "run_id",
    "number",
    "state",
    "phase",
    "key",
    "cells",
    "payload",
    "match_value",
    "parcel",
    "attempts",
    "first_sent_at",
    "sent_at",
    "settled_at",
    "reason",
)

_PLACE: dict[str, TypeEngine[Any]] = {"run": Text(), "row": Integer()}


def _named(given: CTE) -> tuple[ColumnElement[bool], ...]:
    """The rows that are given, as long as they are pending: a settled one is changed by a person only."""
    return (
        deliveries.c.run_id == given.c.run,
        deliveries.c.number == given.c.row,
        deliveries.c.state == "pending",
    )


# Give waiting deliveries another call than they were taken with.
REPLAN = change_many(
    _PLACE | {"call": LargeBinary()},
    lambda given: update(deliveries).where(*_named(given)).values(payload=given.c.call),
)

# Say that the bytes of deliveries that wait are about to go out.
INTEND = change_many(
    _PLACE | {"at": UTCDateTime(), "first": Integer()},
    lambda given: (
        update(deliveries)
        .where(*_named(given))
        .values(
            phase="sending",
            sent_at=given.c.at,
            first_sent_at=func.coalesce(deliveries.c.first_sent_at, given.c.at),
            attempts=deliveries.c.attempts + 1,
            parcel=given.c.first,
            due_at=None,
        )
    ),
)

# Put pending deliveries off: they wait, or their outcome is unknown, until a time.
PUT_OFF = change_many(
    _PLACE | {"new_phase": Text(), "last": UTCDateTime(), "due": UTCDateTime(), "answer": Integer(), "why": Text()},
    lambda given: (
        update(deliveries)
        .where(*_named(given))
        .values(
            phase=given.c.new_phase,
            sent_at=func.coalesce(given.c.last, deliveries.c.sent_at),
            due_at=given.c.due,
            status=given.c.answer,
            reason=given.c.why,
        )
    ),
)

# Settle pending deliveries.
SETTLE = change_many(
    _PLACE | {"new_state": Text(), "at": UTCDateTime(), "answer": Integer(), "remote": Text(), "why": Text()},
    lambda given: (
        update(deliveries)
        .where(*_named(given))
        .values(
            state=given.c.new_state,
            phase=None,
            due_at=None,
            settled_at=given.c.at,
            status=given.c.answer,
            remote_id=given.c.remote,
            reason=given.c.why,
        )
    ),
)

# What was at Insightly when its process died: nobody knows whether it took effect.
DOUBT_OPEN_INTENTS = (
    update(deliveries)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state == "pending", deliveries.c.phase == "sending")
    .values(phase="unknown", sent_at=bindparam("at"), due_at=None, reason=bindparam("why"))
)

# Give up what waits in a run.
CANCEL_WAITING = (
    update(deliveries)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state == "pending", deliveries.c.phase == "waiting")
    .values(state="cancelled", phase=None, due_at=None, settled_at=bindparam("at"), reason=bindparam("why"))
)

# Hold what may have been sent by a run that nobody goes on with.
HOLD_DOUBTFUL = (
    update(deliveries)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state == "pending", deliveries.c.phase != "waiting")
    .values(state="held", phase=None, due_at=None, settled_at=bindparam("at"), reason=bindparam("why"))
)

# Pending rows that the journal has taken, in their order, after one.
LIST_PENDING = (
    select(deliveries)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.state == "pending",
        deliveries.c.number > bindparam("after"),
    )
    .order_by(deliveries.c.number)
    .limit(bindparam("most"))
)

# The first pending row, as it was read and edited.
FIRST_PENDING = (
    select(deliveries.c.cells, deliveries.c.edited)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state == "pending")
    .order_by(deliveries.c.number)
    .limit(1)
)

# The last row that the journal has taken.
LAST_NUMBER = select(func.coalesce(func.max(deliveries.c.number), 0)).where(deliveries.c.run_id == bindparam("run"))

# Which rows after one the journal has taken; those before were all taken.
NUMBERS_AFTER = select(deliveries.c.number).where(
    deliveries.c.run_id == bindparam("run"), deliveries.c.number > bindparam("after")
)

# How many rows of a run a look-up would find by the same value.
COUNT_MATCHES = select(func.count()).where(
    deliveries.c.run_id == bindparam("run"), deliveries.c.match_value == bindparam("value")
)

# How many other rows of the same account have made a record.
_this, _other = runs.alias("this_run"), runs.alias("other_run")
COUNT_CLAIMS = (
    select(func.count())
    .select_from(deliveries)
    .join(_other, _other.c.id == deliveries.c.run_id)
    .join(_this, _this.c.account_id == _other.c.account_id)
    .where(
        _this.c.id == bindparam("run"),
        deliveries.c.remote_id == bindparam("remote"),
        ~((deliveries.c.run_id == bindparam("run")) & (deliveries.c.number == bindparam("row"))),
    )
)

# Every row read is in exactly one state: read is the sum.
# All of a run less what was derived: the index of run and state alone tells both, where a condition on the number
# would have every row read.
_OF_RUN = deliveries.c.run_id == bindparam("run")
_TALLIES = union_all(
    select(deliveries.c.state, func.count().label("rows")).where(_OF_RUN).group_by(deliveries.c.state),
    select(deliveries.c.state, (-func.count()).label("rows"))
    .where(_OF_RUN, deliveries.c.number < 0)
    .group_by(deliveries.c.state),
).subquery()
COUNT_STATES = (
    select(_TALLIES.c.state, cast(func.sum(_TALLIES.c.rows), BigInteger))
    .group_by(_TALLIES.c.state)
    .having(func.sum(_TALLIES.c.rows) > 0)
)

# Deletions that a mirror added to a run, by state: their numbers are below zero, for no row was read for them.
COUNT_DERIVED = (
    select(deliveries.c.state, func.count())
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.number < 0)
    .group_by(deliveries.c.state)
)

# The number of the last deletion that a mirror added.
LAST_DERIVED = select(func.coalesce(func.min(deliveries.c.number), 0)).where(
    deliveries.c.run_id == bindparam("run"), deliveries.c.number < 0
)

# Rows that need a person: dead and held, in their order.
LIST_TROUBLED = (
    select(deliveries)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state.in_(("dead", "held")))
    .order_by(deliveries.c.number)
    .limit(bindparam("most"))
)
