"""What one call's answer or error means for its row. Pure; the statuses were judged once, by the client's table."""

from typing import TypeAlias

import msgspec
from msgspec import Struct

from crosswalk.delivery.journal import Settled
from crosswalk.insightly import (
    Answer,
    BadAnswer,
    Forbidden,
    InsightlyError,
    KeyRefused,
    Later,
    LimitReached,
    Refused,
    ResponseUnknown,
)


class Halt(Struct, frozen=True):
    """The call had no effect and the next one would fare no better: stop, the row waits."""

    reason: str


Outcome: TypeAlias = Settled | Halt


def judge_answer(answer: Answer, id_field: str | None, key: str | None) -> Settled:
    """A success: delivered, with the id that Insightly gave or the row named."""
    if key is not None or not answer.body:
        return Settled("delivered", status=answer.status, remote_id=key)
    try:
        record = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        record = None
    given = record.get(id_field) if isinstance(record, dict) else None
    if given is None:
        why = f"Insightly reported success ({answer.status}) without the record's {id_field}; look there for it"
        return Settled("held", status=answer.status, reason=why)
    return Settled("delivered", status=answer.status, remote_id=str(given))


def judge_error(error: InsightlyError) -> Outcome:
    """A failure: dead when it was refused, held when nobody knows, a halt when the next call would fare no better."""
    match error:
        case ResponseUnknown():
            return Settled("held", status=error.answer.status if error.answer else None, reason=str(error))
        case BadAnswer():
            return Settled("held", status=error.status, reason=str(error))
        case KeyRefused() | LimitReached() | Forbidden() | Later():
            return Halt(str(error))
        case Refused():
            return Settled("dead", status=error.status, reason=str(error))
        case _:
            return Halt(str(error))
