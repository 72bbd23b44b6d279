"""Linking the sandbox, which reads the same contract on its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.store.database import open_database
from fixtures.sandbox import Ground


@pytest.fixture
async def accounts(sqlite_url: str, sandbox: Ground, tmp_path: Path) -> AsyncIterator[Accounts]:
    """No accounts, and leave to use the sandbox."""
    async with open_database(sqlite_url) as database:
        hosts = (sandbox.base_url.split("/")[2],)
        yield Accounts(database=database, vault=Vault((b"k" * 32,)), allow_hosts=hosts, pace_folder=tmp_path)


async def test_link(accounts: Accounts, sandbox: Ground):
    """The sandbox is an Insightly to us: every line of the report works."""
    wanted = Wanted(name="demo", api_key=Secret(sandbox.key), base_url=sandbox.base_url)
    account, report = await accounts.add(wanted)
    assert ("active", [True] * 4) == (account.status, [finding.works for finding in report.findings])
