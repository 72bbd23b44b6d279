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
    func,
    insert,
    or_,
    select,
    update,
)

from crosswalk.store.columns import Big, UTCDateTime, one_of, table

Status = Literal["connecting", "active", "needs_reauth", "post_install_error", "validation_error"]

REFUSED_TWICE = "Insightly refused the key twice, a minute or more apart"

accounts = table(
    "accounts",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("tenant_id", Text),
    Column("base_url", Text, nullable=False),
    Column("status", Text, CheckConstraint(one_of("status", get_args(Status)), name="status"), nullable=False),
    Column("rate", Integer, CheckConstraint("rate >= 0", name="rate")),  # calls a second; null the default, 0 no limit
    Column("daily", Integer, CheckConstraint("daily > 0", name="daily")),
    Column("reserve", Integer, CheckConstraint("reserve BETWEEN 0 AND 100", name="reserve")),  # percent; null the usual
    Column("instance_id", Big),
    Column("instance_name", Text),
    Column("plan", Text),
    Column("user_id", Big),
    Column("administrator", Integer, CheckConstraint("administrator IN (0, 1)", name="administrator")),
    Column("created_at", UTCDateTime, nullable=False),
    Column("checked_at", UTCDateTime),
    Column("last_good_call_at", UTCDateTime),
    Column("revision", Integer, nullable=False, server_default="0"),  # steps with every change that clients must know
    Column("context", Text, nullable=False, server_default="{}"),  # JSON: an object that its owner keeps here
    Column("user_name", Text),
    Column("refused_at", UTCDateTime),  # the first of the 401s since the last good call
    Column("scopes", Text, nullable=False, server_default="[]"),  # JSON: an array of what its link asked for
    Column("status_reason", Text),  # why it is not active
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

# Accounts after one, oldest first, of some status, tenant and ids; null asks for any.
PAGE_ACCOUNTS = (
    select(accounts)
    .where(
        accounts.c.id > bindparam("after"),
        or_(bindparam("status", type_=Text).is_(None), accounts.c.status == bindparam("status")),
        or_(bindparam("tenant", type_=Text).is_(None), accounts.c.tenant_id == bindparam("tenant")),
    )
    .order_by(accounts.c.id)
    .limit(bindparam("most"))
)

# The account of a tenant at an Insightly instance, the oldest.
FIND_TENANT_INSTANCE = (
    select(accounts)
    .where(accounts.c.tenant_id == bindparam("tenant"), accounts.c.instance_id == bindparam("instance"))
    .order_by(accounts.c.id)
    .limit(1)
)

# One sealed field of an account.
FIND_CREDENTIAL = select(credentials).where(
    credentials.c.account_id == bindparam("account"), credentials.c.field == bindparam("name")
)

# Whatever was sealed first, to prove the master key against.
ANY_CREDENTIAL = select(credentials).limit(1)

# Put another sealed value in the place of one field of an account.
CHANGE_CREDENTIAL = (
    update(credentials)
    .where(credentials.c.account_id == bindparam("account"), credentials.c.field == bindparam("name"))
    .values(key_id=bindparam("new_key_id"), nonce=bindparam("new_nonce"), sealed=bindparam("new_sealed"))
)

# Write what a check found; the values are those of the changed columns.
CHECK_ACCOUNT = update(accounts).where(accounts.c.id == bindparam("account"))

# Step an account's revision: whoever holds an open client for it opens another.
STEP_REVISION = update(accounts).where(accounts.c.id == bindparam("account")).values(revision=accounts.c.revision + 1)

# What differs as soon as any account was linked, changed or removed.
ACCOUNTS_REVISION = select(
    func.count(), func.coalesce(func.sum(accounts.c.revision), 0), func.coalesce(func.max(accounts.c.id), "")
).select_from(accounts)

# Say when an account's key last worked; a later word is never replaced.
MARK_GOOD = (
    update(accounts)
    .where(
        accounts.c.id == bindparam("account"),
        or_(accounts.c.last_good_call_at.is_(None), accounts.c.last_good_call_at < bindparam("at")),
    )
    .values(last_good_call_at=bindparam("at"), refused_at=None)
)

# An account whose key works again is active again.
HEAL = (
    update(accounts)
    .where(accounts.c.id == bindparam("account"), accounts.c.status == "needs_reauth")
    .values(status="active", status_reason=None, revision=accounts.c.revision + 1)
)

# Keep when the key was first refused.
MARK_REFUSED = (
    update(accounts)
    .where(accounts.c.id == bindparam("account"), accounts.c.refused_at.is_(None))
    .values(refused_at=bindparam("at"))
)

# Refused since long enough: the account wants another key.
ASK_REAUTH = (
    update(accounts)
    .where(
        accounts.c.id == bindparam("account"),
        accounts.c.status.in_(("active", "post_install_error")),
        accounts.c.refused_at <= bindparam("before"),
    )
    .values(status="needs_reauth", status_reason=REFUSED_TWICE, revision=accounts.c.revision + 1)
)

# Forget an account; its credentials go with it.
REMOVE_ACCOUNT = delete(accounts).where(accounts.c.id == bindparam("account"))

# Sealed fields after one, to be sealed anew.
PAGE_SEALED = (
    select(
        credentials.c.account_id.label("id"),
        credentials.c.field,
        credentials.c.key_id,
        credentials.c.nonce,
        credentials.c.sealed.label("value"),
    )
    .where(
        or_(
            credentials.c.account_id > bindparam("after"),
            (credentials.c.account_id == bindparam("after")) & (credentials.c.field > bindparam("after_field")),
        )
    )
    .order_by(credentials.c.account_id, credentials.c.field)
    .limit(bindparam("most"))
)

# Seal one field anew, if it is still what was read.
SWAP_SEALED = (
    update(credentials)
    .where(
        credentials.c.account_id == bindparam("row"),
        credentials.c.field == bindparam("row_field"),
        credentials.c.sealed == bindparam("old"),
    )
    .values(key_id=bindparam("new_key_id"), nonce=bindparam("new_nonce"), sealed=bindparam("new_value"))
)
