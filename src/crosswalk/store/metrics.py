"""What is counted for whoever watches an installation: few statements, each over an index or a small table."""

from sqlalchemy import func, select

from crosswalk.store.accounts import accounts
from crosswalk.store.deliveries import deliveries
from crosswalk.store.outbox import outbox
from crosswalk.store.runs import UNFINISHED, runs

# Accounts by status.
COUNT_ACCOUNTS = select(accounts.c.status, func.count()).group_by(accounts.c.status)

# Runs by state.
COUNT_RUNS = select(runs.c.state, func.count()).group_by(runs.c.state)

# Rows that wait in runs which are not over, by what they wait for: a turn, an answer, a look if they took effect.
COUNT_PHASES = (
    select(deliveries.c.phase, func.count())
    .select_from(deliveries)
    .join(runs, runs.c.id == deliveries.c.run_id)
    .where(runs.c.state.in_(UNFINISHED), deliveries.c.state == "pending")
    .group_by(deliveries.c.phase)
)

# When the oldest run began that waits to be sent, and the oldest that is being sent.
OLDEST_RUNS = (
    select(runs.c.state, func.min(runs.c.started_at))
    .where(runs.c.state.in_(("queued", "running")))
    .group_by(runs.c.state)
)

# Messages that never arrived, as long as they are kept.
COUNT_DEAD_MESSAGES = select(func.count()).where(outbox.c.state == "dead")

# Messages that wait to go out, and the oldest of them.
WAITING_MESSAGES = select(func.count(), func.min(outbox.c.created_at)).where(outbox.c.state == "pending")
