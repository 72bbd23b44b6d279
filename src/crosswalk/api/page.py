"""Lists: how many, from where, and the cursor to the next page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter
from msgspec import Struct

T = TypeVar("T")
Key = TypeVar("Key")
MOST, DEFAULT = 500, 100

Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description=f"Most items in one answer, 1 to {MOST}.")]
Cursor = Annotated[
    str | None, QueryParameter(description="`next_cursor` of the answer before; empty or absent at the start.")
]


class Page(Struct, Generic[T], frozen=True):
    """A part of a list. `next_cursor` is null at the end."""

    result: Sequence[T]
    next_cursor: str | None


def cut(found: Sequence[T], limit: int, place: Callable[[T], object]) -> Page[T]:
    """A page of rows of which one more than `limit` was asked for; `place` is where in the list a row stands."""
    return Page(found[:limit], write_cursor(place(found[limit - 1])) if len(found) > limit else None)


def write_cursor(place: object) -> str:
    """A mark of a place in a list."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str | None, kind: type[Key]) -> Key | None:
    """The place that a cursor marks, `None` for the start; raises a 400 for one that this list never gave."""
    if not text:
        return None
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, NotBase64, msgspec.DecodeError) as exc:
        message = "is no cursor of this list; send back next_cursor as it was given, or leave it out"
        raise ValidationException(
            "The cursor cannot be read", extra=[{"key": "next_cursor", "message": message, "source": "query"}]
        ) from exc
