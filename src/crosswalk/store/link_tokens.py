"""Link tokens: leave to link one account, once. One table, and every statement about it."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    delete,
    insert,
    select,
)
from sqlalchemy import update as change

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, table

MOST_CHECKS = 20
"""Keys that may be tried with one link token, so that it is no way to try out keys of others."""
LONGEST = 7 * 24 * 3600 * 1_000_000
"""A week, in the microseconds that times are kept in."""

link_tokens = table(
    "link_tokens",
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),  # SHA-256 of the whole token
    Column("tenant_id", Text),
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="CASCADE")),  # the one to be linked again
    Column("context", Text, nullable=False),  # JSON: what the account is to keep for its owner
    Column("scopes", Text, nullable=False),  # JSON: an array of what its maker wants to do with the account
    Column("origin", Text),
    Column("redirect_uri", Text),
    Column("made_by", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("checks", Integer, CheckConstraint(f"checks BETWEEN 0 AND {MOST_CHECKS}", name="checks"), nullable=False),
    Column("used_at", UTCDateTime),
    CheckConstraint("(tenant_id IS NULL) <> (account_id IS NULL)", name="of"),
    CheckConstraint(f"expires_at > created_at AND expires_at <= created_at + {LONGEST}", name="expires_at"),
)

# Keep a new token.
ADD_LINK_TOKEN = insert(link_tokens)

# The token of this digest, used or not.
FIND_LINK_TOKEN = select(link_tokens).where(link_tokens.c.digest == bindparam("hashed"))

# Forget tokens that ended before a time.
PRUNE_LINK_TOKENS = delete(link_tokens).where(link_tokens.c.expires_at < bindparam("before"))

LIVE = (
    (link_tokens.c.digest == bindparam("hashed"))
    & link_tokens.c.used_at.is_(None)
    & (link_tokens.c.expires_at > bindparam("at"))
)

# Count one key tried with a living token; nothing when it has had its tries.
COUNT_CHECK = (
    change(link_tokens).where(LIVE, link_tokens.c.checks < MOST_CHECKS).values(checks=link_tokens.c.checks + 1)
)

# Use a living token up; nothing when another was quicker.
USE_LINK_TOKEN = change(link_tokens).where(LIVE).values(used_at=bindparam("at"))
