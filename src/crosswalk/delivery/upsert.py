"""Upserts: which call a row becomes once it is known whether its record is there. Pure."""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.delivery.payload import Payload
from crosswalk.delivery.settle import Hit


class Make(Struct, frozen=True):
    """Nobody has the value: the record is made."""


class Change(Struct, frozen=True):
    """One record has the value: it is changed."""

    remote_id: str


class Ambiguous(Struct, frozen=True):
    """Several records have the value, and only a person can say which is meant."""

    reason: str


Aim: TypeAlias = Make | Change | Ambiguous


def aim_by(hits: Sequence[Hit], wish: Payload) -> Aim:
    """What a search says about a row's record."""
    match hits:
        case ():
            return Make()
        case (hit,):
            return Change(hit.id)
        case _:
            assert wish.match is not None, "an upsert has its match"
            name, value = wish.match
            return Ambiguous(
                f"{len(hits)} records have {name} {value!r}: {', '.join(hit.id for hit in hits)}. "
                "Merge them in Insightly, or match by another field; then replay it"
            )


def wish_of(payload: Payload, id_field: str) -> Payload:
    """What an upsert asks for, before it was known which record it is about."""
    body = {name: value for name, value in (payload.body or {}).items() if name != id_field}
    return replace(payload, method="POST", body=body, record=None)


def aim_at(wish: Payload, remote_id: str, id_field: str) -> Payload:
    """The call that changes a record as an upsert asks."""
    return replace(wish, method="PUT", body={id_field: int(remote_id), **(wish.body or {})}, record=remote_id)
