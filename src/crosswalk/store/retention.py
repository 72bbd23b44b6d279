"""What retention takes from runs that ended long ago: content, never a row, its state or its record's id."""

from sqlalchemy import bindparam, func, or_, select, update

from crosswalk.store.attempts import attempts
from crosswalk.store.columns import UTCDateTime
from crosswalk.store.decisions import decisions
from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import runs

SETTLED = ("delivered", "unchanged", "superseded", "skipped", "cancelled")
"""States of rows that nobody has to do anything about."""

# Runs that ended before a time and have lost nothing since, the oldest first.
LIST_OLD = (
    select(runs.c.id)
    .where(
        runs.c.state.in_(("finished", "abandoned")),
        runs.c.ended_at < bindparam("before", type_=UTCDateTime),
        or_(runs.c.pruned_at.is_(None), runs.c.pruned_at < runs.c.ended_at),
    )
    .order_by(runs.c.id)
)

_FULL = or_(deliveries.c.payload.is_not(None), deliveries.c.cells.is_not(None), deliveries.c.edited.is_not(None))

# How many settled rows of a run have content.
COUNT_FULL = select(func.count()).where(deliveries.c.run_id == bindparam("run"), deliveries.c.state.in_(SETTLED), _FULL)

# Settled rows of a run with content, in their order, after one.
LIST_FULL = (
    select(deliveries.c.number)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.state.in_(SETTLED),
        _FULL,
        deliveries.c.number > bindparam("after"),
    )
    .order_by(deliveries.c.number)
    .limit(bindparam("most"))
)

# Take the content of settled rows.
EMPTY_ROWS = (
    update(deliveries)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.number.between(bindparam("first"), bindparam("last")),
        deliveries.c.state.in_(SETTLED),
    )
    .values(payload=None, cells=None, edited=None)
)

_OF_SETTLED = select(deliveries.c.number).where(
    deliveries.c.run_id == bindparam("run"),
    deliveries.c.number.between(bindparam("first"), bindparam("last")),
    deliveries.c.state.in_(SETTLED),
)

# Take what their attempts sent and received.
EMPTY_ATTEMPTS = (
    update(attempts)
    .where(attempts.c.run_id == bindparam("run"), attempts.c.number.in_(_OF_SETTLED))
    .values(body=None, response=None, found=None)
)

# Take what people changed in them; who decided, when and why stays.
EMPTY_DECISIONS = (
    update(decisions)
    .where(decisions.c.run_id == bindparam("run"), decisions.c.number.in_(_OF_SETTLED))
    .values(change=None)
)

# Say that a run has lost its content.
MARK_PRUNED = update(runs).where(runs.c.id == bindparam("run")).values(pruned_at=bindparam("at"))
