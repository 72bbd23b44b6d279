"""What one call's answer or error means for its rows. Pure; the statuses were judged once, by the client's table."""

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from crosswalk.delivery.outcome import Delivered, Halt, Outcome, Rejected, Retry, Unknown
from crosswalk.insightly import (
    Answer,
    BadAnswer,
    DailyQuotaSpent,
    Forbidden,
    InsightlyError,
    KeyRefused,
    Later,
    LimitReached,
    NotFound,
    RateLimited,
    Refused,
    ResponseUnknown,
)

MOST_TRIES = 6
"""Attempts of a call that may be repeated, before a person is asked."""
LONGEST = 60.0
"""Seconds between two attempts at most."""
SOON = timedelta(seconds=LONGEST)
"""A call that may go no sooner than that stops its lane."""


class Try(Struct, frozen=True, kw_only=True):
    """The attempt that is judged. `harmless` says that doing it twice does no harm: PUT and DELETE by id.

    `number` counts from 1; `keys` are the ids that the rows name; `chance` is a random number from 0 to 1.
    """

    method: str
    number: int
    harmless: bool
    id_field: str | None
    keys: tuple[str | None, ...]
    now: datetime
    chance: float


def judge(result: Answer | InsightlyError, attempt: Try) -> Outcome:  # noqa: PLR0911 (a table of cases)
    """Decide what came of an attempt."""
    match result:
        case Answer():
            return _judge_success(result, attempt)
        case ResponseUnknown():
            status = result.answer.status if result.answer else None
            return _doubt(attempt, result.last_byte or attempt.now, status, str(result))
        case BadAnswer():
            return _doubt(attempt, attempt.now, result.status, str(result))
        case NotFound() if attempt.method == "DELETE" and attempt.number > 1:
            return Delivered(result.status, attempt.keys)  # an earlier attempt deleted it
        case DailyQuotaSpent():
            return Halt(result.retry_at, result.status, str(result))
        case KeyRefused() | LimitReached() | Forbidden():
            return Halt(None, result.status, str(result))
        case RateLimited() if attempt.number < MOST_TRIES and result.retry_at <= attempt.now + SOON:
            return Retry(result.retry_at, result.status, str(result))  # in a storm others get through meanwhile
        case Later():
            return Halt(result.retry_at, result.status, str(result))
        case Refused():
            return Rejected(result.status, str(result))
        case _:
            return Halt(None, None, str(result))


def _judge_success(answer: Answer, attempt: Try) -> Outcome:
    if all(key is not None for key in attempt.keys) or attempt.id_field is None:
        return Delivered(answer.status, attempt.keys)
    try:
        body = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        body = None
    if len(attempt.keys) > 1:
        return Delivered(answer.status, _ids_of_many(body, attempt))
    given = body.get(attempt.id_field) if isinstance(body, dict) else None
    if given is None:
        why = f"Insightly reported success ({answer.status}) without the record's {attempt.id_field}"
        return Unknown(attempt.now, answer.status, why)
    return Delivered(answer.status, (str(given),))


def _ids_of_many(body: object, attempt: Try) -> tuple[str | None, ...]:
    """The ids of a batch, where its answer has one entry a row."""
    if not isinstance(body, list) or len(body) != len(attempt.keys):
        return attempt.keys
    found = (entry.get(attempt.id_field) if isinstance(entry, dict) else None for entry in body)
    return tuple(None if each is None else str(each) for each in found)


def _doubt(attempt: Try, last_byte: datetime, status: int | None, reason: str) -> Outcome:
    if attempt.harmless and attempt.number < MOST_TRIES:
        return Retry(attempt.now + backoff(attempt.number, attempt.chance), status, reason)
    return Unknown(last_byte, status, reason)


def backoff(number: int, chance: float) -> timedelta:
    """How long to wait before the next attempt: somewhere in a span that doubles with every one."""
    span = min(LONGEST, 0.5 * 2**number)
    return timedelta(seconds=span * (0.5 + chance / 2))
