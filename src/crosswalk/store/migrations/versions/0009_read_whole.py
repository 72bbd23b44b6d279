"""Which runs have read their source to its end, so that a replay needs it no more."""

from alembic import op
from sqlalchemy import Column, Integer

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    op.add_column("runs", Column("read_whole", Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop it again."""
    op.drop_column("runs", "read_whole")
