"""Endpoints: addresses that outgoing webhooks go to, the secrets that sign them, and every statement about both."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
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

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import UTCDateTime, one_of, table
from crosswalk.store.sealed import page_sealed, swap_sealed

EndpointState = Literal["active", "disabled"]

endpoints = table(
    "endpoints",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="SET NULL")),  # null: of every account
    Column("state", Text, CheckConstraint(one_of("state", get_args(EndpointState)), name="state"), nullable=False),
    Column("reason", Text),  # why it is disabled
    Column("failing_since", UTCDateTime),  # the first failure after the last success
    Column("created_at", UTCDateTime, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    CheckConstraint("(state = 'disabled') = (reason IS NOT NULL)", name="reason"),
    Index(None, "account_id"),
    Index(None, "url"),
)

endpoint_secrets = table(
    "endpoint_secrets",
    Column("id", Text, primary_key=True),
    Column("endpoint_id", Text, ForeignKey(endpoints.c.id, ondelete="CASCADE"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("ends_at", UTCDateTime),  # null: until the next rotation
    Index(None, "endpoint_id"),
)

# Make an endpoint.
ADD_ENDPOINT = insert(endpoints)

# Keep one sealed secret of it.
ADD_SECRET = insert(endpoint_secrets)

# All of them after one, oldest first.
LIST_ENDPOINTS = select(endpoints).where(endpoints.c.id > bindparam("after")).order_by(endpoints.c.id)

# The endpoint of this name or id.
FIND_ENDPOINT = select(endpoints).where(or_(endpoints.c.name == bindparam("key"), endpoints.c.id == bindparam("key")))

# The oldest endpoint of this address that reaches this account, its own before one of every account.
FIND_BY_URL = (
    select(endpoints)
    .where(
        endpoints.c.url == bindparam("address"),
        or_(endpoints.c.account_id.is_(None), endpoints.c.account_id == bindparam("account")),
    )
    .order_by(endpoints.c.account_id.is_(None), endpoints.c.id)
    .limit(1)
)

# Write changed columns of an endpoint.
CHANGE_ENDPOINT = update(endpoints).where(endpoints.c.id == bindparam("endpoint"))

# Disable an endpoint that is active; nothing when it is disabled already.
DISABLE_ENDPOINT = (
    update(endpoints)
    .where(endpoints.c.id == bindparam("endpoint"), endpoints.c.state == "active")
    .values(state="disabled", reason=bindparam("why"), changed_at=bindparam("at"))
)

# Note that an endpoint fails, since when if it did not before.
NOTE_FAILURE = (
    update(endpoints)
    .where(endpoints.c.id == bindparam("endpoint"))
    .values(failing_since=func.coalesce(endpoints.c.failing_since, bindparam("at", type_=UTCDateTime)))
)

# Note that an endpoint answers again.
NOTE_SUCCESS = (
    update(endpoints)
    .where(endpoints.c.id == bindparam("endpoint"), endpoints.c.failing_since.is_not(None))
    .values(failing_since=None)
)

# Forget an endpoint; its secrets go with it.
REMOVE_ENDPOINT = delete(endpoints).where(endpoints.c.id == bindparam("endpoint"))

# Secrets that sign now, newest first.
LIST_SECRETS = (
    select(endpoint_secrets)
    .where(
        endpoint_secrets.c.endpoint_id == bindparam("endpoint"),
        or_(endpoint_secrets.c.ends_at.is_(None), endpoint_secrets.c.ends_at > bindparam("now")),
    )
    .order_by(endpoint_secrets.c.id.desc())
)

# Let the secrets that sign now end, those that end sooner excepted.
END_SECRETS = (
    update(endpoint_secrets)
    .where(
        endpoint_secrets.c.endpoint_id == bindparam("endpoint"),
        or_(endpoint_secrets.c.ends_at.is_(None), endpoint_secrets.c.ends_at > bindparam("at")),
    )
    .values(ends_at=bindparam("at"))
)

# Forget secrets that ended.
PRUNE_SECRETS = delete(endpoint_secrets).where(
    endpoint_secrets.c.endpoint_id == bindparam("endpoint"), endpoint_secrets.c.ends_at <= bindparam("at")
)

# Sealed secrets after one, to be sealed anew; and how each is.
PAGE_SEALED = page_sealed(endpoint_secrets, endpoint_secrets.c.sealed)
SWAP_SEALED = swap_sealed(endpoint_secrets, endpoint_secrets.c.sealed)
