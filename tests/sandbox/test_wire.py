"""What crosses the wire: keys, headers, codings, bodies, odd clients."""

import base64

import aiohttp
import pytest


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.fixture
async def http(sandbox):
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_list_is_a_bare_array(sandbox, http):
    """A list is a bare array of records."""
    async with http.get(f"{sandbox.base_url}/Contacts", headers=basic(sandbox.key)) as answer:
        assert 20 == len(await answer.json())
