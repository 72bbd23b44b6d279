"""Exports as runs: recorded, whole or only what is new, gone on with where they stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random, SystemRandom
from typing import TypeAlias

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import make_url

from crosswalk.delivery.datasets import Datasets, Shown
from crosswalk.delivery.errors import DeliveryError, PlanError, SourceError, WrongState
from crosswalk.delivery.export import Exported, export_file, export_table
from crosswalk.delivery.places import Places
from crosswalk.delivery.plan import Manual, Plan
from crosswalk.delivery.records import read_records
from crosswalk.delivery.run import Span
from crosswalk.outgoing.endpoints import Endpoint, Endpoints
from crosswalk.outgoing.judge import Over, Sent, judge
from crosswalk.store import exports as table
from crosswalk.store import runs
from crosswalk.store.ids import new_id
from crosswalk.store.lock import Held, hold

log = structlog.get_logger()
BATCH = 100
"""Records of one webhook."""
TRIES = 4
"""Attempts of one webhook, before the export stops."""
WEBHOOK = "webhook:"
PLAN = msgspec.json.encode(Plan(call=Manual(method="POST", url="export"))).decode()
ADDRESSES = ("http://", "https://", WEBHOOK)
Sleep: TypeAlias = Callable[[float], Awaitable[None]]


class Ask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to export where: a file, a database's table by key, or a URL or `webhook:NAME`.

    `after` leaves out records up to a number, `incremental` those that the last export to the same place has written.
    """

    to: str
    table: str | None = None
    key: str | None = None
    after: int = 0
    incremental: bool = False


class Done(Exported, frozen=True, kw_only=True):
    """What an export wrote, in which run."""

    run: str


class Job(Struct, frozen=True, kw_only=True):
    """One run's part of a dataset; `done` is the last record that is surely there."""

    run: str
    first: int
    last: int
    done: int


def _quiet(_: int | Job) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """Writes datasets out, a run each. one export a place at a time.

    `tell` hears how many records have arrived, `heard` which run it is.
    """

    datasets: Datasets
    places: Places
    endpoints: Endpoints
    home: Path
    tell: Callable[[int], None] = _quiet
    heard: Callable[[Job], None] = _quiet
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = field(default_factory=SystemRandom)
    sleep: Sleep = asyncio.sleep

    async def export(self, dataset: str, ask: Ask) -> Done:
        """Export, or go on with the webhooks of an export that stopped.

        Raises `PlanError`, `SourceError`, and `WrongState` while another exports to the same place.
        """
        _check(ask)
        found = await self.datasets.show(dataset)
        name = sha256(msgspec.json.encode(("export", found.id, ask.to, ask.table, ask.key))).hexdigest()[:16]
        endpoint = await self._find_endpoint(found, ask)
        with self._alone(name):
            job = await self._begin(found, ask, name, endpoint)
            self.heard(job)
            try:
                done = await self._carry_out(found, ask, job, endpoint)
            except DeliveryError as error:
                await self._end(job.run, "stopped", str(error))
                raise
            except asyncio.CancelledError:
                await asyncio.shield(self._end(job.run, "stopped", "the process was stopped. Export once more"))
                raise
            await self._step(job.run, job.last, calls=0)
            await self._end(job.run, "finished", None)
        return done

    async def start(self, dataset: str, ask: Ask, tasks: set[asyncio.Task[Done]]) -> Job:
        """Begin to export and answer the run; `tasks` holds what goes on. What fails later is said in the run."""
        begun: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(replace(self, heard=begun.set_result).export(dataset, ask), name="export")
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await asyncio.wait((task, begun), return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            task.result()  # raises why it could not begin
        task.add_done_callback(_note_failure)
        return begun.result()

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        try:
            with hold(self.home / f"export-{name}.lock", "another export to the same place"):
                yield
        except Held as error:
            raise WrongState("The dataset is being exported to this place right now. Let that end first") from error

    async def _find_endpoint(self, found: Shown, ask: Ask) -> Endpoint | None:
        if not ask.to.startswith(ADDRESSES):
            return None
        if ask.to.startswith(WEBHOOK):
            return await self.endpoints.find(ask.to.removeprefix(WEBHOOK))
        return await self.endpoints.ensure(ask.to, found.account_id)

    async def _begin(self, found: Shown, ask: Ask, name: str, endpoint: Endpoint | None) -> Job:
        """The run that is to be carried out: a new one, or that which stopped, where its webhooks can go on."""
        at = self.clock()
        async with self.datasets.database.begin() as connection:
            asked = {"run_name": name}
            last = await connection.scalar(table.LAST_EXPORTED, asked) if ask.incremental else None
            first = (ask.after if last is None else int(last)) + 1
            left = (await connection.execute(table.FIND_UNFINISHED_EXPORT, asked)).one_or_none()
            if left is not None and endpoint is not None and left.first == first:
                change = {"state": "running", "reason": None, "ended_at": None}
                await connection.execute(runs.CHANGE_RUN, {"run": left.run_id} | change)
                return Job(run=left.run_id, first=first, last=left.last, done=left.done)
            if left is not None:
                why = "its process died, and it was exported anew" if left.state == "running" else "exported anew"
                given_up = {"state": "abandoned", "reason": why, "ended_at": at}
                await connection.execute(runs.CHANGE_RUN, {"run": left.run_id} | given_up)
            job = Job(run=new_id(at, self.rng), first=first, last=max(found.last, first - 1), done=first - 1)
            shown = _show(ask, endpoint)
            row = {
                "id": job.run,
                "name": name,
                "account_id": found.account_id,
                "source": str(Span(found.id, job.first, job.last)),
                "content": shown,
                "template": "export",
                "plan": PLAN,
                "state": "running",
                "started_at": at,
                "kind": "export",
            }
            await connection.execute(runs.ADD_RUN, row)
            part: dict[str, object] = {"run_id": job.run, "dataset_id": found.id, "target": shown}
            part |= {"first": job.first, "last": job.last, "done": job.done}
            await connection.execute(table.ADD_EXPORT, part)
        return job

    async def _carry_out(self, found: Shown, ask: Ask, job: Job, endpoint: Endpoint | None) -> Done:
        after = job.first - 1
        if ask.incremental and job.last == after:
            return Done(dataset=found.name, records=0, after=after, last=job.last, run=job.run)
        if endpoint is not None:
            count = await self._post_all(found, job, endpoint)
            return Done(dataset=found.name, records=count, after=after, last=job.last, run=job.run)
        if ask.table is not None and ask.key is not None:
            made = await export_table(
                self.datasets,
                found.id,
                ask.to,
                table=ask.table,
                by=ask.key,
                places=self.places,
                after=after,
                tell=self.tell,
            )
        else:
            path = Path(ask.to)
            made = await export_file(self.datasets, found.id, path, places=self.places, after=after, tell=self.tell)
        return Done(dataset=found.name, records=made.records, after=after, last=made.last, run=job.run)

    async def _post_all(self, found: Shown, job: Job, endpoint: Endpoint) -> int:
        """Send what is left, a webhook for every hundred records; each is noted when it has arrived."""
        database, count = self.datasets.database, 0
        decoder = msgspec.json.Decoder(msgspec.Raw)
        async for block in read_records(database, found.id, after=job.done, until=job.last):
            for start in range(0, len(block), BATCH):
                rows = block[start : start + BATCH]
                records = [decoder.decode(row["cells"]) for row in rows]
                await self._post(found, job, endpoint, int(rows[0]["number"]), records)
                await self._step(job.run, int(rows[-1]["number"]), calls=1)
                count += len(rows)
                self.tell(count)
        return count

    async def _post(
        self, found: Shown, job: Job, endpoint: Endpoint, first: int, records: Sequence[msgspec.Raw]
    ) -> None:
        """Send one webhook, by the same id whenever it is sent again. Raises `SourceError` when it cannot arrive."""
        body = msgspec.json.encode(
            {
                "type": "dataset.records",
                "dataset": found.name,
                "run": job.run,
                "first": first,
                "records": records,
            }
        )
        for tried in range(TRIES):
            result = await self.endpoints.post(endpoint, f"msg_{job.run}_{first}", body)
            now = self.clock()
            outcome = judge(result, attempts=tried, now=now, chance=self.rng.random())
            match outcome:
                case Sent():
                    return
                case Over(reason=reason):
                    raise SourceError(f"{endpoint.name} did not take records from {first} on: {reason}")
                case again if tried + 1 < TRIES:
                    await self.sleep((again.at - now).total_seconds())
                case again:
                    raise SourceError(
                        f"{endpoint.name} did not take records from {first} on: {again.reason}. "
                        "Export once more: it goes on from there"
                    )

    async def _step(self, run: str, done: int, *, calls: int) -> None:
        async with self.datasets.database.begin() as connection:
            await connection.execute(table.STEP_EXPORT, {"run": run, "at": done})
            await connection.execute(runs.COUNT_CALLS, {"run": run, "more": calls})

    async def _end(self, run: str, state: str, reason: str | None) -> None:
        async with self.datasets.database.begin() as connection:
            change = {"state": state, "reason": reason, "ended_at": self.clock()}
            await connection.execute(runs.CHANGE_RUN, {"run": run} | change)


def _note_failure(task: asyncio.Task[Done]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("export.stopped", reason=str(error))


def _check(ask: Ask) -> None:
    """Raise `PlanError` for what cannot be exported like that."""
    database = "://" in ask.to and not ask.to.startswith(ADDRESSES)
    if (ask.table is None) != (ask.key is None):
        raise PlanError("A table needs both its name and its key")
    if database and ask.table is None:
        raise PlanError("A database needs a table and its key column: --table NAME --key COLUMN")
    if ask.table is not None and not database:
        raise PlanError("A table is of a database: write its address, such as postgresql://USER@HOST/DATABASE")
    if ask.incremental and ask.after:
        raise PlanError("What is new is known from the last export: leave out --after, or --incremental")


def _show(ask: Ask, endpoint: Endpoint | None) -> str:
    """Where it goes, without anything secret."""
    if endpoint is not None:
        return f"{WEBHOOK}{endpoint.name}"
    if ask.table is not None:
        return f"{make_url(ask.to).render_as_string(hide_password=True)} {ask.table}"
    return str(ask.to)
