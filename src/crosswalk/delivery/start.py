"""Runs of a destination that a person starts: over a file, rows given inline, or another dataset's records."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.contract import load
from crosswalk.delivery.backlog import Held, find_under_way, take_backlog
from crosswalk.delivery.destinations import Destination, Destinations
from crosswalk.delivery.errors import PlanError, WrongState
from crosswalk.delivery.folder import is_many, list_files
from crosswalk.delivery.places import Places
from crosswalk.delivery.plan import Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.records import append
from crosswalk.delivery.run import Run, Span, add_run, find_run
from crosswalk.delivery.settings import make_plan
from crosswalk.delivery.source import ENDINGS, Options, open_source, read_content
from crosswalk.store.datasets import ADD_DATASET, FIND_DATASET
from crosswalk.store.ids import new_id
from crosswalk.store.sources import FIND_FILLER

STATES = {"draft": "a draft", "paused": "paused"}
ROWS = "-rows"
"""What the dataset of a destination's inline rows is named after it."""


class Begun(Struct, frozen=True):
    """A run that was queued, and what was guessed of its file."""

    run: Run
    notes: tuple[str, ...]


async def start_file(destinations: Destinations, key: str, path: Path, options: Options = Options()) -> Begun:
    """Queue a run over a file, a folder or a pattern, read as `options` say.

    Raises `SourceError`, `PlanError`, and `WrongState` unless it is active and idle.
    """
    found = await destinations.find(key)
    content = await asyncio.to_thread(read_content, path)
    account = await destinations.account_of(found)
    with ExitStack() as stack:
        source = await asyncio.to_thread(lambda: stack.enter_context(open_source(path, options)))
        rows = Rows(source.columns, closed=source.closed)
        plan = make_plan(found.settings)
        settle_plan(plan, load(), rows, base_url=account["base_url"], now=destinations.now())
    async with destinations.hold(found) as (connection, held):
        await _require_idle(connection, held)
        order = held.order(str(path), content.digest, options)
        run = await add_run(connection, order, now=destinations.now(), rng=destinations.rng)
    return Begun(run, source.notes)


async def start_listed(destinations: Destinations, key: str, text: str, options: Options, *, places: Places) -> Begun:
    """Queue a run over a file that `places` allow, each file of a folder or a pattern asked for by itself."""
    return await start_file(destinations, key, find_listed(text, places), options)


def find_listed(text: str, places: Places) -> Path:
    """A file, folder or pattern that `places` allow, with all that lies in it. Raises `PlanError`."""
    path = places.find_file(text)
    if is_many(path):
        for each in list_files(path, ENDINGS)[0]:
            places.check_file(each)
    return path


async def start_rows(destinations: Destinations, key: str, rows: Sequence[dict[str, Any]]) -> Run:
    """Keep rows as records of a dataset of the destination's own, and queue a run over them, all at once."""
    found = await destinations.find(key)
    at = destinations.now()
    async with destinations.hold(found) as (connection, held):
        await _require_idle(connection, held)
        dataset = await _find_own(connection, destinations, held)
        records = [(msgspec.json.encode(row), None) for row in rows]
        first, last = await append(connection, dataset, records, at=at)
        span = str(Span(dataset, first, last))
        return await add_run(connection, held.order(span, span), now=at, rng=destinations.rng)


async def start_dataset(destinations: Destinations, key: str, dataset: str) -> Run:
    """Queue a run over every record that a dataset holds now; of the destination's own those that wait."""
    found = await destinations.find(key)
    wanted = await destinations.find_dataset(dataset)
    if wanted["id"] == found.dataset_id:
        return await start_backlog(destinations, found)
    if wanted["last"] == 0:
        raise PlanError(f"Dataset {wanted['name']} has no records yet")
    async with destinations.hold(found) as (connection, held):
        await _require_idle(connection, held)
        span = str(Span(wanted["id"], 1, wanted["last"]))
        return await add_run(connection, held.order(span, span), now=destinations.now(), rng=destinations.rng)


async def start_backlog(destinations: Destinations, found: Destination) -> Run:
    """Queue the records that wait in its dataset. Raises `WrongState` when none does."""
    async with destinations.hold(found) as (connection, held):
        await _require_idle(connection, held)
        run = await take_backlog(connection, held, now=destinations.now(), rng=destinations.rng)
    if run is None:
        raise WrongState(f"No record waits for destination {found.name}. Name a file to send another source")
    return run


async def find_going(destinations: Destinations, found: Destination) -> Run | None:
    """The run of an active destination that is queued or sent right now."""
    async with destinations.hold(found) as (connection, held):
        run = await find_under_way(connection, held.id)
    going = run is not None and run["state"] in {"queued", "running"} and held.state == "active"
    return await find_run(destinations.database, run["id"]) if run is not None and going else None


async def _require_idle(connection: AsyncConnection, held: Held) -> None:
    if held.state != "active":
        todo = f"crosswalk destinations activate {held.name}"
        raise WrongState(f"Destination {held.name} is {STATES[held.state]}. Activate it first: {todo}")
    run = await find_under_way(connection, held.id)
    if run is not None:
        raise WrongState(
            f"Run {run['id']} of destination {held.name} is unfinished ({run['state']}). Let it end, go on with it "
            f"(crosswalk runs resume {run['id']}), or give it up (crosswalk runs cancel {run['id']})"
        )


async def _find_own(connection: AsyncConnection, destinations: Destinations, held: Held) -> str:
    """The dataset that holds a destination's inline rows; made on first use."""
    name = f"{held.name}{ROWS}"
    row = (await connection.execute(FIND_DATASET, {"key": name})).mappings().one_or_none()
    if row is not None:
        filled = (await connection.execute(FIND_FILLER, {"dataset": row["id"]})).first() is not None
        if filled or row["origin"] != "source" or row["account_id"] != held.account:
            raise WrongState(f"There is a dataset named {name} already, which rows cannot be added to. Send a file")
        return str(row["id"])
    at = destinations.now()
    made = new_id(at, destinations.rng)
    values = {"id": made, "name": name, "origin": "source", "account_id": held.account}
    await connection.execute(ADD_DATASET, values | {"created_at": at, "changed_at": at})
    return made
