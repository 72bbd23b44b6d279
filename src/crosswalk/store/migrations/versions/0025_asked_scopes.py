"""What the link asked for of an account, and why an account is not active."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("accounts", Column("scopes", Text, nullable=False, server_default="[]"))
    op.add_column("accounts", Column("status_reason", Text))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("accounts", "status_reason")
    op.drop_column("accounts", "scopes")
