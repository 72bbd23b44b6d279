"""Notices, the channels that carry them, and every statement about both."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, one_of, table
from crosswalk.store.endpoints import endpoints

NoticeKind = Literal[
    "lane.paused",
    "lane.resumed",
    "dead_letters.new",
    "record.held",
    "run.finished",
    "run.stopped",
    "budget.spent",
    "budget.foreign_use",
    "endpoint.disabled",
    "source.failed",
    "source.empty",
    "schema.changed",
    "deletions.held",
    "automation.stuck",
]
Level = Literal["info", "warning", "error"]
ChannelKind = Literal["email", "webhook"]
LASTING = text("over_at IS NULL")

notices = table(
    "notices",
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # a `NoticeKind`; no check, or each new kind would rebuild the table
    Column("level", Text, CheckConstraint(one_of("level", get_args(Level)), name="level"), nullable=False),
    Column("subject", Text, nullable=False),  # the id of what it is about
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="SET NULL")),
    Column("message", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("over_at", UTCDateTime),  # null while what it tells lasts; the same is not told twice meanwhile
    Column("read_at", UTCDateTime),
    Index("ux_notices_lasting", "kind", "subject", unique=True, sqlite_where=LASTING, postgresql_where=LASTING),
    Index(None, "account_id"),
)

notice_channels = table(
    "notice_channels",
    Column("id", Text, primary_key=True),
    Column("kind", Text, CheckConstraint(one_of("kind", get_args(ChannelKind)), name="kind"), nullable=False),
    Column("address", Text),  # of an e-mail channel
    Column("endpoint_id", Text, ForeignKey(endpoints.c.id, ondelete="CASCADE")),  # of a webhook channel
    Column("kinds", Text),  # JSON; null: every kind
    Column("created_at", UTCDateTime, nullable=False),
    CheckConstraint("(kind = 'email') = (address IS NOT NULL)", name="email"),
    CheckConstraint("(kind = 'webhook') = (endpoint_id IS NOT NULL)", name="webhook"),
    Index("ux_notice_channels_address", "address", unique=True),
    Index("ux_notice_channels_endpoint_id", "endpoint_id", unique=True),
)

# Write a notice.
ADD_NOTICE = insert(notices)

# Whether this is told already and lasts.
FIND_LASTING = select(notices.c.id).where(
    notices.c.kind == bindparam("of_kind"), notices.c.subject == bindparam("of_subject"), notices.c.over_at.is_(None)
)

# End what lasts of one subject and some kinds.
END_NOTICES = (
    update(notices)
    .where(
        notices.c.subject == bindparam("of_subject"),
        notices.c.kind.in_(bindparam("kinds", expanding=True)),
        notices.c.over_at.is_(None),
    )
    .values(over_at=bindparam("at"))
)

# Notices, newest first.
LIST_NOTICES = select(notices).order_by(notices.c.id.desc()).limit(bindparam("most"))

# Forget notices that were told before a time and tell of nothing that lasts.
PRUNE_NOTICES = delete(notices).where(notices.c.created_at < bindparam("before"), notices.c.over_at.is_not(None))

# How many are unread.
COUNT_UNREAD = select(func.count()).select_from(notices).where(notices.c.read_at.is_(None))

# One notice.
FIND_NOTICE = select(notices).where(notices.c.id == bindparam("notice"))

# Mark unread notices as read; more conditions may follow.
MARK_READ = update(notices).where(notices.c.read_at.is_(None)).values(read_at=bindparam("at"))

# Make a channel.
ADD_CHANNEL = insert(notice_channels)

# Every channel with its endpoint, oldest first.
LIST_CHANNELS = (
    select(notice_channels, endpoints.c.name.label("endpoint"), endpoints.c.url)
    .join(endpoints, endpoints.c.id == notice_channels.c.endpoint_id, isouter=True)
    .order_by(notice_channels.c.id)
)

# Remove a channel.
REMOVE_CHANNEL = delete(notice_channels).where(notice_channels.c.id == bindparam("channel"))
