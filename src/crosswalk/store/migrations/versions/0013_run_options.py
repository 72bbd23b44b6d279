"""How the file of a run is read, as it was asked for."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the column; the files of earlier runs are read as they were: all found out."""
    op.execute("ALTER TABLE runs ADD COLUMN options TEXT DEFAULT '{}' NOT NULL")


def downgrade() -> None:
    """Drop it."""
    op.drop_column("runs", "options")
