"""What Crosswalk remembers of the records that it made or changed."""

from alembic import op
from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, Text

from crosswalk.store.columns import UTCDateTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the table, with nothing in it: every record is looked for once."""
    op.create_table(
        "memory",
        Column("account_id", Text, nullable=False),
        Column("object", Text, nullable=False),
        Column("field", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("remote_id", Text, nullable=False),
        Column("digest", LargeBinary),
        Column("body", LargeBinary),
        Column("destination_id", Text),
        Column("changed_at", UTCDateTime, nullable=False),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_memory_account_id", ondelete="CASCADE"),
        PrimaryKeyConstraint("account_id", "object", "field", "value", name="pk_memory"),
        sqlite_strict=True,
    )
    op.create_index("ix_memory_destination_id", "memory", ["destination_id"])


def downgrade() -> None:
    """Drop it; what is remembered is found again by looking."""
    op.drop_table("memory")
