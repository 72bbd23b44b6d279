"""Integrated accounts and their sealed credentials."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, LargeBinary, PrimaryKeyConstraint, Text
from sqlalchemy import UniqueConstraint as Unique

from crosswalk.store.columns import Big, UTCDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "accounts",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("tenant_id", Text),
        Column("base_url", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("rate", Integer),
        Column("daily", Integer),
        Column("instance_id", Big),
        Column("instance_name", Text),
        Column("plan", Text),
        Column("user_id", Big),
        Column("administrator", Integer),
        Column("created_at", UTCDateTime, nullable=False),
        Column("checked_at", UTCDateTime),
        Column("last_good_call_at", UTCDateTime),
        PrimaryKeyConstraint("id", name="pk_accounts"),
        Unique("name", name="uq_accounts_name"),
        CheckConstraint(
            "status IN ('connecting', 'active', 'needs_reauth', 'post_install_error', 'validation_error')",
            name="ck_accounts_status",
        ),
        CheckConstraint("rate >= 0", name="ck_accounts_rate"),
        CheckConstraint("daily > 0", name="ck_accounts_daily"),
        CheckConstraint("administrator IN (0, 1)", name="ck_accounts_administrator"),
        sqlite_strict=True,
    )
    op.create_table(
        "credentials",
        Column("account_id", Text, nullable=False),
        Column("field", Text, nullable=False),
        Column("key_id", Text, nullable=False),
        Column("nonce", LargeBinary, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        PrimaryKeyConstraint("account_id", "field", name="pk_credentials"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_credentials_account_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop both tables; linked accounts and their keys go with them."""
    op.drop_table("credentials")
    op.drop_table("accounts")
