"""Retention: content goes, rows stay, and nobody loses what needs a person."""

from datetime import timedelta

import pytest

from crosswalk.delivery.history import Place, find_delivery, find_run
from crosswalk.delivery.retention import Pruned, prune
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.attempts import attempts
from crosswalk.store.database import Database
from crosswalk.store.decisions import ADD_DECISIONS
from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import ADD_RUN
from fixtures.history import BASE, CALL, NOW

STATES = ("delivered", "cancelled", "dead", "held", "pending")
OLD = NOW - timedelta(days=91)
BEFORE = NOW - timedelta(days=90)
ROW = b'{"name":"Ann"}'


async def begin(database: Database, **more: object) -> None:
    """A run that ended long ago, with a row of each of five states, each with an attempt and an edit."""
    async with database.begin() as connection:
        account = {"id": "1", "name": "acme", "base_url": BASE, "status": "active", "created_at": NOW}
        await connection.execute(ADD_ACCOUNT, account)
        run = {"id": "a", "name": "a", "account_id": "1", "source": "x.csv", "content": "c", "template": "t"}
        await connection.execute(ADD_RUN, run | {"state": "finished", "started_at": OLD, "ended_at": OLD} | more)
        for number, state in enumerate(STATES, start=1):
            own = {"run_id": "a", "number": number}
            waits = state == "pending"
            row = {"state": state, "phase": "waiting" if waits else None, "settled_at": None if waits else OLD}
            row |= {"payload": CALL, "cells": ROW, "reason": "why", "remote_id": "7", "match_value": "E=x"}
            await connection.execute(deliveries.insert(), own | row)
            attempt = {
                "id": f"t{number}",
                "kind": "send",
                "began_at": OLD,
                "ended_at": OLD,
                "request": "POST /Contacts",
            }
            attempt |= {"body": CALL, "response": b"{}", "status": 200, "outcome": "delivered"}
            await connection.execute(attempts.insert(), own | attempt)
            decision = {"id": f"d{number}", "kind": "edit", "who": "ann", "at": OLD, "change": "{}"}
            await connection.execute(ADD_DECISIONS, own | decision)


async def full(database: Database) -> list[str]:
    """States of the rows that have their content still, attempts and edits with it."""
    found = [await find_delivery(database, Place("a", number)) for number in range(1, 6)]
    parts = [(each.row, each.call, each.biography[0].response, each.decisions[0].change) for each in found]
    assert all(len({part is None for part in own}) == 1 for own in parts)
    return [each.state for each in found if each.row is not None]


async def test_prune(database: Database):
    """Settled rows lose what they said and sent; dead, held and waiting ones nothing; counts and ids stay."""
    await begin(database)
    before = (await find_run(database, "a")).counts
    done = await prune(database, before=BEFORE, now=NOW)
    kept = await find_delivery(database, Place("a", 1))
    assert (Pruned(1, 2), ["dead", "held", "pending"], before) == (
        done,
        await full(database),
        (await find_run(database, "a")).counts,
    )
    assert ("delivered", "7", 200, "ann") == (
        kept.state,
        kept.remote_id,
        kept.biography[0].status,
        kept.decisions[0].who,
    )


async def test_prune_twice(database: Database):
    """A run that has lost its content is not looked at again."""
    await begin(database)
    await prune(database, before=BEFORE, now=NOW)
    assert Pruned(0, 0) == await prune(database, before=BEFORE, now=NOW)


async def test_dry(database: Database):
    """A dry run counts what would go and takes nothing."""
    await begin(database)
    done = await prune(database, before=BEFORE, now=NOW, dry=True)
    assert (Pruned(1, 2), list(STATES)) == (done, await full(database))


@pytest.mark.parametrize(
    "more", [{"ended_at": NOW}, {"state": "stopped"}, {"state": "running", "ended_at": None}, {"state": "queued"}]
)
async def test_kept(database: Database, more: dict[str, object]):
    """Runs that ended lately, or not at all, keep everything."""
    await begin(database, **more)
    assert (Pruned(0, 0), list(STATES)) == (await prune(database, before=BEFORE, now=NOW), await full(database))


async def test_ended_again(database: Database):
    """A run that was taken up and ended again is pruned again when that is long ago."""
    await begin(database, pruned_at=OLD - timedelta(days=1))
    assert Pruned(1, 2) == await prune(database, before=BEFORE, now=NOW)
