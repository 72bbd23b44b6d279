"""The herald: turns what happens to a run into notices, one for each change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crosswalk.delivery.notices import Notices
from crosswalk.delivery.outcome import Halt
from crosswalk.delivery.run import STATES, Run, count_states, find_run
from crosswalk.store.deliveries import RecordState
from crosswalk.store.notices import NoticeKind

TROUBLES: Mapping[RecordState, tuple[NoticeKind, str]] = {
    "dead": ("dead_letters.new", "dead letters"),
    "held": ("record.held", "records whose outcome nobody knows"),
}


@dataclass(frozen=True, slots=True)
class Herald:
    """Tells of runs."""

    notices: Notices
    _told: set[tuple[str, RecordState]] = field(default_factory=set)

    async def spent(self, run: Run, halt: Halt) -> None:
        """Tell that the day's calls are spent, where that is why a run goes no further."""
        account = run.order.account or None
        if halt.until is not None and account is not None:
            when = f"{halt.until:%Y-%m-%d %H:%M:%S} UTC"
            spent = f"The day's calls of the account are spent: {halt.reason.rstrip('.')}. Runs can go on at {when}."
            await self.notices.tell("budget.spent", f"{account} until {halt.until:%Y-%m-%d}", spent, account=account)

    async def halted(self, run: Run, halt: Halt, until: datetime) -> None:
        """Tell that a run waits, and until when."""
        account, when = run.order.account or None, f"{until:%Y-%m-%d %H:%M:%S} UTC"
        message = f"Run {run.id} ({run.order.plan.name}) waits until {when}: {halt.reason}"
        await self.notices.tell("lane.paused", run.id, message, account=account)

    async def resumed(self, run: Run) -> None:
        """Tell that a run goes on."""
        message = f"Run {run.id} ({run.order.plan.name}) goes on."
        await self.notices.tell("lane.resumed", run.id, message, account=run.order.account or None)

    def settled(self, run: Run, state: RecordState) -> None:
        """Hear of a settled row; tell of the first of a run that needs a person. Waits for nothing."""
        if state not in TROUBLES or (run.id, state) in self._told:
            return
        self._told.add((run.id, state))
        kind, what = TROUBLES[state]
        message = f"Run {run.id} ({run.order.plan.name}) has {what}. Look at it: crosswalk runs show {run.id}"
        self.notices.soon(kind, run.id, message, account=run.order.account or None)

    async def ended(self, run: Run) -> None:
        """Tell how a run ended, where it did."""
        await self.notices.flush()
        self._told.difference_update({(run.id, state) for state in TROUBLES})
        now, counts = await find_run(self.notices.database, run.id), await count_states(self.notices.database, run.id)
        what, account = f"Run {run.id} ({run.order.plan.name})", run.order.account or None
        parts = ", ".join(f"{counts[state]:,} {state}" for state in STATES if counts[state]) or "no rows"
        if now is not None and now.state == "finished":
            await self.notices.tell("run.finished", run.id, f"{what} is finished: {parts}.", account=account)
        elif now is not None and now.state == "stopped":
            message = f"{what} stopped: {(now.reason or '').rstrip('.')}. So far: {parts}."
            await self.notices.tell("run.stopped", run.id, message, account=account)
