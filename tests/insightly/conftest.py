"""A client of a test's own sandbox, and an Insightly that answers as a test says."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from crosswalk.insightly import Insightly
from crosswalk.sandbox.faults import read_rules

KEY = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


@pytest.fixture
def naps() -> list[float]:
    """How long the clients of a test would have slept."""
    return []


@pytest.fixture
def connect(naps) -> Callable[..., Insightly]:
    """Make a client without a pace of its own, that does not sleep but only says how long it would."""

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        await asyncio.sleep(0)

    def make(base_url: str, key: str = KEY, **options: object) -> Insightly:
        usual = {"allow_hosts": {base_url.split("/")[2]}, "rate": None, "rng": random.Random(1), "sleep": nap}
        return Insightly(key, base_url=base_url, **{**usual, **options})

    return make


@pytest.fixture
async def crm(sandbox, connect):
    """A client of the sandbox."""
    async with connect(sandbox.base_url, sandbox.key) as crm:
        yield crm


@pytest.fixture
def calls(sandbox) -> Callable[[], list[str]]:
    """What the sandbox was asked, method and path, oldest first."""
    return lambda: [f"{entry.method} {entry.path}" for entry in sandbox.state.log.entries]


@pytest.fixture
def faults(sandbox) -> Callable[..., None]:
    """Put a script of faults in force."""

    def load(*items: dict[str, object]) -> None:
        sandbox.state.script.load(read_rules(json.dumps(items).encode()))

    return load


@pytest.fixture
async def odd() -> Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]:
    """Serve one handler for every path; gives the base URL."""
    runners: list[web.AppRunner] = []

    async def serve(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handler)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/v3.1"

    yield serve
    for runner in runners:
        await runner.cleanup()
