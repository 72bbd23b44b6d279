"""Pulls, one reading of a source each, and the rows that could not be read: two tables, and every statement."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
    bindparam,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)

from crosswalk.store.columns import Big, UTCDateTime, one_of, table
from crosswalk.store.sources import sources

PullState = Literal["running", "finished", "failed"]
ONE_RUNNING = text("state = 'running'")

pulls = table(
    "pulls",
    Column("id", Text, primary_key=True),
    Column("source_id", Text, ForeignKey(sources.c.id, ondelete="CASCADE"), nullable=False),
    Column("state", Text, CheckConstraint(one_of("state", get_args(PullState)), name="state"), nullable=False),
    Column("reason", Text),  # why it failed
    Column("first", Big),  # the numbers that its records have, none at first
    Column("last", Big),
    Column("rows", Big, nullable=False, server_default="0"),  # read, the unreadable ones included
    Column("unreadable", Big, nullable=False, server_default="0"),
    Column("holder", Text, nullable=False),  # who reads
    Column("fence", Integer, nullable=False, server_default="1"),  # how often it was taken over, and once more
    Column("lease_until", UTCDateTime, nullable=False),  # a holder that is silent for longer is dead
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    CheckConstraint("(state = 'failed') = (reason IS NOT NULL)", name="reason"),
    CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended_at"),
    CheckConstraint("unreadable <= rows", name="unreadable"),
    Index(None, "source_id"),
    Index("ux_pulls_source_id_running", "source_id", unique=True, sqlite_where=ONE_RUNNING,
          postgresql_where=ONE_RUNNING),
)  # fmt: skip

unreadables = table(
    "unreadables",
    Column("pull_id", Text, ForeignKey(pulls.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Big, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
)

# Begin a pull; the index lets a source have one.
ADD_PULL = insert(pulls)

# The pull that is reading a source.
FIND_RUNNING = select(pulls).where(pulls.c.source_id == bindparam("source"), pulls.c.state == "running")

# One pull.
FIND_PULL = select(pulls).where(pulls.c.id == bindparam("pull"))

# A source's pulls before one, newest first.
LIST_PULLS = (
    select(pulls)
    .where(pulls.c.source_id == bindparam("source"), pulls.c.id < bindparam("before"))
    .order_by(pulls.c.id.desc())
    .limit(bindparam("most"))
)

# Pulls whose holder is dead: silent for too long, or this one, which has just begun to work.
LIST_ORPHANS = (
    select(pulls.c.source_id)
    .where(pulls.c.state == "running", or_(pulls.c.lease_until < bindparam("at"), pulls.c.holder == bindparam("me")))
    .order_by(pulls.c.id)
)

# Take a pull over from a holder that is dead; nothing when another was quicker.
TAKE_PULL = (
    update(pulls)
    .where(pulls.c.id == bindparam("pull"), pulls.c.fence == bindparam("seen"), pulls.c.state == "running")
    .values(fence=bindparam("seen") + 1, holder=bindparam("me"), lease_until=bindparam("lease"))
)

# Say that the holder lives; nothing when the pull was taken from it.
_HELD = (pulls.c.id == bindparam("pull"), pulls.c.fence == bindparam("mine"), pulls.c.state == "running")
BEAT = update(pulls).where(*_HELD).values(lease_until=bindparam("lease"))

# Count what one more chunk brought; nothing when the pull was taken from its holder.
COUNT_CHUNK = (
    update(pulls)
    .where(*_HELD)
    .values(
        rows=pulls.c.rows + bindparam("more"),
        unreadable=pulls.c.unreadable + bindparam("bad"),
        first=bindparam("new_first"),
        last=bindparam("new_last"),
        lease_until=bindparam("lease"),
    )
)

# Write how a pull ended; nothing when it was taken from its holder.
END_PULL = (
    update(pulls).where(*_HELD).values(state=bindparam("new_state"), reason=bindparam("why"), ended_at=bindparam("at"))
)

# Keep rows that could not be read.
ADD_UNREADABLES = insert(unreadables)

# Forget what was said of some rows, to say it anew.
REMOVE_UNREADABLES = delete(unreadables).where(
    unreadables.c.pull_id == bindparam("pull"), unreadables.c.number.in_(bindparam("numbers", expanding=True))
)

# Rows of a pull that could not be read, after one.
LIST_UNREADABLES = (
    select(unreadables)
    .where(unreadables.c.pull_id == bindparam("pull"), unreadables.c.number > bindparam("after"))
    .order_by(unreadables.c.number)
    .limit(bindparam("most"))
)
