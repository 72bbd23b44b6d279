"""One request to somebody's server and what comes of it, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

KEPT = 64 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to somebody's server. `kept` is how much of the answer is wanted."""

    url: str = field(repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    kept: int = KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer came. Header names are in lower case; `cut` says that the body went on."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """We do not send there; nothing left this machine for it but a look-up of the name."""

    reason: str


@dataclass(frozen=True, slots=True)
class Silent:
    """No whole answer came; whether the request arrived is unknown."""

    reason: str


Result: TypeAlias = Answered | Refused | Silent
