"""What a pull reads, opened by the source's kind: batches, each with how far it goes."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.vault import Secret
from crosswalk.delivery.connections import Connections
from crosswalk.delivery.errors import SourceError, WrongState
from crosswalk.delivery.folder import is_many, list_files
from crosswalk.delivery.kinds import File, Http, Records, Sql, Webhook
from crosswalk.delivery.places import Places
from crosswalk.delivery.pull import Job
from crosswalk.delivery.pull_http import Fetch, pull_http
from crosswalk.delivery.pull_insightly import pull_insightly
from crosswalk.delivery.pull_remote import pull_remote
from crosswalk.delivery.pull_sql import pull_sql
from crosswalk.delivery.reading import Kept, Mark, keep_batch, name_file, read_file
from crosswalk.delivery.row import Batch
from crosswalk.delivery.sealed import read_headers, unseal
from crosswalk.delivery.source import ENDINGS

NOTHING = Kept([], [], {}, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What sources are opened with: where they may read, and the accounts and secrets that they name.

    `listed` are the folders that bounded file sources are held to, at every reading anew.
    """

    places: Places
    accounts: Accounts
    connections: Connections
    fetch: Fetch
    listed: tuple[Path, ...] = ()

    async def read(self, job: Job) -> AsyncGenerator[tuple[Mark, Kept]]:
        """A job's batches, each with how far it goes. Raises `SourceError` and `PlanError`."""
        async with aclosing(self._open(job)) as batches:
            async for each in batches:
                yield each

    def _open(self, job: Job) -> AsyncGenerator[tuple[Mark, Kept]]:
        match job.settings:
            case File() as told:
                return self._read_file(job, told)
            case Sql() as told:
                return go_on(job, self._query(job, told))
            case Http() as told:
                return go_on(job, self._fetch(job, told))
            case Records() as told:
                return go_on(job, self._walk(job, told), versions=True)
            case Webhook():
                raise WrongState(f"Source {job.name} is a webhook: others post to it, there is nothing to read")

    async def _read_file(self, job: Job, told: File) -> AsyncGenerator[tuple[Mark, Kept]]:
        with ExitStack() as stack:
            if self.places.is_remote(told.path):
                copy = pull_remote(told.path)
                path = await asyncio.to_thread(stack.enter_context, copy)
            else:
                path = await asyncio.to_thread(self._find, told)
            stamp = _stamp(path)
            digest = await asyncio.to_thread(name_file, path)
            mark = job.mark if job.mark.content == digest else Mark(content=digest)
            if mark.whole:
                return
            async with aclosing(read_file(path, told.options, key=told.key, skip=mark.row)) as batches:
                async for kept in batches:
                    mark = replace(mark, row=mark.row + kept.rows)
                    yield mark, kept
            if _stamp(path) != stamp:
                raise SourceError(f"{told.path} was changed while it was read. Run it again when it is whole")
            yield replace(mark, whole=True), NOTHING

    def _find(self, told: File) -> Path:
        """The file as it lies there now; every one of many is looked at, links followed."""
        places = dataclasses.replace(self.places, folders=self.listed) if told.bounded else self.places
        path = places.find_file(told.path)
        if is_many(path):
            for each in list_files(path, ENDINGS)[0]:
                places.check_file(each)
        return path

    async def _query(self, job: Job, told: Sql) -> AsyncGenerator[Batch]:
        if told.connection is not None:
            address = (await self.connections.open(told.connection)).reveal()
        else:
            address = self._secret(job).reveal()
        await asyncio.to_thread(self.places.check_database, address)
        batches = pull_sql(address, told.query, cursor_column=told.cursor_column, after=job.mark.after)
        async for batch in batches:
            yield batch

    async def _fetch(self, job: Job, told: Http) -> AsyncGenerator[Batch]:
        headers = {} if job.sealed is None else read_headers(self._secret(job).reveal())
        pages = pull_http(told.url, fetch=self.fetch, headers=headers, paging=told.paging, after=job.mark.after)
        async for batch in pages:
            yield batch

    async def _walk(self, job: Job, told: Records) -> AsyncGenerator[Batch]:
        if job.account is None:
            raise SourceError(f"The account of source {job.name} was removed. Make the source anew")
        async with self.accounts.connect(await self.accounts.find(job.account)) as crm:
            async for batch in pull_insightly(crm, told.resource, after=job.mark.after, full=told.full):
                yield batch

    def _secret(self, job: Job) -> Secret:
        if job.sealed is None:
            raise SourceError(f"Source {job.name} has no address of a database. Give it one with --secret")
        return unseal(self.accounts.vault, job.sealed, job.source)


async def go_on(
    job: Job, batches: AsyncGenerator[Batch], *, versions: bool = False
) -> AsyncGenerator[tuple[Mark, Kept]]:
    """The batches that a pull has not kept yet, each with how far it goes.

    A pull that was broken off leaves out as many rows as it had read since its cursor; with `versions` it leaves out
    those that its dataset has, since what changes meanwhile moves to the end of the order.
    """
    mark, rows = job.mark, job.rows
    skip = 0 if versions else mark.row
    if mark.whole:  # read to its end before its process died
        return
    async with aclosing(batches):
        async for batch in batches:
            size = len(batch.records) + len(batch.unreadable)
            if skip >= size > 0:
                skip -= size
                continue
            kept = keep_batch(_drop(batch, skip), job.settings.key, began=rows, versions=versions)
            skip, rows = 0, rows + kept.rows
            here = batch.cursor in {None, mark.after}
            mark = replace(mark, row=mark.row + kept.rows) if here else Mark(after=batch.cursor)
            yield mark, kept
    yield replace(mark, whole=True), NOTHING


def _drop(batch: Batch, count: int) -> Batch:
    records = batch.records[count:]
    return Batch(records, batch.cursor, batch.unreadable[max(0, count - len(batch.records)) :])


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file is written; nothing is known so cheaply of a folder."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns) if path.is_file() else ()
