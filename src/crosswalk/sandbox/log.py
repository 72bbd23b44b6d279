"""The request log: the last calls, bounded, with the start of the last bodies."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from msgspec import Struct

MOST_CALLS = 50_000
MOST_BODIES = 1_000
MOST_BYTES = 16_384
"""Kept of one body; a thousand pages of 500 contacts must not fill the memory."""


class Entry(Struct, frozen=True, kw_only=True):
    """One call: `at` in seconds since 1970 by the machine's clock, `time` by the sandbox's, `ms` until answered."""

    number: int
    at: float
    time: datetime
    account: str | None
    method: str
    path: str
    query: str
    status: int | None
    user: int | None
    key: str | None
    faults: tuple[str, ...]
    ms: float


class Bodies(Struct, frozen=True):
    """The start of what was asked and answered."""

    number: int
    request: bytes
    response: bytes


class Filter(Struct, frozen=True, kw_only=True):
    """What `GET /_sandbox/log` may ask for."""

    since: int = 0
    limit: int = 1_000
    method: str | None = None
    path: str | None = None
    status: int | None = None
    account: str | None = None
    bodies: bool = False

    def passes(self, entry: Entry) -> bool:
        """Whether an entry is asked for. `path` is a glob, of the whole path or of what follows the version."""
        return (
            entry.number > self.since
            and (self.method is None or self.method.upper() == entry.method)
            and (self.status is None or self.status == entry.status)
            and (self.account is None or self.account == entry.account)
            and (self.path is None or fits(entry.path, self.path))
        )


def fits(path: str, glob: str) -> bool:
    """Whether a path, or what follows its version as faults name it, fits a glob without regard to case."""
    whole = path.lower()
    below = whole.lstrip("/").partition("/")[2].strip("/")
    return any(fnmatchcase(name, glob.lower()) for name in (whole, below))


@dataclass(slots=True)
class Log:
    """The last calls, oldest first. Numbers start at 1 and are never used twice."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=MOST_CALLS))
    bodies: deque[Bodies] = field(default_factory=lambda: deque(maxlen=MOST_BODIES))
    number: int = 0

    def add(self, entry: Entry, request: bytes, response: bytes) -> None:
        """Keep one call."""
        self.entries.append(entry)
        self.bodies.append(Bodies(entry.number, request[:MOST_BYTES], response[:MOST_BYTES]))

    def next(self) -> int:
        """Take the next number."""
        self.number += 1
        return self.number

    def select(self, wanted: Filter) -> Iterator[dict[str, object]]:
        """Find the last `limit` entries that pass, oldest first."""
        found = [entry for entry in self.entries if wanted.passes(entry)][-wanted.limit :] if wanted.limit else []
        known = {body.number: body for body in self.bodies} if wanted.bodies else {}
        for entry in found:
            shown: dict[str, object] = {name: getattr(entry, name) for name in entry.__struct_fields__}
            if entry.number in known:
                body = known[entry.number]
                shown |= {"request": _text(body.request), "response": _text(body.response)}
            yield shown

    def clear(self) -> None:
        """Forget every call; numbers go on."""
        self.entries.clear()
        self.bodies.clear()


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")
