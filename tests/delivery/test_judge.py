"""What an answer or an error means for a row."""

from datetime import UTC, datetime

import pytest

from crosswalk.delivery.journal import Settled
from crosswalk.delivery.judge import Halt, judge_answer, judge_error
from crosswalk.insightly.call import Answer, Call, Fault
from crosswalk.insightly.errors import Attempt, Repeat, Stop, Unknown, judge

POST = Call(method="POST", path="/Contacts")
NOW = Attempt(number=1, now=datetime(2026, 1, 31, tzinfo=UTC), chance=0.5)


def outcome(happened):
    """What a row comes to, through the client's own table."""
    match judge(POST, happened, NOW):
        case Stop(error) | Unknown(error) | Repeat(_, error):
            return judge_error(error)
    raise AssertionError("not a failure")


def test_created():
    """A success is delivered with the id that Insightly gave."""
    answer = Answer(status=201, body=b'{"CONTACT_ID": 7}')
    assert Settled("delivered", status=201, remote_id="7") == judge_answer(answer, "CONTACT_ID", None)


def test_updated():
    """A success on a record that the row names keeps that name."""
    assert "7" == judge_answer(Answer(status=200, body=b"{}"), "CONTACT_ID", "7").remote_id


@pytest.mark.parametrize("body", [b"[]", b"{}", b"nonsense", b'{"CONTACT_ID": null}'])
def test_created_but_which(body):
    """A success without an id is held: the record is there, and nobody knows which."""
    assert "held" == judge_answer(Answer(status=200, body=body), "CONTACT_ID", None).state


@pytest.mark.parametrize("status", [400, 404, 405, 409, 417, 413])
def test_refused_rows_are_dead(status):
    """What is refused for good is a dead letter with the status and the reason."""
    settled = outcome(Answer(status=status, body=b'[{"Name":"PHONE","Message":"too long"}]'))
    assert ("dead", status, True) == (settled.state, settled.status, "PHONE" in settled.reason)


@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_hopeless_runs_halt(status):
    """Where the next row would fare no better, the run stops and the row waits."""
    assert isinstance(outcome(Answer(status=status)), Halt)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_failed_writes_are_held(status):
    """A failure of Insightly's own on a write leaves its effect unknown."""
    assert "held" == outcome(Answer(status=status)).state


def test_time_out_is_held():
    """So does an answer that never came."""
    sent = datetime(2026, 1, 31, tzinfo=UTC)
    assert "held" == outcome(Fault(trouble="timed out", detail="no answer in 30 s", first_byte=sent)).state


def test_no_connection_halts():
    """Where nothing was sent, nothing is unknown."""
    assert isinstance(outcome(Fault(trouble="not connected", detail="refused")), Halt)
