"""One HTTP exchange as values: what is asked, what is answered, how it failed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from crosswalk.insightly.wire import JSON

READS = frozenset({"GET", "HEAD", "OPTIONS"})


MOST_DIGITS = 18


def whole(text: str) -> int | None:
    """Read a header's whole number; `None` when it is something else, or too long to mean anything."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None


class Part(Struct, frozen=True):
    """One part of a multipart form; `filename` marks a file."""

    name: str
    value: bytes | str
    filename: str | None = None
    content_type: str | None = None


class Call(Struct, frozen=True, kw_only=True):
    """One request below the base URL. `reads` says that sending it twice does no harm."""

    method: str
    path: str
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    form: tuple[Part, ...] = ()
    reads: bool = False

    @property
    def title(self) -> str:
        """Method and path, for messages: the query may hold people's data."""
        return f"{self.method} {self.path.partition('?')[0]}"


class Answer(Struct, frozen=True, kw_only=True):
    """One response, read whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def json(self) -> JSON:
        """Read the body as JSON; raises `msgspec.DecodeError`."""
        decoded: JSON = msgspec.json.decode(self.body)
        return decoded

    def number(self, header: str) -> int | None:
        """A header's whole number, `None` when it is absent or something else."""
        return whole(self.headers.get(header, ""))


class Watch(Protocol):
    """Hears of each try of one call: `flying` when its first byte leaves, and not any more when it is over."""

    def __call__(self, *, flying: bool) -> None:
        """Hear it."""


Trouble: TypeAlias = Literal["not connected", "cut", "timed out", "too large"]


class Fault(Struct, frozen=True, kw_only=True):
    """No whole answer came. `first_byte` and `last_byte` are when we sent, `None` when nothing left this machine."""

    trouble: Trouble
    detail: str
    first_byte: datetime | None = None
    last_byte: datetime | None = None
