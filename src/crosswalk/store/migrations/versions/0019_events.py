"""Events, who subscribes to them, and the watches that find out what changed at Insightly.

Kinds of notices are no longer listed by the database: each new one would rebuild the table.
"""

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

from crosswalk.store.columns import Big, Real, UTCDateTime

revision = "0019"
down_revision = "0018"
KINDS = (
    "'lane.paused', 'lane.resumed', 'dead_letters.new', 'record.held', 'run.finished', 'run.stopped', 'budget.spent', "
    "'budget.foreign_use', 'endpoint.disabled', 'source.failed', 'source.empty', 'schema.changed'"
)
COLUMNS = "id, kind, level, subject, account_id, message, created_at, over_at, read_at"


def upgrade() -> None:
    """Make the tables, with nothing in them."""
    _make_events()
    _make_watches()
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("ck_notices_kind", "notices")
    else:
        _remake_notices(checked=False)


def downgrade() -> None:
    """Drop them; notices of kinds that the version before does not know are lost."""
    op.execute(text(f"DELETE FROM notices WHERE kind NOT IN ({KINDS})"))  # noqa: S608 (constants of this file)
    if op.get_bind().dialect.name == "postgresql":
        op.create_check_constraint("ck_notices_kind", "notices", f"kind IN ({KINDS})")
    else:
        _remake_notices(checked=True)
    for name in ("hints", "watched", "watches", "subscriptions", "event_head", "events"):
        op.drop_table(name)


def _make_events() -> None:
    op.create_table(
        "events",
        Column("number", Big, nullable=False, autoincrement=False),
        Column("id", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("account_id", Text),
        Column("resource", Text),
        Column("record_id", Text),
        Column("at", UTCDateTime, nullable=False),
        Column("data", LargeBinary, nullable=False),
        CheckConstraint("(resource IS NULL) = (record_id IS NULL)", name="ck_events_record"),
        PrimaryKeyConstraint("number", name="pk_events"),
        Unique("id", name="uq_events_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_events_account", "events", ["account_id", "number"])
    op.create_index("ix_events_record", "events", ["account_id", "resource", "record_id", "number"])
    op.create_index("ix_events_at", "events", ["at"])
    op.create_table(
        "event_head",
        Column("id", Integer, nullable=False, autoincrement=False),
        Column("number", Big, nullable=False),
        CheckConstraint("id = 1", name="ck_event_head_one"),
        PrimaryKeyConstraint("id", name="pk_event_head"),
        sqlite_strict=True,
    )
    op.create_table(
        "subscriptions",
        Column("id", Text, nullable=False),
        Column("endpoint_id", Text, nullable=False),
        Column("account_id", Text),
        Column("types", Text),
        Column("resources", Text),
        Column("told", Big, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.id"], name="fk_subscriptions_endpoint_id", ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_subscriptions_account_id", ondelete="CASCADE"),
        PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sqlite_strict=True,
    )
    op.create_index("ix_subscriptions_endpoint_id", "subscriptions", ["endpoint_id"])
    op.create_index("ix_subscriptions_account_id", "subscriptions", ["account_id"])


def _make_watches() -> None:
    op.create_table(
        "watches",
        Column("id", Text, nullable=False),
        Column("account_id", Text, nullable=False),
        Column("resource", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("every", Integer, nullable=False),
        Column("slowest", Integer, nullable=False),
        Column("sweep_every", Integer),
        Column("interval", Integer, nullable=False),
        Column("mark", UTCDateTime),
        Column("based_at", UTCDateTime),
        Column("lag", Real, nullable=False),
        Column("next_at", UTCDateTime, nullable=False),
        Column("sweep_at", UTCDateTime),
        Column("polled_at", UTCDateTime),
        Column("swept_at", UTCDateTime),
        Column("held", Integer, nullable=False, server_default="0"),
        Column("released_at", UTCDateTime),
        Column("trouble", Text),
        Column("day", Text, nullable=False),
        Column("calls", Integer, nullable=False, server_default="0"),
        Column("leased_until", UTCDateTime),
        Column("hint_digest", LargeBinary),
        Column("hint_user", Text),
        Column("hint_password", LargeBinary),
        Column("hint_first_at", UTCDateTime),
        Column("hint_last_at", UTCDateTime),
        Column("hint_count", Big, nullable=False, server_default="0"),
        Column("created_at", UTCDateTime, nullable=False),
        CheckConstraint("state IN ('active', 'paused')", name="ck_watches_state"),
        CheckConstraint("(hint_user IS NULL) = (hint_password IS NULL)", name="ck_watches_hint_auth"),
        CheckConstraint("every > 0 AND slowest >= every", name="ck_watches_pace"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_watches_account_id", ondelete="CASCADE"),
        PrimaryKeyConstraint("id", name="pk_watches"),
        sqlite_strict=True,
    )
    op.create_index("ux_watches_account_id_resource", "watches", ["account_id", "resource"], unique=True)
    op.create_index("ux_watches_hint_digest", "watches", ["hint_digest"], unique=True)
    op.create_index("ix_watches_next_at", "watches", ["next_at"])
    op.create_table(
        "watched",
        Column("watch_id", Text, nullable=False),
        Column("record_id", Big, nullable=False, autoincrement=False),
        Column("digest", LargeBinary, nullable=False),
        Column("wire", LargeBinary, nullable=False),
        Column("updated_at", UTCDateTime),
        Column("seen_at", UTCDateTime, nullable=False),
        ForeignKeyConstraint(["watch_id"], ["watches.id"], name="fk_watched_watch_id", ondelete="CASCADE"),
        PrimaryKeyConstraint("watch_id", "record_id", name="pk_watched"),
        sqlite_strict=True,
    )
    op.create_table(
        "hints",
        Column("watch_id", Text, nullable=False),
        Column("record_id", Big, nullable=False, autoincrement=False),
        Column("came_at", UTCDateTime, nullable=False),
        Column("said_at", UTCDateTime),
        Column("due_at", UTCDateTime, nullable=False),
        Column("tries", Integer, nullable=False, server_default="0"),
        Column("turn", Integer, nullable=False, server_default="1"),
        ForeignKeyConstraint(["watch_id"], ["watches.id"], name="fk_hints_watch_id", ondelete="CASCADE"),
        PrimaryKeyConstraint("watch_id", "record_id", name="pk_hints"),
        sqlite_strict=True,
    )


def _remake_notices(*, checked: bool) -> None:
    """SQLite drops no check of a table: the rows move into one that has it, or has not."""
    checks = [CheckConstraint(f"kind IN ({KINDS})", name="ck_notices_kind")] if checked else []
    op.create_table(
        "notices_new",
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
        *checks,
        CheckConstraint("level IN ('info', 'warning', 'error')", name="ck_notices_level"),
        sqlite_strict=True,
    )
    op.execute(text(f"INSERT INTO notices_new ({COLUMNS}) SELECT {COLUMNS} FROM notices"))  # noqa: S608 (constants)
    op.drop_table("notices")
    op.rename_table("notices_new", "notices")
    op.create_index("ix_notices_account_id", "notices", ["account_id"])
    lasting = text("over_at IS NULL")
    op.create_index("ux_notices_lasting", "notices", ["kind", "subject"], unique=True, sqlite_where=lasting)
