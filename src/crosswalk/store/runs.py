"""Runs and their deliveries: what was read, what was sent, and what became of every row."""

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
    text,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, one_of, table

RunState = Literal["running", "stopped", "finished", "abandoned"]
RecordState = Literal["delivered", "unchanged", "superseded", "skipped", "cancelled", "dead", "pending", "held"]
UNFINISHED = ("running", "stopped")

runs = table(
    "runs",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),  # digest of file content, account, template, mapping and options
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="SET NULL")),
    Column("source", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("state", Text, CheckConstraint(one_of("state", get_args(RunState)), name="state"), nullable=False),
    Column("reason", Text),  # why it stopped
    Column("calls", Integer, nullable=False, server_default="0"),
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    Index("ux_runs_name_unfinished", "name", unique=True, sqlite_where=text("state IN ('running', 'stopped')"),
          postgresql_where=text("state IN ('running', 'stopped')")),
)  # fmt: skip

deliveries = table(
    "deliveries",
    Column("run_id", Text, ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # of the row in its source, from 1
    Column("state", Text, CheckConstraint(one_of("state", get_args(RecordState)), name="state"), nullable=False),
    Column("method", Text),
    Column("path", Text),
    Column("body", LargeBinary),  # JSON as it goes out
    Column("sent_at", UTCDateTime),  # of the latest intent; a pending delivery with it may be at Insightly
    Column("settled_at", UTCDateTime),
    Column("status", Integer),  # of the latest answer
    Column("remote_id", Text),
    Column("reason", Text),  # why it is dead or held
    CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="settled"),
    CheckConstraint("state NOT IN ('dead', 'held') OR reason IS NOT NULL", name="reason"),
    Index(None, "run_id", "state"),
)

# Begin a run.
ADD_RUN = insert(runs)

# The unfinished run of a name; the index allows one.
FIND_UNFINISHED = select(runs).where(runs.c.name == bindparam("run_name"), runs.c.state.in_(UNFINISHED))

# The latest finished run of a name.
FIND_FINISHED = (
    select(runs)
    .where(runs.c.name == bindparam("run_name"), runs.c.state == "finished")
    .order_by(runs.c.id.desc())
    .limit(1)
)

# One run.
FIND_RUN = select(runs).where(runs.c.id == bindparam("run"))

# Runs with their account's name, newest first.
LIST_RUNS = (
    select(runs, accounts.c.name.label("account"))
    .join(accounts, accounts.c.id == runs.c.account_id, isouter=True)
    .order_by(runs.c.id.desc())
    .limit(bindparam("most"))
)

# Write a run's new state; the values are those of the changed columns.
CHANGE_RUN = update(runs).where(runs.c.id == bindparam("run"))

# Count calls of a run.
COUNT_CALLS = update(runs).where(runs.c.id == bindparam("run")).values(calls=runs.c.calls + bindparam("more"))

# Take rows into the journal.
ADD_DELIVERIES = insert(deliveries)

# Say that a delivery's bytes are about to go out.
INTEND = (
    update(deliveries)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.number == bindparam("row"))
    .values(sent_at=bindparam("at"))
)

# Settle a delivery that is pending; a settled one never changes.
SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.number == bindparam("row"),
        deliveries.c.state == "pending",
    )
    .values(
        state=bindparam("new_state"),
        settled_at=bindparam("at"),
        status=bindparam("answer"),
        remote_id=bindparam("remote"),
        reason=bindparam("why"),
    )
)

# Take an intent back: the call surely had no effect, and the row waits again.
WITHDRAW = (
    update(deliveries)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.number == bindparam("row"),
        deliveries.c.state == "pending",
    )
    .values(sent_at=None)
)

# Hold whatever was at Insightly when its process died: nobody knows whether it took effect.
HOLD_OPEN_INTENTS = (
    update(deliveries)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.state == "pending",
        deliveries.c.sent_at.is_not(None),
    )
    .values(state="held", settled_at=bindparam("at"), reason=bindparam("why"))
)

# Rows that wait to be sent, in their order, after one.
LIST_WAITING = (
    select(deliveries.c.number, deliveries.c.method, deliveries.c.path, deliveries.c.body)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.state == "pending",
        deliveries.c.sent_at.is_(None),
        deliveries.c.number > bindparam("after"),
    )
    .order_by(deliveries.c.number)
    .limit(bindparam("most"))
)

# The last row that the journal has taken.
LAST_NUMBER = select(func.coalesce(func.max(deliveries.c.number), 0)).where(deliveries.c.run_id == bindparam("run"))

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
