"""Integrated accounts and their sealed credentials: two tables and every statement about them."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from crosswalk.store.columns import Big, UTCDateTime, one_of, table

Status = Literal["connecting", "active", "needs_reauth", "post_install_error", "validation_error"]

accounts = table(
    "accounts",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("tenant_id", Text),
    Column("base_url", Text, nullable=False),
    Column("status", Text, CheckConstraint(one_of("status", get_args(Status)), name="status"), nullable=False),
    Column("rate", Integer, CheckConstraint("rate >= 0", name="rate")),  # calls a second; null the default, 0 no limit
    Column("daily", Integer, CheckConstraint("daily > 0", name="daily")),
    Column("instance_id", Big),
    Column("instance_name", Text),
    Column("plan", Text),
    Column("user_id", Big),
    Column("administrator", Integer, CheckConstraint("administrator IN (0, 1)", name="administrator")),
    Column("created_at", UTCDateTime, nullable=False),
    Column("checked_at", UTCDateTime),
    Column("last_good_call_at", UTCDateTime),
)

credentials = table(
    "credentials",
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="CASCADE"), primary_key=True),
    Column("field", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# Make one account.
ADD_ACCOUNT = insert(accounts)

# Keep one sealed field of an account.
ADD_CREDENTIAL = insert(credentials)

# Every account, oldest first.
LIST_ACCOUNTS = select(accounts).order_by(accounts.c.id)

# The account of this name or id.
FIND_ACCOUNT = select(accounts).where(or_(accounts.c.name == bindparam("key"), accounts.c.id == bindparam("key")))

# The other accounts that point at this Insightly instance.
SAME_INSTANCE = select(accounts.c.name).where(
    accounts.c.instance_id == bindparam("instance"), accounts.c.id != bindparam("account")
)

# One sealed field of an account.
FIND_CREDENTIAL = select(credentials).where(
    credentials.c.account_id == bindparam("account"), credentials.c.field == bindparam("name")
)

# Whatever was sealed first, to prove the master key against.
ANY_CREDENTIAL = select(credentials).limit(1)

# Write what a check found; the values are those of the changed columns.
CHECK_ACCOUNT = update(accounts).where(accounts.c.id == bindparam("account"))

# Forget an account; its credentials go with it.
REMOVE_ACCOUNT = delete(accounts).where(accounts.c.id == bindparam("account"))
