"""Callers: who is let in, without a statement where the token is known."""

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import create_async_engine

from crosswalk.accounts.callers import FRESH_SECONDS, Callers, Shown, Unidentified, open_callers, read_bearer
from crosswalk.accounts.tokens import Draft, Tokens
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.store.tokens import tokens as table

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TEXT = f"cw_0123abcd_{'x' * 43}"


class Clock:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """The wall's time."""
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Seconds since some start."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def tokens(database: Database, clock: Clock) -> Tokens:
    """No tokens."""
    return Tokens(database=database, now=clock.now)


@pytest.fixture
def callers(database: Database, clock: Clock) -> Callers:
    """Tokens in memory, without the task that follows the database."""
    return Callers(database, now=clock.now, clock=clock.monotonic)


async def make(tokens: Tokens, **more: object) -> str:
    """The header of a new token."""
    _, secret = await tokens.create(Draft(name="reader", scopes=("delivery:read",), **more))
    return f"Bearer {secret.reveal()}"


async def test_identified(tokens: Tokens, callers: Callers):
    """A living token says who calls."""
    assert "reader" == (await callers.identify(Shown(await make(tokens)))).name


async def test_new_token_counts_at_once(tokens: Tokens, callers: Callers):
    """A token that another process made a moment ago is let in."""
    await callers.refresh()
    assert "reader" == (await callers.identify(Shown(await make(tokens)))).name


async def test_known_token_needs_no_statement(tokens: Tokens, callers: Callers):
    """Once known, a token is checked in memory."""
    header = await make(tokens)
    await callers.identify(Shown(header))
    statements: list[str] = []
    event.listen(tokens.database.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for _ in range(10):
        await callers.identify(Shown(header))
    assert [] == statements


async def test_revoked_within_a_second(tokens: Tokens, callers: Callers, clock: Clock):
    """A token that another process revoked is refused a second later."""
    header = await make(tokens)
    await callers.identify(Shown(header))
    await tokens.revoke("reader")
    clock.seconds = FRESH_SECONDS
    with pytest.raises(Unidentified, match="unknown or revoked"):
        await callers.identify(Shown(header))


async def test_expired(tokens: Tokens, callers: Callers, clock: Clock):
    """A token ends at its expiry, to the second."""
    header = await make(tokens, expires="1h")
    clock.seconds = 3599
    await callers.identify(Shown(header))
    clock.seconds = 3600
    with pytest.raises(Unidentified, match="ended at 2026-11-22 11:00 UTC"):
        await callers.identify(Shown(header))


async def test_wrong_secret(tokens: Tokens, callers: Callers):
    """A known prefix with another secret is refused like an unknown token."""
    header = await make(tokens)
    with pytest.raises(Unidentified, match="unknown or revoked"):
        await callers.identify(Shown(header[:-1] + ("A" if header[-1] != "A" else "B")))


async def test_scope_of_another_version(tokens: Tokens, callers: Callers):
    """A kept scope that this Crosswalk does not know gives nothing, and takes nothing from the others."""
    header = await make(tokens)
    async with tokens.database.begin() as connection:
        await connection.execute(update(table).values(scopes='["telepathy:*", "delivery:read"]'))
    assert ["delivery:read"] == [str(scope) for scope in (await callers.identify(Shown(header))).scopes]


async def test_last_use_once_a_minute(tokens: Tokens, callers: Callers, clock: Clock):
    """A token's last use is written, and written again no sooner than a minute later."""
    header = await make(tokens)
    written = []
    for clock.seconds in (0, 59, 60):
        await callers.identify(Shown(header))
        await callers.write_used(every=timedelta(minutes=1))
        written.append((await tokens.find("reader")).last_used_at)
    assert [NOW, NOW, NOW + timedelta(seconds=60)] == written


async def test_last_use_is_written_at_the_end(tokens: Tokens):
    """Closing writes what was used since."""
    async with open_callers(tokens.database) as callers:
        await callers.identify(Shown(await make(tokens)))
    assert (await tokens.find("reader")).last_used_at is not None


async def test_asked_together(tokens: Tokens, callers: Callers):
    """Many that come with unknown tokens at once ask the database at most twice."""
    statements: list[str] = []
    event.listen(tokens.database.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(callers.refresh())
    assert 2 == sum("count(" in statement for statement in statements)


async def test_nobody_without_a_database(clock: Clock):
    """While the database is gone, nobody is let in on old knowledge."""
    gone = Database(create_async_engine("postgresql+psycopg://me@127.0.0.1:1/hub"), "postgresql", nullcontext())
    with pytest.raises(DatabaseUnreachable):
        await Callers(gone, now=clock.now, clock=clock.monotonic).identify(Shown(f"Bearer {TEXT}"))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Bearer {TEXT}", TEXT),
        (f"bearer  {TEXT} ", TEXT),
        (TEXT, None),
        (f"Basic {TEXT}", None),
        (f"Bearer {TEXT}x", None),
        (f"Bearer {TEXT}\n", None),
        ("Bearer", None),
        ("", None),
        (None, None),
    ],
)
def test_bearer(header: str | None, expected: str | None):
    """Only a Bearer header with a token of our shape carries one."""
    assert expected == read_bearer(header)


@given(st.text() | st.text().map(lambda text: f"Bearer {text}"))
def test_any_header(header: str):
    """Whatever the header holds, it is read or carries nothing."""
    assert read_bearer(header) in {None, header.partition(" ")[2].strip(" ")}
