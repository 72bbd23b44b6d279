"""What every outcome of a call means."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.insightly import errors
from crosswalk.insightly.call import Answer, Call, Fault
from crosswalk.insightly.errors import (
    Attempt,
    BadRequest,
    DailyQuotaSpent,
    Done,
    FieldFault,
    Follow,
    Forbidden,
    InUse,
    KeyRefused,
    LimitReached,
    NoAnswer,
    NotConnected,
    NotDone,
    NotFound,
    NotServed,
    RateLimited,
    Refused,
    Repeat,
    StaleRecord,
    Stop,
    Unknown,
    faults_of,
    judge,
    words,
)

NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
READ = Call(method="GET", path="/Contacts/7", reads=True)
WRITE = Call(method="POST", path="/Contacts", body=b"{}")
TRY = Attempt(1, NOW, 0.5)
SENT = {"first_byte": NOW, "last_byte": NOW + timedelta(milliseconds=7)}


def answer(status, body=b"", **headers):
    """An answer; header names with underscores."""
    return Answer(status=status, body=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


def error_of(call, outcome):
    """The error in a decision."""
    return judge(call, outcome, TRY).error


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success(status):
    """Any success is one: POST and PUT answer 200 or 201, DELETE 202."""
    assert Done(answer(status)) == judge(WRITE, answer(status), TRY)


TABLE = [
    (400, BadRequest),
    (401, KeyRefused),
    (402, LimitReached),
    (403, Forbidden),
    (404, NotFound),
    (405, NotServed),
    (409, InUse),
    (412, StaleRecord),
    (417, NotDone),
    (418, Refused),
]


@pytest.mark.parametrize("call", [READ, WRITE])
@pytest.mark.parametrize(("status", "kind"), TABLE)
def test_refusals(call, status, kind):
    """A refusal is final for reads and writes alike, and each status has its own error."""
    decision = judge(call, answer(status), TRY)
    assert isinstance(decision, Stop)
    assert kind is type(decision.error)
    assert status == decision.error.status


@pytest.mark.parametrize(
    "body",
    [
        b'If-Match header value "x" is not valid.',
        b'{"Message":"If-Match header value x is not valid."}',
        b'"If-Match header value x is not valid."',
        b'[{"Name":"","Message":"If-Match header value x is not valid."}]',
    ],
)
def test_stale_record_as_400(body):
    """Live answers a stale If-Match with 400: the same error as the documented 412, whatever the container."""
    assert isinstance(error_of(WRITE, answer(400, body)), StaleRecord)


BODIES = [
    (b'[{"Name":"id","Message":"The value \'x\' is not valid for Int64."}]',
     "id: The value 'x' is not valid for Int64."),
    (b'[{"Name":"apiContact","Message":""}]', "apiContact"),
    (b'{"Message":"Authorization has been denied for this request."}',
     "Authorization has been denied for this request."),
    (b'{"Name":"LAST_NAME","Message":"is required"}', "LAST_NAME: is required"),
    (b'{"Message":"Invalid.","ModelState":{"apiLead.LAST_NAME":["is required","is blank"]}}',
     "Invalid.; LAST_NAME: is required; LAST_NAME: is blank"),
    (b'"No such thing."', "No such thing."),
    (b"No Lead with ID = 830626", "No Lead with ID = 830626"),
    (b"<html><head><style>b{}</style><title>Runtime Error</title></head><body><h1>Server Error</h1></body></html>",
     "Runtime Error Server Error"),
    (b"", ""),
    (b"null", ""),
    (b"[]", ""),
    (b"\xff\xfe", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), BODIES)
def test_bodies(body, said):
    """Every container that error bodies come in is understood."""
    assert said == words(answer(400, body))


def test_faults_name_fields():
    """A validation error says which field, for programs."""
    error = error_of(WRITE, answer(400, b'[{"Name":"FIRST_NAME","Message":"is required"}]'))
    assert (FieldFault("FIRST_NAME", "is required"),) == error.faults


@given(st.binary(max_size=200))
def test_any_body(body):
    """No body whatever breaks the reading of an error."""
    assert len(words(answer(400, body))) <= 300
    faults_of(answer(500, body))


def test_message():
    """A message says what happened, to what, what to do."""
    text = str(error_of(READ, answer(404, b"No Contact with ID = 7")))
    assert "GET /Contacts/7 (404): No Contact with ID = 7. Check the id and the path." == text


@pytest.mark.parametrize("status", [403, 404])
def test_closed_collection(status):
    """A whole collection that is refused may be missing from the plan: the message says so."""
    assert "plan" in str(error_of(Call(method="GET", path="/Product", reads=True), answer(status)))


@pytest.mark.parametrize("call", [READ, WRITE])
def test_burst(call):
    """A burst took no effect: reads and writes alike are repeated when `Retry-After` says."""
    decision = judge(call, answer(429, retry_after="3", x_ratelimit_remaining="500"), TRY)
    assert isinstance(decision, Repeat)
    assert 3 <= decision.wait < 3.2
    assert isinstance(decision.error, RateLimited)


def test_retry_after_as_a_date():
    """`Retry-After` may be a date."""
    decision = judge(READ, answer(429, retry_after="Sun, 22 Nov 2026 16:00:05 GMT"), TRY)
    assert 5 <= decision.wait < 5.2


@pytest.mark.parametrize("text", [{}, {"retry_after": "soon"}])
def test_burst_without_a_time(text):
    """Without a usable `Retry-After` the wait is ours, with jitter."""
    decision = judge(READ, answer(429, **text), Attempt(3, NOW, 0.25))
    assert Repeat(1.0, decision.error) == decision


@given(
    st.one_of(
        st.text(max_size=60),
        st.integers(0, 10**60).map(str),
        st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ [\d:]+ GMT"),
    )
)
def test_any_retry_after(text):
    """No `Retry-After` whatever breaks the decision, and none lies in the past."""
    named = errors.retry_after(answer(429, retry_after=text), NOW)
    assert named is None or named >= NOW


def test_a_long_wait_is_the_callers():
    """A wait of more than a minute is not slept through but said."""
    decision = judge(READ, answer(429, retry_after="3600"), TRY)
    assert isinstance(decision, Stop)
    assert decision.error.retry_at - NOW >= timedelta(hours=1)


def test_spent_day():
    """A spent day is never repeated; when to try again is said, and that it is an assumption."""
    decision = judge(READ, answer(429, x_ratelimit_remaining="0"), TRY)
    assert isinstance(decision, Stop)
    assert isinstance(decision.error, DailyQuotaSpent)
    assert (datetime(2026, 11, 23, tzinfo=UTC), True) == (decision.error.retry_at, decision.error.assumed)
    assert "assumption" in str(decision.error)


def test_spent_day_with_a_time():
    """If Insightly says when, that counts."""
    error = error_of(READ, answer(429, x_ratelimit_remaining="0", retry_after="7200"))
    assert (NOW + timedelta(hours=2), False) == (error.retry_at, error.assumed)


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_failures(status):
    """A failure of the server is repeated for a read, and unknown for a write, `Retry-After` or not."""
    assert isinstance(judge(READ, answer(status), TRY), Repeat)
    decision = judge(WRITE, answer(status, retry_after="1"), TRY)
    assert isinstance(decision, Unknown)
    assert status == decision.error.answer.status


def test_no_connection():
    """Without a connection nothing was sent: everything is repeated."""
    for call in (READ, WRITE):
        decision = judge(call, Fault(trouble="not connected", detail="refused"), TRY)
        assert isinstance(decision, Repeat)
        assert isinstance(decision.error, NotConnected)


@pytest.mark.parametrize("trouble", ["cut", "timed out"])
def test_cut_after_sending(trouble):
    """Cut after the first byte left, a read is repeated and a write is unknown."""
    fault = Fault(trouble=trouble, detail="reset by peer", **SENT)
    assert isinstance(judge(READ, fault, TRY), Repeat)
    error = judge(WRITE, fault, TRY).error
    assert ("POST", "/Contacts", *SENT.values()) == (error.method, error.path, error.first_byte, error.last_byte)
    assert (
        "POST /Contacts may have taken effect: reset by peer before a whole answer came. "
        "Sent 16:00:00.000 to 16:00:00.007 UTC. Look for the record before sending it again." == str(error)
    )


@pytest.mark.parametrize("trouble", ["cut", "timed out"])
def test_cut_before_sending(trouble):
    """Cut before anything left, a write is as good as never made."""
    assert isinstance(judge(WRITE, Fault(trouble=trouble, detail="gone"), TRY), Repeat)


def test_too_long_an_answer():
    """An answer over the limit is not asked for again."""
    decision = judge(READ, Fault(trouble="too large", detail="longer than 10 bytes", **SENT), TRY)
    assert isinstance(decision, Stop)
    assert isinstance(decision.error, NoAnswer)


@pytest.mark.parametrize(
    ("call", "status", "kind"),
    [(READ, 302, Follow), (READ, 308, Follow), (WRITE, 307, Follow), (WRITE, 302, Stop), (WRITE, 303, Stop)],
)
def test_redirects(call, status, kind):
    """A redirect is followed unless it would turn a write into a read."""
    assert isinstance(judge(call, answer(status, location="/v3.1/Leads"), TRY), kind)


def test_redirect_to_nowhere():
    """A redirect that names no place is refused."""
    assert isinstance(judge(READ, answer(302), TRY), Stop)


@given(st.integers(1, 20), st.floats(0, 1))
def test_backoff(number, chance):
    """The wait grows with every try, is spread over its whole span and never passes half a minute."""
    wait = judge(READ, answer(503), Attempt(number, NOW, chance)).wait
    assert 0 <= wait <= min(30, 0.5 * 2**number)


def test_the_tree_is_drawn():
    """The docstring draws every error class, and none that is not there."""
    drawn = set(re.findall(r"(?:--|^    )\s*([A-Z]\w+)", errors.__doc__, flags=re.MULTILINE))
    have = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert have - {"Answered"} == drawn


def test_the_day_is_not_the_second():
    """Remaining 0 means the day, anything else or nothing the second."""
    assert errors.is_daily(answer(429, x_ratelimit_remaining="0"))
    assert not errors.is_daily(answer(429, x_ratelimit_remaining="1"))
    assert not errors.is_daily(answer(429))
