"""Due dates in working days. Pure."""

from collections.abc import Collection
from datetime import date, timedelta

WEEKEND = frozenset({5, 6})
"""Saturday and Sunday, as `date.weekday` counts."""
LONGEST = 3660
"""Days that a due date may lie ahead: some ten years."""


def due_on(start: date, days: int, *, weekend: Collection[int] = WEEKEND, holidays: Collection[date] = ()) -> date:
    """The working day that lies `days` working days after `start`; 0 is `start`, or the first working day after it.

    `weekend` are weekdays, Monday 0 to Sunday 6. Raises `ValueError` where no day is left to work on.
    """
    free = frozenset(holidays)
    if days < 0:
        raise ValueError(f"{days} working days lie in the past; give 0 or more")
    if len(frozenset(weekend)) >= 7:  # noqa: PLR2004 (days of a week)
        raise ValueError("a week without a working day has no due dates; leave a day out of weekend")
    day, left = start, days
    for _ in range(LONGEST):
        if day.weekday() not in weekend and day not in free:
            if left == 0:
                return day
            left -= 1
        day += timedelta(days=1)
    raise ValueError(f"{days} working days after {start} is more than ten years away")
