"""What a delivery will cost before it begins: calls, the share of the day, and when it is done. Pure.

A day's calls are the quota less the share kept for people; what does not fit waits for the next reset.
"""

import math
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.delivery.known import count_questions, count_reads
from crosswalk.delivery.plan import SettledPlan
from crosswalk.gate.budget import Budget
from crosswalk.insightly.pace import CALLS, WINDOW

PACE = round(CALLS / WINDOW, 1)
"""Calls a second that Insightly's limit of ten allows."""
DAY = timedelta(days=1)
MOST_DAYS = 3650
"""Days after which nobody is helped by a date."""


class Forecast(Struct, frozen=True, kw_only=True):
    """What sending `rows` will come to. `share` is of the quota, `today` how many calls fit before the next reset.

    `days` counts the days that calls are made on; without `done_at` it would never be done.
    """

    rows: int
    calls: int
    rate: float | None
    quota: int | None
    left: int | None
    kept: int
    share: float | None
    today: int
    days: int
    seconds: float
    done_at: datetime | None
    says: str


class Pace(Struct, frozen=True, kw_only=True):
    """How fast calls may go: `rate` a second, `None` without a limit, and what the account's day still allows."""

    rate: float | None
    budget: Budget


def count_calls(plan: SettledPlan, rows: int) -> int:
    """How many calls rows will take: one each, fewer in batches, two where a record is looked for or read first.

    Beside them, what is asked of the account before the first row.
    """
    if rows == 0:
        return 0
    if plan.grouping is not None:
        return math.ceil(rows / plan.grouping.size) + count_questions(plan)
    return rows + count_reads(plan, rows) + count_questions(plan)


def rate_of(rate: int | None) -> float | None:
    """Calls a second of an account by its `rate`: `None` is Insightly's ten, 0 no limit."""
    if rate == 0:
        return None
    return PACE if rate is None else rate * PACE / 10


def forecast(rows: int, calls: int, pace: Pace, now: datetime) -> Forecast:
    """When calls that begin now are done, at the account's pace and within its days."""
    budget = pace.budget
    left = None if budget.remaining is None else max(0, budget.remaining - budget.reserved)
    today = _fit(calls, left, pace.rate, (budget.resets_at - now).total_seconds())
    done_at, days = _finish(calls, today, pace, now)
    made = Forecast(
        rows=rows,
        calls=calls,
        rate=pace.rate,
        quota=budget.quota,
        left=left,
        kept=budget.reserved,
        share=calls / budget.quota if budget.quota else None,
        today=today,
        days=days,
        seconds=0.0 if pace.rate is None else calls / pace.rate,
        done_at=done_at,
        says="",
    )
    return replace(made, says=describe(made, now))


def _fit(calls: int, most: int | None, rate: float | None, seconds: float) -> int:
    """How many of the calls fit into a span of seconds with at most so many calls."""
    limits = [calls] if most is None else [calls, most]
    if rate is not None:
        limits.append(math.floor(rate * max(0.0, seconds)))
    return max(0, min(limits))


def _finish(calls: int, today: int, pace: Pace, now: datetime) -> tuple[datetime | None, int]:
    """When the last call is made, and on how many days calls are made."""
    waiting = calls - today
    if waiting == 0:
        return now + _span(calls, pace.rate), 1 if calls else 0
    budget = pace.budget
    most = None if budget.quota is None else max(0, budget.quota - budget.reserved)
    daily = _fit(waiting, most, pace.rate, DAY.total_seconds())
    whole = math.ceil(waiting / daily) if daily else MOST_DAYS + 1
    if whole > MOST_DAYS:
        return None, 0
    last = waiting - (whole - 1) * daily
    return budget.resets_at + (whole - 1) * DAY + _span(last, pace.rate), whole + (today > 0)


def _span(calls: int, rate: float | None) -> timedelta:
    return timedelta(seconds=0 if rate is None else calls / rate)


def describe(made: Forecast, now: datetime) -> str:
    """The forecast as a sentence, such as `41,200 calls, 69% of today's 60,000, done 14:10 UTC`."""
    parts = [f"{made.calls:,} call{'' if made.calls == 1 else 's'}"]
    if made.quota is not None and made.share is not None:
        parts.append(f"{_percent(made.share)} of today's {made.quota:,}")
    if made.left is not None and made.left < made.calls:
        parts.append(f"{made.left:,} left today")
    if made.kept and made.quota is not None:
        parts.append(f"{made.kept:,} kept for people")
    if made.done_at is None:
        return f"{', '.join(parts)}: never done, for no call of a day is left. Lower the reserve, or raise the quota"
    if made.days > 1:
        parts.append(f"{made.days:,} days")
    if made.done_at.date() == now.date():
        return f"{', '.join(parts)}, done {made.done_at:%H:%M} UTC"
    return f"{', '.join(parts)}, done {made.done_at.day} {made.done_at:%B %Y %H:%M} UTC"


def _percent(share: float) -> str:
    if share == 0:
        return "0%"
    return f"{share:.0%}" if share >= 0.01 else "less than 1%"  # noqa: PLR2004 (below it rounds to nothing)
