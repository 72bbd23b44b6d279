"""Everything that can go wrong with a call, sorted by whether the call may be repeated.

    InsightlyError
    |-- WrongUse              no call was made: correct the program
    |   |-- HostRefused           the base URL names a host that keys are not sent to
    |   |-- NotOffered            Insightly has no such operation on this resource
    |   `-- UnknownField          the resource has no such field, or it cannot be written
    |-- Refused               no: the same call gets the same answer
    |   |-- BadRequest            400: `faults` says which field and why
    |   |-- KeyRefused            401: wrong key, or its user may not use the API
    |   |-- LimitReached          402: the plan's records or storage are used up
    |   |-- Forbidden             403: this user, or this plan, may not
    |   |-- NotFound              404: no such record, or the plan has no such collection
    |   |-- NotServed             405: the path takes no such method, often a plural that should be singular
    |   |-- InUse                 409: used elsewhere, already so, or the last of its kind
    |   |-- StaleRecord           412, or 400 about If-Match: it changed; read it again, then decide
    |   |-- NotDone               417: Insightly tried and failed
    |   `-- Redirected            3xx that leads to another host
    |-- Later                 yes, at `retry_at`: nothing took effect
    |   |-- RateLimited           429: too many calls in a second
    |   |-- DailyQuotaSpent       429 with nothing left: tomorrow
    |   |-- NotConnected          no connection, so nothing was sent
    |   `-- NoAnswer              a read failed on the way or at the server, more often than is worth trying
    |-- ResponseUnknown       only after finding out: a write may have taken effect
    `-- BadAnswer             a success that cannot be read: a write took effect, look before repeating
        `-- PageOrder             a list that is not in id order cannot be paged safely

`judge` holds the only status table. It is pure: what was asked and what came of it go in, a decision comes out.
"""

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import msgspec
from msgspec import Struct

from crosswalk.insightly.call import Answer, Call, Fault


class FieldFault(Struct, frozen=True):
    """One field that Insightly objects to; `field` is empty when it names none."""

    field: str
    says: str


class InsightlyError(Exception):
    """Anything that this client raises."""


class WrongUse(InsightlyError):
    """No call was made: the program asks for something that cannot be."""


class HostRefused(WrongUse):
    """Keys are not sent to this host."""


class NotOffered(WrongUse):
    """Insightly has no such operation on this resource."""


class UnknownField(WrongUse):
    """The resource has no such field, or the field cannot be written."""


class Answered(InsightlyError):
    """What `Refused`, `Later` and `BadAnswer` share: the call, Insightly's answer if one came, its own words."""

    def __init__(self, call: Call, says: str, todo: str, *, answer: Answer | None = None) -> None:
        status = f" ({answer.status})" if answer else ""
        super().__init__(f"{call.title}{status}: {says.rstrip('. ')}. {todo}")
        self.call = call
        self.says = says
        self.todo = todo
        self.answer = answer

    @property
    def status(self) -> int | None:
        """The HTTP status, `None` when no answer came."""
        return self.answer.status if self.answer else None

    @property
    def faults(self) -> tuple[FieldFault, ...]:
        """The fields that Insightly objects to."""
        return faults_of(self.answer) if self.answer else ()


class Refused(Answered):
    """The same call gets the same answer: change something first."""


class BadRequest(Refused):
    """A parameter or a field is missing or invalid."""


class KeyRefused(Refused):
    """The key is not accepted."""


class LimitReached(Refused):
    """The plan's records or storage are used up."""


class Forbidden(Refused):
    """The key's user, or the plan, has no access."""


class NotFound(Refused):
    """There is no such record, or the plan has no such collection."""


class NotServed(Refused):
    """The path takes no such method."""


class InUse(Refused):
    """It is used elsewhere, already in that state, or the last of its kind."""


class StaleRecord(Refused):
    """The record changed since it was read."""


class NotDone(Refused):
    """Insightly tried and failed."""


class Redirected(Refused):
    """The answer leads to another host; the key is not sent there."""


class Later(Answered):
    """Nothing took effect: the same call may be made again at `retry_at`."""

    def __init__(self, call: Call, says: str, todo: str, *, retry_at: datetime, answer: Answer | None = None) -> None:
        super().__init__(call, says, todo, answer=answer)
        self.retry_at = retry_at


class RateLimited(Later):
    """Too many calls within a second."""


class DailyQuotaSpent(Later):
    """The day's calls are used up. `assumed` says that Insightly named no time for trying again."""

    def __init__(self, call: Call, *, retry_at: datetime, assumed: bool, answer: Answer) -> None:
        basis = "an assumption, Insightly names no time" if assumed else "as Insightly says"
        todo = f"Try again at {retry_at:%Y-%m-%d %H:%M:%S} UTC ({basis}), or raise the plan."
        super().__init__(call, "the day's calls are used up", todo, retry_at=retry_at, answer=answer)
        self.assumed = assumed


class NotConnected(Later):
    """No connection was made, so nothing was sent."""


class NoAnswer(Later):
    """A read failed on the way or at the server, every time it was tried."""


class ResponseUnknown(InsightlyError):
    """A write that may have taken effect: find out before repeating it.

    `first_byte` and `last_byte` are when it was sent; `answer` is there when Insightly answered with its own failure.
    """

    def __init__(self, call: Call, cause: str, *, fault: Fault | None = None, answer: Answer | None = None) -> None:
        self.first_byte = fault.first_byte if fault else None
        self.last_byte = fault.last_byte if fault else None
        span = f" Sent {_clock(self.first_byte)} to {_clock(self.last_byte)} UTC." if self.first_byte else ""
        super().__init__(
            f"{call.title} may have taken effect: {cause.rstrip('. ')}.{span} "
            f"Look for the record before sending it again."
        )
        self.call = call
        self.method = call.method
        self.path = call.path
        self.cause = cause
        self.answer = answer


class BadAnswer(Answered):
    """Insightly reported success with something that cannot be read."""


class PageOrder(InsightlyError):
    """A list came in another order than ascending ids, so that paging it would lose records."""

    def __init__(self, title: str, skip: int) -> None:
        super().__init__(
            f"{title}: the page at row {skip} is not in ascending id order, so reading on could lose records. "
            f"What fits one page can still be read with list(top=500)."
        )


def _clock(moment: datetime | None) -> str:
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}" if moment else "?"


class Done(Struct, frozen=True):
    """The call succeeded."""

    answer: Answer


class Repeat(Struct, frozen=True):
    """The call may be sent again after `wait` seconds; `error` is what it is if that is one time too many."""

    wait: float
    error: Later


class Follow(Struct, frozen=True):
    """A redirect within the same host."""

    location: str
    error: Redirected


class Stop(Struct, frozen=True):
    """The call is refused, for now or for good."""

    error: Refused | Later


class Unknown(Struct, frozen=True):
    """The call may have taken effect."""

    error: ResponseUnknown


Decision: TypeAlias = Done | Repeat | Follow | Stop | Unknown


class Attempt(Struct, frozen=True):
    """Which try this was, when it ended, and a random number from 0 to 1 for the wait before the next."""

    number: int
    now: datetime
    chance: float


TABLE: Mapping[int, tuple[type[Refused], str, str]] = {
    400: (BadRequest, "something is missing or invalid", "Correct it and send again."),
    401: (KeyRefused, "the key is not accepted", "Check the API key, the pod, and that its user may use the API."),
    402: (LimitReached, "the plan's limit is reached", "Remove records or files, or raise the plan."),
    403: (Forbidden, "no access", "Give the key's user access to it, or use another user's key."),
    404: (NotFound, "not found", "Check the id and the path."),
    405: (NotServed, "this path takes no such method", "Check the spelling: Product and Ticket are singular."),
    409: (InUse, "it is in use, or already so", "Free it first, or leave it as it is."),
    412: (
        StaleRecord,
        "the record changed since it was read",
        "Read it again, apply the change to that, and send again.",
    ),
    417: (NotDone, "Insightly tried and failed", "Read the record to see how it stands, then decide."),
}
"""The status table: the error, what to say when Insightly says nothing, and what to do."""

ODD = (Refused, "Insightly refuses", "Look at what it says; the same call gets the same answer.")
BURST, TOO_EARLY, TIMED_OUT = 429, 425, 408
LONGEST_WAIT = 60.0
"""Seconds that a call waits by itself; a longer wait is the caller's decision."""
LONGEST_NAMED = 366 * 86_400
"""Seconds of `Retry-After` that are believed."""
_IF_MATCH = re.compile(r"if-match", re.IGNORECASE)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def judge(call: Call, outcome: Answer | Fault, attempt: Attempt) -> Decision:
    """Decide what one outcome of one call means."""
    match outcome:
        case Fault():
            return _judge_fault(call, outcome, attempt)
        case Answer(status=status) if 200 <= status < 300:  # noqa: PLR2004 (the classes of HTTP)
            return Done(outcome)
        case Answer(status=status) if 300 <= status < 400:  # noqa: PLR2004 (the same)
            return _judge_redirect(call, outcome)
        case Answer(status=429):
            return _judge_limit(call, outcome, attempt)
        case Answer(status=status) if status >= 500 or status in {TIMED_OUT, TOO_EARLY}:  # noqa: PLR2004 (the same)
            return _judge_failure(call, outcome, attempt)
        case Answer():
            return Stop(_refusal(call, outcome))


def _judge_fault(call: Call, fault: Fault, attempt: Attempt) -> Decision:
    wait = _backoff(attempt)
    at = attempt.now + timedelta(seconds=wait)
    if fault.first_byte is None and fault.trouble != "too large":
        todo = "Nothing was sent. Check the pod and the network, then try again."
        return Repeat(wait, NotConnected(call, fault.detail, todo, retry_at=at))
    if not call.reads:
        return Unknown(ResponseUnknown(call, f"{fault.detail} before a whole answer came", fault=fault))
    error = NoAnswer(call, fault.detail, "It is a read: try again later.", retry_at=at)
    return Stop(error) if fault.trouble == "too large" else Repeat(wait, error)


def _judge_redirect(call: Call, answer: Answer) -> Decision:
    says = f"the answer leads to {answer.headers.get('location', 'nowhere')}, where the key is not sent"
    error = Redirected(call, says, "Check the pod or the base URL.", answer=answer)
    # 307 and 308 keep method and body, the others turn a write into a read (RFC 9110, 15.4)
    may = call.reads or answer.status in {307, 308}
    return Follow(answer.headers["location"], error) if may and "location" in answer.headers else Stop(error)


def _judge_limit(call: Call, answer: Answer, attempt: Attempt) -> Decision:
    named = retry_after(answer, attempt.now)
    if is_daily(answer):
        assumed = named is None
        return Stop(DailyQuotaSpent(call, retry_at=named or _midnight(attempt.now), assumed=assumed, answer=answer))
    wait = _backoff(attempt) if named is None else (named - attempt.now).total_seconds() + attempt.chance / 10
    at = attempt.now + timedelta(seconds=wait)
    error = RateLimited(call, words(answer) or "too many calls", "Try again then.", retry_at=at, answer=answer)
    return Repeat(wait, error) if wait <= LONGEST_WAIT else Stop(error)


def _judge_failure(call: Call, answer: Answer, attempt: Attempt) -> Decision:
    says = f"Insightly answered {answer.status} {words(answer)}".rstrip()
    if not call.reads:
        return Unknown(ResponseUnknown(call, says, answer=answer))
    named = retry_after(answer, attempt.now)
    wait = _backoff(attempt) if named is None else (named - attempt.now).total_seconds()
    at = attempt.now + timedelta(seconds=wait)
    error = NoAnswer(call, says, "It is a read: try again later.", retry_at=at, answer=answer)
    return Repeat(wait, error) if wait <= LONGEST_WAIT else Stop(error)


def _refusal(call: Call, answer: Answer) -> Refused:
    kind, says, todo = TABLE.get(answer.status, ODD)
    told = words(answer)
    if kind is BadRequest and _IF_MATCH.search(told):
        # live answers a stale If-Match with 400, the document says 412 (audit of 2026-07-31)
        kind, says, todo = TABLE[412]
    if kind in {Forbidden, NotFound} and call.path.strip("/").count("/") == 0:
        todo = "The account's plan may not have this collection; leave it out, or raise the plan."
    return kind(call, told or says, todo, answer=answer)


def is_daily(answer: Answer) -> bool:
    """Whether a 429 means that the day is spent, not the second."""
    return answer.number("x-ratelimit-remaining") == 0


def retry_after(answer: Answer, now: datetime) -> datetime | None:
    """When the answer says to try again: whole seconds or a date; `None` when it does not say."""
    seconds = answer.number("retry-after")
    if seconds is not None:
        return now + timedelta(seconds=min(seconds, LONGEST_NAMED))
    try:
        named = email.utils.parsedate_to_datetime(answer.headers.get("retry-after", ""))
    except (ValueError, OverflowError):
        return None
    return max(named.replace(tzinfo=named.tzinfo or UTC), now)


def _midnight(now: datetime) -> datetime:
    # no source gives the zone of the reset; midnight UTC is assumed (fact rate_reset of the contract)
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)


def _backoff(attempt: Attempt) -> float:
    """Seconds to wait: anywhere from nothing to a span that doubles with every try."""
    return attempt.chance * float(min(30.0, 0.5 * 2**attempt.number))


def words(answer: Answer, most: int = 300) -> str:
    """Insightly's own words from any of its error bodies, on one line of at most `most` characters."""
    faults = faults_of(answer)
    text = "; ".join(f"{f.field}: {f.says}" if f.field and f.says else f.field or f.says for f in faults)
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def faults_of(answer: Answer) -> tuple[FieldFault, ...]:
    """Read an error body: a JSON array, object or string, text, HTML, or nothing."""
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = _TAG.sub(" ", answer.body.decode("utf-8", "replace")).strip()
        return (FieldFault("", text),) if text else ()
    return tuple(fault for fault in _read_faults(body) if fault.says or fault.field)


def _read_faults(body: object) -> list[FieldFault]:
    match body:
        case list():
            return [fault for entry in body for fault in _read_faults(entry)]
        case dict():
            lower = {str(key).lower(): value for key, value in body.items()}
            own = FieldFault(str(lower.get("name") or ""), str(lower.get("message") or lower.get("error") or ""))
            state = lower.get("modelstate")
            return [own, *_read_state(state)] if isinstance(state, dict) else [own]
        case None:
            return []
        case _:
            return [FieldFault("", str(body))]


def _read_state(state: dict[str, object]) -> list[FieldFault]:
    """ASP.NET's ModelState: `{"apiContact.FIRST_NAME": ["is required"]}`."""
    return [
        FieldFault(name.rpartition(".")[2], str(says))
        for name, many in state.items()
        for says in (many if isinstance(many, list) else [many])
    ]
