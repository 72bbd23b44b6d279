"""Runs, deliveries and dead letters over HTTP."""

from typing import Any

import httpx
import pytest

from crosswalk.store.database import Database
from fixtures.history import write_history


@pytest.fixture
async def accounts(database: Database) -> dict[str, str]:
    """Two linked accounts with a run each."""
    await write_history(database)
    return {"acme": "1", "other": "2"}


async def read_all(caller: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every item of a list, page by page, two at a time."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await caller.get(path, params={"limit": 2, **query, **cursor})).json()
        found += page["result"]
        if page["next_cursor"] is None:
            return found
        cursor = {"next_cursor": page["next_cursor"]}


async def test_runs(admin: httpx.AsyncClient):
    """Runs come newest first."""
    assert ["b", "a"] == [run["id"] for run in await read_all(admin, "/v1/runs")]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/v1/runs", {"state": "running"}, 1),
        ("/v1/runs", {"account": "2"}, 1),
        ("/v1/deliveries", {}, 7),
        ("/v1/deliveries", {"run": "a"}, 6),
        ("/v1/deliveries", {"state": "delivered"}, 3),
        ("/v1/deliveries", {"status": 201}, 2),
        ("/v1/deliveries", {"reason": "LOST"}, 1),
        ("/v1/deliveries", {"remote_id": "71"}, 1),
        ("/v1/dead-letters", {}, 3),
        ("/v1/dead-letters", {"reason": "phone"}, 1),
        ("/v1/dead-letters/groups", {}, 2),
        ("/v1/dead-letters/groups", {"run": "b"}, 0),
    ],
)
async def test_lists(admin: httpx.AsyncClient, path: str, query: dict[str, Any], expected: int):
    """Every list is narrowed by its filters and read to its end by cursor."""
    assert expected == len(await read_all(admin, path, **query))


async def test_pages_of_groups(admin: httpx.AsyncClient):
    """Groups are paged in their order."""
    first = (await admin.get("/v1/dead-letters/groups?limit=1")).json()
    rest = (await admin.get("/v1/dead-letters/groups", params={"next_cursor": first["next_cursor"]})).json()
    assert ([2], [1], None) == (
        [group["count"] for group in first["result"]],
        [group["count"] for group in rest["result"]],
        rest["next_cursor"],
    )


async def test_run(admin: httpx.AsyncClient):
    """One run's counts add up to what was read."""
    run = (await admin.get("/v1/runs/a")).json()
    assert (6, 6, 3) == (run["read"], sum(run["counts"].values()), run["counts"]["dead"])


async def test_delivery(admin: httpx.AsyncClient):
    """One delivery comes with its body."""
    delivery = (await admin.get("/v1/deliveries/a/4")).json()
    assert ({"A": 1}, 201, "4") == (delivery["call"]["body"], delivery["status"], delivery["remote_id"])


@pytest.mark.parametrize("path", ["/v1/runs/none", "/v1/deliveries/a/99", "/v1/deliveries/none/1"])
async def test_unknown(admin: httpx.AsyncClient, path: str):
    """What is not there is a 404 that names it."""
    assert 404 == (await admin.get(path)).status_code


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/v1/runs", 1), ("/v1/deliveries", 1), ("/v1/dead-letters", 0), ("/v1/dead-letters/groups", 0)],
)
async def test_lists_within_reach(caller, path: str, expected: int):
    """A token of one account sees nothing of another's, whatever it asks for."""
    other = await caller("delivery:read", accounts=("other",))
    assert (expected, 0) == (len(await read_all(other, path)), len(await read_all(other, path, account="1")))


@pytest.mark.parametrize("path", ["/v1/runs/a", "/v1/deliveries/a/1"])
async def test_one_within_reach(caller, path: str):
    """What belongs to another account is a 404, as if it never was."""
    other = await caller("delivery:read", accounts=("other",))
    assert 404 == (await other.get(path)).status_code
