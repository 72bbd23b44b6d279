"""The audit log: one chain, whoever writes, and every change of it is found."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from crosswalk.accounts.audit import Act, Broken, Wanted, Whole, list_lines, verify, write
from crosswalk.accounts.tokens import Draft, Tokens
from crosswalk.store.database import Database

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


async def fill(database: Database, count: int = 5) -> None:
    """Write some lines."""
    for number in range(count):
        act = Act(actor="token a", action="run.cancel", object=f"r{number}", ip="10.0.0.1", detail={"n": number})
        await write(database, act, at=NOW)


async def test_whole(database: Database):
    """A chain that nobody touched is whole, and names its last digest."""
    await fill(database)
    found = await verify(database)
    last = (await list_lines(database, Wanted(), most=1))[0]
    assert Whole(5, last.digest.hex()) == found


async def test_empty(database: Database):
    """A log without lines is whole."""
    assert Whole(0, bytes(32).hex()) == await verify(database)


@pytest.mark.parametrize(
    ("tampering", "number"),
    [
        ("UPDATE audit SET actor = 'token b' WHERE number = 3", 3),
        ("UPDATE audit SET detail = NULL WHERE number = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 5", 5),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("UPDATE audit SET number = 9 WHERE number = 5", 5),
        ("DELETE FROM audit_head", 1),
    ],
)
async def test_tampering(database: Database, tampering: str, number: int):
    """A line that is changed or taken out, in the middle or at an end, is found at its place."""
    await fill(database)
    async with database.begin() as connection:
        await connection.execute(text(tampering))
    found = await verify(database)
    assert isinstance(found, Broken)
    assert number == found.number


async def test_forged_anew(database: Database):
    """A log that was written anew holds in itself, and lacks the digest that was kept of the old one."""
    await fill(database)
    kept = await verify(database)
    assert isinstance(kept, Whole)
    async with database.begin() as connection:
        await connection.execute(text("DELETE FROM audit"))
        await connection.execute(text("DELETE FROM audit_head"))
    await write(database, Act(actor="token b", action="run.cancel", object="r"), at=NOW)
    assert isinstance(await verify(database, kept.digest), Broken)


async def test_many_writers(database: Database):
    """Writers at once keep one chain."""
    await fill(database, 1)  # the fixture has emptied the row that the migration makes
    await asyncio.gather(*(fill(database, 3) for _ in range(6)))
    found = await verify(database)
    assert isinstance(found, Whole)
    assert 19 == found.lines


async def test_tokens_tell(database: Database):
    """Making, rotating and revoking a token each write one line, and none holds its text."""
    tokens = Tokens(database=database, ip="10.0.0.9")
    _, secret = await tokens.create(Draft(name="a", scopes=("proxy:*",)))
    _, rotated = await tokens.rotate("a")
    await tokens.revoke("a")
    lines = await list_lines(database, Wanted(), most=10)
    assert ["token.revoke", "token.rotate", "token.create"] == [line.action for line in lines]
    assert not any(each.reveal() in repr(lines) for each in (secret, rotated))
    assert {"10.0.0.9"} == {line.ip for line in lines}
