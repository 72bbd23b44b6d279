"""Deliveries: each row of a run, the call it became, and the one state it is in."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

from crosswalk.store.columns import UTCDateTime, one_of, table
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
    CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="settled"),
    CheckConstraint("(state = 'pending') = (phase IS NOT NULL)", name="pending"),
    CheckConstraint("state NOT IN ('dead', 'held', 'cancelled') OR reason IS NOT NULL", name="reason"),
    Index(None, "run_id", "state"),
    Index(None, "run_id", "match_value"),
    Index(None, "remote_id"),
)

# Take rows into the journal, whatever their state.
ADD_DELIVERIES = insert(deliveries)

_OWN = (deliveries.c.run_id == bindparam("run"), deliveries.c.number == bindparam("row"))

# Say that the bytes of a delivery that waits are about to go out.
INTEND = (
    update(deliveries)
    .where(*_OWN, deliveries.c.state == "pending")
    .values(
        phase="sending",
        sent_at=bindparam("at"),
        first_sent_at=func.coalesce(deliveries.c.first_sent_at, bindparam("at")),
        attempts=deliveries.c.attempts + 1,
        parcel=bindparam("first"),
        due_at=None,
    )
)

# Put a pending delivery off: it waits, or its outcome is unknown, until a time.
PUT_OFF = (
    update(deliveries)
    .where(*_OWN, deliveries.c.state == "pending")
    .values(
        phase=bindparam("new_phase"),
        sent_at=func.coalesce(bindparam("last", type_=UTCDateTime), deliveries.c.sent_at),
        due_at=bindparam("due"),
        status=bindparam("answer"),
        reason=bindparam("why"),
    )
)

# Settle a delivery that is pending; a settled one is changed by a person only.
SETTLE = (
    update(deliveries)
    .where(*_OWN, deliveries.c.state == "pending")
    .values(
        state=bindparam("new_state"),
        phase=None,
        due_at=None,
        settled_at=bindparam("at"),
        status=bindparam("answer"),
        remote_id=bindparam("remote"),
        reason=bindparam("why"),
    )
)

# What was at Insightly when its process died: nobody knows whether it took effect.
DOUBT_OPEN_INTENTS = (
    update(deliveries)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state == "pending", deliveries.c.phase == "sending")
    .values(phase="unknown", sent_at=bindparam("at"), due_at=None, reason=bindparam("why"))
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
COUNT_STATES = (
    select(deliveries.c.state, func.count()).where(deliveries.c.run_id == bindparam("run")).group_by(deliveries.c.state)
)

# Rows that need a person: dead and held, in their order.
LIST_TROUBLED = (
    select(deliveries)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state.in_(("dead", "held")))
    .order_by(deliveries.c.number)
    .limit(bindparam("most"))
)
