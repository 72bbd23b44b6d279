"""The share of an account's day that lanes leave to people."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column; an account without one keeps the usual share."""
    check = "CONSTRAINT ck_accounts_reserve CHECK (reserve BETWEEN 0 AND 100)"
    op.execute(f"ALTER TABLE accounts ADD COLUMN reserve INTEGER {check}")


def downgrade() -> None:
    """Drop it."""
    op.drop_column("accounts", "reserve")
