"""What all processes of a database have sent of an account."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Text

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make the table; on PostgreSQL its pages keep room, so that a changed row stays where it is."""
    op.create_table(
        "paces",
        Column("name", Text, nullable=False),
        Column("version", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
        Column("format", Integer, nullable=False),
        Column("state", Text, nullable=False),
        PrimaryKeyConstraint("name", name="pk_paces"),
        sqlite_strict=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE paces SET (fillfactor = 30)")


def downgrade() -> None:
    """Drop it; what was counted of the day is Insightly's to tell."""
    op.drop_table("paces")
