"""Signing in to the console: sessions, one-time links, the password, failed tries, and every statement about them."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from crosswalk.store.columns import UTCDateTime, table

sessions = table(
    "sessions",
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of the cookie's secret
    Column("way", Text, CheckConstraint("way IN ('link', 'password')", name="way"), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime, nullable=False),
    Column("ends_at", UTCDateTime, nullable=False),
    CheckConstraint("ends_at > created_at", name="ends"),
)

sign_in_links = table(
    "sign_in_links",
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of the link's secret
    Column("created_at", UTCDateTime, nullable=False),
    Column("ends_at", UTCDateTime, nullable=False),
)

passwords = table(
    "passwords",
    Column("id", Integer, CheckConstraint("id = 1", name="one"), primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # scrypt
    Column("changed_at", UTCDateTime, nullable=False),
)

sign_in_failures = table(
    "sign_in_failures",
    Column("id", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Index(None, "address", "at"),
)

# Begin a session.
ADD_SESSION = insert(sessions)

# A session that lives: neither ended nor unused for too long.
FIND_SESSION = select(sessions).where(
    sessions.c.digest == bindparam("of"), sessions.c.ends_at > bindparam("now"), sessions.c.used_at > bindparam("idle")
)

# Say that a session was used; an older word never replaces a newer one.
MARK_SESSION = (
    update(sessions).where(sessions.c.digest == bindparam("of"), sessions.c.used_at < bindparam("at"))
).values(used_at=bindparam("at"))

# End one session.
END_SESSION = delete(sessions).where(sessions.c.digest == bindparam("of"))

# End every session but one.
END_OTHERS = delete(sessions).where(sessions.c.digest != bindparam("but"))

# Forget sessions that have ended.
PRUNE_SESSIONS = delete(sessions).where(sessions.c.ends_at <= bindparam("now"))

# Make a one-time link.
ADD_LINK = insert(sign_in_links)

# Take a link: whoever deletes it has it, once.
TAKE_LINK = delete(sign_in_links).where(
    sign_in_links.c.digest == bindparam("of"), sign_in_links.c.ends_at > bindparam("now")
)

# Forget links that have ended.
PRUNE_LINKS = delete(sign_in_links).where(sign_in_links.c.ends_at <= bindparam("now"))

# The password's digest.
FIND_PASSWORD = select(passwords)

# Forget the password.
REMOVE_PASSWORD = delete(passwords)

# Keep a password.
ADD_PASSWORD = insert(passwords)

# Note a failed try.
ADD_FAILURE = insert(sign_in_failures)

# Failed tries since a time: of one address, and of all.
COUNT_FAILURES = select(
    func.coalesce(func.sum(case((sign_in_failures.c.address == bindparam("of"), 1), else_=0)), 0), func.count()
).where(sign_in_failures.c.at > bindparam("since"))

# Forget failed tries before a time.
PRUNE_FAILURES = delete(sign_in_failures).where(sign_in_failures.c.at <= bindparam("before"))

# Forget the failed tries of an address: it got in.
FORGIVE = delete(sign_in_failures).where(sign_in_failures.c.address == bindparam("of"))
