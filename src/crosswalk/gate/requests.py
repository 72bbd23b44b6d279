"""Requests as they were written down: found, shown, and a read made again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping

from crosswalk.gate.request_log import MASK
from crosswalk.insightly import Insightly
from crosswalk.insightly.call import Call
from crosswalk.insightly.errors import Answered
from crosswalk.store.database import Database
from crosswalk.store.requests import FIND_REQUEST, LIST_REQUESTS, Leg

NEWEST = 2**62


class RequestError(Exception):
    """A request cannot be shown or made again."""


class UnknownRequest(RequestError):
    """No request of this id was written down, or it is forgotten by now."""


class NoReplay(RequestError):
    """A request that cannot be made again."""


class Request(Struct, frozen=True, kw_only=True):
    """One leg of a call: `ours` came to this hub, `insightly` left it for there. Content is masked."""

    number: int
    request: str
    leg: Leg
    at: datetime
    account_id: str | None
    actor: str | None
    ip: str | None
    method: str
    path: str
    query: str
    status: int | None
    trouble: str | None
    ms: float
    sent: int | None
    received: int | None
    body: str | None
    answer: str | None


class Replayed(Struct, frozen=True, kw_only=True):
    """A read made again: what it answered then, and what it answers now."""

    request: str
    method: str
    path: str
    query: str
    then: int | None
    now: int | None
    then_ms: float
    now_ms: float
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests are asked for; `None` asks for any. `reach` are the accounts that the asker sees."""

    account: str | None = None
    actor: str | None = None
    method: str | None = None
    leg: Leg | None = None
    status: int | None = None
    text: str | None = None
    before: int | None = None
    reach: frozenset[str] | None = None


async def list_requests(database: Database, wanted: Wanted, *, most: int) -> list[Request]:
    """Requests, newest first."""
    values = {
        "before": NEWEST if wanted.before is None else wanted.before,
        "account": wanted.account,
        "actor": wanted.actor,
        "method": None if wanted.method is None else wanted.method.upper(),
        "leg": wanted.leg,
        "status": wanted.status,
        "text": None if wanted.text is None else f"%{_escape(wanted.text.lower())}%",
        "sees_all": int(wanted.reach is None),
        "reach": sorted(wanted.reach or ()),
        "most": most,
    }
    async with database.read() as connection:
        rows = (await connection.execute(LIST_REQUESTS, values)).mappings()
        return [_from_row(row) for row in rows]


async def find_request(database: Database, request: str, *, reach: frozenset[str] | None = None) -> list[Request]:
    """Every leg of one call, in order. Raises `UnknownRequest`."""
    async with database.read() as connection:
        rows = (await connection.execute(FIND_REQUEST, {"request": request})).mappings()
        legs = [_from_row(row) for row in rows]
    if not legs or (reach is not None and any(leg.account_id not in reach for leg in legs)):
        raise UnknownRequest(f"No request {request!r} is written down. `crosswalk log list` lists them")
    return legs


def replayable(legs: Sequence[Request]) -> Request:
    """The call to Insightly that may be made again. Raises `NoReplay`."""
    calls = [leg for leg in legs if leg.leg == "insightly"]
    if not calls:
        raise NoReplay("This request made no call to Insightly")
    call = calls[0]
    if call.method != "GET":
        raise NoReplay(f"It made a {call.method}: only reads are made again")
    if MASK in call.query:
        raise NoReplay("Its query was masked when it was written down; send it again yourself")
    return call


async def replay(leg: Request, crm: Insightly) -> Replayed:
    """Make a read again, once."""
    began = time.perf_counter()
    status: int | None
    path = f"{leg.path}?{leg.query}" if leg.query else leg.path
    try:
        answer = await crm.call(Call(method="GET", path=path, reads=True))
        status, says = answer.status, f"{len(answer.body):,} bytes"
    except Answered as exc:
        status, says = exc.status, exc.says
    took = (time.perf_counter() - began) * 1000
    return Replayed(
        request=leg.request,
        method=leg.method,
        path=leg.path,
        query=leg.query,
        then=leg.status,
        now=status,
        then_ms=leg.ms,
        now_ms=took,
        says=says,
    )


def _escape(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _from_row(row: RowMapping) -> Request:
    return msgspec.convert({str(name): value for name, value in row.items()}, Request)
