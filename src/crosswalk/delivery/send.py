"""Send a run: rows from its source through the journal to Insightly, as many at once as the account allows.

This is the simple path: one process, create, update and delete one by one, unknown outcomes held for a person.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from crosswalk.contract import Resource
from crosswalk.delivery.journal import Dead, Journal, Settled, Waiting
from crosswalk.delivery.judge import Halt, Outcome, judge_answer, judge_error
from crosswalk.delivery.payload import Invalid, make_payload
from crosswalk.delivery.plan import SettledPlan
from crosswalk.delivery.source import Row, Unreadable
from crosswalk.insightly import Insightly, InsightlyError

CHUNK = 100
"""Rows taken into the journal in one commit."""


class Lane(Struct, frozen=True, kw_only=True):
    """What sending needs: where to, how many calls at once, and whom to tell of every settled row."""

    crm: Insightly
    journal: Journal
    plan: SettledPlan
    resource: Resource
    in_flight: int
    clock: Callable[[], datetime]
    tell: Callable[[Settled | Dead], None]
    stop: asyncio.Event


async def send_rows(lane: Lane, rows: Iterator[Row | Unreadable]) -> str | None:
    """Send every row that the journal has not settled. Answers why it stopped early, `None` when it did not."""
    feed = _feed(lane, rows)
    turn = asyncio.Lock()
    halts: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        for _ in range(lane.in_flight):
            tasks.create_task(_work(lane, feed, turn, halts))
    if halts:
        return halts[0]
    return "stopped by request" if lane.stop.is_set() else None


async def _feed(lane: Lane, rows: Iterator[Row | Unreadable]) -> AsyncIterator[Waiting]:
    """Rows that a run before us took and never sent, then the rest of the source."""
    done = 0
    while waiting := await lane.journal.waiting(after=done, most=CHUNK):
        for left in waiting:
            yield left
        done = waiting[-1].number
    last = await lane.journal.last_number()
    chunk: list[Waiting | Dead] = []
    for row in rows:
        if row.number <= last:
            continue
        chunk.append(_plan_row(lane, row))
        if len(chunk) == CHUNK:
            async for taken in _take(lane, chunk):
                yield taken
            chunk = []
    async for taken in _take(lane, chunk):
        yield taken


async def _take(lane: Lane, chunk: list[Waiting | Dead]) -> AsyncIterator[Waiting]:
    if chunk:
        await lane.journal.take(chunk, at=lane.clock())
    for row in chunk:
        if isinstance(row, Dead):
            lane.tell(row)
        else:
            yield row


def _plan_row(lane: Lane, row: Row | Unreadable) -> Waiting | Dead:
    if isinstance(row, Unreadable):
        return Dead(row.number, row.reason)
    payload = make_payload(lane.plan, row.cells)
    if isinstance(payload, Invalid):
        return Dead(row.number, payload.reason)
    body = None if payload.body is None else msgspec.json.encode(payload.body)
    return Waiting(row.number, payload.method, payload.path, body)


async def _work(lane: Lane, feed: AsyncIterator[Waiting], turn: asyncio.Lock, halts: list[str]) -> None:
    while not lane.stop.is_set() and not halts:
        async with turn:
            row = await anext(feed, None)
        if row is None:
            return
        if lane.stop.is_set() or halts:
            return
        await lane.journal.intend(row.number, at=lane.clock())
        match await _call(lane, row):
            case Halt(reason):
                await lane.journal.withdraw(row.number)
                halts.append(reason)
            case Settled() as settled:
                await lane.journal.settle(row.number, settled, at=lane.clock())
                lane.tell(settled)


async def _call(lane: Lane, row: Waiting) -> Outcome:
    try:
        answer = await lane.crm.request(row.method, row.path, body=row.body)
    except InsightlyError as error:
        return judge_error(error)
    return judge_answer(answer, lane.resource.id, _key_of(lane, row))


def _key_of(lane: Lane, row: Waiting) -> str | None:
    """The id that the row itself names: in the body of an update, in the path of a deletion."""
    if lane.plan.route.action == "create":
        return None
    if row.body is None:
        return row.path.rsplit("/", 1)[-1]
    return str(msgspec.json.decode(row.body)[lane.resource.id])
