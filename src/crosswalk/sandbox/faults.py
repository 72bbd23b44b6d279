"""Scripted faults: which call meets which, decided from a script and a seeded generator. `conduct.py` acts them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from crosswalk.sandbox.denials import ERROR_PAGE, HTML_TYPE

Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Milliseconds = Annotated[float, Meta(ge=0, le=600_000)]
Share = Annotated[float, Meta(ge=0, le=1)]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
ContentType = Annotated[str, Meta(pattern=r"^[ -~]+$")]
Count = Annotated[int, Meta(ge=0)]


class Where(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls meet a fault: a glob on the contract's spelling of the path, then how many and how often."""

    route: str = "*"
    method: str = "*"
    share: Share = 1.0
    skip: Count = 0
    count: Count | None = None
    account: str | None = None


class Latency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="latency"):
    """Wait before the work: `ms`, and up to `spread_ms` more."""

    ms: Milliseconds = 0.0
    spread_ms: Milliseconds = 0.0


class Status(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="status"):
    """Answer this status, before the work is done or (`commit`) after it."""

    status: Annotated[int, Meta(ge=200, le=599)] = 500
    body: str = ERROR_PAGE.decode()
    content_type: ContentType = HTML_TYPE
    headers: dict[HeaderName, str] = {}
    commit: bool = False


class RateLimit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="rate_limit"):
    """Answer 429: a burst, or (`day`) a spent day."""

    day: bool = False
    retry_after: Count | None = 1


class LateCommit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="late_commit"):
    """Do the work `seconds` after the caller has gone: cut at once (`reset`), or left to give up (`hang`)."""

    seconds: Seconds
    leave: Literal["reset", "hang"] = "reset"


class Hang(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="hang"):
    """Say nothing until the caller leaves or `seconds` are over; then cut the connection."""

    seconds: Seconds = 600.0
    commit: bool = False


class Reset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="reset"):
    """Reset the connection, before the work or (`commit`) after it."""

    commit: bool = False


class HalfClose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="half_close"):
    """Close our sending side without an answer and go on listening for `seconds`."""

    seconds: Seconds = 60.0
    commit: bool = False


class Truncate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="truncate"):
    """Promise the whole body, send this share of it, close."""

    keep: Share = 0.5


class Slow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="slow"):
    """Send the body at this speed."""

    bytes_per_second: Annotated[int, Meta(ge=1)] = 1024


class SearchLag(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="search_lag"):
    """Leave records younger than this out of searches."""

    seconds: Seconds


class Garble(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="garble"):
    """Answer with a wrong content type, or with the last `drop` bytes of the body missing and not promised."""

    content_type: ContentType | None = None
    drop: Count = 1


Fault = Latency | Status | RateLimit | LateCommit | Hang | Reset | HalfClose | Truncate | Slow | SearchLag | Garble
Ending = Status | RateLimit | LateCommit | Hang | Reset | HalfClose
"""Faults that stand in the answer's place; the others change how it comes."""

SHARED = frozenset(Where.__struct_fields__)


@dataclass(slots=True)
class Rule:
    """One line of the script, and how often it was met."""

    where: Where
    fault: Fault
    seen: int = 0
    applied: int = 0

    def meets(self, account: str, method: str, path: str) -> bool:
        """Whether a call is one of this rule's, before `skip`, `count` and `share`."""
        where = self.where
        return (
            where.account in (None, account)
            and where.method.upper() in ("*", method)
            and fnmatchcase(path, where.route.strip("/").lower())
        )

    def strike(self, rng: Random) -> bool:
        """Count one matching call and decide whether the fault befalls it."""
        self.seen += 1
        spent = self.where.count is not None and self.applied >= self.where.count
        if self.seen <= self.where.skip or spent or rng.random() >= self.where.share:
            return False
        self.applied += 1
        return True

    def show(self) -> dict[str, object]:
        """Show the rule as it was given, with its counts."""
        return {**_plain(self.where), **_plain(self.fault), "seen": self.seen, "applied": self.applied}


@dataclass(slots=True)
class Script:
    """The faults in force, in order; `standing` ones stay. With the same seed and calls, the same calls are struck."""

    standing: Sequence[Rule] = ()
    rules: list[Rule] = field(default_factory=list)
    rng: Random = field(default_factory=lambda: Random(1))  # noqa: S311 (faults are to be repeatable, not secret)

    def __post_init__(self) -> None:
        self.rules = [*self.standing, *self.rules]

    def pick(self, account: str, method: str, path: str) -> tuple[Fault, ...]:
        """Every fault that befalls this call: one at most that ends it, the next one waits for the next call."""
        lower, picked, ended = path.lower(), [], False
        for rule in self.rules:
            ending = isinstance(rule.fault, Ending)
            if not (ending and ended) and rule.meets(account, method, lower) and rule.strike(self.rng):
                picked.append(rule.fault)
                ended = ended or ending
        return tuple(picked)

    def load(self, rules: Sequence[Rule], seed: int = 1) -> None:
        """Put a new script in place of the old one."""
        self.rules, self.rng = [*self.standing, *rules], Random(seed)  # noqa: S311 (repeatable, not secret)


def fault_name(fault: Fault) -> str:
    """The fault's name in JSON."""
    return str(fault.__struct_config__.tag)


def read_rules(body: bytes) -> list[Rule]:
    """Read a script: a list of flat objects, where and what in one. Raises `msgspec.ValidationError`."""
    items = msgspec.json.decode(body, type=list[dict[str, object]])
    return [_read_rule(item, number) for number, item in enumerate(items)]


def _read_rule(item: Mapping[str, object], number: int) -> Rule:
    where = {name: value for name, value in item.items() if name in SHARED}
    fault = {name: value for name, value in item.items() if name not in SHARED and name not in ("seen", "applied")}
    try:
        return Rule(msgspec.convert(where, Where), msgspec.convert(fault, Fault))
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"Fault {number}: {error}") from error


def _plain(value: Struct) -> dict[str, object]:
    shown: dict[str, object] = msgspec.to_builtins(value)
    return shown
