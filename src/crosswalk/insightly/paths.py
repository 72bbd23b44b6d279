"""Paths below the base URL as callers write them: what may stand in one, and which resource it names. Pure."""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from crosswalk.contract import Operation, load
from crosswalk.insightly.errors import WrongUse

MOST_CHARACTERS = 2000
PLAIN = re.compile(r"/(?:[A-Za-z0-9_.~!$&'()*+,=:@/-]|%[0-9A-Fa-f]{2})*")
"""No backslash, no `;`, no control character, no space, no `?` or `#`, no half of an escape."""
QUERY = re.compile(r"[\x21\x22\x24-\x7e]*")
RESOURCE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
FORBIDDEN = frozenset(b"/\\%?#;") | frozenset(range(32)) | {127}
"""Bytes that an escape must not stand for: whoever unescapes twice would see another path."""


class UnsafePath(WrongUse):
    """A path could lead elsewhere than it says; nothing was sent."""


@lru_cache(maxsize=1024)
def check_path(path: str) -> tuple[str, ...]:
    """The parts of a path that is safe to append to the base URL, unescaped. Raises `UnsafePath`."""
    if len(path) > MOST_CHARACTERS or not PLAIN.fullmatch(path):
        raise UnsafePath("The path holds a character that no path of Insightly's has, or is too long. Escape it.")
    parts = tuple(_unescape(part) for part in path.split("/") if part)
    if not parts or not RESOURCE.fullmatch(parts[0]):
        raise UnsafePath("The path names no resource. Write one of Insightly's, such as /Contacts/7.")
    return parts


def check_query(query: str) -> str:
    """A query that is safe to append. Raises `UnsafePath`."""
    if not QUERY.fullmatch(query):
        raise UnsafePath("The query holds a character that must be escaped.")
    return query


def _unescape(part: str) -> str:
    plain = unquote_to_bytes(part)
    if plain in {b".", b".."} or ("%" in part and FORBIDDEN & frozenset(plain)):
        raise UnsafePath("The path holds `.`, `..` or an escape that hides a separator. Write it plainly.")
    try:
        return plain.decode()
    except UnicodeDecodeError as exc:
        raise UnsafePath("The path holds an escape that is no UTF-8.") from exc


@lru_cache(maxsize=1024)
def resource_name(name: str) -> str:
    """One name for every spelling that Insightly serves: `Organization` and `organisations` are one resource."""
    found = load().names.get(name.lower())
    return name.lower() if found is None else found.name.lower()


def is_resource(name: str) -> bool:
    """Whether a name is a resource's, or could be a custom object's."""
    return name.lower() in load().names or name.lower().endswith("__c")


@lru_cache(maxsize=1024)
def is_list(path: str) -> bool:
    """Whether a GET of this path answers a list that is read by pages."""
    parts = check_path(path)
    return any(_fits(operation, parts) for operation in _operations(resource_name(parts[0])))


def _operations(name: str) -> tuple[Operation, ...]:
    """The paged reads of a resource; a custom object's are those of any."""
    known = load().names
    found = known.get(name) or known.get("{objectname}")
    operations = () if found is None else found.operations
    return tuple(each for each in operations if each.verb == "GET" and "top" in each.query)


def _fits(operation: Operation, parts: tuple[str, ...]) -> bool:
    """Whether a path is of an operation's shape, whatever its resource is called."""
    shape = operation.path.strip("/").split("/")
    return len(shape) == len(parts) and all(
        theirs.startswith("{") or theirs.lower() == ours.lower()
        for theirs, ours in zip(shape[1:], parts[1:], strict=True)
    )
