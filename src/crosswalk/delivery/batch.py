"""From payloads to the calls that carry them, one or many to a call, lazily and in constant memory. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from crosswalk.delivery.cell import JSON, BadValue
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.grouping import Grouping, key_of, weigh_empty, wrap
from crosswalk.delivery.headers import Headers
from crosswalk.delivery.payload import Payload
from crosswalk.delivery.plan import SettledPlan

OPEN = 16
"""Batches that fill at once, where a macro gives rows different URLs; the oldest goes first when there are more."""
ENCODER = msgspec.json.Encoder()

Numbered = tuple[int, Payload]


class Parcel(Struct, frozen=True):
    """One call and the rows it carries. Parcels of one `key` keep their order; `match` finds a lone record again."""

    numbers: tuple[int, ...]
    method: str
    path: str
    headers: Headers
    body: bytes | None
    key: str | None = None
    match: tuple[str, JSON] | None = None


def pack(plan: SettledPlan, payloads: Iterable[Numbered]) -> Iterator[Parcel]:
    """Put payloads into calls, in the order of arrival.

    A batch closes when the next record would exceed its size or bytes, or repeats a name; a record that alone exceeds
    the bytes stands alone. One call has one URL, so rows of different URLs or headers fill different batches.
    """
    if plan.grouping is None:
        yield from (stand_alone(number, payload) for number, payload in payloads)
        return
    batches: dict[tuple[str, Headers], _Batch] = {}
    for number, payload in payloads:
        place = (payload.path, payload.headers)
        batch = batches.get(place)
        item = _Item(number, payload, msgspec.json.encode(payload.body), key_of(plan.grouping, payload.body or {}))
        if batch is not None and not batch.takes(item):
            yield from batches.pop(place).close()
            batch = None
        if batch is None:
            if len(batches) == OPEN:
                yield from batches.pop(next(iter(batches))).close()
            batch = batches[place] = _Batch(plan.grouping)
        batch.add(item)
    for batch in batches.values():
        yield from batch.close()


def repack(plan: SettledPlan, payloads: Sequence[Numbered]) -> list[Parcel]:
    """The calls of a part of one batch, such as a half after a refusal: the same grouping, for just these members."""
    return list(pack(plan, payloads))


def stand_alone(number: int, payload: Payload) -> Parcel:
    """The call of one row, where there are no batches."""
    body = None if payload.body is None else ENCODER.encode(payload.body)
    return Parcel((number,), payload.method, payload.path, payload.headers, body, payload.key, payload.match)


class _Item(Struct, frozen=True):
    number: int
    payload: Payload
    body: bytes
    name: str | None


class _Batch:
    """One batch while it fills."""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping
        self._items: list[_Item] = []
        self._names: set[str] = set()
        self._bytes = weigh_empty(grouping)

    def takes(self, item: _Item) -> bool:
        """Whether one more record fits."""
        return (
            len(self._items) < self._grouping.size
            and self._bytes + _weigh(item) <= self._grouping.max_bytes
            and item.name not in self._names
        )

    def add(self, item: _Item) -> None:
        self._items.append(item)
        self._bytes += _weigh(item)
        if item.name is not None:
            self._names.add(item.name)

    def close(self) -> Iterator[Parcel]:
        """The call of all its records; of its halves, where the expression of a `template` makes no body of all."""
        yield from _close(self._grouping, self._items)


def _close(grouping: Grouping, items: Sequence[_Item]) -> Iterator[Parcel]:
    try:
        body = wrap(grouping, [item.body for item in items], [item.name for item in items])
    except BadValue as error:
        if len(items) == 1:
            raise PlanError(f"Row {items[0].number}: {error}.") from error
        middle = len(items) // 2
        yield from _close(grouping, items[:middle])
        yield from _close(grouping, items[middle:])
        return
    first = items[0].payload
    yield Parcel(
        numbers=tuple(item.number for item in items),
        method=first.method,
        path=first.path,
        headers=first.headers,
        body=body,
        key=first.key if all(item.payload.key == first.key for item in items) else None,
    )


def _weigh(item: _Item) -> int:
    """Bytes that a record adds to its batch: its own, its name's, a comma and a colon."""
    return len(item.body) + 1 + (0 if item.name is None else len(msgspec.json.encode(item.name)) + 1)
