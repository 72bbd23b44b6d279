"""Cursors: a place in one list, signed, so that it opens no other account's list and no other filter's. Pure."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct

VERSION = 1
LASTS = timedelta(hours=24)
MAC_BYTES = 16


class CursorInvalid(ValueError):
    """A cursor that this list never gave, or gave too long ago. `parameter` is what it came as."""

    def __init__(self, why: str, parameter: str = "next_cursor") -> None:
        super().__init__(why)
        self.parameter = parameter


class Cursor(Struct, frozen=True, kw_only=True, array_like=True):
    """A place in a list: behind (or, going `back`, before) the row with the id `last`, which stood at `skip`.

    `of` names the list: account, noun, filters. `seen` is what was given out before it; `began` when its reading
    began, in seconds since 1970.
    """

    of: str
    last: int
    skip: int
    began: int
    seen: int = 0
    way: Literal["on", "back"] = "on"
    version: int = VERSION


def name_list(account: str, noun: str, filters: Mapping[str, str]) -> str:
    """A short name of one list, equal for equal account, noun and filters."""
    whole = msgspec.json.encode([account, noun, sorted(filters.items())])
    return urlsafe_b64encode(sha256(whole).digest()[:12]).decode()


def write_cursor(cursor: Cursor, key: bytes) -> str:
    """A cursor as text that callers send back."""
    raw = msgspec.json.encode(cursor)
    return _spell(_sign(raw, key) + raw)


def read_cursor(text: str, key: bytes, *, of: str, now: datetime) -> Cursor:
    """The place that a text marks in the list `of`. Raises `CursorInvalid`."""
    try:
        whole = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, NotBase64) as exc:
        raise CursorInvalid("is no cursor; send it back as it was given") from exc
    mac, raw = whole[:MAC_BYTES], whole[MAC_BYTES:]
    # base64 spells some bytes in several ways; only ours is one that we gave
    if _spell(whole) != text or not hmac.compare_digest(mac, _sign(raw, key)):
        raise CursorInvalid("is no cursor of this installation; send it back as it was given")
    try:
        cursor = msgspec.json.decode(raw, type=Cursor)
    except msgspec.DecodeError as exc:
        raise CursorInvalid("is a cursor of another version; begin again without it") from exc
    if cursor.version != VERSION:
        raise CursorInvalid("is a cursor of another version; begin again without it")
    if cursor.of != of:
        raise CursorInvalid("belongs to another account, resource or filter; begin again without it")
    if now.timestamp() - cursor.began > LASTS.total_seconds():
        raise CursorInvalid("is older than 24 hours; begin again without it")
    return cursor


def _spell(whole: bytes) -> str:
    return urlsafe_b64encode(whole).decode().rstrip("=")


def _sign(raw: bytes, key: bytes) -> bytes:
    return hmac.new(key, raw, sha256).digest()[:MAC_BYTES]
