"""The gate hands out clients that are paced as the account says, and that keep its key to themselves."""

from datetime import UTC, datetime

import pytest

from crosswalk.gate import BudgetSpent, Credential, Limits, budget, connect
from crosswalk.insightly import HostRefused
from fixtures.scripted import GOOD, KEY, scripted


async def test_calls_count(tmp_path):
    """Every call of a client counts against the account's day, and none goes out beyond it."""
    with scripted(GOOD) as insightly:
        credential = Credential(base_url=insightly.base_url, api_key=KEY, allow_hosts=[insightly.host])
        async with connect(credential, Limits(daily=1), folder=tmp_path) as crm:
            await crm.request("GET", "/Instance")
            with pytest.raises(BudgetSpent):
                await crm.request("GET", "/Instance")
        assert ["/Instance"] == insightly.calls


async def test_host_not_allowed(tmp_path):
    """No client is made for a host that nobody listed."""
    with pytest.raises(HostRefused):
        async with connect(Credential(base_url="https://example.com/v3.1", api_key=KEY), Limits(), folder=tmp_path):
            pass


async def test_days_outlive_clients(tmp_path):
    """The day's calls are counted on in the next client, and in the next process."""
    with scripted(GOOD) as insightly:
        credential = Credential(base_url=insightly.base_url, api_key=KEY, allow_hosts=[insightly.host])
        async with connect(credential, Limits(daily=1), folder=tmp_path) as crm:
            await crm.request("GET", "/Instance")
        async with connect(credential, Limits(daily=1), folder=tmp_path) as crm:
            with pytest.raises(BudgetSpent):
                await crm.request("GET", "/Instance")


async def test_no_key_in_a_file_name(tmp_path):
    """Neither the key nor its place can be read from the ledger's name."""
    with scripted(GOOD) as insightly:
        credential = Credential(base_url=insightly.base_url, api_key=KEY, allow_hosts=[insightly.host])
        async with connect(credential, Limits(), folder=tmp_path):
            (path,) = tmp_path.iterdir()
    assert (32, False) == (len(path.name), KEY in path.name)


def test_repr():
    """A credential shows where it goes, not the key."""
    assert KEY not in repr(Credential(base_url="https://api.na1.insightly.com/v3.1", api_key=KEY))


async def test_a_known_reset(tmp_path):
    """The hour at which the operator says that a day begins is the budget's."""
    limits = Limits(resets=5 * 3600)
    with scripted(GOOD) as insightly:
        credential = Credential(base_url=insightly.base_url, api_key=KEY, allow_hosts=[insightly.host])
        async with connect(credential, limits, folder=tmp_path) as crm:
            await crm.request("GET", "/Instance")
    known = budget(credential, limits, folder=tmp_path, now=datetime.now(UTC))
    assert (1, 5) == (known.spent, known.resets_at.hour)
