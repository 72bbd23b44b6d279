"""Values that nobody sends by mistake: whatever comes, the caller is told, and nothing breaks."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from crosswalk.store.database import Database, open_database
from fixtures.document import ENDLESS, document

NASTY = ["\0", "a\0b", "'; DROP TABLE runs; --", "%", "_", "\\", "é" * 2_000, "9" * 30, "-1", "../..", "\u202e", "🎈"]


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An open database, once of each kind."""
    async with open_database(request.getfixturevalue(f"{request.param}_url")) as opened:
        yield opened


def places() -> list[tuple[str, str]]:
    """Every place in a path or query of a GET below /v1 that takes a value: the path, and the parameter's name."""
    return [
        (path, parameter["name"])
        for path, item in document()["paths"].items()
        if path.startswith("/v1") and path not in ENDLESS and "get" in item
        for parameter in item["get"].get("parameters", ())
    ]


def ask(path: str, name: str, value: str) -> str:
    """A URL with the value in its place, and something else in the others."""
    parts = (
        quote(value if part == f"{{{name}}}" else "1", safe="") if part.startswith("{") else part
        for part in path.split("/")
    )
    query = "" if f"{{{name}}}" in path else f"?{name}={quote(value, safe='')}"
    return "/".join(parts) + query


@pytest.mark.parametrize("value", NASTY)
async def test_nasty_value(admin: httpx.AsyncClient, value: str):
    """A strange value in any place of any route is found nowhere, or refused; it is never our fault."""
    answers = {place: await admin.get(ask(*place, value)) for place in places()}
    assert {} == {place: answer.text for place, answer in answers.items() if answer.status_code >= 500}


BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/tokens", {"name": "a\0", "scopes": ["proxy:*"]}),
    ("/v1/tokens", {"name": "a", "scopes": ["proxy\0:*"]}),
    ("/v1/tokens", {"name": "a", "scopes": ["proxy:*"], "accounts": 1.5}),
    ("/v1/tokens", {"name": "a", "scopes": ["proxy:*"], "accounts": ["a\0"]}),
    ("/v1/tokens", {"name": "a", "scopes": ["proxy:*"], "expires": "9999-12-31T23:59:59-23:59"}),
    ("/v1/destinations", {"name": "a", "account": "a\0", "settings": {"template": "create-contact"}}),
    ("/v1/destinations", {"name": "a", "account": "acme", "settings": {"template": "create-contact\0"}}),
    ("/v1/destinations", {"name": "a", "account": "acme", "settings": {"method": "POST", "url": "https://[::1"}}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
async def test_nasty_body(admin: httpx.AsyncClient, path: str, body: dict[str, Any]):
    """A strange value in a body is refused."""
    answer = await admin.post(path, json=body)
    assert 400 <= answer.status_code < 500, answer.text


async def test_large_body(admin: httpx.AsyncClient):
    """A body beyond 10 MB is a 413 in the one error body."""
    answer = await admin.post("/v1/tokens", content=b" " * 10_000_001)
    assert (413, 413, "application/problem+json") == (
        answer.status_code,
        answer.json()["status"],
        answer.headers["content-type"],
    )
