"""The verbs, written once: what can be done with any resource of the contract."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic

import msgspec

from crosswalk.contract import Operation
from crosswalk.contract import Resource as Described
from crosswalk.insightly.body import Shape, to_body
from crosswalk.insightly.call import READS, Answer, Call
from crosswalk.insightly.changes import Changes, Mark
from crosswalk.insightly.children import Place
from crosswalk.insightly.errors import BadAnswer, NotFound, NotOffered
from crosswalk.insightly.one import One
from crosswalk.insightly.page import PAGE
from crosswalk.insightly.reading import Caller, Id, Query, Reading, decode, segment, to_value, walk
from crosswalk.insightly.record import R
from crosswalk.insightly.wire import to_query

OVERLAP = timedelta(seconds=2)
"""How far before `updated_after` reading starts: sources disagree on whether the limit is included."""


PAGING = frozenset({"top", "skip", "count_total"})


class Resource(Generic[R]):
    """One resource, such as `crm.contacts`. `path` differs from the contract's for custom objects."""

    def __init__(self, caller: Caller, about: Described, kind: type[R], *, path: str | None = None) -> None:
        self.about = about
        self.kind = kind
        self.path = path or about.path
        self._caller = caller

    def __repr__(self) -> str:
        """Name the resource."""
        return f"Resource({self.path!r})"

    async def list(
        self,
        *,
        top: int = 100,
        skip: int = 0,
        brief: bool = False,
        updated_after: datetime | None = None,
        query: Query | None = None,
    ) -> tuple[R, ...]:
        """One page of at most 500 records in id order. `updated_after` asks `/Search`: plain lists ignore it.

        `query` holds what one resource alone takes, such as `record_type` of tags.
        """
        path, query = self._where(brief=brief, updated_after=updated_after, query=query)
        return self._many(*await self._page(path, {**query, "top": str(top), "skip": str(skip)}))

    async def search(
        self,
        field_name: str | None = None,
        field_value: object = None,
        *,
        updated_after: datetime | None = None,
        brief: bool = False,
        top: int = 100,
        skip: int = 0,
    ) -> tuple[R, ...]:
        """One page of the records whose field, standard or `X__c`, equals a value, changed after a time if given."""
        query = self._search(field_name, field_value, updated_after=updated_after, brief=brief)
        return self._many(*await self._page("/Search", {**query, "top": str(top), "skip": str(skip)}))

    async def search_by_tag(self, tag: str, *, brief: bool = False, top: int = 100, skip: int = 0) -> tuple[R, ...]:
        """One page of the records that carry a tag."""
        query = {"tagName": tag, **_brief(brief), "top": str(top), "skip": str(skip)}
        try:
            return self._many(*await self._page("/SearchByTag", query))
        except NotFound:
            # an unknown tag is an empty list or a 404: sources disagree
            return ()

    async def count(
        self, field_name: str | None = None, field_value: object = None, *, updated_after: datetime | None = None
    ) -> int:
        """How many records there are, or match: one call that asks for one record."""
        path, query = self._where(field_name, field_value, updated_after=updated_after)
        call, answer = await self._page(path, {**query, "top": "1", "count_total": "true"})
        total = answer.number("x-total-count")
        if total is None:
            raise BadAnswer(call, "the answer tells no total", "Count with iterate().", answer=answer)
        return total

    async def iterate(
        self,
        *,
        field_name: str | None = None,
        field_value: object = None,
        tag: str | None = None,
        updated_after: datetime | None = None,
        overlap: timedelta = OVERLAP,
        brief: bool = False,
        query: Query | None = None,
        page_size: int = PAGE,
    ) -> AsyncIterator[R]:
        """Every record once, in id order, several pages in flight, however the list shifts meanwhile.

        `updated_after` starts `overlap` early, so a record changed just before it may come as well; `changes` drops
        those already seen.
        """
        async for records in self.pages(
            field_name=field_name,
            field_value=field_value,
            tag=tag,
            updated_after=updated_after - overlap if updated_after else None,
            brief=brief,
            query=query,
            page_size=page_size,
        ):
            for record in records:
                yield record

    async def pages(
        self,
        *,
        field_name: str | None = None,
        field_value: object = None,
        tag: str | None = None,
        updated_after: datetime | None = None,
        brief: bool = False,
        query: Query | None = None,
        page_size: int = PAGE,
    ) -> AsyncIterator[Sequence[R]]:
        """The same as `iterate`, a page at a time, for programs that work in batches."""
        path, query = self._where(
            field_name, field_value, tag=tag, updated_after=updated_after, brief=brief, query=query
        )
        operation = self._takes(path, query)
        try:
            async for records in walk(self._caller, self._reading(path, operation), query, size=page_size):
                yield records
        except NotFound:
            # an unknown tag is an empty list or a 404: sources disagree
            if tag is None:
                raise

    def changes(self, since: Mark | datetime, *, overlap: timedelta = OVERLAP, brief: bool = False) -> Changes[R]:
        """Records changed since a time or since an earlier reading's `mark`, each version once."""
        self.must("GET", "/Search")
        reading = self._reading("/Search", self.must("GET", "/Search"))
        return Changes(self._caller, reading, since, overlap=overlap, brief=brief)

    async def get(self, id: Id) -> R:  # noqa: A002 (Insightly's own word for it)
        """One record. Raises `NotFound`."""
        return self._one(*await self.read(id))

    async def read(self, id: Id | None = None) -> tuple[Call, Answer]:  # noqa: A002 (as above)
        """The bare answer for one record, or for what has no ids, such as the instance."""
        if id is None:
            self.must("GET")
            return await self._send("GET", "")
        # a file's own path answers its bytes, and the record only when asked (documented)
        params = {"format": "JSON"} if "format" in self.single().query else {}
        return await self._send("GET", f"/{segment(id)}", params=params)

    def at(self, id: Id) -> One[R]:  # noqa: A002 (as above)
        """One record without reading it, for what hangs below it."""
        return One(Place(caller=self._caller, about=self.about, path=self.path, id=id), self.kind)

    async def me(self) -> R:
        """The user whose key this is: the best check of a key."""
        self.must("GET", "/Me")
        return self._one(*await self._send("GET", "/Me"))

    async def create(self, values: R | Mapping[str, object]) -> R:
        """Make a record, and answer it as Insightly made it. Raises `UnknownField` before the call."""
        self.must("POST")
        return self._one(*await self._send("POST", "", body=to_body(self.shape("POST"), values, creates=True)))

    async def update(self, id: Id, values: R | Mapping[str, object], *, etag: str | None = None) -> R:  # noqa: A002 (as above)
        """Change the fields that are given; `None` clears one. With `etag` raises `StaleRecord` if it changed."""
        self.must("PUT")
        body = to_body(self.shape("PUT"), values, creates=False)
        headers = {"If-Match": etag} if etag is not None else {}
        # the id goes into the body: no PUT on one record is documented
        named = {self.id_field: int(id) if isinstance(id, str) and id.isdecimal() else id}
        return self._one(*await self._send("PUT", "", body={**named, **body, **named}, headers=headers))

    async def delete(self, id: Id) -> None:  # noqa: A002 (as above)
        """Delete a record; categories are deactivated instead. Raises `NotFound`, `InUse`, `NotDone`."""
        if self.about.serves("DELETE"):
            await self._send("DELETE", "", params={"id": str(id)})
        else:
            self.must("DELETE", "/{id}")
            await self._send("DELETE", f"/{segment(id)}")

    def shape(self, verb: str) -> Shape:
        """What may stand in a body of this verb."""
        return Shape(self.about.name, self.about.fields, self.kind, id=self.about.id if verb == "PUT" else None)

    @property
    def id_field(self) -> str:
        """Insightly's name of the field that names a record. Raises `NotOffered` where there is none."""
        if self.about.id is None:
            raise NotOffered(f"{self.about.name} has no id.")
        return self.about.id

    def must(self, verb: str, suffix: str = "") -> Operation:
        """The contract's operation. Raises `NotOffered`."""
        path = self.about.path + suffix
        found = next((op for op in self.about.operations if (op.verb, op.path) == (verb, path)), None)
        if found is None:
            raise NotOffered(
                f"Insightly has no {verb} {self.path}{suffix}. "
                f"`crosswalk describe {self.about.name}` shows what it has."
            )
        return found

    def single(self) -> Operation:
        """The operation that reads by one name, whatever the contract calls its parameter. Raises `NotOffered`."""
        start = f"{self.about.path}/{{"
        mine = (op for op in self.about.operations if op.verb == "GET" and op.path.startswith(start))
        return next((op for op in mine if op.path.endswith("}") and "/" not in op.path[len(start) :]), None) or (
            self.must("GET", "/{id}")
        )

    def _where(
        self,
        field_name: str | None = None,
        field_value: object = None,
        *,
        tag: str | None = None,
        updated_after: datetime | None = None,
        brief: bool = False,
        query: Query | None = None,
    ) -> tuple[str, Query]:
        """The list, or the search that a filter needs."""
        more = {**_brief(brief), **(query or {})}
        if tag is not None:
            return "/SearchByTag", {"tagName": tag, **more}
        if field_name is None and updated_after is None:
            self.must("GET")
            return "", more
        return "/Search", {**self._search(field_name, field_value, updated_after=updated_after, brief=brief), **more}

    def _search(
        self, field_name: str | None, field_value: object, *, updated_after: datetime | None, brief: bool
    ) -> Query:
        self.must("GET", "/Search")
        by_field = {"field_name": field_name, "field_value": to_value(field_value)} if field_name else {}
        by_time = {"updated_after_utc": to_query(updated_after)} if updated_after else {}
        return {**by_field, **by_time, **_brief(brief)}

    def _reading(self, suffix: str, operation: Operation) -> "Reading[R]":
        return Reading(self.path + suffix, self.kind, self.about.id, paged="skip" in operation.query)

    async def _page(self, suffix: str, params: Query) -> tuple[Call, Answer]:
        operation = self._takes(suffix, params)
        return await self._send("GET", suffix, params={k: v for k, v in params.items() if k in operation.query})

    def _takes(self, suffix: str, query: Query) -> Operation:
        """The operation of a list, if it takes these parameters. Raises `NotOffered`. Not all lists are paged."""
        operation = self.must("GET", suffix)
        unknown, missing = set(query) - {*operation.query, *PAGING}, set(operation.requires) - set(query)
        if unknown or missing:
            says = f"takes no {min(unknown)}" if unknown else f"needs {min(missing)}"
            raise NotOffered(f"GET {self.path}{suffix} {says}. It takes {', '.join(operation.query) or 'nothing'}.")
        return operation

    async def _send(
        self, verb: str, suffix: str, *, params: Query | None = None, body: object = None, headers: Query | None = None
    ) -> tuple[Call, Answer]:
        call = Call(
            method=verb,
            path=self.path + suffix,
            params=params or {},
            headers=headers or {},
            body=msgspec.json.encode(body) if body is not None else None,
            reads=verb in READS,
        )
        return call, await self._caller.call(call)

    def _one(self, call: Call, answer: Answer) -> R:
        return decode(call, answer, self.kind)[-1]

    def _many(self, call: Call, answer: Answer) -> tuple[R, ...]:
        return decode(call, answer, self.kind, many=True)


def _brief(brief: bool) -> Query:  # noqa: FBT001 (one flag, one use)
    return {"brief": "true"} if brief else {}
