"""API tokens."""

from alembic import op
from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Text, text
from sqlalchemy import UniqueConstraint as Unique

from crosswalk.store.columns import UTCDateTime

revision = "0003"
down_revision = "0002"

LIVE = text("revoked_at IS NULL")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tokens",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("prefix", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("accounts", Text),
        Column("created_at", UTCDateTime, nullable=False),
        Column("expires_at", UTCDateTime),
        Column("last_used_at", UTCDateTime),
        Column("revoked_at", UTCDateTime),
        PrimaryKeyConstraint("id", name="pk_tokens"),
        Unique("prefix", name="uq_tokens_prefix"),
        sqlite_strict=True,
    )
    op.create_index("ux_tokens_name_live", "tokens", ["name"], unique=True, sqlite_where=LIVE, postgresql_where=LIVE)


def downgrade() -> None:
    """Drop it; every token ends."""
    op.drop_table("tokens")
