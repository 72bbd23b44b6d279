"""The audit log: who did what when from where. Each line carries the digest of the one before it.

So a line that is changed, taken out or put in breaks the chain at its place. Whoever can write the database could forge
all of it anew: keep the digest that `crosswalk audit verify` prints elsewhere, and ask for it by `--digest` later.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.insightly.wire import JSON
from crosswalk.store.audit import ADD_HEAD, ADD_LINE, HOLD_HEAD, LIST_AFTER, LIST_BEFORE, MOVE_HEAD, READ_HEAD
from crosswalk.store.columns import EPOCH, MICROSECOND
from crosswalk.store.database import Database

FIRST = bytes(32)
STEP = 1000
COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that was done. `actor` is a token, a person or the command line; `detail` never holds a secret."""

    actor: str
    action: str
    object: str
    ip: str | None = None
    account_id: str | None = None
    detail: Mapping[str, JSON] | None = None


class Line(Struct, frozen=True, kw_only=True):
    """One line of the log."""

    number: int
    at: datetime
    actor: str
    ip: str | None = None
    action: str
    object: str
    account_id: str | None = None
    detail: str | None = None
    before: bytes
    digest: bytes

    def seal(self) -> bytes:
        """What its digest must be."""
        at = (self.at - EPOCH) // MICROSECOND
        values = (self.number, at, self.actor, self.ip, self.action, self.object, self.account_id, self.detail)
        return sha256(self.before + msgspec.json.encode(values)).digest()


@dataclass(frozen=True, slots=True)
class Whole:
    """The chain holds: so many lines, and the digest of the last."""

    lines: int
    digest: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The chain does not hold: where it breaks first, and how."""

    number: int
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines are asked for."""

    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    before: int | None = None


async def append(connection: AsyncConnection, act: Act, *, at: datetime) -> None:
    """Write a line in a transaction; others that write wait until it ends, so that there is one chain."""
    head = (await connection.execute(HOLD_HEAD)).one_or_none()
    if head is None:
        await connection.execute(ADD_HEAD, {"id": 1, "number": 0, "digest": FIRST})
    number, before = (0, FIRST) if head is None else head
    detail = None if act.detail is None else msgspec.json.encode(act.detail).decode()
    line = Line(
        number=number + 1,
        at=at,
        actor=act.actor,
        ip=act.ip,
        action=act.action,
        object=act.object,
        account_id=act.account_id,
        detail=detail,
        before=before,
        digest=b"",
    )
    line = msgspec.structs.replace(line, digest=line.seal())
    await connection.execute(ADD_LINE, msgspec.structs.asdict(line))
    await connection.execute(MOVE_HEAD, {"to": line.number, "as": line.digest})


async def write(database: Database, act: Act, *, at: datetime) -> None:
    """Write a line in a transaction of its own."""
    async with database.begin() as connection:
        await append(connection, act, at=at)


async def list_lines(database: Database, wanted: Wanted, *, most: int) -> list[Line]:
    """Lines, newest first."""
    values = {
        "before_number": 2**62 if wanted.before is None else wanted.before,
        "actor": wanted.actor,
        "action": wanted.action,
        "since": wanted.since,
        "most": most,
    }
    async with database.read() as connection:
        rows = (await connection.execute(LIST_BEFORE, values)).mappings()
        return [_from_row(row) for row in rows]


async def read_lines(database: Database) -> AsyncIterator[Line]:
    """Every line, oldest first, in constant memory."""
    after = 0
    while True:
        async with database.read() as connection:
            rows = (await connection.execute(LIST_AFTER, {"after": after, "most": STEP})).mappings().all()
        for row in rows:
            yield _from_row(row)
        if len(rows) < STEP:
            return
        after = rows[-1]["number"]


async def verify(database: Database, digest: str | None = None) -> Whole | Broken:
    """Follow the chain from its first line to its end; a `digest` that was kept elsewhere must be one of its lines'."""
    async with database.read() as connection:
        head = (await connection.execute(READ_HEAD)).one_or_none()
    end, seal = (0, FIRST) if head is None else head
    last, met, number = FIRST, digest is None, 0
    async for line in read_lines(database):
        if head is None:
            return Broken(1, "the chain's end is missing")
        if line.number > end:
            break  # written since we began
        number += 1
        broken = _look(line, number, last)
        if broken is not None:
            return broken
        last = line.digest
        met = met or last.hex() == digest
    if (number, last) != (end, seal):
        return Broken(number + 1, "lines are missing at the end")
    if not met:
        return Broken(number, f"no line has the digest {digest}: the log was written anew since")
    return Whole(number, last.hex())


def _look(line: Line, number: int, last: bytes) -> Broken | None:
    if line.number != number:
        return Broken(number, f"line {number} is missing")
    if line.before != last:
        return Broken(number, f"line {number} does not follow the one before it")
    return None if line.digest == line.seal() else Broken(number, f"line {number} was changed")


def _from_row(row: RowMapping) -> Line:
    return msgspec.convert({str(name): value for name, value in row.items()}, Line)
