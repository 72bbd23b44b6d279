"""Deliveries searched for people: at once by an index; where none helps, a stretch of rows at a time, newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from crosswalk.delivery.history import Delivery, DeliveryFilter, Place, as_delivery, conditions_of, list_deliveries
from crosswalk.store.database import Database
from crosswalk.store.history import LAST_OF_NEWEST, OF_DELIVERY, narrow, seek

STRETCH: Mapping[str, int] = {"text": 10_000, "reason": 30_000, "status": 30_000, "state": 30_000}
"""Rows that one answer looks through, by what it looks for: as many as take a fraction of a second."""
INDEXED = frozenset({"dead", "held"})
"""States that an index finds."""


class Looked(Struct, frozen=True, kw_only=True):
    """How far a search has looked: through at most so many rows, back to a run that began then; `None` is the end."""

    rows: int
    back_to: datetime | None


class Found(Struct, frozen=True, kw_only=True):
    """Deliveries that are like what was asked for, newest first; `on` is where to go on, `None` at the end.

    `looked` is `None` where an index knew every row, and where there are more than were asked for. Otherwise nothing
    else in the rows looked through is like that, and there may be more behind `on`.
    """

    deliveries: Sequence[Delivery]
    on: Place | None
    looked: Looked | None


async def search_deliveries(
    database: Database, wanted: DeliveryFilter, *, most: int, stretch: Mapping[str, int] = STRETCH
) -> Found:
    """At most so many deliveries, out of as many rows as can be looked through at once."""
    rows = _stretch_of(wanted, stretch)
    if rows is None:
        found = await list_deliveries(database, wanted, most=most + 1)
        return Found(deliveries=found[:most], on=_after(found, most), looked=None)
    conditions = conditions_of(wanted, wanted.before)
    sought = {name: conditions.pop(name) for name in stretch}
    async with database.read() as connection:
        asked = {"rows": rows, "most": most + 1}
        answer = await connection.execute(seek(conditions, sought), asked)
        found = [as_delivery(row) for row in answer.mappings()]
        on = _after(found, most)
        if on is not None:
            return Found(deliveries=found[:most], on=on, looked=None)
        statement = narrow(LAST_OF_NEWEST, OF_DELIVERY, conditions)
        last = (await connection.execute(statement, {"skip": rows - 1})).one_or_none()
    if last is None:
        return Found(deliveries=found, on=None, looked=Looked(rows=rows, back_to=None))
    looked = Looked(rows=rows, back_to=last.started_at)
    return Found(deliveries=found, on=Place(last.run_id, last.number), looked=looked)


def _stretch_of(wanted: DeliveryFilter, stretch: Mapping[str, int]) -> int | None:
    """How many rows to look through; `None` where an index finds what is wanted."""
    if wanted.key is not None or wanted.remote_id is not None or wanted.number is not None or wanted.state in INDEXED:
        return None
    asked = {"text": wanted.text, "reason": wanted.reason, "status": wanted.status, "state": wanted.state}
    return min((stretch[name] for name, value in asked.items() if value is not None), default=None)


def _after(found: Sequence[Delivery], most: int) -> Place | None:
    return Place(found[most - 1].run_id, found[most - 1].number) if len(found) > most else None
