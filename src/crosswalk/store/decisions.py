"""Decisions: what a person did about a delivery, who and when."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    bindparam,
    insert,
    select,
)

from crosswalk.store.columns import UTCDateTime, one_of, table

DecisionKind = Literal["edit", "replay", "discard", "send_again", "adopt", "give_up"]

decisions = table(
    "decisions",
    Column("id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, CheckConstraint(one_of("kind", get_args(DecisionKind)), name="kind"), nullable=False),
    Column("who", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("reason", Text),
    Column("change", Text),  # JSON: the edit, as it was asked for
    Column("remote_id", Text),  # of an adopted record
    CheckConstraint("kind NOT IN ('discard', 'give_up') OR reason IS NOT NULL", name="reason"),
    CheckConstraint("(kind = 'adopt') = (remote_id IS NOT NULL)", name="adopt"),
    ForeignKeyConstraint(
        ["run_id", "number"],
        ["deliveries.run_id", "deliveries.number"],
        name="fk_decisions_delivery",
        ondelete="CASCADE",
    ),
    Index(None, "run_id", "number"),
)

# Write decisions down.
ADD_DECISIONS = insert(decisions)

# Every decision about one delivery, in order.
LIST_DECISIONS = (
    select(decisions)
    .where(decisions.c.run_id == bindparam("run"), decisions.c.number == bindparam("row"))
    .order_by(decisions.c.id)
)
