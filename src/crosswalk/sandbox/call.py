"""One call as the sandbox's rooms see it: what came in, what goes out, and the one way to refuse.

The wire (`app.py`, `routes.py`, `limits.py`, `faults.py`) turns HTTP into a `Call`; `operations.perform` turns a
`Call` into an `Answer` or raises `Refusal`. Neither knows the other's half.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crosswalk.contract import Operation, Resource
from crosswalk.sandbox.switches import Switches

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class User:
    """Who calls: one key is one user. Keys never appear in a `repr`."""

    id: int
    key: str = field(repr=False)
    administrator: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One request after routing: `params` from the path by the contract's names, `query` names in lower case."""

    resource: Resource
    operation: Operation
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    user: User
    now: datetime
    switches: Switches
    search_lag: float = 0.0
    object_name: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One response before the wire adds limits and compression. `reason` overrides the phrase of the status line."""

    status: int
    body: bytes = b""
    content_type: str | None = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    reason: str | None = None


class Refusal(Exception):
    """An answer that is not a success, raised from wherever it is noticed and rendered once."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body[:200]!r}")
        self.answer = answer
