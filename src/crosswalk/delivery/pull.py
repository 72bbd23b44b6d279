"""Pulls: a source read from where it was left to its end, its records kept in batches.

Each batch and how far it goes are one commit, so that a kill at any point loses and doubles nothing. The database lets
a source have one running pull. Who reads holds a lock of the operating system, and a lease for processes elsewhere.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts.accounts import CHANCE
from crosswalk.accounts.errors import AccountError
from crosswalk.delivery.datasets import note
from crosswalk.delivery.errors import DeliveryError, UnknownSource, WrongState
from crosswalk.delivery.kinds import Kind
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.pull_notices import tell_pull
from crosswalk.delivery.reading import Kept, Mark
from crosswalk.delivery.records import append
from crosswalk.delivery.schedule import next_time, parse_schedule
from crosswalk.delivery.sources import Pull, pull_from_row, refuse_idle, source_from_row
from crosswalk.insightly import InsightlyError
from crosswalk.store import pulls as table
from crosswalk.store.database import Database
from crosswalk.store.errors import StoreError
from crosswalk.store.ids import new_id
from crosswalk.store.lock import Held, hold
from crosswalk.store.pulls import PullState
from crosswalk.store.sources import FIND_SOURCE, SET_CURSOR, STEP_NEXT

LEASE = timedelta(seconds=60)
"""How long a holder may be silent before another process takes its pull."""
BEAT = 15.0
"""Seconds between two signs of life."""
MOST_KEPT = 1000
"""Unreadable rows of one pull that are kept with their reasons; all are counted."""
STOPPED = "it was stopped; the next pull goes on from there"
FAILURES = (DeliveryError, AccountError, InsightlyError, SQLAlchemyError, OSError)
log = structlog.get_logger()


class Lost(DeliveryError):
    """Another process took this pull, because this one was silent for too long."""


class Busy(WrongState):
    """The source is being read already."""


class Job(Struct, frozen=True, kw_only=True):
    """A pull that this process holds, and what it reads."""

    pull: str
    fence: int
    source: str
    name: str
    dataset: str
    account: str | None
    settings: Kind
    sealed: bytes | None
    mark: Mark
    rows: int
    unreadable: int
    first: int | None


Open = Callable[[Job], AsyncGenerator[tuple[Mark, Kept]]]
"""How a job's source is read: batches, each with how far it goes."""
Tell = Callable[[int, int], None]
"""Told how many rows were read, and how many of them could not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """Reads sources into their datasets. A `patient` one leaves a stopped pull to the next owner of the home."""

    database: Database
    home: Path
    holder: str
    open: Open
    patient: bool = False
    notices: Notices | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE

    async def pull(self, source: str, *, due: datetime | None = None, tell: Tell = lambda *_: None) -> Pull | None:
        """Read one source to its end and answer how it went; `None` where `due` was another's to do.

        Raises `WrongState` for one that is being read, and `UnknownSource`.
        """
        try:
            with self._lock(source):
                job = await self._begin(source, due)
                return await self._work(job, tell)
        except Busy:
            if due is None:
                raise
            await self._skip(source, due)
            return None

    @contextmanager
    def _lock(self, source: str) -> Iterator[None]:
        """Hold the source against other processes of this home; the lock dies with its holder."""
        try:
            with hold(self.home / "pulls" / f"{source}.lock", f"process {os.getpid()}"):
                yield
        except Held as error:
            raise Busy(f"The source is being read by {error.holder}; wait for that pull to end") from error

    async def _begin(self, source: str, due: datetime | None) -> Job:
        """Begin a pull, or go on with one whose holder is dead. Raises `Busy` and `WrongState`."""
        at = self.now()
        try:
            async with self.database.begin() as connection:
                row = (await connection.execute(FIND_SOURCE, {"key": source})).mappings().one_or_none()
                if row is None:
                    raise UnknownSource(f"There is no source {source!r}. `crosswalk sources list` lists them")
                refuse_idle(source_from_row(row))
                if due is not None:
                    await self._step(connection, row, due)
                found = (await connection.execute(table.FIND_RUNNING, {"source": row["id"]})).mappings().one_or_none()
                pull = await (self._add(connection, row, at) if found is None else self._take(connection, found, at))
                return _job((await connection.execute(FIND_SOURCE, {"key": source})).mappings().one(), pull)
        except IntegrityError as error:
            raise Busy("Another process began to read this source just now") from error

    async def _add(self, connection: AsyncConnection, source: RowMapping, at: datetime) -> RowMapping:
        made = new_id(at, self.rng)
        row = {"id": made, "source_id": source["id"], "state": "running", "holder": self.holder}
        mark = _mark(source)
        if mark.whole and source["kind"] != "file":  # a file that is whole is known by its content
            after = None if source["kind"] == "http" else mark.after  # its cursors are pages, not points in time
            again = {"source": source["id"], "new_cursor": _text(Mark(after=after))}
            await connection.execute(SET_CURSOR, again)
        await connection.execute(table.ADD_PULL, row | {"lease_until": at + LEASE, "started_at": at})
        return (await connection.execute(table.FIND_PULL, {"pull": made})).mappings().one()

    async def _take(self, connection: AsyncConnection, found: RowMapping, at: datetime) -> RowMapping:
        """Take a pull whose holder is dead: this home's own, whose lock we hold, or one that is silent."""
        if found["holder"] != self.holder and found["lease_until"] > at:
            raise Busy(f"The source is being read by {found['holder']}; wait for that pull to end")
        taking = {"pull": found["id"], "seen": found["fence"], "me": self.holder, "lease": at + LEASE}
        if (await connection.execute(table.TAKE_PULL, taking)).rowcount != 1:
            raise Busy("Another process took this pull just now")
        log.info("pull.taken", pull=found["id"], source=found["source_id"])
        return (await connection.execute(table.FIND_PULL, {"pull": found["id"]})).mappings().one()

    async def _step(self, connection: AsyncConnection, source: RowMapping, due: datetime) -> None:
        schedule = None if source["schedule"] is None else parse_schedule(source["schedule"])
        following = None if schedule is None else next_time(schedule, due, self.now())
        step = {"source": source["id"], "seen": due, "new_next": following}
        if (await connection.execute(STEP_NEXT, step)).rowcount != 1:
            raise Busy("Another process read this source just now")

    async def _skip(self, source: str, due: datetime) -> None:
        """Leave a time out, because the pull before it is still going."""
        log.info("pull.skipped", source=source, due=due.isoformat())
        with suppress(Busy):
            async with self.database.begin() as connection:
                row = (await connection.execute(FIND_SOURCE, {"key": source})).mappings().one_or_none()
                if row is not None:
                    await self._step(connection, row, due)

    async def _work(self, job: Job, tell: Tell) -> Pull:
        """Read to the end under a heartbeat, and write how it ended."""
        work = asyncio.create_task(self._drain(job, tell))
        beat = asyncio.create_task(self._beat(job, work))
        try:
            await work
        except asyncio.CancelledError:
            if work.cancelled() and not _is_stopping():
                return await self._end(job, "failed", STOPPED)  # in vain: the pull is another's now
            if not self.patient:
                await asyncio.shield(self._end(job, "failed", STOPPED))
            raise
        except FAILURES as error:
            return await self._end(job, "failed", _explain(error))
        finally:
            work.cancel()
            beat.cancel()
            await asyncio.wait({work, beat})
        return await self._end(job, "finished", None)

    async def _drain(self, job: Job, tell: Tell) -> None:
        async with aclosing(self.open(job)) as batches:
            async for mark, kept in batches:
                job = await self._keep(job, mark, kept)
                tell(job.rows, job.unreadable)

    async def _keep(self, job: Job, mark: Mark, kept: Kept) -> Job:
        """Keep one batch and how far it goes, in one commit. Raises `Lost`."""
        at = self.now()
        async with self.database.begin() as connection:
            first, last = await append(connection, job.dataset, kept.additions, at=at)
            first = first if job.first is None else job.first
            counted = {
                "pull": job.pull,
                "mine": job.fence,
                "more": kept.rows,
                "bad": len(kept.unreadable),
                "new_first": first if first <= last else None,
                "new_last": last if first <= last else None,
                "lease": at + LEASE,
            }
            if (await connection.execute(table.COUNT_CHUNK, counted)).rowcount != 1:
                raise Lost("Another process reads this source now; this one was silent for too long")
            await connection.execute(SET_CURSOR, {"source": job.source, "new_cursor": _text(mark)})
            await note(connection, job.dataset, kept.cells, whole=True, at=at, rng=self.rng)
            await _keep_unreadable(connection, job, kept.unreadable)
        return replace(
            job,
            mark=mark,
            rows=job.rows + kept.rows,
            unreadable=job.unreadable + len(kept.unreadable),
            first=counted["new_first"],
        )

    async def _beat(self, job: Job, work: asyncio.Task[None]) -> None:
        """Say that the holder lives; stop working when the pull was taken."""
        while True:
            await asyncio.sleep(BEAT)
            beat = {"pull": job.pull, "mine": job.fence, "lease": self.now() + LEASE}
            with suppress(StoreError):  # the next commit of the pull itself says so
                async with self.database.begin() as connection:
                    if (await connection.execute(table.BEAT, beat)).rowcount != 1:
                        work.cancel()
                        return

    async def _end(self, job: Job, state: PullState, reason: str | None) -> Pull:
        ending = {"pull": job.pull, "mine": job.fence, "new_state": state, "why": reason, "at": self.now()}
        async with self.database.begin() as connection:
            await connection.execute(table.END_PULL, ending)
            row = (await connection.execute(table.FIND_PULL, {"pull": job.pull})).mappings().one()
            if self.notices is not None and row["state"] == state and reason != STOPPED:
                await tell_pull(connection, self.notices, row)
        log.info("pull.ended", pull=job.pull, source=job.source, state=row["state"], rows=row["rows"], reason=reason)
        return pull_from_row(row)


def _is_stopping() -> bool:
    """Whether this task itself was asked to stop."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _job(source: RowMapping, pull: RowMapping) -> Job:
    found = source_from_row(source)
    return Job(
        pull=pull["id"],
        fence=pull["fence"],
        source=found.id,
        name=found.name,
        dataset=found.dataset_id,
        account=found.account_id,
        settings=found.settings,
        sealed=source["secret"],
        mark=_mark(source),
        rows=pull["rows"],
        unreadable=pull["unreadable"],
        first=pull["first"],
    )


def _mark(source: RowMapping) -> Mark:
    return Mark() if source["cursor"] is None else msgspec.json.decode(source["cursor"], type=Mark)


async def _keep_unreadable(connection: AsyncConnection, job: Job, reasons: Mapping[int, str]) -> None:
    """Keep why rows could not be read, of the first thousand; a row that is read again says it anew."""
    shown = dict(list(reasons.items())[: max(0, MOST_KEPT - job.unreadable)])
    if shown:
        await connection.execute(table.REMOVE_UNREADABLES, {"pull": job.pull, "numbers": list(shown)})
        rows = [{"pull_id": job.pull, "number": number, "reason": reason} for number, reason in shown.items()]
        await connection.execute(table.ADD_UNREADABLES, rows)


def _text(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()


def _explain(error: Exception) -> str:
    """Why a pull failed, in one line; a database's own words come without the statement and its values."""
    if isinstance(error, SQLAlchemyError):
        cause = str(getattr(error, "orig", None) or type(error).__name__).splitlines()
        return f"The database answers: {cause[0] if cause else type(error).__name__}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
