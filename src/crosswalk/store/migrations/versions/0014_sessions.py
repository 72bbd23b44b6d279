"""Signing in to the console; and an index of rows that need a person, so that lists of them stay quick."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, PrimaryKeyConstraint, Text, text

from crosswalk.store.columns import UTCDateTime

revision = "0014"
down_revision = "0013"

TROUBLED = text("state IN ('dead', 'held')")


def upgrade() -> None:
    """Make the tables and the index."""
    op.create_table(
        "sessions",
        Column("digest", LargeBinary, nullable=False),
        Column("way", Text, CheckConstraint("way IN ('link', 'password')", name="ck_sessions_way"), nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("used_at", UTCDateTime, nullable=False),
        Column("ends_at", UTCDateTime, nullable=False),
        CheckConstraint("ends_at > created_at", name="ck_sessions_ends"),
        PrimaryKeyConstraint("digest", name="pk_sessions"),
        sqlite_strict=True,
    )
    op.create_table(
        "sign_in_links",
        Column("digest", LargeBinary, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("ends_at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("digest", name="pk_sign_in_links"),
        sqlite_strict=True,
    )
    op.create_table(
        "passwords",
        Column("id", Integer, CheckConstraint("id = 1", name="ck_passwords_one"), nullable=False, autoincrement=False),
        Column("salt", LargeBinary, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("changed_at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("id", name="pk_passwords"),
        sqlite_strict=True,
    )
    op.create_table(
        "sign_in_failures",
        Column("id", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("id", name="pk_sign_in_failures"),
        sqlite_strict=True,
    )
    op.create_index("ix_sign_in_failures_address_at", "sign_in_failures", ["address", "at"])
    op.create_index(
        "ix_deliveries_troubled",
        "deliveries",
        ["run_id", "number", "state"],
        sqlite_where=TROUBLED,
        postgresql_where=TROUBLED,
    )


def downgrade() -> None:
    """Drop them; everybody is signed out."""
    op.drop_index("ix_deliveries_troubled", "deliveries")
    for name in ("sign_in_failures", "passwords", "sign_in_links", "sessions"):
        op.drop_table(name)
