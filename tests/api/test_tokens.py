"""Tokens over HTTP."""

from datetime import UTC, datetime

import httpx
import pytest

READER = {"name": "reader", "scopes": ["delivery:read"]}


async def test_create(client: httpx.AsyncClient, admin: httpx.AsyncClient):
    """A token that was made works at once."""
    made = (await admin.post("/v1/tokens", json=READER)).json()
    answer = await client.get("/v1/runs", headers={"Authorization": f"Bearer {made['token']}"})
    assert (200, "reader", ["delivery:read"]) == (answer.status_code, made["name"], made["scopes"])


async def test_text_is_shown_once(admin: httpx.AsyncClient):
    """No answer but the first holds a token's text."""
    made = (await admin.post("/v1/tokens", json=READER)).json()
    listed = await admin.get("/v1/tokens")
    assert (True, False) == (made["prefix"] in listed.text, made["token"].removeprefix(made["prefix"]) in listed.text)


async def test_revoke(client: httpx.AsyncClient, admin: httpx.AsyncClient):
    """A revoked token is refused."""
    made = (await admin.post("/v1/tokens", json=READER)).json()
    header = {"Authorization": f"Bearer {made['token']}"}
    await client.get("/v1/runs", headers=header)
    revoked = await admin.delete(f"/v1/tokens/{made['id']}")
    while (await client.get("/v1/runs", headers=header)).status_code == 200:  # for a second at most
        continue
    answer = await client.get("/v1/runs", headers=header)
    assert (200, True, 401) == (revoked.status_code, revoked.json()["revoked_at"] is not None, answer.status_code)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"name": "a b", "scopes": ["proxy:*"]}, 400, "cannot be named"),
        ({"name": "a", "scopes": ["proxi:*"]}, 400, "did you mean proxy?"),
        ({"name": "a", "scopes": []}, 400, "without any scope"),
        ({"name": "a", "scopes": ["proxy:*"], "expires": "never"}, 400, "is no 30d"),
        ({"name": "t0", "scopes": ["proxy:*"]}, 409, "already"),
    ],
)
async def test_refused(admin: httpx.AsyncClient, body: dict[str, object], status: int, says: str):
    """A token that cannot be is refused, and the answer says why."""
    answer = await admin.post("/v1/tokens", json=body)
    assert (status, True) == (answer.status_code, says in answer.json()["detail"])


async def test_never_more(caller):
    """A token makes none that can do more: 403, with the scope."""
    maker = await caller("admin.tokens:*", "delivery:read")
    answer = await maker.post("/v1/tokens", json={"name": "a", "scopes": ["delivery.runs:create"]})
    assert (403, True) == (answer.status_code, "lacks delivery.runs:create" in answer.json()["detail"])


async def test_expires_with_its_maker(caller):
    """A token made by one that ends, ends with it."""
    maker = await caller(expires="2099-01-01")
    made = (await maker.post("/v1/tokens", json=READER)).json()
    assert datetime(2099, 1, 1, tzinfo=UTC) == datetime.fromisoformat(made["expires_at"])


async def test_within_reach(caller):
    """A token of one account sees, and ends, no token that reaches another."""
    every = await caller()
    mine = await caller(accounts=("acme",))
    foreign = (await every.get("/v1/tokens")).json()["result"][0]
    listed = (await mine.get("/v1/tokens")).json()["result"]
    ended = await mine.delete(f"/v1/tokens/{foreign['id']}")
    assert (["t1"], 404) == ([token["name"] for token in listed], ended.status_code)


async def test_pages(admin: httpx.AsyncClient):
    """The list is read to its end by cursor."""
    for number in range(3):
        await admin.post("/v1/tokens", json=READER | {"name": f"n{number}"})
    first = (await admin.get("/v1/tokens?limit=3")).json()
    rest = (await admin.get("/v1/tokens", params={"limit": 3, "next_cursor": first["next_cursor"]})).json()
    names = [token["name"] for token in first["result"] + rest["result"]]
    assert (["t0", "n0", "n1", "n2"], None) == (names, rest["next_cursor"])
