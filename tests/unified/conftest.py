"""What the tests of the unified model share."""

from collections.abc import AsyncIterator

import pytest
from tests.unified.desk import Desk

from crosswalk.insightly import Insightly


@pytest.fixture
async def desk(sandbox) -> AsyncIterator[Desk]:
    """Who carries plans out against the sandbox's first account."""
    host = sandbox.url.removeprefix("http://")
    async with Insightly(sandbox.key, base_url=sandbox.base_url, allow_hosts=[host], rate=None) as crm:
        yield Desk(crm)
