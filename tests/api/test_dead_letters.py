"""The workbench over HTTP: what a person may see and do with dead letters and held rows."""

from typing import Any

import httpx
import pytest

from crosswalk.store.database import Database
from fixtures.history import DEAD, write_history

GROUP = {"rows": {"all": True, "run": "a"}}


@pytest.fixture
async def accounts(database: Database) -> dict[str, str]:
    """Two linked accounts with a run each."""
    await write_history(database)
    return {"acme": "1", "other": "2"}


async def test_held_rows_are_listed_apart(admin: httpx.AsyncClient):
    """Held rows are listed when they are asked for."""
    found = (await admin.get("/v1/dead-letters?state=held")).json()["result"]
    assert [6] == [each["number"] for each in found]


async def test_group(admin: httpx.AsyncClient):
    """A group's id lists its rows, page by page."""
    groups = (await admin.get("/v1/dead-letters/groups")).json()["result"]
    first = (await admin.get("/v1/dead-letters", params={"group": groups[0]["id"], "limit": 1})).json()
    rest = await admin.get("/v1/dead-letters", params={"group": groups[0]["id"], "next_cursor": first["next_cursor"]})
    assert ([2], [1], None) == (
        [each["number"] for each in first["result"]],
        [each["number"] for each in rest.json()["result"]],
        rest.json()["next_cursor"],
    )


@pytest.mark.parametrize(("text", "expected"), [('"A":1', 2), ("zoë", 1), ("nowhere", 0), ("%", 1)])
async def test_text(admin: httpx.AsyncClient, text: str, expected: int):
    """Text is looked for in reasons and calls, as it stands."""
    found = (await admin.get("/v1/deliveries", params={"text": text})).json()["result"]
    assert expected == len(found)


async def test_discard(admin: httpx.AsyncClient):
    """Discarded rows are cancelled in the name of the token."""
    done = (await admin.post("/v1/dead-letters/discard", json=GROUP | {"reason": "test data"})).json()
    found = (await admin.get("/v1/dead-letters/a/1")).json()
    assert (len(DEAD), "cancelled", "token t0") == (done["rows"], found["state"], found["decisions"][0]["who"])


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/dead-letters/discard", GROUP, 400),
        ("/v1/dead-letters/discard", {"rows": {"run": "a"}, "reason": "x"}, 422),
        ("/v1/dead-letters/discard", {"rows": {"group": "none"}, "reason": "x"}, 404),
        ("/v1/dead-letters/discard", {"rows": {"run": "a", "number": 4}, "reason": "x"}, 409),
        ("/v1/dead-letters/discard", {"rows": {"run": "a", "number": 1, "decided": 3}, "reason": "x"}, 409),
        ("/v1/dead-letters/a/6/decide", {"verdict": "adopt", "remote_id": "4"}, 409),
        ("/v1/dead-letters/a/6/decide", {"verdict": "give_up"}, 422),
        ("/v1/dead-letters/a/6/decide", {"verdict": "maybe"}, 400),
        ("/v1/dead-letters/a/99/decide", {"verdict": "give_up", "reason": "x"}, 404),
        ("/v1/runs/b/pause", None, 409),
        ("/v1/runs/z/pause", None, 404),
    ],
)
async def test_refused(admin: httpx.AsyncClient, path: str, body: dict[str, Any] | None, expected: int):
    """What cannot be is refused with its status, and changes nothing."""
    assert expected == (await admin.post(path, json=body)).status_code
    assert [3, 2, 1] == [each["number"] for each in (await admin.get("/v1/dead-letters")).json()["result"]]


async def test_adopt(admin: httpx.AsyncClient):
    """A held row becomes the record that a person names."""
    decision = {"verdict": "adopt", "remote_id": "77", "unchecked": True}
    await admin.post("/v1/dead-letters/a/6/decide", json=decision)
    found = (await admin.get("/v1/deliveries/a/6")).json()
    assert ("delivered", "77") == (found["state"], found["remote_id"])


async def test_pause_and_cancel(admin: httpx.AsyncClient):
    """A run under way is asked; resuming it takes that back, cancelling says why."""
    paused = (await admin.post("/v1/runs/a/pause")).json()
    await admin.post("/v1/runs/a/resume")
    cancelled = (await admin.post("/v1/runs/a/cancel", json={"reason": "wrong file"})).json()
    assert ("running", "cancelled by token t0: wrong file") == (paused["state"], cancelled["reason"])


@pytest.mark.parametrize("path", ["discard", "preview", "edit", "replay"])
async def test_reach(caller, path: str):
    """A token of one account changes nothing of another's, whatever it names."""
    other = await caller("delivery:*", accounts=("other",))
    body = GROUP | ({"reason": "x"} if path == "discard" else {})
    assert 404 == (await other.post(f"/v1/dead-letters/{path}", json=body)).status_code


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
async def test_reach_of_runs(caller, verb: str):
    """A token of one account steers no run of another's."""
    other = await caller("delivery:*", accounts=("other",))
    body = {"reason": "x"} if verb == "cancel" else None
    assert 404 == (await other.post(f"/v1/runs/a/{verb}", json=body)).status_code
