"""Mirrors: after a complete run, the records of its destination whose rows are gone are deleted, within bounds.

Deletions are deliveries of the run like any other, but that no row was read for them: their numbers are below zero.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from crosswalk.delivery.feed import Feed
from crosswalk.delivery.journal import Journal, Line
from crosswalk.delivery.memory import Memory
from crosswalk.delivery.payload import Invalid, Payload
from crosswalk.delivery.plan import Mirror
from crosswalk.delivery.run import Counts, Run, read_span
from crosswalk.delivery.source import Row
from crosswalk.store import memory as table
from crosswalk.store.database import Database
from crosswalk.store.datasets import FIND_DATASET
from crosswalk.store.deliveries import COUNT_DERIVED, LAST_DERIVED, RecordState

ROWS = "-rows"
"""What datasets of rows that were given one by one end with."""
AT_ONCE = 500
"""Deletions that are journalled at once."""
NOTHING = "The mirror deleted nothing"
PART = f"{NOTHING}: the run sent a part of its dataset. Run the destination over a whole file"
FIRST = -(2**31)
"""No deletion has a lower number."""
UNSURE: tuple[RecordState, ...] = ("dead", "held", "cancelled", "skipped", "pending")
"""States of rows that may hide that a record's row is still there."""


class Loss(Struct, frozen=True):
    """How many of a destination's records have no row any more."""

    gone: int
    own: int

    @property
    def share(self) -> float:
        """The part of all that would be deleted."""
        return self.gone / self.own if self.own else 0.0


class Deletion(Struct, frozen=True):
    """A record that a destination made or adopted: its id, and the value of the match field that names it."""

    remote_id: str
    value: str


def object_to(mirror: Mirror, counts: Counts, loss: Loss) -> str | None:
    """Why nothing may be deleted, `None` when it may."""
    if loss.gone == 0:
        return None
    unsure = {state: counts[state] for state in UNSURE if counts[state]}
    if unsure:
        told = ", ".join(f"{count:,} {state}" for state, count in unsure.items())
        return f"{NOTHING}: {told}, so {loss.gone:,} records may only seem gone. Put the rows right"
    if counts.read == 0:
        return f"{NOTHING}: the source has no rows, and {loss.own:,} records would go"
    if loss.share > mirror.max_delete_share:
        return (
            f"{NOTHING}: {loss.gone:,} of {loss.own:,} records are gone from the source, "
            f"{loss.share:.1%}, more than {mirror.max_delete_share:.1%}. If that is right, raise --max-delete-share"
        )
    return None


def delete_call(path: str, remote_id: str) -> Payload:
    """The call that deletes one record."""
    return Payload("DELETE", f"{path}/{remote_id}", None, remote_id)


async def count_loss(database: Database, memory: Memory, run: str) -> Loss:
    """Count what a destination made, and what of it no row of a run names."""
    async with database.begin() as connection:
        await connection.execute(table.FORGET_DELETED, _asked(memory, run))
        own = int(await connection.scalar(table.COUNT_OWN, _own(memory)) or 0)
        gone = int(await connection.scalar(table.COUNT_GONE, _asked(memory, run)) or 0)
    return Loss(gone, own)


async def forget_deleted(database: Database, memory: Memory, run: str) -> None:
    """Forget the records that a run has deleted."""
    async with database.begin() as connection:
        await connection.execute(table.FORGET_DELETED, _asked(memory, run))


async def tell_derived(database: Database, run: str) -> str:
    """What became of the deletions of a run, for people."""
    async with database.read() as connection:
        counts = {row[0]: row[1] for row in await connection.execute(COUNT_DERIVED, {"run": run})}
    rest = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()) if state != "delivered")
    return f"The mirror deleted {counts.get('delivered', 0):,} records" + (f"; {rest}" if rest else "")


async def is_whole(database: Database, run: Run) -> bool:
    """Whether a run's source is all that there is: a file, or a dataset not filled by rows given one by one."""
    span = read_span(run.order.source)
    if span is None:
        return True
    async with database.read() as connection:
        row = (await connection.execute(FIND_DATASET, {"key": span.dataset})).mappings().one_or_none()
    return row is not None and is_all(span.first, row["name"])


def is_all(first: int, dataset: str) -> bool:
    """Whether records from a number on are all that a dataset of this name has of its source."""
    return first == 1 and not dataset.endswith(ROWS)


async def list_own(memory: Memory) -> AsyncIterator[Sequence[Deletion]]:
    """The records that a destination made or adopted, in the order of their values, in blocks."""
    after = ""
    while True:
        asked = _own(memory) | {"after": after, "most": AT_ONCE}
        async with memory.database.read() as connection:
            rows = (await connection.execute(table.LIST_OWN, asked)).all()
        if not rows:
            return
        yield [Deletion(row.remote_id, row.value) for row in rows]
        after = rows[-1].value


async def journal_deletions(journal: Journal, memory: Memory, run: str, *, path: str, at: datetime) -> None:
    """Take a deletion into the journal for every record that has none, with its last known body as a tombstone."""
    async with memory.database.read() as connection:
        last = int(await connection.scalar(LAST_DERIVED, {"run": run}) or 0)
    while True:
        async with memory.database.read() as connection:
            rows = (await connection.execute(table.LIST_GONE, _asked(memory, run) | {"most": AT_ONCE})).all()
        if not rows:
            return
        lines = [
            Line(
                number=last - place,
                key=row.remote_id,
                cells=None if row.body is None else msgspec.json.decode(row.body),
                payload=delete_call(path, row.remote_id),
                match_value=f"{memory.by}={row.value}",
            )
            for place, row in enumerate(rows, start=1)
        ]
        last -= len(lines)
        await journal.take(lines, at=at)


async def feed_deletions(journal: Journal, now: datetime) -> Feed:
    """The deletions of a run that wait, or whose outcome is unknown."""
    feed = Feed(rows=iter(()), make=_make_nothing)
    after = FIRST
    while after < 0 and (lines := await journal.pending(after=after, most=AT_ONCE)):
        for line in lines:
            if line.number < 0:
                feed.adopt(line, now)
        after = lines[-1].number
    return feed


def _make_nothing(row: Row) -> Invalid:
    return Invalid(f"row {row.number} is no deletion")


def _own(memory: Memory) -> dict[str, object]:
    place = {"account": memory.account, "name": memory.name, "by": memory.by}
    return place | {"destination": memory.destination}


def _asked(memory: Memory, run: str) -> dict[str, object]:
    return _own(memory) | {"run": run}
