"""The audit log, the request log, and what tokens may not and from where."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, PrimaryKeyConstraint, Text
from sqlalchemy import UniqueConstraint as Unique

from crosswalk.store.columns import Big, Real, UTCDateTime

revision = "0015"
down_revision = "0014"
ADDED = {
    "deny": "TEXT",
    "networks": "TEXT",
    "rotations": "INTEGER NOT NULL DEFAULT 0",
    "old_prefix": "TEXT",
    "old_digest": "{bytes} CONSTRAINT ck_tokens_old CHECK ((old_prefix IS NULL) = (old_digest IS NULL))",
    "old_ends_at": "{whole} CONSTRAINT ck_tokens_old_ends CHECK ((old_prefix IS NULL) = (old_ends_at IS NULL))",
}
SQLITE, POSTGRESQL = {"bytes": "BLOB", "whole": "INTEGER"}, {"bytes": "BYTEA", "whole": "BIGINT"}


def upgrade() -> None:
    """Make the tables, and widen that of tokens."""
    kinds = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for name, kind in ADDED.items():
        op.execute(f"ALTER TABLE tokens ADD COLUMN {name} {kind.format(**kinds)}")
    op.create_index("ux_tokens_old_prefix", "tokens", ["old_prefix"], unique=True)
    _make_audit()
    _make_requests()


def downgrade() -> None:
    """Drop them; the audit log and the request log are lost."""
    for name in ("requests", "audit_head", "audit"):
        op.drop_table(name)
    op.drop_index("ux_tokens_old_prefix", "tokens")
    for name in ("old_ends_at", "old_digest"):
        if op.get_bind().dialect.name == "postgresql":
            op.drop_constraint(f"ck_tokens_{'old' if name == 'old_digest' else 'old_ends'}", "tokens")
    for name in reversed(ADDED):
        op.drop_column("tokens", name)


def _make_audit() -> None:
    op.create_table(
        "audit",
        Column("number", Big, nullable=False, autoincrement=False),
        Column("at", UTCDateTime, nullable=False),
        Column("actor", Text, nullable=False),
        Column("ip", Text),
        Column("action", Text, nullable=False),
        Column("object", Text, nullable=False),
        Column("account_id", Text),
        Column("detail", Text),
        Column("before", LargeBinary, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        PrimaryKeyConstraint("number", name="pk_audit"),
        Unique("digest", name="uq_audit_digest"),
        sqlite_strict=True,
    )
    op.create_index("ix_audit_account", "audit", ["account_id", "number"])
    op.create_table(
        "audit_head",
        Column("id", Integer, nullable=False, autoincrement=False),
        Column("number", Big, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        PrimaryKeyConstraint("id", name="pk_audit_head"),
        CheckConstraint("id = 1", name="ck_audit_head_one"),
        sqlite_strict=True,
    )
    zeros = f"X'{bytes(32).hex()}'" if op.get_bind().dialect.name == "sqlite" else rf"'\x{bytes(32).hex()}'"
    op.execute(f"INSERT INTO audit_head (id, number, digest) VALUES (1, 0, {zeros})")  # noqa: S608 (a constant)


def _make_requests() -> None:
    op.create_table(
        "requests",
        Column("number", Big, nullable=False, autoincrement=True),
        Column("request", Text, nullable=False),
        Column("leg", Text, nullable=False),
        Column("at", UTCDateTime, nullable=False),
        Column("account_id", Text),
        Column("token_id", Text),
        Column("actor", Text),
        Column("ip", Text),
        Column("method", Text, nullable=False),
        Column("path", Text, nullable=False),
        Column("query", Text, nullable=False),
        Column("status", Integer),
        Column("trouble", Text),
        Column("ms", Real, nullable=False),
        Column("sent", Big),
        Column("received", Big),
        Column("body", Text),
        Column("answer", Text),
        PrimaryKeyConstraint("number", name="pk_requests"),
        CheckConstraint("leg IN ('ours', 'insightly')", name="ck_requests_leg"),
        CheckConstraint("status IS NOT NULL OR trouble IS NOT NULL", name="ck_requests_outcome"),
        sqlite_strict=True,
    )
    op.create_index("ix_requests_at", "requests", ["at"])
    op.create_index("ix_requests_request", "requests", ["request"])
    op.create_index("ix_requests_account", "requests", ["account_id", "number"])
