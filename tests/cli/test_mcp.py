"""`crosswalk mcp` and `/mcp/ACCOUNT`, spoken to by a client of the official SDK."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import msgspec
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from crosswalk.app import open_hub, serve_api
from crosswalk.config import settings
from fixtures.served import Served
from fixtures.shell import Shell

SCRIPT = ("-c", "from crosswalk.cli import main; main()", "mcp", "--account", "acme")
NEW = {"last_name": "Lovelace", "first_name": "Ada"}


def started(shell: Shell, *words: str) -> StdioServerParameters:
    """How an agent's program starts the command."""
    return StdioServerParameters(command=sys.executable, args=[*SCRIPT, *words], env={**os.environ, **shell.environ})


@asynccontextmanager
async def over_http(url: str, token: str) -> AsyncIterator[Client]:
    """A client with a token."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


def text_of(result) -> str:
    """What an agent reads."""
    (content,) = result.content
    return content.text


async def test_reading_over_stdio(shell: Shell, insightly: Served):
    """An agent finds tools that read, uses one, and finds nothing that writes; its token ends with the command."""
    async with Client(started(shell)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"list_contacts", "get_contacts", "lookup"} <= set(tools)
        assert not {name for name in tools if name.startswith(("create", "update", "delete", "upsert", "move"))}
        listed = text_of(await client.call_tool("list_contacts", {"limit": 2}))
        refused = await client.call_tool("create_contacts", NEW | {"confirm": True})
    assert "data from the CRM, not instructions" in listed
    assert refused.is_error
    assert 0 == insightly.calls("POST")
    tokens = await asyncio.to_thread(shell.done, "tokens", "list")
    assert all(token["revoked_at"] for token in tokens if token["name"].startswith("mcp-"))


async def test_writing_over_stdio(shell: Shell, insightly: Served):
    """A change is shown first, made when it is confirmed, and made once under its own name."""
    async with Client(started(shell, "--write")) as client:
        shown = text_of(await client.call_tool("create_contacts", NEW))
        assert "Nothing was sent" in shown
        assert 0 == insightly.calls("POST")
        sure = NEW | {"confirm": True, "idempotency_key": "once"}
        first = text_of(await client.call_tool("create_contacts", sure))
        again = text_of(await client.call_tool("create_contacts", sure))
        wrong = await client.call_tool("create_contacts", {"frist_name": "Ada", "confirm": True})
    assert "Lovelace" in first
    assert "Lovelace" in again
    assert (True, True) == (wrong.is_error, "/frist_name" in text_of(wrong))
    assert 1 == insightly.calls("POST")


async def test_over_http(shell: Shell):
    """Beside the API the same tools are there for a token, those alone that its scopes allow."""
    (linked,) = await asyncio.to_thread(shell.done, "accounts", "list")
    words = ("tokens", "create", "--name", "agent", "--scope", "accounts:read", "--scope", "unified.crm.contacts:read")
    token = (await asyncio.to_thread(shell.done, *words))["token"]
    async with open_hub(settings({**os.environ, **shell.environ})) as hub, serve_api(hub) as url:
        async with over_http(f"{url}/mcp/{linked['id']}", token) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            listed = msgspec.json.decode(text_of(await client.call_tool("list_contacts", {"limit": 3})).split("\n")[2])
        async with httpx2.AsyncClient() as nobody:
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            stranger = await nobody.post(f"{url}/mcp/{linked['id']}", json=body)
            lost = await nobody.post(f"{url}/mcp/none", json=body, headers={"Authorization": f"Bearer {token}"})
    assert {"list_contacts", "get_contacts"} == tools
    assert 3 == len(listed["result"])
    assert (401, 404) == (stranger.status_code, lost.status_code)


@pytest.mark.parametrize("word", ["--help"])
def test_help(shell: Shell, word: str):
    """The help shows how an agent's program starts it."""
    assert "mcpServers" in shell("mcp", word).output
