"""What the response webhook says of one call: an envelope, or Insightly's body itself. Pure."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

Told: TypeAlias = Literal["delivered", "rejected", "unknown", "retrying"]
SHOWN_HEADERS = frozenset(
    {"content-type", "date", "etag", "location", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining"}
    | {"x-total-count"}
)
"""Headers of an answer that are passed on; any other may hold what is nobody's business."""
MOST_BYTES = 1024 * 1024
"""An answer's body is passed on up to here, longer ones as the text of their beginning."""


class ResponseWebhook(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where the answer to each call goes: into a dataset, to a URL, or both.

    With neither, into a dataset named for the destination. `whole` says that an envelope goes; else Insightly's body
    does, an array as one record each.
    """

    dataset: str | None = None
    url: str | None = None
    whole: bool = True


class Sent(Struct, frozen=True):
    """The call as it went out, without its credential; `body_sha256` is null where it had no body."""

    method: str
    url: str
    body_sha256: str | None


class Came(Struct, frozen=True, kw_only=True):
    """What came back: `body` where it is JSON, else `text`; with no answer, `status` is null and `error` says why."""

    status: int | None
    headers: Mapping[str, str] | UnsetType = UNSET
    body: Raw | UnsetType = UNSET
    text: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    elapsed_ms: int


class Envelope(Struct, frozen=True, kw_only=True):
    """One call and what came of it. Of a batch it names the first row, as `batch_index` 0; `rows` are all of them."""

    delivery_id: str
    destination_id: str | None
    run_id: str
    record_key: str | None
    attempt: int
    batch_index: int | None
    rows: tuple[int, ...] | UnsetType = UNSET
    request: Sent
    response: Came
    outcome: Told
    remote_id: str | None
    test: bool
    at: datetime


def describe_request(method: str, url: str, body: bytes | None) -> Sent:
    """The call, its body by its digest."""
    return Sent(method, url, None if body is None else sha256(body).hexdigest())


def describe_answer(status: int, headers: Mapping[str, str], body: bytes, *, elapsed_ms: int) -> Came:
    """An answer: headers of the list alone, the body as JSON where it is some."""
    shown = {name: value for name, value in sorted(headers.items()) if name in SHOWN_HEADERS}
    if not body:
        return Came(status=status, headers=shown, elapsed_ms=elapsed_ms)
    whole = read_json(body)
    if whole is None:
        text = body[:MOST_BYTES].decode(errors="replace")
        return Came(status=status, headers=shown, text=text, elapsed_ms=elapsed_ms)
    return Came(status=status, headers=shown, body=whole, elapsed_ms=elapsed_ms)


def describe_silence(error: str, *, elapsed_ms: int) -> Came:
    """No answer, and why."""
    return Came(status=None, error=error, elapsed_ms=elapsed_ms)


def read_json(body: bytes) -> Raw | None:
    """A body on one line, as its bytes: numbers keep every digit. `None` where it is no JSON, or too long."""
    if len(body) > MOST_BYTES:
        return None
    try:
        msgspec.json.decode(body)
        return Raw(msgspec.json.format(body, indent=-1))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def split_body(body: bytes) -> tuple[bytes, ...]:
    """The records that a body on one line holds: an object is one, an array one each; anything else is none."""
    parts = [bytes(part) for part in _read_list(body)] if body[:1] == b"[" else [body]
    return tuple(part for part in parts if part[:1] == b"{")


def _read_list(body: bytes) -> list[Raw]:
    try:
        return msgspec.json.decode(body, type=list[Raw])
    except msgspec.DecodeError:
        return []
