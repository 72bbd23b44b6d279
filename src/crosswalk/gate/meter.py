"""What is measured of calls to Insightly, for whoever watches: how many, how they ended, how long they waited.

The counts are of this process and begin with it. No account, path or person is a label: the plan of the account's
Insightly, what the call was for and how it ended are few.
"""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram

from crosswalk.gate.purpose import Purpose
from crosswalk.insightly.errors import BURST, InsightlyError
from crosswalk.insightly.pace import Seen
from crosswalk.insightly.patience import WaitedLong

WAITS = (0.001, 0.01, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Seconds: from leave at once to a lane that waits for the second's calls of others."""
TAKES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 30)
REFUSED, BROKEN = 400, 500
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meter:
    """The counts of one process. `registry` is what `/metrics` shows."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    calls: Counter = field(init=False)
    waited: Histogram = field(init=False)
    took: Histogram = field(init=False)

    def __post_init__(self) -> None:
        says = "Tries of calls to Insightly, by the account's plan, what they were for and how they ended."
        counter = Counter("crosswalk_insightly_calls", says, ("plan", "purpose", "outcome"), registry=self.registry)
        object.__setattr__(self, "calls", counter)
        for name, metric, says, buckets in (
            ("waited", "wait_seconds", "Seconds that calls waited for leave, by what they were for.", WAITS),
            ("took", "call_seconds", "Seconds from a call's first byte to the end of its answer.", TAKES),
        ):
            made = Histogram(
                f"crosswalk_insightly_{metric}", says, ("purpose",), buckets=buckets, registry=self.registry
            )
            object.__setattr__(self, name, made)

    def ended(self, plan: str | None, purpose: Purpose, seen: Seen) -> None:
        """One try is over."""
        self.calls.labels(plan or UNKNOWN, purpose, outcome_of(seen)).inc()
        if seen.sent_at is not None:
            self.took.labels(purpose).observe(seen.seconds)

    def refused(self, plan: str | None, purpose: Purpose, error: InsightlyError) -> None:
        """Leave was not given."""
        self.calls.labels(plan or UNKNOWN, purpose, "busy" if isinstance(error, WaitedLong) else "no budget").inc()


def outcome_of(seen: Seen) -> str:
    """How a try ended, in one word."""
    match seen.status:
        case None:
            return "unsent" if seen.sent_at is None else "silent"
        case status if status == BURST:
            return "daily limit" if seen.daily else "too fast"
        case status if status >= BROKEN:
            return "broken"
        case status if status >= REFUSED:
            return "refused"
        case _:
            return "answered"
