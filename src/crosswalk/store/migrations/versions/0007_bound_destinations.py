"""Destinations bound to a dataset, and runs that belong to a version of a destination."""

from alembic import op

revision = "0007"
down_revision = "0006"

# In words of our own: Alembic would add the checks on their own, which SQLite cannot. None is a foreign key: SQLite
# cannot add one by name, and which destination a run belonged to is worth knowing when that is gone.
COLUMNS = (
    ("destinations", "dataset_id", "TEXT"),
    (
        "destinations",
        "position",
        "{big} DEFAULT '0' NOT NULL CONSTRAINT ck_destinations_position CHECK (position >= 0)",
    ),
    ("runs", "destination_id", "TEXT"),
    ("runs", "destination_version", "INTEGER"),
    (
        "runs",
        "kind",
        "TEXT DEFAULT 'send' NOT NULL CONSTRAINT ck_runs_kind CHECK (kind IN ('send', 'test', 'export'))",
    ),
    ("runs", "undoes", "TEXT"),
)


def upgrade() -> None:
    """Add the columns and their indexes."""
    big = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    for table, column, kind in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind.format(big=big)}")
    op.create_index("ix_destinations_dataset_id", "destinations", ["dataset_id"])
    op.create_index("ix_runs_destination_id", "runs", ["destination_id"])
    op.create_index("ux_runs_undoes", "runs", ["undoes"], unique=True)


def downgrade() -> None:
    """Drop them again: destinations forget their datasets, runs their destinations."""
    op.drop_index("ux_runs_undoes", "runs")
    op.drop_index("ix_runs_destination_id", "runs")
    op.drop_index("ix_destinations_dataset_id", "destinations")
    for table, column, _ in reversed(COLUMNS):
        op.drop_column(table, column)
