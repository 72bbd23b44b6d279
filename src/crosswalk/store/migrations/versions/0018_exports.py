"""Exports of datasets as runs."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "exports",
        Column("run_id", Text, nullable=False),
        Column("dataset_id", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("first", Integer, nullable=False),
        Column("last", Integer, nullable=False),
        Column("done", Integer, nullable=False),
        CheckConstraint("done >= first - 1 AND done <= last", name="ck_exports_done"),
        ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_exports_run_id", ondelete="CASCADE"),
        PrimaryKeyConstraint("run_id", name="pk_exports"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it; the runs stay."""
    op.drop_table("exports")
