"""The verbs of the unified model over one account's client: read, list, write. What they decide is in `mapping`."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.insightly import Insightly, NotFound
from crosswalk.insightly.call import Call
from crosswalk.insightly.walk import Ask, Fetch, Page
from crosswalk.insightly.wire import to_query
from crosswalk.unified.cursor import Cursor, name_list, read_cursor, write_cursor
from crosswalk.unified.errors import Unservable
from crosswalk.unified.expand import Want, learn, plan_expansion
from crosswalk.unified.filters import EXCLUSIVE, Chosen, Filter, choose, passes, spell
from crosswalk.unified.known import JSON, ContentFormat, Known, Reference, Search, Wire
from crosswalk.unified.mapping import Noun, expresses, needs_read, to_unified
from crosswalk.unified.objects import KINDS
from crosswalk.unified.paging import MAX_SCAN, Leaf, Place, read_back, read_on
from crosswalk.unified.references import MAX_AGE, References
from crosswalk.unified.wire_list import read_list, read_record, reading, walk_all

T = TypeVar("T")
HITS = 50
"""Records that one search for a name or a key looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whose records are asked for: the account's id, its open client, how old a reference may be, in seconds.

    `expand` are fields whose linked records are named too; texts are shown as `content_format` says.
    """

    account: str
    crm: Insightly
    max_age: float = MAX_AGE
    expand: tuple[str, ...] = ()
    content_format: ContentFormat = "original"


class Shown(Struct, frozen=True, kw_only=True):
    """One record in the unified shape, and as Insightly has it; `age` is of the oldest reference used, in seconds."""

    record: dict[str, JSON]
    remote: Wire
    age: float = 0.0


class Wish(Struct, frozen=True, kw_only=True):
    """Which part of a list is asked for. A `cursor` of `None` or `""` is the beginning.

    `strict` refuses filters that Insightly cannot do; `complete` tells at the end what changed meanwhile.
    """

    limit: int
    cursor: str | None = None
    filters: tuple[Filter, ...] = ()
    max_scan: int = MAX_SCAN
    strict: bool = False
    complete: bool = False


class Listing(Struct, frozen=True, kw_only=True):
    """A part of a list: its records, the cursors on and back, and what was done here rather than at Insightly."""

    records: Sequence[Shown]
    next_cursor: str | None
    prev_cursor: str | None
    total: int | None
    scanned: int
    partial: bool
    filtered_locally: list[str]
    left_out: int = 0
    age: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The unified model of every account. `key` signs cursors."""

    key: bytes = field(repr=False)
    references: References = field(default_factory=References)

    async def get(self, asker: Asker, noun: Noun, record_id: str) -> Shown:
        """One record. Raises `NotFound` and what the client raises."""
        wire, (known, age) = await asyncio.gather(
            read_wire(asker, noun, record_id), self.learn(asker, noun, needs_read(noun))
        )
        known, _ = await self._expand(asker, noun, [wire], known)
        return (await _show(noun, [wire], known, age))[0]

    def read_cursor(self, account: str, noun: Noun, wish: Wish, *, now: datetime) -> Cursor | None:
        """The place in the list that is asked for; `None` is its beginning. Raises `CursorInvalid`."""
        if not wish.cursor:
            return None
        return read_cursor(wish.cursor, self.key, of=_list_of(account, noun, wish), now=now)

    async def list(self, asker: Asker, noun: Noun, wish: Wish, *, now: datetime) -> Listing:
        """A part of a list, in id order.

        Raises `CursorInvalid`, `Unservable` where `strict` and a filter do not go together, and what the client raises.
        """
        chosen = _choose(noun, wish)
        of = _list_of(asker.account, noun, wish)
        cursor = self.read_cursor(asker.account, noun, wish, now=now)
        known, age = await self.learn(asker, noun, needs_read(noun))
        leaf = await _read_leaf(asker, noun, wish, chosen=chosen, cursor=cursor, known=known)
        began = int(now.timestamp()) if cursor is None else cursor.began
        if wish.complete and leaf.on is None:
            leaf = await _complete(asker, noun, wish, leaf=leaf, began=began, known=known)
        known, left_out = await self._expand(asker, noun, leaf.records, known)
        seen = 0 if cursor is None else cursor.seen
        mark = Cursor(of=of, last=0, skip=0, began=began, seen=seen + len(leaf.records))
        return Listing(
            records=await _show(noun, leaf.records, known),
            next_cursor=self._mark(leaf.on, mark),
            prev_cursor=None if chosen.local else self._mark(leaf.back, replace(mark, way="back")),
            total=None if chosen.local else leaf.total,
            scanned=leaf.scanned,
            partial=leaf.partial,
            filtered_locally=chosen.names,
            left_out=left_out,
            age=age,
        )

    async def stream(self, asker: Asker, noun: Noun, wish: Wish) -> AsyncGenerator[Sequence[Shown], None]:
        """Every record of a list once, page by page, several pages in flight. Raises as `list` does."""
        chosen = _choose(noun, wish)
        known, age = await self.learn(asker, noun, needs_read(noun))
        keep = passes(noun, wish.filters, known) if wish.filters else None
        async for page in walk_all(asker.crm, noun.resource, suffix=chosen.suffix, query=chosen.query):
            wanted = page if keep is None else await aside(noun, partial(_sift, page, keep))
            known_here, _ = await self._expand(asker, noun, wanted, known)
            yield await _show(noun, wanted, known_here, age)

    async def show(self, asker: Asker, noun: Noun, wire: Wire) -> Shown:
        """A record that was read, in the unified shape."""
        known, age = await self.learn(asker, noun, needs_read(noun))
        known, _ = await self._expand(asker, noun, [wire], known)
        return (await _show(noun, [wire], known, age))[0]

    async def learn(
        self, asker: Asker, noun: Noun, wanted: Collection[Reference], searches: Collection[Search] = ()
    ) -> tuple[Known, float]:
        """What a mapping needs to know, and the age of its oldest part. Raises what the client raises."""
        learned = await self.references.learn(
            asker.crm, asker.account, wanted, resource=noun.wire, max_age=asker.max_age
        )
        found = await asyncio.gather(*(find(asker, each) for each in searches)) if searches else ()
        hits = dict(zip(searches, found, strict=True))
        return replace(learned.known, hits=hits, content_format=asker.content_format), learned.age

    async def _expand(self, asker: Asker, noun: Noun, records: Sequence[Wire], known: Known) -> tuple[Known, int]:
        """What is known with the records that an expansion names, and how many were left out."""
        if not asker.expand:
            return known, 0
        planned = plan_expansion(noun, asker.expand, records)
        found = await asyncio.gather(*(_read_want(asker, want) for want in planned.wants))
        return learn(known, {want: each for want, each in found if each is not None}), planned.left_out

    def _mark(self, place: Place | None, mark: Cursor) -> str | None:
        return None if place is None else write_cursor(replace(mark, last=place.last, skip=place.skip), self.key)


async def aside(noun: Noun, work: Callable[[], T]) -> T:
    """Do what may evaluate a noun's expressions where it holds up nobody: each asks another process."""
    return await asyncio.to_thread(work) if expresses(noun) else work()


async def _show(noun: Noun, wires: Sequence[Wire], known: Known, age: float = 0.0) -> list[Shown]:
    made = await aside(noun, lambda: [to_unified(noun, wire, known) for wire in wires])
    return [Shown(record=record, remote=wire, age=age) for record, wire in zip(made, wires, strict=True)]


def _sift(wires: Sequence[Wire], keep: Callable[[Wire], bool]) -> list[Wire]:
    return [wire for wire in wires if keep(wire)]


async def read_wire(asker: Asker, noun: Noun, record_id: str) -> Wire:
    """One record as Insightly has it. Raises `NotFound` and what the client raises."""
    call = Call(method="GET", path=f"{noun.resource.path}/{record_id}", reads=True)
    return read_record(call, await asker.crm.call(call))


async def find(asker: Asker, search: Search) -> Sequence[Wire]:
    """The records that one search finds, at most `HITS`. Raises what the client raises."""
    path = f"{KINDS[search.object].resource.path}/Search"
    params = {"field_name": search.field, "field_value": search.value, "top": str(HITS)}
    call = Call(method="GET", path=path, params=params, reads=True)
    return read_list(call, await asker.crm.call(call))


async def _read_want(asker: Asker, want: Want) -> tuple[Want, Wire | Sequence[Wire] | None]:
    """One read of an expansion; a record that is gone, or not to be seen, keeps its id alone."""
    call = Call(method="GET", path=want.path, reads=True)
    try:
        answer = await asker.crm.call(call)
    except NotFound:
        return want, None
    return want, read_list(call, answer) if want.below else read_record(call, answer)


def _choose(noun: Noun, wish: Wish) -> Chosen:
    chosen = choose(noun, wish.filters)
    if wish.strict and chosen.local:
        raise Unservable(f"Insightly cannot filter {noun.name} by {'; '.join(chosen.names)}: leave strict out")
    return chosen


def _list_of(account: str, noun: Noun, wish: Wish) -> str:
    return name_list(account, noun.name, {spell(each): "" for each in wish.filters})


async def _read_leaf(
    asker: Asker, noun: Noun, wish: Wish, *, chosen: Chosen, cursor: Cursor | None, known: Known
) -> Leaf:
    fetch = reading(asker.crm, noun.resource, suffix=chosen.suffix, query=chosen.query)
    place = None if cursor is None else Place(cursor.last, cursor.skip)
    if cursor is not None and cursor.way == "back" and place is not None:
        return await read_back(fetch, place, limit=wish.limit)
    if chosen.local or chosen.pushed:
        fetch, keep = _judged(noun, fetch, passes(noun, wish.filters, known))
        return await read_on(fetch, place, limit=wish.limit, keep=keep, max_scan=wish.max_scan)
    return await read_on(fetch, place, limit=wish.limit)


def _judged(noun: Noun, fetch: Fetch[Wire], keep: Callable[[Wire], bool]) -> tuple[Fetch[Wire], Callable[[Wire], bool]]:
    """A page's reading that judges its records aside, and their judgement; as given where no expression is asked."""
    if not expresses(noun):
        return fetch, keep
    kept: dict[JSON, bool] = {}

    async def read(ask: Ask) -> Page[Wire]:
        page = await fetch(ask)
        kept.update(await aside(noun, lambda: {wire.get(noun.id_field): keep(wire) for wire in page.records}))
        return page

    return read, lambda wire: kept[wire.get(noun.id_field)]


async def _complete(asker: Asker, noun: Noun, wish: Wish, *, leaf: Leaf, began: int, known: Known) -> Leaf:
    """The last part with what changed since the list's reading began; such a record may come a second time, newer."""
    if not noun.resource.serves("GET", "/Search"):
        return leaf
    since = datetime.fromtimestamp(began, UTC) - EXCLUSIVE - timedelta(seconds=1)
    pages = walk_all(asker.crm, noun.resource, suffix="/Search", query={"updated_after_utc": to_query(since)})
    keep = passes(noun, wish.filters, known)
    changed = {
        wire.get(noun.id_field): wire async for page in pages for wire in await aside(noun, partial(_sift, page, keep))
    }
    records = [changed.pop(wire.get(noun.id_field), wire) for wire in leaf.records]
    return replace(leaf, records=[*records, *changed.values()], scanned=leaf.scanned + len(changed))
