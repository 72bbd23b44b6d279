"""Endpoints with their secrets, the outbox, notices and their channels."""

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

revision = "0008"
down_revision = "0007"
PENDING = text("state = 'pending'")
LASTING = text("over_at IS NULL")
KINDS = (
    "'lane.paused', "
    "'lane.resumed', "
    "'dead_letters.new', "
    "'record.held', "
    "'run.finished', "
    "'run.stopped', "
    "'budget.spent', "
    "'budget.foreign_use', "
    "'endpoint.disabled', "
    "'source.failed', "
    "'source.empty', "
    "'schema.changed'"
)
TABLES = ("notice_channels", "notices", "outbox", "endpoint_secrets", "endpoints")


def upgrade() -> None:
    """Make all five tables."""
    _make_endpoints()
    _make_outbox()
    _make_notices()


def downgrade() -> None:
    """Drop them; every endpoint, message and notice is lost."""
    for name in TABLES:
        op.drop_table(name)


def _make_endpoints() -> None:
    op.create_table(
        "endpoints",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("url", Text, nullable=False),
        Column("account_id", Text),
        Column("state", Text, nullable=False),
        Column("reason", Text),
        Column("failing_since", UTCDateTime),
        Column("created_at", UTCDateTime, nullable=False),
        Column("changed_at", UTCDateTime, nullable=False),
        CheckConstraint("(state = 'disabled') = (reason IS NOT NULL)", name="ck_endpoints_reason"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_endpoints_account_id", ondelete="SET NULL"),
        PrimaryKeyConstraint("id", name="pk_endpoints"),
        Unique("name", name="uq_endpoints_name"),
        CheckConstraint("state IN ('active', 'disabled')", name="ck_endpoints_state"),
        sqlite_strict=True,
    )
    op.create_index("ix_endpoints_account_id", "endpoints", ["account_id"])
    op.create_index("ix_endpoints_url", "endpoints", ["url"])
    op.create_table(
        "endpoint_secrets",
        Column("id", Text, nullable=False),
        Column("endpoint_id", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("ends_at", UTCDateTime),
        ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.id"], name="fk_endpoint_secrets_endpoint_id", ondelete="CASCADE"
        ),
        PrimaryKeyConstraint("id", name="pk_endpoint_secrets"),
        sqlite_strict=True,
    )
    op.create_index("ix_endpoint_secrets_endpoint_id", "endpoint_secrets", ["endpoint_id"])


def _make_outbox() -> None:
    op.create_table(
        "outbox",
        Column("number", Big, autoincrement=True, nullable=False),
        Column("id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("order_key", Text),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempts", Integer, server_default="0", nullable=False),
        Column("due_at", UTCDateTime),
        Column("leased_until", UTCDateTime),
        Column("settled_at", UTCDateTime),
        Column("status", Integer),
        Column("reason", Text),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="ck_outbox_due"),
        CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="ck_outbox_settled"),
        CheckConstraint("state <> 'dead' OR reason IS NOT NULL", name="ck_outbox_reason"),
        CheckConstraint("state = 'pending' OR leased_until IS NULL", name="ck_outbox_lease"),
        PrimaryKeyConstraint("number", name="pk_outbox"),
        Unique("id", name="uq_outbox_id"),
        CheckConstraint("kind IN ('post', 'mail', 'record')", name="ck_outbox_kind"),
        CheckConstraint("state IN ('pending', 'sent', 'dead')", name="ck_outbox_state"),
        sqlite_strict=True,
    )
    op.create_index("ix_outbox_due", "outbox", ["due_at"], sqlite_where=PENDING, postgresql_where=PENDING)
    op.create_index(
        "ix_outbox_order", "outbox", ["target", "order_key", "number"], sqlite_where=PENDING, postgresql_where=PENDING
    )
    op.create_index("ix_outbox_settled", "outbox", ["settled_at"])
    op.create_index("ix_outbox_target", "outbox", ["target", "number"])


def _make_notices() -> None:
    op.create_table(
        "notices",
        Column("id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("level", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("account_id", Text),
        Column("message", Text, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("over_at", UTCDateTime),
        Column("read_at", UTCDateTime),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_notices_account_id", ondelete="SET NULL"),
        PrimaryKeyConstraint("id", name="pk_notices"),
        CheckConstraint(f"kind IN ({KINDS})", name="ck_notices_kind"),
        CheckConstraint("level IN ('info', 'warning', 'error')", name="ck_notices_level"),
        sqlite_strict=True,
    )
    op.create_index("ix_notices_account_id", "notices", ["account_id"])
    op.create_index(
        "ux_notices_lasting",
        "notices",
        ["kind", "subject"],
        unique=True,
        sqlite_where=LASTING,
        postgresql_where=LASTING,
    )
    op.create_table(
        "notice_channels",
        Column("id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("address", Text),
        Column("endpoint_id", Text),
        Column("kinds", Text),
        Column("created_at", UTCDateTime, nullable=False),
        CheckConstraint("(kind = 'email') = (address IS NOT NULL)", name="ck_notice_channels_email"),
        CheckConstraint("(kind = 'webhook') = (endpoint_id IS NOT NULL)", name="ck_notice_channels_webhook"),
        ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.id"], name="fk_notice_channels_endpoint_id", ondelete="CASCADE"
        ),
        PrimaryKeyConstraint("id", name="pk_notice_channels"),
        CheckConstraint("kind IN ('email', 'webhook')", name="ck_notice_channels_kind"),
        sqlite_strict=True,
    )
    op.create_index("ux_notice_channels_address", "notice_channels", ["address"], unique=True)
    op.create_index("ux_notice_channels_endpoint_id", "notice_channels", ["endpoint_id"], unique=True)
