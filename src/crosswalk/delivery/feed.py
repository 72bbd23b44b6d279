"""What a run has yet to send: rows read ahead, in order per key, superseded updates merged, retries when they are due.

Pure state, no I/O but the rows' iterator: the lane asks for the next parcel and tells what became of it.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from crosswalk.delivery.cell import JSON
from crosswalk.delivery.journal import Attempt, Line
from crosswalk.delivery.payload import Invalid, Payload
from crosswalk.delivery.source import Row, Unreadable

WINDOW = 1000
"""Rows read ahead of the oldest that is not in the journal."""
SLICE = 50
"""Rows read in one go: a few milliseconds, so that whoever shares the process waits no longer."""
MOST_BYTES = 32 * 1024 * 1024
"""Cells read ahead, in characters."""


@dataclass(eq=False, slots=True)
class Item:
    """One row on its way. `taken` says that the journal has it; `replaced` are older rows that this one supersedes."""

    number: int
    payload: Payload
    taken: bool = False
    attempts: int = 0
    size: int = 0
    first_sent: datetime | None = None
    last_byte: datetime | None = None
    empty_at: datetime | None = None
    cells: JSON = None  # as read, until the journal has them
    wish: Payload | None = None  # what an upsert asks for, whatever call it became
    aimed: bool = False
    epoch: int = 0  # of the memory that was asked
    trusted: bool = False  # its record's id is remembered, and nobody looked
    looks: list[Attempt] = field(default_factory=list)  # that the journal does not have yet
    replaced: list["Item"] = field(default_factory=list)

    @property
    def key(self) -> str | None:
        """Rows of one key keep their order."""
        return self.payload.key

    @property
    def record(self) -> str | None:
        """The id of the record that it names."""
        return self.payload.names

    @property
    def harmless(self) -> bool:
        """Whether sending it twice does no harm: it names its record."""
        return self.payload.method in {"PUT", "DELETE"} and self.payload.names is not None


@dataclass(eq=False, slots=True)
class Feed:
    """One run's rows; `make` turns each into its call.

    `whole` and `beyond` say which rows the journal had when the run went on: all up to a number, and some after it.
    """

    rows: Iterator[Row | Unreadable]
    make: Callable[[Row], Payload | Invalid]
    whole: int = 0
    beyond: frozenset[int] = frozenset()
    ready: deque[Item] = field(default_factory=deque)
    queues: dict[str, deque[Item]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    last: dict[str, Item] = field(default_factory=dict)
    later: list[tuple[datetime, int, Item]] = field(default_factory=list)
    doubts: list[tuple[datetime, int, Item]] = field(default_factory=list)
    dead: list[Line] = field(default_factory=list)
    fresh: dict[int, None] = field(default_factory=dict)
    flying: int = 0
    size: int = 0
    read: int = 0
    ended: bool = False

    def adopt(self, line: Line, now: datetime) -> None:
        """Go on with a pending row that the journal had: it waits, or its outcome is unknown."""
        assert line.payload is not None, "a pending row has its call"
        item = Item(
            line.number,
            line.payload,
            taken=True,
            attempts=line.attempts,
            first_sent=line.first_sent_at,
            last_byte=line.sent_at,
        )
        if line.phase == "unknown":
            self.doubt(item, line.due_at or now)
        elif line.due_at is not None and line.due_at > now:
            self._occupy(item)
            heapq.heappush(self.later, (line.due_at, item.number, item))
        else:
            self._enqueue(item)

    def next(self, now: datetime) -> Item | None:
        """The next row that may be sent, `None` when none may now."""
        if self.later and self.later[0][0] <= now:
            return self._fly(heapq.heappop(self.later)[2])
        if not self.ready:
            while self.read_on():
                continue
        return self._fly(self.ready.popleft()) if self.ready else None

    def next_doubt(self, now: datetime) -> Item | None:
        """The next row whose outcome may be looked for, `None` when it is too early for all."""
        if self.doubts and self.doubts[0][0] <= now:
            self.flying += 1
            return heapq.heappop(self.doubts)[2]
        return None

    def due(self) -> datetime | None:
        """When the next retry or look-up is due."""
        times = [heap[0][0] for heap in (self.later, self.doubts) if heap]
        return min(times, default=None)

    @property
    def exhausted(self) -> bool:
        """Whether there is nothing left to do: every row read is settled or on its way to the journal."""
        return self.ended and not (self.ready or self.queues or self.later or self.doubts or self.flying)

    def settled(self, item: Item) -> None:
        """Say that a row has its end: the next of its key may go."""
        self.flying -= 1
        self.size -= item.size
        if item.key is None:
            return
        queue = self.queues.get(item.key)
        if queue:
            self.ready.append(queue.popleft())
            if not queue:
                del self.queues[item.key]
        else:
            self.busy.discard(item.key)
            self.queues.pop(item.key, None)

    def put_off(self, item: Item, at: datetime) -> None:
        """Send a row again, not before a time; its key waits with it."""
        self.flying -= 1
        heapq.heappush(self.later, (at, item.number, item))

    def doubt(self, item: Item, at: datetime, *, flew: bool = False) -> None:
        """Look for what a row may have done, not before a time; its key waits with it."""
        self.flying -= flew
        self._occupy(item)
        heapq.heappush(self.doubts, (at, item.number, item))

    def taken(self, item: Item) -> None:
        """Say that the journal has a row, and those it supersedes."""
        for each in (item, *item.replaced):
            each.taken, each.cells = True, None
            self.fresh.pop(each.number, None)

    def bury(self) -> list[Line]:
        """Hand over the dead rows that were read since the last time."""
        dead, self.dead = self.dead, []
        for line in dead:
            self.fresh.pop(line.number, None)
        return dead

    def _fly(self, item: Item) -> Item:
        self.flying += 1
        if item.key is not None and self.last.get(item.key) is item:
            del self.last[item.key]
        return item

    def _occupy(self, item: Item) -> None:
        if item.key is not None:
            self.busy.add(item.key)

    def read_on(self) -> bool:
        """Read a slice of the rows ahead; whether more of them may be read now."""
        for _ in range(SLICE):
            if not self._has_room:
                return False
            row = next(self.rows, None)
            if row is None:
                self.ended = True
                return False
            self.read = row.number
            if row.number > self.whole and row.number not in self.beyond:
                self._plan(row)
        return self._has_room

    @property
    def _has_room(self) -> bool:
        """Whether the window is not full, and the source not at its end."""
        if self.ended or self.size >= MOST_BYTES or len(self.ready) >= WINDOW:
            return False
        oldest = next(iter(self.fresh), None)
        return oldest is None or self.read - oldest < WINDOW

    def _plan(self, row: Row | Unreadable) -> None:
        self.fresh[row.number] = None
        payload = self.make(row) if isinstance(row, Row) else Invalid(row.reason)
        if isinstance(payload, Invalid):
            cells = row.cells if isinstance(row, Row) else row.text
            self.dead.append(Line(number=row.number, state="dead", phase=None, reason=payload.reason, cells=cells))
        else:
            size = sum(len(str(cell)) for cell in row.cells.values()) if isinstance(row, Row) else 0
            self.size += size
            self._enqueue(Item(row.number, payload, size=size, cells=row.cells if isinstance(row, Row) else None))

    def _enqueue(self, item: Item) -> None:
        key = item.key
        if key is None:
            self.ready.append(item)
            return
        waiting = self.last.get(key)
        if waiting is not None and supersedes(item, waiting):
            absorb(waiting, item)
            return
        self.last[key] = item
        if key in self.busy:
            self.queues.setdefault(key, deque()).append(item)
        else:
            self.busy.add(key)
            self.ready.append(item)


def supersedes(newer: Item, older: Item) -> bool:
    """Whether one call can do what both rows ask for: an update or deletion after an update that was never sent."""
    if older.attempts or older.payload.method == "DELETE":
        return False
    if newer.payload.upsert and older.payload.upsert:
        return newer.payload.path == older.payload.path
    if not (older.harmless and newer.harmless):
        return False
    return newer.payload.method == "DELETE" or newer.payload.path == older.payload.path


def absorb(waiting: Item, newer: Item) -> None:
    """Let a newer row take the place of one that waits. Updates are partial: the call says what both rows say."""
    waiting.replaced.append(replace(waiting, replaced=[]))
    payload = newer.payload
    if payload.method == "PUT" or payload.upsert:
        payload = msgspec.structs.replace(payload, body=merge(waiting.payload.body, payload.body))
    waiting.number, waiting.payload, waiting.taken = newer.number, payload, newer.taken
    waiting.cells = newer.cells
    waiting.size += newer.size


def merge(older: dict[str, JSON] | None, newer: dict[str, JSON] | None) -> dict[str, JSON]:
    """One partial update that does what two did: the newer field wins, custom fields one by one."""
    both = {**(older or {}), **(newer or {})}
    entries = [entry for body in (older, newer) for entry in _custom_fields(body)]
    if entries:
        both["CUSTOMFIELDS"] = [*{str(entry["FIELD_NAME"]): entry for entry in entries}.values()]
    return both


def _custom_fields(body: dict[str, JSON] | None) -> Iterator[dict[str, JSON]]:
    listed = (body or {}).get("CUSTOMFIELDS")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and "FIELD_NAME" in entry:
            yield entry
