"""The gate hands out clients that are paced as the account says, and that keep its key to themselves."""

import pytest

from crosswalk.gate import BudgetSpent, Credential, Limits, connect
from crosswalk.insightly import HostRefused
from fixtures.scripted import GOOD, KEY, scripted


async def test_calls_count():
    """Every call of a client counts against the account's day, and none goes out beyond it."""
    with scripted(GOOD) as insightly:
        credential = Credential(base_url=insightly.base_url, api_key=KEY, allow_hosts=[insightly.host])
        async with connect(credential, Limits(daily=1)) as crm:
            await crm.request("GET", "/Instance")
            with pytest.raises(BudgetSpent):
                await crm.request("GET", "/Instance")
        assert ["/Instance"] == insightly.calls


def test_host_not_allowed():
    """No client is made for a host that nobody listed."""
    with pytest.raises(HostRefused):
        connect(Credential(base_url="https://example.com/v3.1", api_key=KEY), Limits())


def test_repr():
    """A credential shows where it goes, not the key."""
    assert KEY not in repr(Credential(base_url="https://api.na1.insightly.com/v3.1", api_key=KEY))
