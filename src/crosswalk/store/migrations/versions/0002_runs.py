"""Runs, their deliveries and attempts, and the changes of state that there are."""

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

from crosswalk.store.columns import UTCDateTime

revision = "0002"
down_revision = "0001"

UNFINISHED = text("state IN ('queued', 'running', 'stopped')")
ENDS = ("delivered", "unchanged", "superseded", "skipped", "cancelled", "dead", "held")
TRANSITIONS = [
    *(("pending", end) for end in ENDS),
    ("dead", "pending"),
    ("dead", "cancelled"),
    ("held", "pending"),
    ("held", "delivered"),
    ("held", "cancelled"),
]
SQLITE_TRIGGER = """
CREATE TRIGGER deliveries_transition BEFORE UPDATE OF state ON deliveries
WHEN OLD.state <> NEW.state
  AND NOT EXISTS (SELECT 1 FROM transitions AS t WHERE t.old = OLD.state AND t.new = NEW.state)
BEGIN SELECT RAISE(ABORT, 'deliveries have no such transition'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM transitions AS t WHERE t.old = OLD.state AND t.new = NEW.state) THEN
    RAISE EXCEPTION 'deliveries have no transition % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER deliveries_transition BEFORE UPDATE OF state ON deliveries
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION check_transition()
"""


def upgrade() -> None:
    """Make the tables and the trigger."""
    _make_runs()
    _make_deliveries()
    _make_attempts()
    made = op.create_table(
        "transitions",
        Column("old", Text, nullable=False),
        Column("new", Text, nullable=False),
        PrimaryKeyConstraint("old", "new", name="pk_transitions"),
        sqlite_strict=True,
    )
    op.bulk_insert(made, [{"old": old, "new": new} for old, new in TRANSITIONS])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(SQLITE_TRIGGER)
    else:
        op.execute(POSTGRES_FUNCTION)
        op.execute(POSTGRES_TRIGGER)


def _make_runs() -> None:
    op.create_table(
        "runs",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("account_id", Text),
        Column("source", Text, nullable=False),
        Column("content", Text, nullable=False),
        Column("template", Text, nullable=False),
        Column("plan", Text, nullable=False, server_default="{}"),
        Column("state", Text, nullable=False),
        Column("reason", Text),
        Column("calls", Integer, nullable=False, server_default="0"),
        Column("started_at", UTCDateTime, nullable=False),
        Column("ended_at", UTCDateTime),
        PrimaryKeyConstraint("id", name="pk_runs"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_runs_account_id", ondelete="SET NULL"),
        CheckConstraint("state IN ('queued', 'running', 'stopped', 'finished', 'abandoned')", name="ck_runs_state"),
        sqlite_strict=True,
    )
    op.create_index(
        "ux_runs_name_unfinished", "runs", ["name"], unique=True, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED
    )


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        Column("run_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("phase", Text),
        Column("key", Text),
        Column("payload", LargeBinary),
        Column("match_value", Text),
        Column("parcel", Integer),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("first_sent_at", UTCDateTime),
        Column("sent_at", UTCDateTime),
        Column("due_at", UTCDateTime),
        Column("settled_at", UTCDateTime),
        Column("status", Integer),
        Column("remote_id", Text),
        Column("reason", Text),
        PrimaryKeyConstraint("run_id", "number", name="pk_deliveries"),
        ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_deliveries_run_id", ondelete="CASCADE"),
        CheckConstraint(
            "state IN ('delivered', 'unchanged', 'superseded', 'skipped', 'cancelled', 'dead', 'pending', 'held')",
            name="ck_deliveries_state",
        ),
        CheckConstraint("phase IN ('waiting', 'sending', 'unknown')", name="ck_deliveries_phase"),
        CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="ck_deliveries_settled"),
        CheckConstraint("(state = 'pending') = (phase IS NOT NULL)", name="ck_deliveries_pending"),
        CheckConstraint(
            "state NOT IN ('dead', 'held', 'cancelled') OR reason IS NOT NULL", name="ck_deliveries_reason"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_deliveries_run_id_state", "deliveries", ["run_id", "state"])
    op.create_index("ix_deliveries_run_id_match_value", "deliveries", ["run_id", "match_value"])
    op.create_index("ix_deliveries_remote_id", "deliveries", ["remote_id"])


def _make_attempts() -> None:
    op.create_table(
        "attempts",
        Column("id", Text, nullable=False),
        Column("run_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("kind", Text, nullable=False),
        Column("began_at", UTCDateTime, nullable=False),
        Column("ended_at", UTCDateTime, nullable=False),
        Column("request", Text, nullable=False),
        Column("body", LargeBinary),
        Column("status", Integer),
        Column("response", LargeBinary),
        Column("outcome", Text, nullable=False),
        Column("reason", Text),
        PrimaryKeyConstraint("id", name="pk_attempts"),
        ForeignKeyConstraint(
            ["run_id", "number"],
            ["deliveries.run_id", "deliveries.number"],
            name="fk_attempts_delivery",
            ondelete="CASCADE",
        ),
        CheckConstraint("kind IN ('send', 'look')", name="ck_attempts_kind"),
        CheckConstraint(
            "outcome IN ('delivered', 'rejected', 'retrying', 'unknown', 'found', 'absent', 'ambiguous')",
            name="ck_attempts_outcome",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_attempts_run_id_number", "attempts", ["run_id", "number"])


def downgrade() -> None:
    """Drop them all."""
    for name in ("attempts", "deliveries", "transitions", "runs"):
        op.drop_table(name)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION check_transition()")
