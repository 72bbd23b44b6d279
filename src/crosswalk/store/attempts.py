"""Attempts: every call of a delivery or a look-up for it, with what was sent and what came back."""

from typing import Literal, get_args

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
)

from crosswalk.store.columns import UTCDateTime, one_of, table
from crosswalk.store.many import insert_many

AttemptKind = Literal["send", "look"]
AttemptOutcome = Literal["delivered", "rejected", "retrying", "unknown", "found", "absent", "ambiguous"]
MICROSECONDS_OF_HOUR = literal_column("3600000000", BigInteger)

attempts = table(
    "attempts",
    Column("id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("number", Integer, nullable=False),  # the delivery; of a batch its first row
    Column("kind", Text, CheckConstraint(one_of("kind", get_args(AttemptKind)), name="kind"), nullable=False),
    Column("began_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime, nullable=False),
    Column("request", Text, nullable=False),  # method and path; never the credential
    Column("body", LargeBinary),  # as it went out, where it is not the delivery's own
    Column("status", Integer),
    Column("response", LargeBinary),  # its beginning
    Column(
        "outcome", Text, CheckConstraint(one_of("outcome", get_args(AttemptOutcome)), name="outcome"), nullable=False
    ),
    Column("reason", Text),
    Column("found", LargeBinary),  # of a look-up that a person must judge: its hits, as JSON
    ForeignKeyConstraint(
        ["run_id", "number"],
        ["deliveries.run_id", "deliveries.number"],
        name="fk_attempts_delivery",
        ondelete="CASCADE",
    ),
    Index(None, "run_id", "number"),
)

# Write attempts down.
ADD_ATTEMPTS = insert_many(
    attempts,
    "id",
    "run_id",
    "number",
    "kind",
    "began_at",
    "ended_at",
    "request",
    "body",
    "status",
    "response",
    "outcome",
    "reason",
    "found",
)

# Every attempt of one delivery, in order.
LIST_ATTEMPTS = (
    select(attempts)
    .where(attempts.c.run_id == bindparam("run"), attempts.c.number == bindparam("row"))
    .order_by(attempts.c.id)
)

# What calls came to, by the hour in which they began, counted from 1970: of those with ids between two.
_HOUR = type_coerce(attempts.c.began_at, BigInteger) // MICROSECONDS_OF_HOUR
COUNT_HOURS = (
    select(_HOUR, attempts.c.outcome, func.count())
    .where(attempts.c.id >= bindparam("first"), attempts.c.id < bindparam("after"), attempts.c.kind == "send")
    .group_by(_HOUR, attempts.c.outcome)
)
