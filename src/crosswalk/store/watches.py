"""Watches: which records are followed, how they were last seen, what hints wait, and every statement about them."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import Big, Real, UTCDateTime, one_of, table

WatchState = Literal["active", "paused"]

watches = table(
    "watches",
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
    Column("resource", Text, nullable=False),  # its unified name
    Column("state", Text, CheckConstraint(one_of("state", get_args(WatchState)), name="state"), nullable=False),
    Column("every", Integer, nullable=False),  # seconds between two polls while records change
    Column("slowest", Integer, nullable=False),  # seconds between two polls when nothing has for long
    Column("sweep_every", Integer),  # seconds between two sweeps; null: deletions are not looked for
    Column("interval", Integer, nullable=False),  # seconds to the next poll, as it is now
    Column(
        "mark", UTCDateTime
    ),  # by Insightly's clock: all that changed before was seen; null before the first reading
    Column("based_at", UTCDateTime),  # by Insightly's clock: when the first reading began
    Column("lag", Real, nullable=False),  # seconds that a change may be missing from searches, as learned
    Column("next_at", UTCDateTime, nullable=False),
    Column("sweep_at", UTCDateTime),  # when the next sweep is due
    Column("polled_at", UTCDateTime),
    Column("swept_at", UTCDateTime),
    Column("held", Integer, nullable=False, server_default="0"),  # records that a sweep missed and did not announce
    Column("released_at", UTCDateTime),  # a person said that the next sweep may announce as many as it misses
    Column("trouble", Text),  # what the latest reading met
    Column("day", Text, nullable=False),  # of the calls counted: 2026-11-22, UTC
    Column("calls", Integer, nullable=False, server_default="0"),  # made on that day
    Column("leased_until", UTCDateTime),  # whoever reads has until then
    Column("hint_digest", LargeBinary),  # of the secret in the address that hints come to
    Column("hint_user", Text),  # Basic auth of hints; null: none is asked for
    Column("hint_password", LargeBinary),  # its digest
    Column("hint_first_at", UTCDateTime),
    Column("hint_last_at", UTCDateTime),
    Column("hint_count", Big, nullable=False, server_default="0"),
    Column("created_at", UTCDateTime, nullable=False),
    CheckConstraint("(hint_user IS NULL) = (hint_password IS NULL)", name="hint_auth"),
    CheckConstraint("every > 0 AND slowest >= every", name="pace"),
    Index("ux_watches_account_id_resource", "account_id", "resource", unique=True),
    Index("ux_watches_hint_digest", "hint_digest", unique=True),
    Index(None, "next_at"),
)

# How each record of a watch was last seen.
watched = table(
    "watched",
    Column("watch_id", Text, ForeignKey(watches.c.id, ondelete="CASCADE"), primary_key=True),
    Column("record_id", Big, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("wire", LargeBinary, nullable=False),  # the record as Insightly has it, packed
    Column("updated_at", UTCDateTime),  # as the record says
    Column("seen_at", UTCDateTime, nullable=False),  # by Insightly's clock
)

# Records that Insightly's own webhooks named and that were not read again yet: one row, however many calls named it.
hints = table(
    "hints",
    Column("watch_id", Text, ForeignKey(watches.c.id, ondelete="CASCADE"), primary_key=True),
    Column("record_id", Big, primary_key=True, autoincrement=False),
    Column("came_at", UTCDateTime, nullable=False),
    Column("said_at", UTCDateTime),  # when the record changed, as the call says
    Column("due_at", UTCDateTime, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("turn", Integer, nullable=False, server_default="1"),  # how many calls named it since it was read
)

# Make a watch.
ADD_WATCH = insert(watches)

_WITH_NAMES = select(watches, accounts.c.name.label("account"), accounts.c.status.label("account_status")).join(
    accounts, accounts.c.id == watches.c.account_id
)

# Every watch with its account's name, oldest first; more conditions may follow.
LIST_WATCHES = _WITH_NAMES.where(watches.c.id > bindparam("after")).order_by(watches.c.id)

# One watch, by its id or by account and resource.
FIND_WATCH = _WITH_NAMES.where(
    or_(
        watches.c.id == bindparam("key"),
        and_(
            watches.c.resource == bindparam("of_resource"),
            or_(watches.c.account_id == bindparam("of_account"), accounts.c.name == bindparam("of_account")),
        ),
    )
)

# The watch that hints of an address belong to.
FIND_BY_HINT = select(watches).where(watches.c.hint_digest == bindparam("digest"))

# Change some columns of a watch.
CHANGE_WATCH = update(watches).where(watches.c.id == bindparam("watch"))

# End a watch; what it saw goes with it.
REMOVE_WATCH = delete(watches).where(watches.c.id == bindparam("watch"))

_hinted = exists().where(hints.c.watch_id == watches.c.id, hints.c.due_at <= bindparam("now"))
_free = or_(watches.c.leased_until.is_(None), watches.c.leased_until <= bindparam("now"))

# Watches that have something to do now: their poll or their sweep is due, or a hint waits, unless they are in
# trouble; read by nobody.
LIST_DUE = (
    select(watches.c.id)
    .where(
        watches.c.state == "active",
        _free,
        or_(
            watches.c.next_at <= bindparam("now"),
            watches.c.sweep_at <= bindparam("now"),
            and_(_hinted, watches.c.mark.is_not(None), watches.c.trouble.is_(None)),
        ),
    )
    .order_by(watches.c.next_at)
    .limit(bindparam("most"))
)

# Take a watch to read it.
LEASE = (
    update(watches)
    .where(watches.c.id == bindparam("watch"), watches.c.state == "active", _free)
    .values(leased_until=bindparam("until"))
)

# Keep it; nothing where another took it meanwhile.
RENEW = (
    update(watches)
    .where(watches.c.id == bindparam("watch"), watches.c.leased_until == bindparam("mine"))
    .values(leased_until=bindparam("until"))
)

# Give it back.
LEAVE = (
    update(watches)
    .where(watches.c.id == bindparam("watch"), watches.c.leased_until == bindparam("mine"))
    .values(leased_until=None)
)

# How some records were last seen.
FIND_WATCHED = select(watched).where(
    watched.c.watch_id == bindparam("watch"), watched.c.record_id.in_(bindparam("records", expanding=True))
)

# Ids and times of every record of a watch, in order, after one.
LIST_IDS = (
    select(watched.c.record_id, watched.c.updated_at, watched.c.seen_at)
    .where(watched.c.watch_id == bindparam("watch"), watched.c.record_id > bindparam("after"))
    .order_by(watched.c.record_id)
    .limit(bindparam("most"))
)

# How many records a watch knows.
COUNT_WATCHED = select(func.count()).select_from(watched).where(watched.c.watch_id == bindparam("watch"))

# Forget how some records were seen.
DROP_WATCHED = delete(watched).where(
    watched.c.watch_id == bindparam("watch"), watched.c.record_id.in_(bindparam("records", expanding=True))
)

# Keep how records are seen now.
ADD_WATCHED = insert(watched)

# Hints that are due, the oldest first.
LIST_HINTS = (
    select(hints)
    .where(hints.c.watch_id == bindparam("watch"), hints.c.due_at <= bindparam("now"))
    .order_by(hints.c.came_at, hints.c.record_id)
    .limit(bindparam("most"))
)

# How many hints of a watch wait.
COUNT_HINTS = select(func.count()).select_from(hints).where(hints.c.watch_id == bindparam("watch"))

# One hint, held until the transaction ends.
FIND_HINT = (
    select(hints).where(hints.c.watch_id == bindparam("watch"), hints.c.record_id == bindparam("record"))
).with_for_update()

# Keep a hint.
ADD_HINT = insert(hints)

# A hint came once more: read it now, and remember the newest that it says.
REPEAT_HINT = (
    update(hints)
    .where(hints.c.watch_id == bindparam("watch"), hints.c.record_id == bindparam("record"))
    .values(turn=hints.c.turn + 1, due_at=bindparam("now"), said_at=bindparam("said"), tries=0)
)

# A hint is done with, unless it came once more meanwhile.
DROP_HINT = delete(hints).where(
    hints.c.watch_id == bindparam("watch"), hints.c.record_id == bindparam("record"), hints.c.turn == bindparam("seen")
)

# Read a hint's record again later.
PUT_OFF_HINT = (
    update(hints)
    .where(hints.c.watch_id == bindparam("watch"), hints.c.record_id == bindparam("record"))
    .values(due_at=bindparam("due"), tries=hints.c.tries + 1)
)
