"""Datasets with their records, sources with their pulls, and connections."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)
from sqlalchemy import UniqueConstraint as Unique

from crosswalk.store.columns import Big, UTCDateTime

revision = "0005"
down_revision = "0004"
KEYED = text("key IS NOT NULL")
RUNNING = text("state = 'running'")
TABLES = ("unreadables", "pulls", "connections", "sources", "records", "drifts", "datasets")


def upgrade() -> None:
    """Make all seven tables."""
    _make_datasets()
    _make_records()
    _make_sources()
    _make_pulls()


def downgrade() -> None:
    """Drop them; every source and record is lost."""
    for name in TABLES:
        op.drop_table(name)


def _make_datasets() -> None:
    op.create_table(
        "datasets",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("account_id", Text),
        Column("schema", Text, nullable=False, server_default="{}"),
        Column("samples", Text, nullable=False, server_default="[]"),
        Column("last", Big, nullable=False, server_default="0"),
        Column("created_at", UTCDateTime, nullable=False),
        Column("changed_at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("id", name="pk_datasets"),
        Unique("name", name="uq_datasets_name"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_datasets_account_id", ondelete="SET NULL"),
        CheckConstraint("origin IN ('source', 'responses')", name="ck_datasets_origin"),
        CheckConstraint("last >= 0", name="ck_datasets_last"),
        sqlite_strict=True,
    )
    op.create_index("ix_datasets_account_id", "datasets", ["account_id"])
    op.create_table(
        "drifts",
        Column("id", Text, nullable=False),
        Column("dataset_id", Text, nullable=False),
        Column("at", UTCDateTime, nullable=False),
        Column("change", Text, nullable=False),
        PrimaryKeyConstraint("id", name="pk_drifts"),
        ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_drifts_dataset_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    op.create_index("ix_drifts_dataset_id", "drifts", ["dataset_id"])


def _make_records() -> None:
    op.create_table(
        "records",
        Column("dataset_id", Text, nullable=False),
        Column("number", Big, nullable=False, autoincrement=False),
        Column("cells", LargeBinary, nullable=False),
        Column("key", Text),
        Column("at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("dataset_id", "number", name="pk_records"),
        ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_records_dataset_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    op.create_index(
        "ux_records_dataset_id_key",
        "records",
        ["dataset_id", "key"],
        unique=True,
        sqlite_where=KEYED,
        postgresql_where=KEYED,
    )


def _make_sources() -> None:
    op.create_table(
        "sources",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("settings", Text, nullable=False),
        Column("secret", LargeBinary),
        Column("account_id", Text),
        Column("dataset_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("schedule", Text),
        Column("next_at", UTCDateTime),
        Column("cursor", Text),
        Column("hook_hash", Text),
        Column("old_hook_hash", Text),
        Column("old_hook_until", UTCDateTime),
        Column("created_at", UTCDateTime, nullable=False),
        Column("changed_at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("id", name="pk_sources"),
        Unique("name", name="uq_sources_name"),
        Unique("dataset_id", name="uq_sources_dataset_id"),
        Unique("hook_hash", name="uq_sources_hook_hash"),
        Unique("old_hook_hash", name="uq_sources_old_hook_hash"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sources_account_id", ondelete="SET NULL"),
        ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_sources_dataset_id"),
        CheckConstraint("kind IN ('file', 'sql', 'http', 'webhook', 'insightly')", name="ck_sources_kind"),
        CheckConstraint("state IN ('active', 'paused')", name="ck_sources_state"),
        CheckConstraint("(kind = 'webhook') = (hook_hash IS NOT NULL)", name="ck_sources_hook_hash"),
        CheckConstraint("(old_hook_hash IS NULL) = (old_hook_until IS NULL)", name="ck_sources_old_hook"),
        sqlite_strict=True,
    )
    op.create_index("ix_sources_account_id", "sources", ["account_id"])
    op.create_index("ix_sources_next_at", "sources", ["next_at"])
    op.create_table(
        "connections",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("secret", LargeBinary, nullable=False),
        Column("shown", Text, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("id", name="pk_connections"),
        Unique("name", name="uq_connections_name"),
        sqlite_strict=True,
    )


def _make_pulls() -> None:
    op.create_table(
        "pulls",
        Column("id", Text, nullable=False),
        Column("source_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text),
        Column("first", Big),
        Column("last", Big),
        Column("rows", Big, nullable=False, server_default="0"),
        Column("unreadable", Big, nullable=False, server_default="0"),
        Column("holder", Text, nullable=False),
        Column("fence", Integer, nullable=False, server_default="1"),
        Column("lease_until", UTCDateTime, nullable=False),
        Column("started_at", UTCDateTime, nullable=False),
        Column("ended_at", UTCDateTime),
        PrimaryKeyConstraint("id", name="pk_pulls"),
        ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_pulls_source_id", ondelete="CASCADE"),
        CheckConstraint("state IN ('running', 'finished', 'failed')", name="ck_pulls_state"),
        CheckConstraint("(state = 'failed') = (reason IS NOT NULL)", name="ck_pulls_reason"),
        CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ck_pulls_ended_at"),
        CheckConstraint("unreadable <= rows", name="ck_pulls_unreadable"),
        sqlite_strict=True,
    )
    op.create_index("ix_pulls_source_id", "pulls", ["source_id"])
    op.create_index(
        "ux_pulls_source_id_running",
        "pulls",
        ["source_id"],
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_table(
        "unreadables",
        Column("pull_id", Text, nullable=False),
        Column("number", Big, nullable=False, autoincrement=False),
        Column("reason", Text, nullable=False),
        PrimaryKeyConstraint("pull_id", "number", name="pk_unreadables"),
        ForeignKeyConstraint(["pull_id"], ["pulls.id"], name="fk_unreadables_pull_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )
