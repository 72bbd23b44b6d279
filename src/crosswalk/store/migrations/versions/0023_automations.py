"""Automations, firings and their steps."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

from crosswalk.store.columns import UTCDateTime

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "automations",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("account_id", Text, nullable=False),
        Column("settings", Text, nullable=False),
        Column(
            "state", Text, CheckConstraint("state IN ('active', 'paused')", name="ck_automations_state"), nullable=False
        ),
        Column("look_at", UTCDateTime, nullable=False),
        Column("seen_until", UTCDateTime),
        Column("turn", Integer, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("changed_at", UTCDateTime, nullable=False),
        PrimaryKeyConstraint("id", name="pk_automations"),
        UniqueConstraint("name", name="uq_automations_name"),
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_automations_account_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    op.create_index("ix_automations_account_id", "automations", ["account_id"])
    op.create_table(
        "firings",
        Column("id", Text, nullable=False),
        Column("automation_id", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column(
            "state",
            Text,
            CheckConstraint(
                "state IN ('open', 'done', 'failed', 'held', 'skipped', 'undoing', 'undone')", name="ck_firings_state"
            ),
            nullable=False,
        ),
        Column("input", Text, nullable=False),
        Column("result", Text),
        Column("reason", Text),
        Column("round", Integer, nullable=False),
        Column("due_at", UTCDateTime),
        Column("leased_until", UTCDateTime, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("ended_at", UTCDateTime),
        PrimaryKeyConstraint("id", name="pk_firings"),
        ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name="fk_firings_automation_id", ondelete="CASCADE"
        ),
        UniqueConstraint("automation_id", "key", name="uq_firings_automation_id"),
        CheckConstraint("(state IN ('open', 'undoing')) = (due_at IS NOT NULL)", name="ck_firings_due"),
        CheckConstraint("(state IN ('open', 'undoing')) = (ended_at IS NULL)", name="ck_firings_ended"),
        CheckConstraint("state NOT IN ('failed', 'held', 'skipped') OR reason IS NOT NULL", name="ck_firings_reason"),
        sqlite_strict=True,
    )
    op.create_index("ix_firings_due_at", "firings", ["due_at"])
    op.create_index("ix_firings_automation_id_subject", "firings", ["automation_id", "subject"])
    op.create_table(
        "firing_steps",
        Column("firing_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("step", Text, nullable=False),
        Column(
            "state",
            Text,
            CheckConstraint(
                "state IN ('open', 'sent', 'done', 'failed', 'held', 'undone')", name="ck_firing_steps_state"
            ),
            nullable=False,
        ),
        Column("remote_id", Text),
        Column("made", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("sent_at", UTCDateTime),
        Column("empty_at", UTCDateTime),
        Column("ended_at", UTCDateTime),
        Column("status", Integer),
        Column("reason", Text),
        PrimaryKeyConstraint("firing_id", "number", name="pk_firing_steps"),
        ForeignKeyConstraint(["firing_id"], ["firings.id"], name="fk_firing_steps_firing_id", ondelete="CASCADE"),
        CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="ck_firing_steps_sent"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("firing_steps", "firings", "automations"):
        op.drop_table(name)
