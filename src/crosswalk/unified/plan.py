"""What a unified write becomes: calls to Insightly, in order. Values only."""

from msgspec import Struct

from crosswalk.unified.errors import Fault
from crosswalk.unified.known import Wire


class Step(Struct, frozen=True, kw_only=True):
    """One call. `{id}` in its path is the id of the record that the plan writes, once it is known."""

    name: str
    method: str
    path: str
    body: Wire | None = None


class WritePlan(Struct, frozen=True, kw_only=True):
    """The calls of one write; the first of a creation gives the id, by the field `id_field` of its answer.

    With `reads`, the record must be read before: a step merges into what is there.
    """

    object: str
    id_field: str
    id: str | None = None
    steps: tuple[Step, ...] = ()
    reads: bool = False


class Draft:
    """A write plan in the making: fields of the main call, further steps, and what cannot be done."""

    def __init__(self, *, creates: bool) -> None:
        self.creates = creates
        self.wire: Wire = {}
        self.steps: list[Step] = []
        self.faults: list[Fault] = []
