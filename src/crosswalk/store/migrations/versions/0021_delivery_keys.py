"""An index of deliveries by their key."""

from alembic import op
from sqlalchemy import text

revision = "0021"
down_revision = "0020"
NAME = "ix_deliveries_key_run_id_number"
KEYED = text("key IS NOT NULL")


def upgrade() -> None:
    """Make it."""
    op.create_index(NAME, "deliveries", ["key", "run_id", "number"], sqlite_where=KEYED, postgresql_where=KEYED)


def downgrade() -> None:
    """Drop it."""
    op.drop_index(NAME, "deliveries")
