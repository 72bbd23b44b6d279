"""What an answer or an error means for its rows."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from crosswalk.delivery.judge import MOST_TRIES, Try, judge
from crosswalk.delivery.outcome import Delivered, Halt, Rejected, Retry, Unknown
from crosswalk.insightly import errors as insightly
from crosswalk.insightly.call import Answer, Call, Fault

NOW = datetime(2026, 1, 31, tzinfo=UTC)
ATTEMPT = insightly.Attempt(number=1, now=NOW, chance=0.5)
CREATE = Try(method="POST", number=1, harmless=False, id_field="CONTACT_ID", keys=(None,), now=NOW, chance=0.5)
UPDATE = replace(CREATE, method="PUT", harmless=True, keys=("7",))
DELETE = replace(UPDATE, method="DELETE")


def outcome(happened, attempt=CREATE):
    """What an attempt comes to, through the client's own table."""
    call = Call(method=attempt.method, path="/Contacts")
    match insightly.judge(call, happened, ATTEMPT):
        case insightly.Done(answer):
            return judge(answer, attempt)
        case insightly.Stop(error) | insightly.Unknown(error) | insightly.Repeat(_, error):
            return judge(error, attempt)
    raise AssertionError("a redirect is none of these")


def test_created():
    """A success is delivered with the id that Insightly gave."""
    assert Delivered(201, ("7",)) == outcome(Answer(status=201, body=b'{"CONTACT_ID": 7}'))


@pytest.mark.parametrize("attempt", [UPDATE, DELETE])
def test_changed(attempt):
    """A success on a record that the row names keeps that name, whatever the answer holds."""
    assert Delivered(202, ("7",)) == outcome(Answer(status=202), attempt)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"nonsense", b'{"CONTACT_ID": null}'])
def test_created_but_which(body):
    """A success without an id is looked for: the record is there, and nobody knows which."""
    assert isinstance(outcome(Answer(status=200, body=body)), Unknown)


def test_batch():
    """A batch answered by one entry a row gives each row its id; another shape gives none."""
    batch = replace(CREATE, keys=(None, None))
    assert ("7", "8") == outcome(Answer(status=201, body=b'[{"CONTACT_ID":7},{"CONTACT_ID":8}]'), batch).remote_ids
    assert (None, None) == outcome(Answer(status=201, body=b'{"ok":2}'), batch).remote_ids


@pytest.mark.parametrize("status", [400, 404, 405, 409, 412, 413, 417])
def test_refused_rows_are_dead(status):
    """What is refused for good keeps the status and Insightly's words."""
    refused = outcome(Answer(status=status, body=b'[{"Name":"PHONE","Message":"too long"}]'))
    assert (Rejected, status, True) == (type(refused), refused.status, "PHONE" in refused.reason)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_hopeless_lanes_halt(status):
    """Where the next call would fare no better, the lane stops and the row waits."""
    assert isinstance(outcome(Answer(status=status)), Halt)


@pytest.mark.parametrize(
    ("number", "wait", "kind"), [(1, "1", Retry), (MOST_TRIES, "1", Halt), (1, "3600", Halt)], ids=["1", "many", "long"]
)
def test_refused_for_speed(number, wait, kind):
    """A call that was refused for speed goes again soon; after many times, or for long, its lane halts."""
    told = outcome(Answer(status=429, headers={"retry-after": wait}), replace(CREATE, number=number))
    assert isinstance(told, kind)


def test_spent_day_halts_until_it_is_over():
    """A spent day names its end."""
    halt = outcome(Answer(status=429, headers={"x-ratelimit-remaining": "0"}))
    assert NOW + timedelta(days=1) == halt.until


FAILURES = [
    Answer(status=502),
    Fault(trouble="timed out", detail="no answer", first_byte=NOW, last_byte=NOW),
    Fault(trouble="cut", detail="reset", first_byte=NOW, last_byte=NOW),
]


@pytest.mark.parametrize("failure", FAILURES, ids=["502", "timed out", "cut"])
def test_creations_of_unknown_outcome(failure):
    """A creation whose outcome is unknown is never simply sent again."""
    assert isinstance(outcome(failure), Unknown)


@pytest.mark.parametrize("failure", FAILURES, ids=["502", "timed out", "cut"])
@pytest.mark.parametrize("attempt", [UPDATE, DELETE], ids=["PUT", "DELETE"])
def test_harmless_calls_are_repeated(failure, attempt):
    """An update or deletion by id is simply repeated, a little later each time."""
    again = outcome(failure, attempt)
    assert isinstance(again, Retry)
    assert NOW < again.at <= NOW + timedelta(seconds=1)


@pytest.mark.parametrize("attempt", [UPDATE, DELETE])
def test_not_for_ever(attempt):
    """After many tries a person is asked."""
    assert isinstance(outcome(Answer(status=502), replace(attempt, number=MOST_TRIES)), Unknown)


def test_repeated_deletion():
    """A repeated deletion that finds nothing has been delivered; a first one has not."""
    gone = Answer(status=404)
    assert Delivered(404, ("7",)) == outcome(gone, replace(DELETE, number=2))
    assert isinstance(outcome(gone, DELETE), Rejected)


def test_no_connection_halts():
    """Where nothing was sent, nothing is unknown."""
    assert isinstance(outcome(Fault(trouble="not connected", detail="refused")), Halt)
