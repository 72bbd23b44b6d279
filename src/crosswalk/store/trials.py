"""Tests of destinations: runs of a kind of their own, with the call that each made."""

from sqlalchemy import bindparam, select, update

from crosswalk.store.attempts import attempts
from crosswalk.store.columns import UTCDateTime
from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import runs

# A test's rows, with what its own attempt came to.
FIND_TRIAL = (
    select(deliveries.c.payload, deliveries.c.remote_id, attempts.c.outcome.label("answered"))
    .join(runs, runs.c.id == deliveries.c.run_id)
    .join(
        attempts,
        (attempts.c.run_id == deliveries.c.run_id) & (attempts.c.number == deliveries.c.parcel),
        isouter=True,
    )
    .where(runs.c.id == bindparam("run"), runs.c.kind == "test", runs.c.destination_id == bindparam("destination"))
    .order_by(deliveries.c.number)
    .limit(2)
)

_LEFT = (
    select(runs.c.id)
    .where(runs.c.kind == "test", runs.c.state == "running", runs.c.started_at < bindparam("before", type_=UTCDateTime))
    .scalar_subquery()
)

# Hold what a test may have sent whose process died.
HOLD_LEFT = (
    update(deliveries)
    .where(deliveries.c.run_id.in_(_LEFT), deliveries.c.state == "pending")
    .values(state="held", phase=None, due_at=None, settled_at=bindparam("at"), reason=bindparam("why"))
)

# End the tests whose process died.
END_LEFT = (
    update(runs)
    .where(runs.c.kind == "test", runs.c.state == "running", runs.c.started_at < bindparam("before", type_=UTCDateTime))
    .values(state="finished", undoes=None, ended_at=bindparam("at"), reason=bindparam("why"))
)
