"""Lists and records as Insightly spells them, read for the unified model: plain objects, nothing of them lost."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from crosswalk.contract import Resource
from crosswalk.insightly import Insightly
from crosswalk.insightly.call import Answer, Call
from crosswalk.insightly.errors import BadAnswer
from crosswalk.insightly.page import PAGE, Rows
from crosswalk.insightly.reading import Caller
from crosswalk.insightly.walk import Ask, Fetch, Page, Walk
from crosswalk.unified.known import Wire


def reading(crm: Caller, resource: Resource, *, suffix: str = "", query: Mapping[str, str] | None = None,
            ) -> Fetch[Wire]:  # fmt: skip
    """How to read pages of one list; `suffix` is `/Search` or `/SearchByTag`, with its query."""
    path = resource.path + suffix
    served = next((op for op in resource.operations if op.verb == "GET" and op.path == path), None)
    paged = served is None or "skip" in served.query

    async def fetch(ask: Ask) -> Page[Wire]:
        paging = {"top": str(ask.top), "skip": str(ask.skip)} if paged else {}
        counting = {"count_total": "true"} if ask.count and paged else {}
        call = Call(method="GET", path=path, params={**(query or {}), **paging, **counting}, reads=True)
        answer = await crm.call(call)
        records = read_list(call, answer)
        total = answer.number("x-total-count") if paged else len(records)
        return Page(Rows(ask.skip, _ids(ask, records, resource.id), total), records)

    return fetch


async def read_all(crm: Insightly, resource: Resource) -> list[Wire]:
    """Every record of a small collection."""
    return [record async for page in walk_all(crm, resource) for record in page]


def walk_all(
    crm: Caller, resource: Resource, *, suffix: str = "", query: Mapping[str, str] | None = None
) -> AsyncIterator[Sequence[Wire]]:
    """Every record of a list once, page by page, several in flight."""
    return Walk(reading(crm, resource, suffix=suffix, query=query), resource.path, size=PAGE).pages()


def read_list(call: Call, answer: Answer) -> list[Wire]:
    """The records of an answer. Raises `BadAnswer` for another shape."""
    try:
        return cast("list[Wire]", msgspec.json.decode(answer.body, type=list[dict[str, Any]]))
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadAnswer(call, f"the answer is no list of records: {exc}", "Read it again.", answer=answer) from exc


def read_record(call: Call, answer: Answer) -> Wire:
    """The record of an answer. Raises `BadAnswer` for another shape."""
    try:
        return cast("Wire", msgspec.json.decode(answer.body, type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        todo = "Read it again." if call.reads else "It took effect: look before sending it again."
        raise BadAnswer(call, f"the answer is no record: {exc}", todo, answer=answer) from exc


def _ids(ask: Ask, records: Sequence[Wire], name: str | None) -> Sequence[int]:
    """The ids of a page. Rows without a numeric id are numbered by their place: nothing else tells them apart."""
    ids = [record.get(name or "") for record in records]
    numbers = [found for found in ids if isinstance(found, int)]
    return numbers if len(numbers) == len(ids) else range(ask.skip, ask.skip + len(records))
