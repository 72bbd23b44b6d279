"""Runs and their deliveries."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)

from crosswalk.store.columns import UTCDateTime

revision = "0002"
down_revision = "0001"

UNFINISHED = text("state IN ('running', 'stopped')")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "runs",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("account_id", Text),
        Column("source", Text, nullable=False),
        Column("template", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text),
        Column("calls", Integer, nullable=False, server_default="0"),
        Column("started_at", UTCDateTime, nullable=False),
        Column("ended_at", UTCDateTime),
        PrimaryKeyConstraint("id", name="pk_runs"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_runs_account_id", ondelete="SET NULL"),
        CheckConstraint("state IN ('running', 'stopped', 'finished', 'abandoned')", name="ck_runs_state"),
        sqlite_strict=True,
    )
    op.create_index(
        "ux_runs_name_unfinished",
        "runs",
        ["name"],
        unique=True,
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    )
    op.create_table(
        "deliveries",
        Column("run_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("method", Text),
        Column("path", Text),
        Column("body", LargeBinary),
        Column("sent_at", UTCDateTime),
        Column("settled_at", UTCDateTime),
        Column("status", Integer),
        Column("remote_id", Text),
        Column("reason", Text),
        PrimaryKeyConstraint("run_id", "number", name="pk_deliveries"),
        ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_deliveries_run_id", ondelete="CASCADE"),
        CheckConstraint(
            "state IN ('delivered', 'unchanged', 'superseded', 'skipped', 'cancelled', 'dead', 'pending', 'held')",
            name="ck_deliveries_state",
        ),
        CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="ck_deliveries_settled"),
        CheckConstraint("state NOT IN ('dead', 'held') OR reason IS NOT NULL", name="ck_deliveries_reason"),
        sqlite_strict=True,
    )
    op.create_index("ix_deliveries_run_id_state", "deliveries", ["run_id", "state"])


def downgrade() -> None:
    """Drop both."""
    op.drop_table("deliveries")
    op.drop_table("runs")
