"""Messages keep the trace of the work that they tell of."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the column."""
    op.add_column("outbox", sa.Column("traceparent", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("outbox", "traceparent")
