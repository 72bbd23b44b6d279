"""What one attempt to tell somebody came to. Pure: the answer and the clock in, a decision out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeAlias, assert_never

from crosswalk.outgoing.result import Answered, Refused, Result, Silent

WAITS = (1, 5, 30, 120, 600, 1800, 3600, 7200, *(6 * 3600,) * 11)
"""Seconds before the second attempt, the third, and so on: about three days in all."""
LONGEST = timedelta(hours=6)
LASTS = timedelta(days=3)
"""How long an endpoint may fail before it is disabled."""
SHOWN = 200
"""Characters of an answer's body in a reason."""
GONE = 410


@dataclass(frozen=True, slots=True)
class Sent:
    """It arrived."""

    status: int | None


@dataclass(frozen=True, slots=True)
class Again:
    """It did not arrive: again, not before `at`."""

    at: datetime
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Over:
    """It never will. `gone` says that the receiver wants nothing more."""

    status: int | None
    reason: str
    gone: bool = False


Outcome: TypeAlias = Sent | Again | Over


def judge(result: Result, *, attempts: int, now: datetime, chance: float) -> Outcome:
    """Decide on an attempt, after `attempts` earlier ones; `chance` in [0, 1) spreads the waits by a tenth."""
    match result:
        case Answered(status=status) if 200 <= status < 300:  # noqa: PLR2004 (the statuses of success)
            return Sent(status)
        case Answered(status=status, body=body) if status == GONE:
            return Over(status, _describe(status, body), gone=True)
        case Answered(status=status, body=body, headers=headers):
            asked = read_retry_after(headers.get("retry-after"), now)
            return _again(_describe(status, body), status, attempts=attempts, now=now, chance=chance, asked=asked)
        case Refused(reason) | Silent(reason):
            return _again(reason, None, attempts=attempts, now=now, chance=chance)
        case _:
            assert_never(result)


def _again(
    reason: str,
    status: int | None,
    *,
    attempts: int,
    now: datetime,
    chance: float,
    asked: timedelta = timedelta(0),
) -> Again | Over:
    if attempts >= len(WAITS):
        return Over(status, f"given up after {attempts + 1} attempts: {reason}")
    wait = timedelta(seconds=WAITS[attempts] * (0.95 + chance / 10))
    return Again(now + max(wait, min(asked, LONGEST)), status, reason)


def put_off(reason: str, *, attempts: int, now: datetime, chance: float) -> Again | Over:
    """Decide on an attempt that failed without an answer of HTTP."""
    return _again(reason, None, attempts=attempts, now=now, chance=chance)


def read_retry_after(text: str | None, now: datetime) -> timedelta:
    """How long a receiver asks us to wait: seconds or a date; nothing when it says neither."""
    value = (text or "").strip()
    if value.isdecimal() and len(value) < 10:  # noqa: PLR2004 (longer than any wait)
        return timedelta(seconds=int(value))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return timedelta(0)
    return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - now)


def _describe(status: int, body: bytes) -> str:
    said = " ".join(body[: SHOWN * 4].decode(errors="replace").split())[:SHOWN]
    moved = " (redirects are not followed)" if 300 <= status < 400 else ""  # noqa: PLR2004 (the redirects)
    return f"answered {status}{moved}" + (f": {said}" if said else "")
