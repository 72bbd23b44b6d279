"""The jobs of workers. Procrastinate says who does which, and gives those of a dead worker to another one.

A job names what is to be done and carries no data: an account's lane, a source. `lock` keeps two workers from one lane,
`queueing_lock` keeps one job of it waiting at most; the lane's lease, not the job, is what makes that safe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg.errors import RaiseException

from crosswalk.delivery.engine import POLL, Engine
from crosswalk.delivery.errors import DeliveryError
from crosswalk.delivery.pull import Puller
from crosswalk.delivery.work import list_due
from crosswalk.engine.schema import OPTIONS
from crosswalk.store.errors import StoreError

BEATS = 4
"""Signs of life of a worker in the time of a lease; its jobs are given to others when none came for so long."""
LOOK = 1.0
"""Seconds between two looks of a worker for jobs, where it was not told of them."""
SLICE = 60.0
"""Seconds after which a lane makes room when others wait."""
AGAIN = (0.2, 1.0, 5.0)
"""Seconds between tries to end a job."""
CONNECTIONS = 5
LANES, CHORES = "lanes", "chores"
WAITING = """
SELECT count(*) AS waiting FROM procrastinate_jobs
WHERE queue_name = %(queue)s AND status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
"""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker can do. One that was `silent` for so many seconds is dead.

    `chores` are small and done now and then, each by one worker: name to cron and work. The seconds of a cron
    stand last, as Procrastinate has it.
    """

    engine: Engine
    puller: Puller
    silent: float
    chores: Mapping[str, tuple[str, Callable[[], Awaitable[object]]]] = field(default_factory=dict)


class Jobs(JobManager):
    """Procrastinate's jobs, as workers see them that may have been stopped for a while."""

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001 (Procrastinate's)
        """End a job; one that was given to another worker meanwhile is that one's to end.

        A job that is not ended keeps its lock: so a connection that broke is tried again.
        """
        for wait in (*AGAIN, None):
            try:
                await super().finish_job(job, status, delete_job)
            except ConnectorException as error:
                if isinstance(error.__cause__, RaiseException):
                    log.info("worker.job_gone", job=job.task_name, of=job.lock)
                elif wait is None:
                    raise
                else:
                    await asyncio.sleep(wait)
                    continue
            return


def make_app(url: str, work: Work) -> App:
    """The application of one worker's process."""
    connector = PsycopgConnector(
        conninfo=url.replace("postgresql+psycopg://", "postgresql://", 1),
        kwargs={"options": OPTIONS},
        min_size=1,
        max_size=CONNECTIONS,
    )
    app = App(connector=connector)
    app.job_manager = Jobs(app.connector)
    _add_lanes(app, work.engine)
    _add_pulls(app, work.puller)
    _add_recovery(app, silent=work.silent)
    for name, (cron, chore) in work.chores.items():
        _add_chore(app, name, cron, chore)
    return app


def _add_lanes(app: App, engine: Engine) -> None:
    assert engine.lanes is not None, "workers own lanes"
    lanes = engine.lanes

    async def others_wait() -> bool:
        row = await app.connector.execute_query_one_async(WAITING, queue=LANES)
        return bool(row["waiting"])

    @app.task(name="lane", queue=LANES)
    async def lane(account: str) -> None:
        if await engine.work_lane(account, longest=SLICE, others_wait=others_wait):
            await _defer(app, "lane", account, LANES, account=account)

    @app.periodic(cron="* * * * * *")
    @app.task(name="look for lanes", queue=CHORES, queueing_lock="look for lanes")
    async def look(timestamp: int) -> None:
        for account in await lanes.list_free():
            await _defer(app, "lane", account, LANES, account=account)


def _add_pulls(app: App, puller: Puller) -> None:
    @app.task(name="pull", queue=CHORES)
    async def pull(source: str, due: str | None) -> None:
        try:
            await puller.pull(source, due=None if due is None else datetime.fromisoformat(due))
        except DeliveryError as error:
            log.info("pull.refused", source=source, reason=str(error))

    @app.periodic(cron="* * * * * *")
    @app.task(name="look for sources", queue=CHORES, queueing_lock="look for sources")
    async def look(timestamp: int) -> None:
        for source, due in await list_due(puller):
            await _defer(app, "pull", source, CHORES, source=source, due=None if due is None else due.isoformat())


def _add_recovery(app: App, *, silent: float) -> None:
    @app.periodic(cron="* * * * * */5")
    @app.task(name="recover", queue=CHORES, queueing_lock="recover")
    async def recover(timestamp: int) -> None:
        """Give the jobs of workers that show no sign of life to others."""
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=silent):
            log.warning("worker.silent", job=job.task_name, of=job.lock)
            try:
                await app.job_manager.retry_job(job)
            except ConnectorException as error:  # of its queueing lock: the same job waits already
                await _drop(app, job.id, error)

    @app.periodic(cron="4 * * * * 0")
    @app.task(name="tidy", queue=CHORES, queueing_lock="tidy")
    async def tidy(timestamp: int) -> None:
        await app.job_manager.delete_old_jobs(nb_hours=24, include_failed=True, include_aborted=True)


async def _drop(app: App, job: int | None, error: Exception) -> None:
    """End a dead worker's job whose like waits already, so that its lock is free."""
    assert job is not None, "a job that was fetched has an id"
    log.info("worker.job_dropped", job=job, why=str(error))
    await app.job_manager.finish_job_by_id_async(job_id=job, status=Status.FAILED, delete_job=True)


def _add_chore(app: App, name: str, cron: str, chore: Callable[[], Awaitable[object]]) -> None:
    @app.periodic(cron=cron)
    @app.task(name=name, queue=CHORES, lock=name, queueing_lock=name)
    async def do(timestamp: int) -> None:
        try:
            await chore()
        except StoreError as error:
            log.warning("chore.failed", chore=name, why=str(error))


async def _defer(app: App, task: str, of: str, queue: str, **about: str | None) -> None:
    """Let one worker do it; it may wait already."""
    lock = f"{task} {of}"
    with suppress(AlreadyEnqueued):
        await app.configure_task(task, queue=queue, lock=lock, queueing_lock=lock).defer_async(**about)


async def run_worker(app: App, *, lanes: int, silent: float, stop: asyncio.Event) -> None:
    """Do jobs until stopped, at most `lanes` at once; what is under way then is finished or left in its row."""
    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=lanes,
                install_signal_handlers=False,
                fetch_job_polling_interval=LOOK,
                update_heartbeat_interval=silent / BEATS,
                stalled_worker_timeout=silent,
                delete_jobs="successful",
            ),
            name="worker",
        )
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not worker.done():
            worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


async def heed(engine: Engine, stop: asyncio.Event) -> None:
    """Stop runs that somebody asked to be left, and tell lanes under way of new runs, until stopped."""
    failing = False
    while not stop.is_set():
        try:
            await engine.heed()
            await engine.notice_more()
        except StoreError as error:
            if not failing:
                log.warning("runs.not_heeded", why=str(error))
            failing = True
        else:
            failing = False
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await stop.wait()
