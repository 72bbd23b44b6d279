"""Who wants to hear how each call of an account ended, beside the pacer that learns from it."""

from collections.abc import Callable
from dataclasses import dataclass

from crosswalk.gate.request_log import note_call
from crosswalk.insightly.call import Call
from crosswalk.insightly.pace import Seen
from crosswalk.insightly.pacer import Pacer, Slot

Hear = Callable[[Seen], None]


@dataclass(frozen=True, slots=True)
class Hearing:
    """A pacer that tells what came of each call. `hear` must not wait: it runs on the call's way."""

    pacer: Pacer
    hear: Hear

    async def slot(self, call: Call) -> Slot:
        """Wait for leave to make this call."""
        return _Told(await self.pacer.slot(call), self.hear, call)


@dataclass(eq=False, slots=True)
class _Told:
    """One slot whose end is told."""

    slot: Slot
    hear: Hear
    call: Call

    def sent(self) -> None:
        self.slot.sent()

    def note(self, seen: Seen) -> None:
        self.slot.note(seen)
        self.hear(seen)
        note_call(self.call, seen)
