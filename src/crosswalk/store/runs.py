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
    exists,
    func,
    insert,
    select,
    text,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, one_of, table
from crosswalk.store.destinations import destinations

RunState = Literal["queued", "running", "stopped", "finished", "abandoned"]
RunKind = Literal["send", "test", "export"]
Asked = Literal["pause", "cancel", "replay"]
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
    Column("asked", Text, CheckConstraint(one_of("asked", get_args(Asked)), name="asked")),  # of whoever sends it
    Column("asked_by", Text),
    Column("read_whole", Integer, nullable=False, server_default="0"),  # its source was read to the end: 0 or 1
    Column("pruned_at", UTCDateTime),  # when its settled rows lost their content
    Column("calls", Integer, nullable=False, server_default="0"),
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    Column("destination_id", Text),  # no foreign key: it outlives its destination
    Column("destination_version", Integer),  # whose settings the plan is made of
    Column(
        "kind",
        Text,
        CheckConstraint(one_of("kind", get_args(RunKind)), name="kind"),
        nullable=False,
        server_default="send",
    ),
    Column("options", Text, nullable=False, server_default="{}"),  # JSON: how its file is read
    Column("undoes", Text),  # the test whose record this one deletes
    Index(None, "destination_id"),
    Index("ux_runs_undoes", "undoes", unique=True),
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

# Runs that nobody sends: queued, and with `orphans` those whose owner died; not those of a paused destination.
_PAUSED = exists().where(destinations.c.id == runs.c.destination_id, destinations.c.state == "paused")
LIST_CLAIMABLE = (
    select(runs)
    .where(
        runs.c.kind == "send",
        (runs.c.state == "queued") | ((runs.c.state == "running") & bindparam("orphans", type_=Boolean)),
        ~_PAUSED,
    )
    .order_by(runs.c.id)
)

# Queue what a dead owner left running of paused destinations: it goes on when they do.
QUEUE_PAUSED = (
    update(runs).where(runs.c.kind == "send", runs.c.state == "running", _PAUSED).values(state="queued", asked=None)
)

# The same for one account, whose lane the asker owns; no account is the empty text.
_OF_ACCOUNT = func.coalesce(runs.c.account_id, "") == bindparam("account")
LIST_CLAIMABLE_OF = LIST_CLAIMABLE.where(_OF_ACCOUNT)
QUEUE_PAUSED_OF = QUEUE_PAUSED.where(_OF_ACCOUNT)

# The unfinished run of a destination, the oldest first.
FIND_UNDER_WAY = (
    select(runs)
    .where(runs.c.destination_id == bindparam("destination"), runs.c.kind == "send", runs.c.state.in_(UNFINISHED))
    .order_by(runs.c.id)
    .limit(1)
)

# Ask whoever sends a destination's runs to stop admitting rows.
ASK_PAUSE = (
    update(runs)
    .where(runs.c.destination_id == bindparam("destination"), runs.c.kind == "send", runs.c.state == "running")
    .values(asked="pause", asked_by=bindparam("who"))
)

# Let a destination's runs go on whose sender was asked to stop, and may have done so already.
ASK_ON = (
    update(runs)
    .where(runs.c.destination_id == bindparam("destination"), runs.c.state == "running", runs.c.asked == "pause")
    .values(asked="replay", asked_by=None)
)

# Queue a destination's stopped runs: they go on.
QUEUE_STOPPED = (
    update(runs)
    .where(runs.c.destination_id == bindparam("destination"), runs.c.kind == "send", runs.c.state == "stopped")
    .values(state="queued", reason=None, ended_at=None, asked=None, asked_by=None)
)

# Write a run's new state; the values are those of the changed columns.
CHANGE_RUN = update(runs).where(runs.c.id == bindparam("run"))

# One run, which nobody else changes before the transaction ends.
LOCK_RUN = select(runs).where(runs.c.id == bindparam("run")).with_for_update()

# Runs under way whose sender is asked to leave them.
LIST_ASKED = select(runs.c.id).where(runs.c.state == "running", runs.c.asked.is_not(None))

# The same of one account.
LIST_ASKED_OF = LIST_ASKED.where(_OF_ACCOUNT)

# Count calls of a run.
COUNT_CALLS = update(runs).where(runs.c.id == bindparam("run")).values(calls=runs.c.calls + bindparam("more"))

# The latest run of each destination.
LATEST_RUNS = select(runs).where(
    runs.c.id.in_(
        select(func.max(runs.c.id))
        .where(runs.c.destination_id.is_not(None), runs.c.kind == "send")
        .group_by(runs.c.destination_id)
    )
)

# Runs of one destination, newest first.
RUNS_OF_DESTINATION = (
    select(runs)
    .where(runs.c.destination_id == bindparam("destination"))
    .order_by(runs.c.id.desc())
    .limit(bindparam("most"))
)
