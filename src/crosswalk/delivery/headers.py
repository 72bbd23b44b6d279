r"""Request headers in one line, `header1:value1,header2:value2`: read, written, and checked. Pure.

The line splits at a comma that a name and a colon follow, each pair at its first colon. Double quotes around a value
protect commas, outer spaces and quotes in it; `\` in quotes takes the next character as it is.
"""

import re
from collections.abc import Iterable, Iterator

from crosswalk.delivery.cell import BadValue
from crosswalk.delivery.errors import PlanError

Headers = tuple[tuple[str, str], ...]

OURS = frozenset({"authorization", "content-type", "host", "content-length", "transfer-encoding", "connection"})
"""Names that Crosswalk sets itself, from credential, body and connection."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (RFC 9110's word for what a name is made of, no secret)
_NAME = re.compile(_TOKEN)
_NEXT = re.compile(rf"[ \t]*{_TOKEN}:")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def parse_headers(line: str) -> Headers:
    """Read a line of headers. Raises `PlanError` for a pair that cannot be read or is not the user's to set."""
    if not line.strip(" \t"):
        return ()
    pairs = tuple(_parse_pair(piece) for piece in _split(line))
    check_headers(pairs)
    return pairs


def format_headers(pairs: Headers) -> str:
    """Write headers in one line, which `parse_headers` reads back."""
    return ",".join(f"{name}:{_format_value(value)}" for name, value in pairs)


def check_headers(pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse, with `PlanError`, names that are no names or ours, and values that no header may have."""
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise PlanError(f"{name!r} is no header name. Write name:value, several with commas between.")
        if name.lower() in OURS:
            raise PlanError(f"Crosswalk sets {name} itself. Leave it out of the headers.")
        try:
            check_value(value)
        except BadValue as error:
            raise PlanError(f"Header {name} {error}. Leave it out.") from error


def check_value(value: str) -> str:
    """A value that a header may have, as it is. Raises `BadValue` for line breaks and other control characters."""
    bad = _CONTROL.search(value)
    if bad is not None:
        raise BadValue(f"has the character {bad[0]!r}, which no header may have")
    return value


def _split(line: str) -> Iterator[str]:
    start = at = 0
    quoted = False
    while at < len(line):
        if quoted and line[at] == "\\":
            at += 1
        elif line[at] == '"':
            quoted = not quoted
        elif line[at] == "," and not quoted and _NEXT.match(line, at + 1):
            yield line[start:at]
            start = at + 1
        at += 1
    if quoted:
        raise PlanError(f'The headers {line!r} open a quote and never close it. Close it, or write it as "\\"".')
    yield line[start:]


def _parse_pair(piece: str) -> tuple[str, str]:
    name, colon, value = piece.partition(":")
    if not colon:
        raise PlanError(f"{piece.strip()!r} is no header. Write name:value, several with commas between.")
    value = value.strip(" \t")
    whole = _QUOTED.fullmatch(value)
    return name.strip(" \t"), re.sub(r"\\(.)", r"\1", whole[1]) if whole else value


def _format_value(value: str) -> str:
    if not set(value) & {'"', ","} and value == value.strip(" \t"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
