"""What people change in deliveries that need them: dead and held ones, many at a time."""

from sqlalchemy import LargeBinary, bindparam, or_, select, update

from crosswalk.store.accounts import accounts
from crosswalk.store.attempts import attempts
from crosswalk.store.columns import UTCDateTime
from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import runs

# Deliveries with what their run is, newest first; nobody else changes them before the transaction ends.
TROUBLED = (
    select(
        deliveries,
        runs.c.plan,
        runs.c.template,
        runs.c.started_at,
        runs.c.account_id,
        accounts.c.base_url,
    )
    .join(runs, runs.c.id == deliveries.c.run_id)
    .join(accounts, accounts.c.id == runs.c.account_id, isouter=True)
    .order_by(deliveries.c.run_id.desc(), deliveries.c.number.desc())
    .limit(bindparam("most"))
    .with_for_update(of=deliveries)
)

_SEEN = (
    deliveries.c.run_id == bindparam("run"),
    deliveries.c.number == bindparam("row"),
    deliveries.c.decided == bindparam("seen"),
)
# Written out: a list would be filled in anew for every row, which many rows at once do not allow.
_TROUBLED = or_(deliveries.c.state == "dead", deliveries.c.state == "held")
_NEXT = deliveries.c.decided + 1

# Keep a dead row's edit.
EDIT = update(deliveries).where(*_SEEN, deliveries.c.state == "dead").values(edited=bindparam("draft"), decided=_NEXT)

# Let a dead or held row go again, as one that was never sent; without a call it is planned anew.
REPLAY = (
    update(deliveries)
    .where(*_SEEN, _TROUBLED)
    .values(
        state="pending",
        phase="waiting",
        edited=bindparam("draft", type_=LargeBinary),
        payload=bindparam("call", type_=LargeBinary),
        parcel=None,
        attempts=0,
        first_sent_at=None,
        sent_at=None,
        due_at=None,
        settled_at=None,
        status=None,
        reason=None,
        decided=_NEXT,
    )
)

# Keep what earlier attempts sent, where a row's call is to be another.
KEEP_BODIES = (
    update(attempts)
    .where(
        attempts.c.run_id == bindparam("run"),
        attempts.c.number == bindparam("row"),
        attempts.c.kind == "send",
        attempts.c.body.is_(None),
    )
    .values(body=bindparam("sent"))
)

# Give up a dead or held row.
GIVE_UP = (
    update(deliveries)
    .where(*_SEEN, _TROUBLED)
    .values(state="cancelled", settled_at=bindparam("at"), reason=bindparam("why"), decided=_NEXT)
)

# Say which record a held row has made.
ADOPT = (
    update(deliveries)
    .where(*_SEEN, deliveries.c.state == "held")
    .values(state="delivered", settled_at=bindparam("at"), remote_id=bindparam("remote"), reason=None, decided=_NEXT)
)

# Replayed rows that have no call yet, in their order.
UNPLANNED = (
    select(deliveries.c.number, deliveries.c.cells, deliveries.c.edited)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.state == "pending",
        deliveries.c.payload.is_(None),
        deliveries.c.number > bindparam("after"),
    )
    .order_by(deliveries.c.number)
    .limit(bindparam("most"))
)

_PENDING = (
    deliveries.c.run_id == bindparam("run"),
    deliveries.c.number == bindparam("row"),
    deliveries.c.state == "pending",
)

# Give a replayed row its call.
PLAN = (
    update(deliveries)
    .where(*_PENDING)
    .values(payload=bindparam("call"), key=bindparam("new_key"), match_value=bindparam("value"))
)

# A replayed row that has no call is dead again.
REFUSE = (
    update(deliveries)
    .where(*_PENDING)
    .values(state="dead", phase=None, settled_at=bindparam("at", type_=UTCDateTime), reason=bindparam("why"))
)

# Rows of some keys that were delivered, of runs of an account's that are as new as one and make the same call.
DELIVERED_SINCE = (
    select(deliveries.c.key, deliveries.c.run_id, deliveries.c.number, deliveries.c.settled_at)
    .join(runs, runs.c.id == deliveries.c.run_id)
    .where(
        deliveries.c.run_id >= bindparam("run"),
        deliveries.c.key.in_(bindparam("keys", expanding=True)),
        deliveries.c.state == "delivered",
        runs.c.account_id == bindparam("account"),
        runs.c.template == bindparam("template"),
        runs.c.kind == "send",
    )
    .order_by(deliveries.c.run_id, deliveries.c.number)
)

# Rows of an account that have made one of some records.
CLAIMS = (
    select(deliveries.c.remote_id, deliveries.c.run_id, deliveries.c.number)
    .join(runs, runs.c.id == deliveries.c.run_id)
    .where(runs.c.account_id == bindparam("account"), deliveries.c.remote_id.in_(bindparam("ids", expanding=True)))
    .order_by(deliveries.c.run_id, deliveries.c.number)
)
