"""Destinations and their versions."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text
from sqlalchemy import UniqueConstraint as Unique

from crosswalk.store.columns import UTCDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "destinations",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("account_id", Text),
        Column("state", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("id", name="pk_destinations"),
        Unique("name", name="uq_destinations_name"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_destinations_account_id", ondelete="SET NULL"),
        CheckConstraint("state IN ('draft', 'active', 'paused')", name="ck_destinations_state"),
        CheckConstraint("version > 0", name="ck_destinations_version"),
        sqlite_strict=True,
    )
    op.create_index("ix_destinations_account_id", "destinations", ["account_id"])
    op.create_table(
        "destination_versions",
        Column("destination_id", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("settings", Text, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("made_by", Text, nullable=False),
        PrimaryKeyConstraint("destination_id", "version", name="pk_destination_versions"),
        ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name="fk_destination_versions_destination_id",
            ondelete="CASCADE",
        ),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop both; every destination is lost."""
    op.drop_table("destination_versions")
    op.drop_table("destinations")
