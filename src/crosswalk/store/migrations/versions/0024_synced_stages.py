"""Stages of opportunities as both sides of a pipeline sync know them."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text

from crosswalk.store.columns import Big, UTCDateTime

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "synced_stages",
        Column("automation_id", Text, nullable=False),
        Column("opportunity_id", Text, nullable=False),
        Column("stage_id", Big),
        Column(
            "origin",
            Text,
            CheckConstraint("origin IN ('insightly', 'external')", name="ck_synced_stages_origin"),
            nullable=False,
        ),
        Column("changed_at", UTCDateTime, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("automation_id", "opportunity_id", name="pk_synced_stages"),
        ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name="fk_synced_stages_automation_id", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("synced_stages")
