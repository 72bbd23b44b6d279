"""One text, two databases."""

from datetime import UTC, datetime

import pytest

from crosswalk.store.accounts import ADD_ACCOUNT, LIST_ACCOUNTS
from crosswalk.store.database import Database

NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
ACME = {
    "id": "1",
    "name": "acme",
    "base_url": "https://api.na1.insightly.com/v3.1",
    "status": "active",
    "created_at": NOW,
}


async def test_round_trip(database: Database):
    """What a transaction wrote, the next one reads, times to the microsecond included."""
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, ACME)
    async with database.read() as connection:
        row = (await connection.execute(LIST_ACCOUNTS)).one()
    assert NOW == row.created_at


async def test_rolls_back(database: Database):
    """A block that raises leaves nothing behind."""

    async def fail() -> None:
        async with database.begin() as connection:
            await connection.execute(ADD_ACCOUNT, ACME)
            raise KeyError("stop")

    with pytest.raises(KeyError):
        await fail()
    async with database.read() as connection:
        assert [] == (await connection.execute(LIST_ACCOUNTS)).all()
