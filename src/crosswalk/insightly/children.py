"""What hangs below one record: its notes, links, tags and so on, with the verbs that the contract gives them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic

import msgspec

from crosswalk.contract import Operation, load
from crosswalk.contract import Resource as Described
from crosswalk.insightly.body import Shape, to_body
from crosswalk.insightly.call import READS, Answer, Call, Part
from crosswalk.insightly.errors import NotOffered
from crosswalk.insightly.page import PAGE
from crosswalk.insightly.reading import Caller, Id, Query, Reading, decode, segment, walk
from crosswalk.insightly.record import R
from crosswalk.insightly.wire import to_query


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One record: who calls, the resource's description, the path of its collection, its id."""

    caller: Caller
    about: Described
    path: str
    id: Id

    def named(self, verb: str, below: str) -> Operation | None:
        """The contract's operation on what is `below`, `{}` standing for any parameter; `None` when it has none."""
        want = f"{self.about.path}/{{}}/{below}".split("/")
        mine = (op for op in self.about.operations if op.verb == verb)
        return next((op for op in mine if _fits(op.path.split("/"), want)), None)

    def must(self, verb: str, below: str) -> Operation:
        """The same, but raises `NotOffered` when there is none."""
        found = self.named(verb, below)
        if found is not None:
            return found
        names = ", ".join(self.about.sub_resources) or "nothing"
        raise NotOffered(
            f"Insightly has no {verb} {self.path}/{{id}}/{below}. Below one of {self.about.name} it has {names}; "
            f"`crosswalk describe {self.about.name}` shows the verbs."
        )

    async def send(
        self,
        verb: str,
        below: str,
        *,
        params: Query | None = None,
        body: object = None,
        data: bytes | None = None,
        form: tuple[Part, ...] = (),
    ) -> tuple[Call, Answer]:
        """Make one call below this record; `below` is already spelled for a path."""
        call = Call(
            method=verb,
            path=self.under(below),
            params=params or {},
            headers={"Content-Type": "application/octet-stream"} if data is not None else {},
            body=msgspec.json.encode(body) if body is not None else data,
            form=form,
            reads=verb in READS,
        )
        return call, await self.caller.call(call)

    def under(self, below: str) -> str:
        """The path of what is below this record."""
        return f"{self.path}/{segment(self.id)}/{below}"


def _fits(have: Sequence[str], want: Sequence[str]) -> bool:
    pairs = zip(have, want, strict=False)
    return len(have) == len(want) and all(h == w or (w == "{}" and h.startswith("{")) for h, w in pairs)


class Children(Generic[R]):
    """The records of one kind below one record, such as `crm.contacts.at(7).notes`."""

    def __init__(self, place: Place, name: str, kind: type[R], *, pattern: str | None = None) -> None:
        self._place = place
        self._name = name
        self._pattern = pattern or name
        self._kind = kind

    async def list(
        self, *, top: int = 100, skip: int = 0, brief: bool = False, updated_after: datetime | None = None
    ) -> tuple[R, ...]:
        """One page of them; where Insightly takes no paging, all of them."""
        operation = self._place.must("GET", self._pattern)
        given = {"top": str(top), "skip": str(skip), **_filters(brief=brief, updated_after=updated_after)}
        params = {name: value for name, value in given.items() if name in operation.query}
        return decode(*await self._place.send("GET", self._name, params=params), self._kind, many=True)

    async def iterate(
        self, *, brief: bool = False, updated_after: datetime | None = None, page_size: int = PAGE
    ) -> AsyncIterator[R]:
        """All of them once, in id order."""
        operation = self._place.must("GET", self._pattern)
        id_name = _id_of(operation)
        reading = Reading(self._place.under(self._name), self._kind, id_name, paged="skip" in operation.query)
        given = _filters(brief=brief, updated_after=updated_after)
        query = {name: value for name, value in given.items() if name in operation.query}
        async for records in walk(self._place.caller, reading, query, size=page_size):
            for record in records:
                yield record

    async def create(self, values: R | Mapping[str, object]) -> R:
        """Add one, and answer it. Where Insightly answers the whole list, the last is the new one."""
        return decode(*await self._write("POST", values), self._kind)[-1]

    async def update(self, values: R | Mapping[str, object]) -> R:
        """Change one; its id stands among the values."""
        return decode(*await self._write("PUT", values), self._kind)[-1]

    async def replace(self, all_values: Iterable[R | Mapping[str, object]]) -> tuple[R, ...]:
        """Put these in place of all that are there, such as the whole set of tags."""
        operation = self._place.must("PUT", self._pattern)
        if not operation.body_many:
            raise NotOffered(f"PUT {self._place.under(self._name)} changes one, not all. Use update().")
        body = [to_body(self._shape(operation), values, creates=True) for values in all_values]
        return decode(*await self._place.send("PUT", self._name, body=body), self._kind, many=True)

    async def delete(self, child: Id) -> None:
        """Take one away by its id."""
        self._place.must("DELETE", f"{self._pattern}/{{}}")
        await self._place.send("DELETE", f"{self._name}/{segment(child)}")

    async def remove(self, values: R | Mapping[str, object]) -> None:
        """Take one away that has no id of its own, such as a tag: it is named by its values."""
        operation = self._place.must("DELETE", self._pattern)
        await self._place.send("DELETE", self._name, body=to_body(self._shape(operation), values, creates=True))

    async def _write(self, verb: str, values: R | Mapping[str, object]) -> tuple[Call, Answer]:
        operation = self._place.must(verb, self._pattern)
        body = to_body(self._shape(operation), values, creates=verb == "POST")
        return await self._place.send(verb, self._name, body=body)

    def _shape(self, operation: Operation) -> Shape:
        fields = load().shape(operation.body) if operation.body else ()
        return Shape(f"{self._place.about.name}/{self._name}", fields, self._kind, checks=False)


def _filters(*, brief: bool, updated_after: datetime | None) -> dict[str, str]:
    flags = {"brief": "true"} if brief else {}
    return {**flags, "updated_after_utc": to_query(updated_after)} if updated_after else flags


def _id_of(operation: Operation) -> str | None:
    return next((r.id for r in load().resources.values() if r.record == operation.answers), None)
