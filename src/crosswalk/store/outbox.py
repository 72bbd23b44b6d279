"""The outbox: what is to be told to others, written with what it tells of, and every statement about it."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    text,
    update,
)

from crosswalk.store.columns import Big, UTCDateTime, one_of, table
from crosswalk.store.endpoints import endpoints

MessageKind = Literal["post", "mail", "record"]
"""To an endpoint by HTTP, to an address by e-mail, or into a dataset."""
MessageState = Literal["pending", "sent", "dead"]
PENDING = text("state = 'pending'")

outbox = table(
    "outbox",
    Column("number", Big, primary_key=True, autoincrement=True),  # the order in which messages were written
    Column("id", Text, nullable=False, unique=True),  # the same at every attempt: receivers drop doubles by it
    Column("kind", Text, CheckConstraint(one_of("kind", get_args(MessageKind)), name="kind"), nullable=False),
    Column("target", Text, nullable=False),  # an endpoint's id, an e-mail address or a dataset's id
    Column("topic", Text, nullable=False),  # what it tells, such as `response` or `lane.paused`
    Column("order_key", Text),  # messages of one key and target keep their order
    Column("body", LargeBinary, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("state", Text, CheckConstraint(one_of("state", get_args(MessageState)), name="state"), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", UTCDateTime),  # not before then
    Column("leased_until", UTCDateTime),  # whoever took it has until then
    Column("settled_at", UTCDateTime),
    Column("status", Integer),  # of the latest answer
    Column("reason", Text),  # what the latest attempt met
    Column("traceparent", Text),  # of the work that it tells of
    CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="due"),
    CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="settled"),
    CheckConstraint("state = 'pending' OR leased_until IS NULL", name="lease"),
    CheckConstraint("state <> 'dead' OR reason IS NOT NULL", name="reason"),
    Index("ix_outbox_due", "due_at", sqlite_where=PENDING, postgresql_where=PENDING),
    Index("ix_outbox_order", "target", "order_key", "number", sqlite_where=PENDING, postgresql_where=PENDING),
    Index("ix_outbox_target", "target", "number"),
    Index("ix_outbox_settled", "settled_at"),
)

# Write messages, in the transaction of what they tell of.
ADD_MESSAGES = insert(outbox)

_earlier = outbox.alias("earlier")
_free = or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= bindparam("now"))
_first_of_its_key = or_(
    outbox.c.order_key.is_(None),
    ~exists().where(
        and_(
            _earlier.c.state == "pending",
            _earlier.c.target == outbox.c.target,
            _earlier.c.order_key == outbox.c.order_key,
            _earlier.c.number < outbox.c.number,
        )
    ),
)
_disabled = select(endpoints.c.id).where(endpoints.c.state == "disabled")

# Messages that may go now: due, taken by nobody, first of their key, to none of the `busy` targets. What another
# worker is taking is passed by (PostgreSQL; SQLite has one writer).
LIST_DUE = (
    select(outbox)
    .where(
        outbox.c.state == "pending",
        outbox.c.kind.in_(bindparam("kinds", expanding=True)),
        outbox.c.due_at <= bindparam("now"),
        _free,
        _first_of_its_key,
        outbox.c.target.not_in(bindparam("busy", expanding=True)),
        outbox.c.target.not_in(_disabled),
    )
    .order_by(outbox.c.due_at, outbox.c.number)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=outbox)
)

# Take messages until a time.
LEASE = update(outbox).where(outbox.c.number == bindparam("row")).values(leased_until=bindparam("until"))

_taken = and_(
    outbox.c.number == bindparam("row"), outbox.c.state == "pending", outbox.c.leased_until == bindparam("until")
)

# Write that a message arrived, or never will.
SETTLE_MESSAGE = (
    update(outbox)
    .where(_taken)
    .values(
        state=bindparam("new_state"),
        attempts=outbox.c.attempts + 1,
        due_at=None,
        leased_until=None,
        settled_at=bindparam("at"),
        status=bindparam("answer"),
        reason=bindparam("why"),
    )
)

# Put a message off until a time.
PUT_OFF_MESSAGE = (
    update(outbox)
    .where(_taken)
    .values(
        attempts=outbox.c.attempts + 1,
        due_at=bindparam("due"),
        leased_until=None,
        status=bindparam("answer"),
        reason=bindparam("why"),
    )
)

# Send settled messages once more, as new.
REPLAY = (
    update(outbox)
    .where(outbox.c.state != "pending")
    .values(
        state="pending",
        attempts=0,
        due_at=bindparam("at"),
        leased_until=None,
        settled_at=None,
        status=None,
        reason=None,
    )
)

# Messages to one target or all, newest first.
LIST_MESSAGES = select(outbox).order_by(outbox.c.number.desc()).limit(bindparam("most"))

# One message.
FIND_MESSAGE = select(outbox).where(outbox.c.id == bindparam("message"))

# End what waited too long for a disabled endpoint.
END_STALE = (
    update(outbox)
    .where(outbox.c.state == "pending", outbox.c.created_at < bindparam("before"), outbox.c.target.in_(_disabled))
    .values(state="dead", due_at=None, leased_until=None, settled_at=bindparam("at"), reason=bindparam("why"))
)

# End what waits for an endpoint that is removed.
END_OF_TARGET = (
    update(outbox)
    .where(outbox.c.state == "pending", outbox.c.target == bindparam("endpoint"))
    .values(state="dead", due_at=None, leased_until=None, settled_at=bindparam("at"), reason=bindparam("why"))
)

# Forget messages that arrived before a time.
PRUNE_MESSAGES = delete(outbox).where(
    outbox.c.state == bindparam("of_state"), outbox.c.settled_at < bindparam("before")
)
