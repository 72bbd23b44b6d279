"""Records of a destination's dataset that no run has taken: how they become runs, or are skipped.

Whoever takes records holds the destination's row to the end of the transaction, which moves its position and writes
the run together: a record is in one run, however many processes ask and wherever one dies.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Literal

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.errors import BacklogUndecided, DeliveryError, WrongState
from crosswalk.delivery.row import Options
from crosswalk.delivery.run import Order, Run, Span, add_run
from crosswalk.delivery.settings import Settings, make_plan
from crosswalk.store import destinations as table
from crosswalk.store import runs
from crosswalk.store.backlog import SKIP_RECORDS
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable

Choice = Literal["send", "skip"]
"""What to do with the records that gathered before a destination was activated."""
POLL = 0.5
"""Seconds between two looks for records that wait."""
SKIPPED = "skipped when the destination was activated"
log = structlog.get_logger()


class Held(Struct, frozen=True, kw_only=True):
    """A destination whose row this transaction holds; `last` is its dataset's last record, 0 without one."""

    id: str
    name: str
    state: str
    account: str | None
    version: int
    settings: Settings
    dataset: str | None
    position: int
    last: int

    @property
    def waiting(self) -> int:
        """How many records no run has taken."""
        return max(0, self.last - self.position)

    @property
    def span(self) -> Span:
        """These records."""
        assert self.dataset is not None, "only a dataset's records wait"
        return Span(self.dataset, self.position + 1, self.last)

    def order(self, source: str, content: str, options: Options = Options()) -> Order:
        """An order of this destination, under its present settings. Raises `WrongState` when its account is gone."""
        if self.account is None:
            raise WrongState(f"The account of destination {self.name} was removed. Make the destination anew")
        return Order(
            source=source,
            content=content,
            account=self.account,
            plan=make_plan(self.settings),
            destination=self.id,
            version=self.version,
            options=options,
        )


async def hold(connection: AsyncConnection, destination: str) -> Held | None:
    """Hold a destination's row until the transaction ends; `None` when it is gone."""
    if (await connection.execute(table.HOLD_DESTINATION, {"destination": destination})).first() is None:
        return None
    row = (await connection.execute(table.FIND_DESTINATION, {"key": destination})).mappings().one()
    bound = row["dataset"] is not None
    return Held(
        id=row["id"],
        name=row["name"],
        state=row["state"],
        account=row["account_id"],
        version=row["version"],
        settings=msgspec.json.decode(row["settings"], type=Settings),
        dataset=row["dataset_id"] if bound else None,
        position=row["position"],
        last=row["position"] + row["backlog"] if bound else 0,
    )


async def find_under_way(connection: AsyncConnection, destination: str) -> RowMapping | None:
    """The unfinished run of a destination."""
    return (await connection.execute(runs.FIND_UNDER_WAY, {"destination": destination})).mappings().one_or_none()


async def take_backlog(connection: AsyncConnection, held: Held, *, now: datetime, rng: Random) -> Run | None:
    """Queue one run over every record that waits; `None` when none does, or a run of the destination is unfinished."""
    if held.waiting == 0 or await find_under_way(connection, held.id) is not None:
        return None
    source = str(held.span)
    run = await add_run(connection, held.order(source, source), now=now, rng=rng)
    await _step(connection, held)
    return run


async def skip_backlog(connection: AsyncConnection, held: Held, *, now: datetime, rng: Random) -> Run | None:
    """Journal every record that waits as skipped, in a run that is finished; `None` when none waits."""
    if held.waiting == 0:
        return None
    span = held.span
    run = await add_run(connection, held.order(str(span), str(span)), now=now, rng=rng, state="finished")
    values = {"run": run.id, "dataset": span.dataset, "first": span.first, "last": span.last, "at": now}
    await connection.execute(SKIP_RECORDS, values)
    await connection.execute(runs.CHANGE_RUN, {"run": run.id, "reason": SKIPPED, "ended_at": now, "read_whole": 1})
    await _step(connection, held)
    return run


async def _step(connection: AsyncConnection, held: Held) -> None:
    values = {"destination": held.id, "have": held.position, "want": held.last}
    done = await connection.execute(table.STEP_POSITION, values)
    assert done.rowcount == 1, "the row is held"


async def decide(
    connection: AsyncConnection, held: Held, choice: Choice | None, *, now: datetime, rng: Random
) -> Run | None:
    """Do with the backlog what a person chose. Raises `BacklogUndecided` when there is one and nobody chose."""
    if held.waiting and choice is None:
        raise BacklogUndecided(
            f"{held.waiting:,} records of its dataset wait for destination {held.name}. "
            "Say what becomes of them: send or skip, which is --backlog send or --backlog skip on the command line"
        )
    if choice == "skip":
        return await skip_backlog(connection, held, now=now, rng=rng)
    return await take_backlog(connection, held, now=now, rng=rng)


async def activate(
    connection: AsyncConnection, held: Held, choice: Choice | None, *, now: datetime, rng: Random
) -> Run | None:
    """Let records go: runs that stopped go on, and the backlog becomes a run as `choice` says.

    Of an active destination only its stopped runs are touched.
    """
    made = None
    if held.state != "active":
        made = await decide(connection, held, choice, now=now, rng=rng)
        await connection.execute(table.SET_STATE, {"destination": held.id, "want": "active"})
    await connection.execute(runs.ASK_ON, {"destination": held.id})
    await connection.execute(runs.QUEUE_STOPPED, {"destination": held.id})
    return made


async def pause(connection: AsyncConnection, held: Held, *, who: str) -> None:
    """Let no more records go, nor rows of runs under way; what is queued waits."""
    await connection.execute(table.SET_STATE, {"destination": held.id, "want": "paused"})
    await connection.execute(runs.ASK_PAUSE, {"destination": held.id, "who": f"{who}, with destination {held.name}"})


async def admit(database: Database, destination: str, *, now: datetime, rng: Random) -> Run | None:
    """Queue what waits for a destination, if it is active still."""
    async with database.begin() as connection:
        held = await hold(connection, destination)
        if held is None or held.state != "active" or held.account is None:
            return None
        return await take_backlog(connection, held, now=now, rng=rng)


async def admit_all(database: Database, *, now: datetime, rng: Random) -> list[Run]:
    """Queue what waits for every active destination; one whose settings cannot work any more stops no other."""
    async with database.read() as connection:
        waiting = list(await connection.scalars(table.LIST_WAITING))
    made: list[Run] = []
    for destination in waiting:
        try:
            run = await admit(database, destination, now=now, rng=rng)
        except DeliveryError as error:
            log.warning("destination.refused", destination=destination, why=str(error))
            continue
        if run is not None:
            made.append(run)
    return made


async def work_destinations(
    database: Database, *, clock: Callable[[], datetime], rng: Random, stop: asyncio.Event
) -> None:
    """Queue new records of active destinations as they come, until stopped."""
    failing = False
    while not stop.is_set():
        try:
            for run in await admit_all(database, now=clock(), rng=rng):
                log.info("run.queued", run=run.id, destination=run.order.destination, source=run.order.source)
        except DatabaseUnreachable as error:
            if not failing:
                log.warning("destinations.waiting", why=str(error))
            failing = True
        else:
            failing = False
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await stop.wait()
