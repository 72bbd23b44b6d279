"""Writes of the unified API that carry an Idempotency-Key, and every statement about them."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, one_of, table

WriteState = Literal["open", "done"]

writes = table(
    "idempotent_writes",
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of method, path and body
    Column("state", Text, CheckConstraint(one_of("state", get_args(WriteState)), name="state"), nullable=False),
    Column("plan", Text),  # JSON; null before anything was planned
    Column("done", Text, nullable=False),  # JSON: steps that are done, each with the record's id
    Column("sent", Text),  # the step whose call went out and is not known to be over
    Column("sent_at", UTCDateTime),
    Column("status", Integer),
    Column("answer", Text),  # the body that was answered
    Column("leased_until", UTCDateTime, nullable=False),  # until then somebody works on it
    Column("created_at", UTCDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("account_id", "key"),
    CheckConstraint("(state = 'done') = (status IS NOT NULL)", name="answered"),
    CheckConstraint("(sent IS NULL) = (sent_at IS NULL)", name="sent"),
    CheckConstraint("sent IS NULL OR plan IS NOT NULL", name="planned"),
)
_HERE = (writes.c.account_id == bindparam("of_account"), writes.c.key == bindparam("of_key"))
_OURS = (*_HERE, writes.c.leased_until == bindparam("lease", type_=UTCDateTime))

# Begin a write.
ADD_WRITE = insert(writes)

# One write.
FIND_WRITE = select(writes).where(*_HERE)

# Take over a write that nobody works on any more; whoever changes a row has it.
TAKE_WRITE = (
    update(writes).where(*_OURS, writes.c.state == "open").values(leased_until=bindparam("until", type_=UTCDateTime))
)

# Write down what was planned, sent, done or answered, by whoever holds the lease.
CHANGE_WRITE = update(writes).where(*_OURS)

# Forget a write that took no effect.
REMOVE_WRITE = delete(writes).where(*_OURS)

# Forget writes whose time is over.
REMOVE_OLD_WRITES = delete(writes).where(
    writes.c.created_at < bindparam("before", type_=UTCDateTime),
    writes.c.leased_until < bindparam("at", type_=UTCDateTime),
)
