"""One message of the outbox, as it is written and as it is read."""

from datetime import datetime
from random import Random
from typing import Any, TypeAlias

from msgspec import Struct

from crosswalk.store.ids import new_id
from crosswalk.store.outbox import MessageKind, MessageState
from crosswalk.tracing import traceparent

Row: TypeAlias = dict[str, Any]


class Message(Struct, frozen=True, kw_only=True):
    """One message. `body` is what it says; `reason` what the latest attempt met.

    `traceparent` is of the work that it tells of.
    """

    number: int
    id: str
    kind: MessageKind
    target: str
    topic: str
    order_key: str | None
    body: bytes
    created_at: datetime
    state: MessageState
    attempts: int
    due_at: datetime | None
    leased_until: datetime | None
    settled_at: datetime | None
    status: int | None
    reason: str | None
    traceparent: str | None = None


def write_message(
    kind: MessageKind,
    target: str,
    topic: str,
    *,
    body: bytes,
    at: datetime,
    rng: Random,
    order_key: str | None = None,
) -> Row:
    """A new message as a row, for `ADD_MESSAGES` in the transaction of what it tells of."""
    return {
        "id": f"msg_{new_id(at, rng)}",
        "kind": kind,
        "target": target,
        "topic": topic,
        "order_key": order_key,
        "body": body,
        "created_at": at,
        "due_at": at,
        "state": "pending",
        "traceparent": traceparent(),
    }
