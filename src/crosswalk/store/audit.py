"""The audit log: who did what, each line bound to the one before it by its digest, and every statement about it."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Text, and_, bindparam, insert, or_, select
from sqlalchemy import update as change

from crosswalk.store.columns import Big, UTCDateTime, table

audit = table(
    "audit",
    Column("number", Big, primary_key=True, autoincrement=False),  # 1, 2, 3 … without a gap
    Column("at", UTCDateTime, nullable=False),
    Column("actor", Text, nullable=False),  # a token, a person's session, or the command line
    Column("ip", Text),
    Column("action", Text, nullable=False),  # such as `token.create`
    Column("object", Text, nullable=False),  # what it was done to
    Column("account_id", Text),  # whose; null where it is nobody's alone
    Column("detail", Text),  # JSON: what else is to be known, never a secret
    Column("before", LargeBinary, nullable=False),  # the digest of the line before; zeros for the first
    Column("digest", LargeBinary, nullable=False, unique=True),
    Index("ix_audit_account", "account_id", "number"),
)

# The chain's last link, in one row: writers take turns on it, and a line cut off the end is missed.
audit_head = table(
    "audit_head",
    Column("id", Integer, CheckConstraint("id = 1", name="one"), primary_key=True, autoincrement=False),
    Column("number", Big, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

# The chain's end, held until the transaction ends.
HOLD_HEAD = select(audit_head.c.number, audit_head.c.digest).with_for_update()

# The chain's end, for reading.
READ_HEAD = select(audit_head.c.number, audit_head.c.digest)

# Begin a chain.
ADD_HEAD = insert(audit_head)

# Move the chain's end.
MOVE_HEAD = change(audit_head).values(number=bindparam("to"), digest=bindparam("as"))

# Write one line.
ADD_LINE = insert(audit)

# Lines after one, in their order.
LIST_AFTER = select(audit).where(audit.c.number > bindparam("after")).order_by(audit.c.number).limit(bindparam("most"))

# Lines before one, newest first, some of them: a null asks for any.
LIST_BEFORE = (
    select(audit)
    .where(
        audit.c.number < bindparam("before_number"),
        or_(bindparam("actor", type_=Text).is_(None), audit.c.actor == bindparam("actor", type_=Text)),
        or_(bindparam("action", type_=Text).is_(None), audit.c.action == bindparam("action", type_=Text)),
        or_(
            bindparam("since", type_=UTCDateTime).is_(None),
            and_(audit.c.at >= bindparam("since", type_=UTCDateTime)),
        ),
    )
    .order_by(audit.c.number.desc())
    .limit(bindparam("most"))
)
