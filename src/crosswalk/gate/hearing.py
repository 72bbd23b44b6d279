"""Who wants to hear how each call of an account ended, beside the pacer that learns from it."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from crosswalk.gate.meter import Meter, outcome_of
from crosswalk.gate.purpose import Caller, caller
from crosswalk.gate.request_log import note_call
from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import InsightlyError
from crosswalk.insightly.pace import Seen
from crosswalk.insightly.pacer import Pacer, Slot
from crosswalk.insightly.template import template_of
from crosswalk.insightly.trail import this_try
from crosswalk.tracing import Timed, timed

Hear = Callable[[Seen], None]
GOOD = "answered"


def deaf(_: Seen) -> None:
    """Hear nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose calls are measured: the account's id and its Insightly's plan, where they are known."""

    meter: Meter
    account: str | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """A pacer that tells what came of each call, and measures it. `hear` must not wait: it runs on the call's way."""

    pacer: Pacer
    hear: Hear
    about: About

    async def slot(self, call: Call) -> Slot:
        """Wait for leave to make this call. Its span begins here: waiting is part of it."""
        who, began, span = caller(), monotonic(), timed("insightly")
        granted = False
        try:
            slot = await self.pacer.slot(call)
            granted = True
        except InsightlyError as error:
            self.about.meter.refused(self.about.plan, who.purpose, error)
            span.fail(type(error).__name__)
            raise
        finally:
            if not granted:
                if span.heard:
                    _describe(span, call, who, self.about)
                span.end()
        waited = monotonic() - began
        self.about.meter.waited.labels(who.purpose).observe(waited)
        return _Told(slot, self.hear, call, _Measured(self.about, who, waited, this_try(), span))


@dataclass(eq=False, slots=True)
class _Measured:
    """One try that has leave."""

    about: About
    who: Caller
    waited: float
    number: int
    span: Timed

    def end(self, call: Call, seen: Seen) -> None:
        self.about.meter.ended(self.about.plan, self.who.purpose, seen)
        if self.span.heard:
            self._tell(call, seen)
        self.span.end()

    def _tell(self, call: Call, seen: Seen) -> None:
        _describe(self.span, call, self.who, self.about)
        self.span.say(
            {
                "http.response.status_code": seen.status,
                "http.request.resend_count": self.number - 1 or None,
                "crosswalk.attempt": self.number,
                "crosswalk.waited_ms": round(self.waited * 1000, 3),
            }
        )
        outcome = outcome_of(seen)
        if outcome != GOOD:
            self.span.fail(outcome)


def _describe(span: Timed, call: Call, who: Caller, about: About) -> None:
    template = template_of(call.path)
    span.rename(f"{call.method} {template}")
    span.say(
        {
            "http.request.method": call.method,
            "url.template": template,
            "peer.service": "insightly",
            "crosswalk.account": about.account,
            "crosswalk.purpose": who.purpose,
            "crosswalk.run": who.name or None,
        }
    )


@dataclass(eq=False, slots=True)
class _Told:
    """One slot whose end is told."""

    slot: Slot
    hear: Hear
    call: Call
    measured: _Measured

    async def leave(self) -> None:
        await self.slot.leave()

    def sent(self) -> None:
        self.slot.sent()

    def note(self, seen: Seen) -> None:
        self.slot.note(seen)
        self.hear(seen)
        note_call(self.call, seen)
        self.measured.end(self.call, seen)
