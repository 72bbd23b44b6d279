"""Runs: one pass of a source through a destination, and how it stands."""

from typing import Literal, get_args

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
    bindparam,
    insert,
    select,
    text,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, one_of, table

RunState = Literal["queued", "running", "stopped", "finished", "abandoned"]
UNFINISHED = ("queued", "running", "stopped")
ONE_UNFINISHED = text("state IN ('queued', 'running', 'stopped')")

runs = table(
    "runs",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),  # digest of file content, account, plan
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="SET NULL")),
    Column("source", Text, nullable=False),
    Column("content", Text, nullable=False),  # the source's digest
    Column("template", Text, nullable=False),  # or method and path of a manual call
    Column("plan", Text, nullable=False, server_default="{}"),  # JSON, as it was asked for
    Column("state", Text, CheckConstraint(one_of("state", get_args(RunState)), name="state"), nullable=False),
    Column("reason", Text),  # why it stopped
    Column("calls", Integer, nullable=False, server_default="0"),
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    Index("ux_runs_name_unfinished", "name", unique=True, sqlite_where=ONE_UNFINISHED, postgresql_where=ONE_UNFINISHED),
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

# Runs that nobody sends: queued, and with `orphans` those whose owner died.
LIST_CLAIMABLE = (
    select(runs)
    .where((runs.c.state == "queued") | ((runs.c.state == "running") & bindparam("orphans", type_=Boolean)))
    .order_by(runs.c.id)
)

# Write a run's new state; the values are those of the changed columns.
CHANGE_RUN = update(runs).where(runs.c.id == bindparam("run"))

# Count calls of a run.
COUNT_CALLS = update(runs).where(runs.c.id == bindparam("run")).values(calls=runs.c.calls + bindparam("more"))
