"""Writes with an Idempotency-Key, and overrides of the unified mapping."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

from crosswalk.store.columns import UTCDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "idempotent_writes",
        Column("account_id", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column(
            "state",
            Text,
            CheckConstraint("state IN ('open', 'done')", name="ck_idempotent_writes_state"),
            nullable=False,
        ),
        Column("plan", Text),
        Column("done", Text, nullable=False),
        Column("sent", Text),
        Column("sent_at", UTCDateTime),
        Column("status", Integer),
        Column("answer", Text),
        Column("leased_until", UTCDateTime, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_idempotent_writes_account_id", ondelete="CASCADE"
        ),
        PrimaryKeyConstraint("account_id", "key", name="pk_idempotent_writes"),
        CheckConstraint("(state = 'done') = (status IS NOT NULL)", name="ck_idempotent_writes_answered"),
        CheckConstraint("(sent IS NULL) = (sent_at IS NULL)", name="ck_idempotent_writes_sent"),
        CheckConstraint("sent IS NULL OR plan IS NOT NULL", name="ck_idempotent_writes_planned"),
        sqlite_strict=True,
    )
    op.create_index("ix_idempotent_writes_created_at", "idempotent_writes", ["created_at"])
    op.create_table(
        "mapping_versions",
        Column("id", Text, nullable=False),
        Column(
            "layer",
            Text,
            CheckConstraint("layer IN ('base', 'environment', 'account')", name="ck_mapping_versions_layer"),
            nullable=False,
        ),
        Column("subject", Text, nullable=False),
        Column("resource", Text, nullable=False),
        Column("version", Integer, CheckConstraint("version > 0", name="ck_mapping_versions_version"), nullable=False),
        Column("overrides", Text, nullable=False),
        Column("made_by", Text, nullable=False),
        Column("made_at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("id", name="pk_mapping_versions"),
        UniqueConstraint("layer", "subject", "resource", "version", name="uq_mapping_versions_layer"),
        CheckConstraint("(layer = 'base') = (subject = '')", name="ck_mapping_versions_subject"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("mapping_versions")
    op.drop_table("idempotent_writes")
