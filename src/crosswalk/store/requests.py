"""The request log: calls of this hub and the calls to Insightly that they became, and every statement about it."""

from typing import Literal, get_args

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Text,
    bindparam,
    delete,
    func,
    or_,
    select,
)

from crosswalk.store.columns import Big, Real, UTCDateTime, one_of, table
from crosswalk.store.many import insert_many

Leg = Literal["ours", "insightly"]
"""A call that came to this hub, or one that it made."""

requests = table(
    "requests",
    Column("number", Big, primary_key=True, autoincrement=True),
    Column("request", Text, nullable=False),  # one id for a call and the calls that it became
    Column("leg", Text, CheckConstraint(one_of("leg", get_args(Leg)), name="leg"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("account_id", Text),
    Column("token_id", Text),
    Column("actor", Text),
    Column("ip", Text),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("query", Text, nullable=False),  # values that may be people's are masked
    Column("status", Integer),  # null where no answer came
    Column("trouble", Text),  # why none came, or why it was cut
    Column("ms", Real, nullable=False),
    Column("sent", Big),  # bytes of the body that came, or went
    Column("received", Big),  # bytes of the answer
    Column("body", Text),  # the shape of what was sent, without its content
    Column("answer", Text),  # an error's words, masked
    CheckConstraint("status IS NOT NULL OR trouble IS NOT NULL", name="outcome"),
    Index("ix_requests_at", "at"),
    Index("ix_requests_request", "request"),
    Index("ix_requests_account", "account_id", "number"),
)

# Write rows, many at once: every column but the number that the database gives.
ADD_REQUESTS = insert_many(requests, *(column.name for column in requests.c if column.name != "number"))

# Every row of one call.
FIND_REQUEST = select(requests).where(requests.c.request == bindparam("request")).order_by(requests.c.number)

# The calls to Insightly that some calls became.
FIND_REQUESTS = (
    select(requests)
    .where(requests.c.request.in_(bindparam("requests", expanding=True)), requests.c.leg == "insightly")
    .order_by(requests.c.number)
)


_texts = {name: bindparam(name, type_=Text) for name in ("account", "actor", "method", "leg", "text")}
_status = bindparam("status", type_=Integer)
_reach: BindParameter[str] = bindparam("reach", expanding=True)

# Rows before one, newest first, some of them: a null asks for any. Whoever `sees_all` is not held to `reach`.
LIST_REQUESTS = (
    select(requests)
    .where(
        requests.c.number < bindparam("before"),
        or_(_texts["account"].is_(None), requests.c.account_id == _texts["account"]),
        or_(_texts["actor"].is_(None), requests.c.actor == _texts["actor"]),
        or_(_texts["method"].is_(None), requests.c.method == _texts["method"]),
        or_(_texts["leg"].is_(None), requests.c.leg == _texts["leg"]),
        or_(_status.is_(None), requests.c.status == _status),
        or_(_texts["text"].is_(None), func.lower(requests.c.path).like(_texts["text"], escape="/")),
        or_(bindparam("sees_all", type_=Integer) == 1, requests.c.account_id.in_(_reach)),
    )
    .order_by(requests.c.number.desc())
    .limit(bindparam("most"))
)

# The oldest rows before a time, some at once, so that no transaction grows long.
FORGET_OLD = delete(requests).where(
    requests.c.number.in_(
        select(requests.c.number)
        .where(requests.c.at < bindparam("before", type_=UTCDateTime))
        .order_by(requests.c.number)
        .limit(bindparam("most"))
    )
)
