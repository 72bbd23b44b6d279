"""API tokens: one table, and every statement about it. A token's row stays when it is revoked."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from crosswalk.store.columns import UTCDateTime, table

tokens = table(
    "tokens",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),  # what is shown of it
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the whole token
    Column("scopes", Text, nullable=False),  # JSON: an array of scopes
    Column("accounts", Text),  # JSON: an array of account ids; null is every account
    Column("created_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime),
    Column("last_used_at", UTCDateTime),
    Column("revoked_at", UTCDateTime),
    Column("deny", Text),  # JSON: an array of scopes that it lacks, whatever `scopes` says
    Column("networks", Text),  # JSON: an array of networks that it may be shown from; null is any
    Column("rotations", Integer, nullable=False, server_default="0"),
    Column("old_prefix", Text),  # what it was called before the last rotation, and until when that still holds
    Column("old_digest", LargeBinary),
    Column("old_ends_at", UTCDateTime),
    CheckConstraint("(old_prefix IS NULL) = (old_digest IS NULL)", name="old"),
    CheckConstraint("(old_prefix IS NULL) = (old_ends_at IS NULL)", name="old_ends"),
    Index("ux_tokens_old_prefix", "old_prefix", unique=True),
    Index("ux_tokens_name_live", "name", unique=True, sqlite_where=text("revoked_at IS NULL"),
          postgresql_where=text("revoked_at IS NULL")),
)  # fmt: skip

# Keep a new token.
ADD_TOKEN = insert(tokens)

# Every token, oldest first.
LIST_TOKENS = select(tokens).order_by(tokens.c.id)

# Those that were not revoked.
LIST_LIVE = select(tokens).where(tokens.c.revoked_at.is_(None))

# The token of this id, or the living one of this name.
FIND_TOKEN = select(tokens).where(
    or_(tokens.c.id == bindparam("key"), (tokens.c.name == bindparam("key")) & tokens.c.revoked_at.is_(None))
)

# Rows are only added, revoked once, and rotated: these change whenever any token does, whatever the clocks say.
COUNT_CHANGES = select(
    func.count(), func.count(tokens.c.revoked_at), func.coalesce(func.sum(tokens.c.rotations), 0)
).select_from(tokens)

# Give a living token another text; the one before it holds on for a while, one before that ends now.
ROTATE_TOKEN = (
    update(tokens)
    .where(
        tokens.c.id == bindparam("token"), tokens.c.revoked_at.is_(None), tokens.c.rotations == bindparam("rotation")
    )
    .values(
        prefix=bindparam("new_prefix"),
        digest=bindparam("new_digest"),
        old_prefix=tokens.c.prefix,
        old_digest=tokens.c.digest,
        old_ends_at=bindparam("ends_at"),
        rotations=tokens.c.rotations + 1,
    )
)

# Say that a token ends now.
REVOKE_TOKEN = (
    update(tokens)
    .where(tokens.c.id == bindparam("token"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)

# Say when a token was last used; an older word never replaces a newer one.
MARK_USED = (
    update(tokens)
    .where(
        tokens.c.id == bindparam("token"), or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at < bindparam("at"))
    )
    .values(last_used_at=bindparam("at"))
)
