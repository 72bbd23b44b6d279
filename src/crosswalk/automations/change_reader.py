"""Reading one watch: a poll, a sweep, hints. What was seen and what is told of it are one commit.

The mark moves only after a complete poll, to the time of Insightly's first answer in it. So a process that dies at
any point leaves at worst records that are looked at a second time, and known by their digests then.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import Random

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.automations.change import (
    CREATED,
    Kept,
    Sight,
    describe,
    judge,
    learn_lag,
    look,
    pack,
    read_moment,
    unpack,
)
from crosswalk.automations.change_pace import MOST_LAG, overlap
from crosswalk.automations.change_watch import Watch, is_searched
from crosswalk.automations.event import FoundBy, RecordType, Seen
from crosswalk.automations.hint import is_behind
from crosswalk.automations.sweep import Findings, compare
from crosswalk.delivery.notices import Notices
from crosswalk.insightly import Insightly, NotFound
from crosswalk.insightly.call import Answer, Call
from crosswalk.insightly.wire import to_query
from crosswalk.store import watches as table
from crosswalk.store.database import Database
from crosswalk.store.events import EventRow, append, write_event
from crosswalk.unified.known import Known, Wire
from crosswalk.unified.mapping import Noun, needs_read
from crosswalk.unified.references import References
from crosswalk.unified.wire_list import read_record, walk_all

LEASE = timedelta(minutes=5)
"""How long a watch belongs to whoever reads it, counted from each page; after a kill, others wait that long."""
STEP = 400
"""Ids in one statement."""
HINTS_AT_ONCE = 50
MOST_TRIES = 3
WAIT = timedelta(seconds=5)
"""Before a record that is older than its hint says is read once more."""
MAX_AGE = 3600.0
"""Seconds that names of users and the like are believed: events are told with them, nothing is decided by them."""


class LeaseLost(Exception):
    """Another process took this watch: nothing of the page was written."""


@dataclass(frozen=True, slots=True)
class News:
    """One change, before it is written."""

    kind: RecordType
    record: int
    before: Kept | None
    sight: Sight | None


@dataclass(eq=False, slots=True)
class Dated:
    """The account's client, with Insightly's own clock as its answers show it."""

    crm: Insightly
    began: datetime | None = None
    latest: datetime | None = None

    async def call(self, call: Call) -> Answer:
        """Make a call; raises what the client raises."""
        answer = await self.crm.call(call)
        with suppress(ValueError):  # an answer without a readable date says nothing
            self.latest = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
        self.began = self.began or self.latest
        return answer


@dataclass(eq=False, slots=True, kw_only=True)
class Reader:
    """Reads one watch that its process has leased until `leased`; `noun` is how its account has the resource."""

    database: Database
    watch: Watch
    noun: Noun
    crm: Insightly
    leased: datetime
    references: References
    notices: Notices
    rng: Random
    clock: Callable[[], datetime]
    lag: float = field(init=False)
    changes: int = 0
    _clock: Dated = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the lag as it is known."""
        self.lag = self.watch.lag
        self._clock = Dated(self.crm)

    async def poll(self) -> datetime | None:
        """Look for what is new and changed; the new mark, `None` where Insightly tells no time.

        The first reading of all learns what is there and tells nothing. Raises what the client raises, and `LeaseLost`.
        """
        clock = self._clock = Dated(self.crm)
        noun, watch = self.watch.noun, self.watch
        if watch.mark is not None and is_searched(noun):
            since = watch.mark - overlap(self.lag)
            async for page in self._pages("/Search", {"updated_after_utc": to_query(since)}):
                await self._take(page, "poll", searched=True)
            return clock.began
        found: dict[int, datetime | None] = {}
        async for page in self._pages("", {}):
            found |= {sight.id: sight.updated_at for sight in page}
            if watch.mark is None:
                await self._learn(page)
            else:
                await self._take(page, "poll", searched=False)
        if watch.mark is not None:
            await self._settle_missing(compare(await self._list_known(), found))
        return clock.began

    async def sweep(self) -> Findings:
        """Read the complete list of ids; look at what polls missed, and tell of what is gone.

        Raises what the client raises, and `LeaseLost`.
        """
        noun = self.watch.noun
        served = next(op for op in noun.resource.operations if op.verb == "GET" and op.path == noun.resource.path)
        query = {"brief": "true"} if "brief" in served.query else {}
        found: dict[int, datetime | None] = {}
        async for page in self._pages("", query):
            found |= {sight.id: sight.updated_at for sight in page}
            await self._keep_lease()
        findings = compare(await self._list_known(), found)
        for record in (*findings.unknown, *findings.newer):
            await self._read_again(record, "sweep")
        await self._settle_missing(findings)
        return findings

    async def read_hints(self, now: datetime) -> int:
        """Read again the records that hints named; how many there were. Raises what the client raises, `LeaseLost`."""
        asked = {"watch": self.watch.id, "now": now, "most": HINTS_AT_ONCE}
        async with self.database.read() as connection:
            waiting = (await connection.execute(table.LIST_HINTS, asked)).mappings().all()
        for hint in waiting:
            sight = await self._read_again(hint["record_id"], "hint")
            behind = sight is not None and is_behind(hint["said_at"], sight.updated_at)
            own = {"watch": self.watch.id, "record": hint["record_id"]}
            async with self.database.begin() as connection:
                if behind and hint["tries"] < MOST_TRIES:
                    due = now + WAIT * 3 ** hint["tries"]
                    await connection.execute(table.PUT_OFF_HINT, own | {"due": due})
                else:
                    await connection.execute(table.DROP_HINT, own | {"seen": hint["turn"]})
        return len(waiting)

    async def _pages(self, suffix: str, query: Mapping[str, str]) -> AsyncIterator[list[Sight]]:
        noun = self.watch.noun
        async for page in walk_all(self._clock, noun.resource, suffix=suffix, query=query):
            yield [sight for wire in page if (sight := look(noun, wire)) is not None]

    async def _learn(self, page: Sequence[Sight]) -> None:
        """Keep how records are at the first reading, whatever an earlier, broken one kept of them."""
        async with self.database.begin() as connection:
            await self._renew(connection)
            await self._keep(connection, page)

    async def _take(self, page: Sequence[Sight], found_by: FoundBy, *, searched: bool) -> None:
        """Compare looks with what was seen before, and tell of what differs."""
        kept = await self._find_kept([sight.id for sight in page])
        news: list[News] = []
        for sight in page:
            before = kept.get(sight.id)
            match judge(before, sight, searched=searched):
                case "created" if searched and self._is_old(sight):
                    await self._read_again(sight.id, found_by)  # a search that lags may still show what was deleted
                case "created":
                    news.append(News("record:created", sight.id, None, sight))
                case "updated":
                    news.append(News("record:updated", sight.id, before, sight))
                case "doubtful":
                    await self._read_again(sight.id, found_by)
                case "same" | "stale":
                    pass
        if searched:
            for each in news:
                if each.sight is not None:
                    self.lag = learn_lag(self.lag, each.sight, mark=self.watch.mark, most=MOST_LAG)
        await self._tell(news, found_by)

    async def _read_again(self, record: int, found_by: FoundBy) -> Sight | None:
        """Ask for one record by its id, and believe what it says; `None` where it is not to be had."""
        wire = await self._read(record)
        sight = None if wire is None else look(self.watch.noun, wire)
        if sight is not None:
            await self._take([sight], found_by, searched=False)
        return sight

    def _is_old(self, sight: Sight) -> bool:
        """Whether a record that was never seen was made before the looks that should have shown it."""
        made = read_moment(sight.wire.get(CREATED))
        return made is not None and self.watch.mark is not None and made < self.watch.mark - overlap(self.lag)

    async def _read(self, record: int) -> Wire | None:
        call = Call(method="GET", path=f"{self.watch.noun.resource.path}/{record}", reads=True)
        try:
            return read_record(call, await self._clock.call(call))
        except NotFound:
            return None

    async def _settle_missing(self, findings: Findings) -> None:
        """Tell of records that a complete list misses and a 404 confirms; hold them where they are unlikely many."""
        watch = self.watch
        if findings.unlikely and watch.released_at is None:
            await self._hold(findings)
            return
        for record in findings.missing:
            if await self._read_again(record, "sweep") is None:
                kept = await self._find_kept([record])
                if record in kept:
                    await self._tell([News("record:deleted", record, kept[record], None)], "sweep")
        async with self.database.begin() as connection:
            await self._renew(connection)
            values = table.CHANGE_WATCH.values(held=0, released_at=None)
            await connection.execute(values, {"watch": watch.id})
            await self.notices.end_in(connection, watch.id, "deletions.held")

    async def _hold(self, findings: Findings) -> None:
        watch, gone = self.watch, len(findings.missing)
        message = (
            f"{gone:,} of {findings.known:,} {watch.resource} of account {watch.account} are gone from Insightly's "
            f"list at once. Nothing is announced: perhaps the key's user sees less than before. If they were deleted: "
            f"crosswalk events release {watch.account}/{watch.resource}"
        )
        async with self.database.begin() as connection:
            await self._renew(connection)
            await connection.execute(table.CHANGE_WATCH.values(held=gone), {"watch": watch.id})
            await self.notices.write(connection, "deletions.held", watch.id, message, account=watch.account_id)

    async def _tell(self, news: Sequence[News], found_by: FoundBy) -> None:
        """Write what was seen, and the events of it, in one transaction."""
        if not news:
            return
        known = await self._learn_names()
        rows = [self._describe(each, found_by, known) for each in news]
        async with self.database.begin() as connection:
            await self._renew(connection)
            await self._keep(connection, [each.sight for each in news if each.sight is not None])
            await self._drop(connection, [each.record for each in news if each.sight is None])
            await append(connection, rows)
        self.changes += len(news)

    def _describe(self, each: News, found_by: FoundBy, known: Known) -> EventRow:
        watch = self.watch
        until = self._clock.latest or self.clock()
        covered = None if watch.mark is None else watch.mark - overlap(self.lag)
        looks = [at for at in (covered, each.before.seen_at if each.before else None) if at is not None]
        after = min(max(looks), until) if looks else None
        change = describe(
            each.kind,
            self.noun,
            account=watch.account_id,
            before=each.before.wire if each.before else None,
            after=each.sight.wire if each.sight else None,
            known=known,
            seen=Seen(after=after, until=until),
            found_by=found_by,
            based_at=watch.based_at,
        )
        return write_event(
            each.kind,
            at=self.clock(),
            rng=self.rng,
            data=msgspec.json.encode(change),
            account=watch.account_id,
            resource=watch.resource,
            record=change.id,
        )

    async def _learn_names(self) -> Known:
        noun = self.noun
        learned = await self.references.learn(
            self.crm, self.watch.account_id, needs_read(noun), resource=noun.wire, max_age=MAX_AGE
        )
        return learned.known

    async def _find_kept(self, records: Sequence[int]) -> dict[int, Kept]:
        found: dict[int, Kept] = {}
        async with self.database.read() as connection:
            for start in range(0, len(records), STEP):
                asked = {"watch": self.watch.id, "records": [*records[start : start + STEP]]}
                for row in (await connection.execute(table.FIND_WATCHED, asked)).mappings():
                    found[row["record_id"]] = Kept(
                        wire=unpack(row["wire"]),
                        digest=row["digest"],
                        updated_at=row["updated_at"],
                        seen_at=row["seen_at"],
                    )
        return found

    async def _list_known(self) -> list[tuple[int, datetime | None]]:
        known: list[tuple[int, datetime | None]] = []
        after = 0
        async with self.database.read() as connection:
            while True:
                asked = {"watch": self.watch.id, "after": after, "most": 10_000}
                rows = (await connection.execute(table.LIST_IDS, asked)).all()
                if not rows:
                    return known
                known += [(row.record_id, row.updated_at) for row in rows]
                after = rows[-1].record_id

    async def _keep(self, connection: AsyncConnection, sights: Sequence[Sight]) -> None:
        if not sights:
            return
        await self._drop(connection, [sight.id for sight in sights])
        at = self._clock.latest or self.clock()
        rows = [
            {
                "watch_id": self.watch.id,
                "record_id": sight.id,
                "digest": sight.digest,
                "wire": pack(sight.wire),
                "updated_at": sight.updated_at,
                "seen_at": at,
            }
            for sight in sights
        ]
        await connection.execute(table.ADD_WATCHED, rows)

    async def _drop(self, connection: AsyncConnection, records: Sequence[int]) -> None:
        for start in range(0, len(records), STEP):
            asked = {"watch": self.watch.id, "records": [*records[start : start + STEP]]}
            await connection.execute(table.DROP_WATCHED, asked)

    async def _keep_lease(self) -> None:
        async with self.database.begin() as connection:
            await self._renew(connection)

    async def _renew(self, connection: AsyncConnection) -> None:
        """Keep the watch a while longer. Raises `LeaseLost`, so that the transaction writes nothing."""
        until = self.clock() + LEASE
        asked = {"watch": self.watch.id, "mine": self.leased, "until": until}
        if (await connection.execute(table.RENEW, asked)).rowcount != 1:
            raise LeaseLost(self.watch.id)
        self.leased = until
