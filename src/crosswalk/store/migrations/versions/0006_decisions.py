"""Rows kept as they were read and edited, decisions about them, what a run was asked, and what was pruned."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
)

from crosswalk.store.columns import UTCDateTime

revision = "0006"
down_revision = "0005"

# In words of our own: Alembic would add the check on its own, which SQLite cannot.
ADD_ASKED = (
    "ALTER TABLE runs ADD COLUMN asked TEXT CONSTRAINT ck_runs_asked CHECK (asked IN ('pause', 'cancel', 'replay'))"
)


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("deliveries", Column("cells", LargeBinary))
    op.add_column("deliveries", Column("edited", LargeBinary))
    op.add_column("deliveries", Column("decided", Integer, nullable=False, server_default="0"))
    op.add_column("attempts", Column("found", LargeBinary))
    op.add_column("runs", Column("asked_by", Text))
    op.add_column("runs", Column("pruned_at", UTCDateTime))
    op.execute(ADD_ASKED)
    op.create_table(
        "decisions",
        Column("id", Text, nullable=False),
        Column("run_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("kind", Text, nullable=False),
        Column("who", Text, nullable=False),
        Column("at", UTCDateTime, nullable=False),
        Column("reason", Text),
        Column("change", Text),
        Column("remote_id", Text),
        PrimaryKeyConstraint("id", name="pk_decisions"),
        ForeignKeyConstraint(
            ["run_id", "number"],
            ["deliveries.run_id", "deliveries.number"],
            name="fk_decisions_delivery",
            ondelete="CASCADE",
        ),
        CheckConstraint(
            "kind IN ('edit', 'replay', 'discard', 'send_again', 'adopt', 'give_up')", name="ck_decisions_kind"
        ),
        CheckConstraint("kind NOT IN ('discard', 'give_up') OR reason IS NOT NULL", name="ck_decisions_reason"),
        CheckConstraint("(kind = 'adopt') = (remote_id IS NOT NULL)", name="ck_decisions_adopt"),
        sqlite_strict=True,
    )
    op.create_index("ix_decisions_run_id_number", "decisions", ["run_id", "number"])


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("decisions")
    for name in ("pruned_at", "asked_by", "asked"):
        op.drop_column("runs", name)
    op.drop_column("attempts", "found")
    for name in ("decided", "edited", "cells"):
        op.drop_column("deliveries", name)
