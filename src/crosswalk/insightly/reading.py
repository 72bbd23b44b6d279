"""Reading lists and records off answers: what every room of the client shares between a path and a struct."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeAlias
from urllib.parse import quote

import msgspec
from msgspec import UNSET
from msgspec.structs import force_setattr

from crosswalk.insightly.call import Answer, Call
from crosswalk.insightly.errors import BadAnswer
from crosswalk.insightly.page import PAGE, Rows
from crosswalk.insightly.record import R, names_of, read_many, read_one
from crosswalk.insightly.walk import Ask, Page, Walk
from crosswalk.insightly.wire import to_query

Id: TypeAlias = int | str
Query: TypeAlias = Mapping[str, str]


class Caller(Protocol):
    """Who makes calls, paced and repeated where that is safe."""

    async def call(self, call: Call) -> Answer:
        """Make a call; raises what `errors` lists."""


class Reading(msgspec.Struct, Generic[R], frozen=True):
    """A list to read: its path, what its rows are, the field that orders them, whether it takes `skip` and `top`."""

    path: str
    kind: type[R]
    id: str | None
    paged: bool = True


def walk(caller: Caller, reading: Reading[R], query: Query, *, size: int = PAGE) -> AsyncIterator[Sequence[R]]:
    """Every record of a list once, page by page."""
    place = next((ours for ours, wire in names_of(reading.kind).items() if wire == reading.id), "")

    async def fetch(ask: Ask) -> Page[R]:
        paging = {"top": str(ask.top), "skip": str(ask.skip)} if reading.paged else {}
        counting = {"count_total": "true"} if ask.count and reading.paged else {}
        call = Call(method="GET", path=reading.path, params={**query, **paging, **counting}, reads=True)
        answer = await caller.call(call)
        records = decode(call, answer, reading.kind, many=True)
        total = answer.number("x-total-count") if reading.paged else len(records)
        return Page(Rows(ask.skip, _ids(ask, records, place), total), records)

    return Walk(fetch, reading.path, size=max(size, 2)).pages()


def _ids(ask: Ask, records: Sequence[R], place: str) -> Sequence[int]:
    """The ids of a page. Rows without a numeric id are numbered by their place: nothing else tells them apart."""
    ids = [getattr(record, place, None) for record in records]
    numbers = [i for i in ids if isinstance(i, int)]
    return numbers if len(numbers) == len(ids) else range(ask.skip, ask.skip + len(records))


def decode(call: Call, answer: Answer, kind: type[R], *, many: bool = False) -> tuple[R, ...]:
    """Read the records of a success. Where one is meant, a list's last is it, as children answer their whole list.

    Raises `BadAnswer` for a body of another shape.
    """
    body = answer.body.strip()
    try:
        whole_list = many or body.startswith(b"[")
        records = read_many(body, kind) if whole_list else (_versioned(read_one(body, kind), answer),)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, ValueError, AttributeError) as exc:
        raise _unreadable(call, answer, str(exc)) from exc
    if not records and not many:
        raise _unreadable(call, answer, "an empty list")
    return records


def _versioned(record: R, answer: Answer) -> R:
    """The record with its ETag: some answers carry it as a field, some as a header only, some not at all."""
    if getattr(record, "etag", None) is UNSET and "etag" in answer.headers:
        force_setattr(record, "etag", answer.headers["etag"])
    return record


def _unreadable(call: Call, answer: Answer, why: str) -> BadAnswer:
    todo = "Read it again." if call.reads else "It took effect: look before sending it again."
    return BadAnswer(call, f"the answer cannot be read: {why}", todo, answer=answer)


def segment(value: Id) -> str:
    """Spell one part of a path."""
    return quote(str(value), safe="")


def to_value(value: object) -> str:
    """Spell a value to search for."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return to_query(value)
        case _:
            return str(value)
