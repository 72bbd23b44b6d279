"""What is told of a call: its line in the rows' biography, and the messages that tell others of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from crosswalk.delivery.batch import Parcel
from crosswalk.delivery.envelope import Came, Told, describe_answer, describe_request, describe_silence
from crosswalk.delivery.feed import Item
from crosswalk.delivery.journal import Attempt
from crosswalk.delivery.lookup import match_of
from crosswalk.delivery.responses import Responses, Rows
from crosswalk.gate.purpose import caller
from crosswalk.insightly import Answer, InsightlyError
from crosswalk.store.attempts import AttemptKind, AttemptOutcome


@dataclass(eq=False, slots=True)
class Load:
    """One call with the rows that it carries; its membership never changes while it is repeated."""

    parcel: Parcel
    items: tuple[Item, ...]
    grouped: bool = False

    @property
    def numbers(self) -> tuple[int, ...]:
        """The rows' numbers."""
        return self.parcel.numbers

    @property
    def derived(self) -> bool:
        """Whether a mirror added it: no row was read for it."""
        return self.numbers[0] < 0


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was made: when, and what came back."""

    began: datetime
    ended: datetime
    result: Answer | InsightlyError

    @property
    def answer(self) -> Answer | None:
        """The answer, also where it was an error; `None` when none came."""
        return self.result if isinstance(self.result, Answer) else getattr(self.result, "answer", None)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Tells of one run's calls; `responses` is the webhook that hears of them too."""

    responses: Responses | None = None

    def sent(self, load: Load, outcome: Told, call: Call, remote_ids: Sequence[str | None] = ()) -> Attempt:
        """The attempt of a call that was sent, with the messages that tell others of it."""
        attempt = describe_attempt(load, "send", outcome, call)
        if self.responses is None:
            return attempt
        took = round((call.ended - call.began).total_seconds() * 1000)
        answer = call.answer
        came = (
            describe_silence(str(call.result), elapsed_ms=took)
            if answer is None
            else describe_answer(answer.status, answer.headers, answer.body, elapsed_ms=took)
        )
        remote = remote_ids[0] if remote_ids else None
        return self._with_messages(attempt, load, came, outcome, remote)

    def found(self, load: Load, call: Call, remote_id: str) -> Attempt:
        """The attempt of a look-up that found what an earlier call made: its outcome is known after all."""
        attempt = describe_attempt(load, "look", "found", call)
        if self.responses is None:
            return attempt
        came = describe_silence("no answer came; a look-up found the record", elapsed_ms=0)
        return self._with_messages(attempt, load, came, "delivered", remote_id)

    def _with_messages(self, attempt: Attempt, load: Load, came: Came, outcome: Told, remote: str | None) -> Attempt:
        assert self.responses is not None, "asked for only where answers go somewhere"
        first, parcel = load.items[0], load.parcel
        rows = Rows(numbers=load.numbers, key=first.key, attempt=first.attempts, batch=load.grouped)
        sent = describe_request(parcel.method, f"{self.responses.base_url}{parcel.path}", parcel.body)
        messages = self.responses.write(rows, sent, came, outcome=outcome, remote_id=remote, at=attempt.ended_at)
        return replace(attempt, messages=messages)


def describe_attempt(load: Load, kind: AttemptKind, outcome: AttemptOutcome, call: Call) -> Attempt:
    """The attempt as the record's biography has it."""
    answer, parcel = call.answer, load.parcel
    return Attempt(
        number=load.numbers[0],
        kind=kind,
        began_at=call.began,
        ended_at=call.ended,
        request=f"{parcel.method} {parcel.path}" if kind == "send" else f"look for {match_of(load.items[0].payload)}",
        outcome=outcome,
        body=parcel.body if load.grouped and kind == "send" else None,
        status=answer.status if answer else None,
        response=answer.body if answer else b"",
        reason=None if isinstance(call.result, Answer) else str(call.result),
    )


def describe(load: Load) -> dict[str, str | int | None]:
    """What a span says of a part of a run: which rows, not what is in them."""
    return {
        "crosswalk.run": caller().name or None,
        "crosswalk.first_row": load.numbers[0],
        "crosswalk.rows": len(load.numbers),
        "crosswalk.attempt": load.items[0].attempts + 1,
    }
