"""Link tokens; what an account keeps for its owner, who its user is, and since when its key is refused."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, LargeBinary, PrimaryKeyConstraint, Text
from sqlalchemy import UniqueConstraint as Unique

from crosswalk.store.columns import UTCDateTime

revision = "0012"
down_revision = "0011"

LONGEST = 604_800_000_000


def upgrade() -> None:
    """Make the table and add the columns."""
    op.create_table(
        "link_tokens",
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("tenant_id", Text),
        Column("account_id", Text),
        Column("context", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("origin", Text),
        Column("redirect_uri", Text),
        Column("made_by", Text, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("expires_at", UTCDateTime, nullable=False),
        Column("checks", Integer, nullable=False),
        Column("used_at", UTCDateTime),
        PrimaryKeyConstraint("id", name="pk_link_tokens"),
        Unique("digest", name="uq_link_tokens_digest"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_link_tokens_account_id", ondelete="CASCADE"),
        CheckConstraint("checks BETWEEN 0 AND 20", name="ck_link_tokens_checks"),
        CheckConstraint("(tenant_id IS NULL) <> (account_id IS NULL)", name="ck_link_tokens_of"),
        CheckConstraint(
            f"expires_at > created_at AND expires_at <= created_at + {LONGEST}", name="ck_link_tokens_expires_at"
        ),
        sqlite_strict=True,
    )
    op.add_column("accounts", Column("context", Text, nullable=False, server_default="{}"))
    op.add_column("accounts", Column("user_name", Text))
    op.add_column("accounts", Column("refused_at", UTCDateTime))


def downgrade() -> None:
    """Drop the table and the columns; every link token ends."""
    for name in ("refused_at", "user_name", "context"):
        op.drop_column("accounts", name)
    op.drop_table("link_tokens")
