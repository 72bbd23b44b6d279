"""Who owns each account's lane."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Text

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Make the table."""
    big = BigInteger().with_variant(Integer(), "sqlite")
    op.create_table(
        "lanes",
        Column("account", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("token", big, nullable=False),
        Column("ends_at", big, nullable=False),
        PrimaryKeyConstraint("account", name="pk_lanes"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it; only with every process stopped."""
    op.drop_table("lanes")
