"""What changed since last time: each version of a record once, though the API can say neither when nor in which order.

`updated_after_utc` is whole seconds, perhaps exclusive, and a record may change again within its second. So reading
starts a little early, and what was given out before is known by its id and a digest of its content, never by its time.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Generic

from msgspec import Struct

from crosswalk.insightly.call import Answer, Call
from crosswalk.insightly.reading import Caller, Reading, walk
from crosswalk.insightly.record import R, Record, names_of
from crosswalk.insightly.wire import to_query

ROOM = 1000
"""Records kept before those that no longer matter are dropped."""


class Mark(Struct, frozen=True):
    """How far a reading came: a time of Insightly's, and the digests of what lies within the overlap before it."""

    at: datetime
    seen: dict[str, str] = {}


class Changes(Generic[R]):
    """One reading of changes; `mark` goes to the next one once this has come to its end."""

    def __init__(
        self, caller: Caller, reading: Reading[R], since: Mark | datetime, *, overlap: timedelta, brief: bool
    ) -> None:
        self._since = since if isinstance(since, Mark) else Mark(since)
        self._caller = _Dated(caller)
        self._reading = reading
        self._overlap = overlap
        self._query = {"brief": "true"} if brief else {}
        self._kept: dict[str, tuple[datetime, str]] = {}
        self._latest = self._since.at

    @property
    def mark(self) -> Mark:
        """Where the next reading starts. A change made while this one ran is read again then, so it lies no later."""
        at = self._at()
        seen = {id_: digest for id_, (when, digest) in self._kept.items() if when >= at - self._overlap}
        return Mark(at, seen)

    def _at(self) -> datetime:
        began = self._caller.began
        return self._latest if began is None else max(self._since.at, min(self._latest, began))

    async def __aiter__(self) -> AsyncIterator[R]:
        """Give out every version that the mark does not know."""
        query = {**self._query, "updated_after_utc": to_query(self._since.at - self._overlap)}
        async for records in walk(self._caller, self._reading, query):
            for record in records:
                if self._is_new(record):
                    yield record

    def _is_new(self, record: R) -> bool:
        id_ = str(getattr(record, _place(record, self._reading.id), ""))
        digest = blake2b(record.wire, digest_size=12).hexdigest()
        when = getattr(record, "date_updated_utc", None)
        when = when if isinstance(when, datetime) else self._since.at
        self._latest = max(self._latest, when)
        self._kept[id_] = (when, digest)
        if len(self._kept) > ROOM:
            self._drop()
        return self._since.seen.get(id_) != digest

    def _drop(self) -> None:
        floor = self._at() - self._overlap
        self._kept = {id_: kept for id_, kept in self._kept.items() if kept[0] >= floor}


def _place(record: Record, wire: str | None) -> str:
    return next((ours for ours, name in names_of(type(record)).items() if name == wire), "")


class _Dated:
    """A caller that remembers the server's clock at its first answer."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.began: datetime | None = None

    async def call(self, call: Call) -> Answer:
        asked = datetime.now(UTC)
        answer = await self._caller.call(call)
        if self.began is None:
            self.began = _date(answer, asked)
        return answer


def _date(answer: Answer, otherwise: datetime) -> datetime:
    """When Insightly answered, by its own clock; without a readable `Date`, when we asked by ours."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return otherwise
