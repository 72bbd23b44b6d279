"""What nobody can use any more is forgotten by itself; what lasts or lives is not."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from crosswalk.delivery.retention import Keep, tidy, work_retention
from crosswalk.store.columns import metadata
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.store.link_tokens import link_tokens
from crosswalk.store.notices import notices
from crosswalk.store.sessions import sessions, sign_in_failures, sign_in_links
from fixtures.history import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEEP = Keep(content=None, notices=90 * DAY)


async def fill(database: Database) -> None:
    """Of everything one that is old and one that lives."""
    rows = []
    for name, ends in (("old", NOW - HOUR), ("new", NOW + HOUR)):
        born = {"created_at": NOW - DAY, "ends_at": ends}
        rows += [
            (sessions, {"digest": name.encode(), "way": "link", "used_at": NOW - HOUR, **born}),
            (sign_in_links, {"digest": name.encode(), **born}),
        ]
    for name, at in (("old", NOW - 91 * DAY), ("new", NOW - DAY + HOUR)):
        notice = {"id": name, "kind": "run.finished", "level": "info", "subject": name, "message": "m"}
        rows += [
            (notices, notice | {"created_at": at, "over_at": at}),
            (notices, notice | {"id": f"{name} lasts", "created_at": at, "over_at": None}),
            (sign_in_failures, {"id": name, "address": "127.0.0.1", "at": at}),
        ]
        token = {"id": name, "digest": name.encode(), "tenant_id": "t", "context": "{}", "scopes": "[]", "checks": 0}
        token |= {"made_by": "me", "created_at": at - DAY, "expires_at": at}
        rows.append((link_tokens, token))
    async with database.begin() as connection:
        for table, row in rows:
            await connection.execute(insert(table).values(row))


async def left(database: Database) -> dict[str, int]:
    """How many rows each of these tables has."""
    names = ("sessions", "sign_in_links", "sign_in_failures", "notices", "link_tokens")
    async with database.read() as connection:
        return {
            name: await connection.scalar(select(func.count()).select_from(metadata.tables[name])) for name in names
        }


async def test_the_old_go(database: Database):
    """Ended sessions and links, old failures, tokens and notices go; notices of what lasts stay, however old."""
    await fill(database)
    assert 5 == await tidy(database, notices=KEEP.notices, now=NOW)
    assert {"sessions": 1, "sign_in_links": 1, "sign_in_failures": 1, "notices": 3, "link_tokens": 1} == await left(
        database
    )
    assert 0 == await tidy(database, notices=KEEP.notices, now=NOW)


async def test_notices_for_ever(database: Database):
    """With `off` no notice goes."""
    await fill(database)
    await tidy(database, notices=None, now=NOW)
    assert 4 == (await left(database))["notices"]


async def test_a_database_that_is_away(database: Database, monkeypatch: pytest.MonkeyPatch):
    """While the database does not answer nothing ends: it is tidied the next time."""
    stop, tries = asyncio.Event(), []

    async def fail(*_: object, **__: object) -> int:
        tries.append(1)
        if len(tries) == 2:
            stop.set()
            return 0
        raise DatabaseUnreachable("gone")

    monkeypatch.setattr("crosswalk.delivery.retention.tidy", fail)  # a database that is away is slow to say so
    monkeypatch.setattr("crosswalk.delivery.retention.EVERY", 0.0)
    await asyncio.wait_for(work_retention(database, KEEP, clock=lambda: NOW, stop=stop), 20)
    assert 2 == len(tries)
