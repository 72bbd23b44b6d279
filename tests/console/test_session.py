"""Sessions: who gets in, for how long, and who stays out."""

from datetime import UTC, datetime, timedelta

import pytest

from crosswalk.console.session import (
    LINK_LASTS,
    LOCKED_FOR,
    SESSION_IDLES,
    SESSION_LASTS,
    TRIES,
    Sessions,
    SignInRefused,
    WeakPassword,
)
from crosswalk.store import sessions as table
from crosswalk.store.database import Database

PASSWORD = "a good long password"
HERE = "127.0.0.1"


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> Clock:
    """Ten o'clock."""
    return Clock()


@pytest.fixture
def sessions(database: Database, clock: Clock) -> Sessions:
    """The sessions of an empty database, of each kind."""
    return Sessions(database=database, now=clock)


async def test_link_lets_in_once(sessions: Sessions):
    """A link begins one session; the second try finds it spent."""
    link = (await sessions.make_link()).reveal()
    secret = (await sessions.enter_by_link(link)).reveal()
    found = await sessions.find(secret)
    assert ("link", True) == (found.way, found.csrf != secret)
    with pytest.raises(SignInRefused, match="used already"):
        await sessions.enter_by_link(link)


async def test_link_ends(sessions: Sessions, clock: Clock):
    """A link that nobody used in time lets nobody in."""
    link = (await sessions.make_link()).reveal()
    clock.move(LINK_LASTS)
    with pytest.raises(SignInRefused):
        await sessions.enter_by_link(link)


async def test_only_digests_rest(sessions: Sessions, database: Database):
    """Neither a link's nor a session's secret is in the database."""
    link = (await sessions.make_link()).reveal()
    other = (await sessions.make_link()).reveal()
    secret = (await sessions.enter_by_link(link)).reveal()
    async with database.read() as connection:
        rows = [
            *(await connection.execute(table.sessions.select())).all(),
            *(await connection.execute(table.sign_in_links.select())).all(),
        ]
    assert len(rows) == 2
    assert all(text not in repr(rows) for text in (link, other, secret))


@pytest.mark.parametrize(("step", "times"), [(SESSION_IDLES, 1), (timedelta(hours=11), 16)])
async def test_session_ends(sessions: Sessions, clock: Clock, step: timedelta, times: int):
    """A session ends when it was not used for long, and after a week however much it is used."""
    secret = (await sessions.enter_by_link((await sessions.make_link()).reveal())).reveal()
    for _ in range(times):
        clock.move(step)
        found = await sessions.find(secret)
    assert found is None


async def test_used_session_lives_on(sessions: Sessions, clock: Clock):
    """Use keeps a session alive until its last hour."""
    secret = (await sessions.enter_by_link((await sessions.make_link()).reveal())).reveal()
    while clock.at + timedelta(hours=11) < datetime(2026, 11, 22, 10, tzinfo=UTC) + SESSION_LASTS:
        clock.move(timedelta(hours=11))
        assert await sessions.find(secret) is not None


async def test_password(sessions: Sessions):
    """The password lets in, another does not; without one nobody gets in by any."""
    with pytest.raises(SignInRefused, match="wrong"):
        await sessions.enter_by_password("", HERE)
    await sessions.set_password(PASSWORD)
    assert "password" == (await sessions.find((await sessions.enter_by_password(PASSWORD, HERE)).reveal())).way
    with pytest.raises(SignInRefused, match="wrong"):
        await sessions.enter_by_password(f"{PASSWORD} ", HERE)
    await sessions.remove_password()
    with pytest.raises(SignInRefused, match="wrong"):
        await sessions.enter_by_password(PASSWORD, HERE)


async def test_lockout(sessions: Sessions, clock: Clock):
    """After five wrong passwords the right one is refused too, from there, until a quarter of an hour is over."""
    await sessions.set_password(PASSWORD)
    for _ in range(TRIES):
        with pytest.raises(SignInRefused, match="wrong"):
            await sessions.enter_by_password("wrong", HERE)
    with pytest.raises(SignInRefused, match="Too many"):
        await sessions.enter_by_password(PASSWORD, HERE)
    assert await sessions.enter_by_password(PASSWORD, "192.0.2.1")
    clock.move(LOCKED_FOR)
    assert await sessions.enter_by_password(PASSWORD, HERE)


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
async def test_weak_password(sessions: Sessions, password: str):
    """A password too short or too long is refused with the limits."""
    with pytest.raises(WeakPassword, match="12 to 200"):
        await sessions.set_password(password)
    assert not await sessions.has_password()


async def test_end_others(sessions: Sessions):
    """One session ends all others, and stays."""
    kept, gone = [(await sessions.enter_by_link((await sessions.make_link()).reveal())).reveal() for _ in range(2)]
    assert 1 == await sessions.end_others(kept)
    assert (True, None) == (await sessions.find(kept) is not None, await sessions.find(gone))
