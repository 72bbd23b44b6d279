"""What lies on the way of a read: no statement of the database."""

# ruff: noqa: F811 (imported fixtures are arguments)

import asyncio

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import event

from crosswalk.accounts.accounts import Account
from crosswalk.store.database import Database
from fixtures.proxied import account, linked  # noqa: F401 (fixtures)

BESIDE = {"tokens", "accounts", "mappings", "requests", "pulse"}
"""Tasks that keep up with the database beside the requests, and write down what was asked."""


@pytest.mark.parametrize("path", ["/unified/crm/contacts?", "/unified/crm/contacts/{id}?", "/proxy/Contacts?"])
async def test_no_statement(app: Litestar, caller, account: Account, database: Database, path: str):
    """A token, account and mapping that are known are read from memory."""
    reader = await caller("unified:*", "proxy:*")
    whose = f"integrated_account_id={account.id}"
    first = (await reader.get(f"/unified/crm/contacts?{whose}")).json()["result"][0]
    url = path.format(id=first["id"]) + whose
    assert 200 == (await reader.get(url)).status_code
    # on a machine so busy that the task beside is late, a request asks itself: time stands still for both
    app.state.callers._clock = app.state.pool.clock = lambda: 0.0
    asking: list[str] = []

    def note(*_: object) -> None:
        asking.append(getattr(asyncio.current_task(), "get_name", str)())

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    answers: list[httpx.Response] = [await reader.get(url) for _ in range(5)]
    assert [200] * 5 == [each.status_code for each in answers]
    assert set() == set(asking) - BESIDE
