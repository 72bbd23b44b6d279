"""A showcase hub for a whole file of tests, and people who are signed in to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from fixtures.showcase import HTML, Showcase, bare_hub, enter, open_showcase


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def showcase(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Showcase]:
    """A hub with something of everything, which tests only read."""
    async with open_showcase(tmp_path_factory.mktemp("showcase") / "home") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(showcase: Showcase) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is signed in to the showcase."""
    async with httpx.AsyncClient(base_url=showcase.url, headers=HTML, verify=False) as client:
        await enter(client, showcase)
        yield client


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Showcase]:
    """A hub without anything."""
    async with bare_hub(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
async def stranger(bare: Showcase) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody has signed in with."""
    async with httpx.AsyncClient(base_url=bare.url, headers=HTML, verify=False) as client:
        yield client
