"""Migrations go forwards and step by step back, with data, on both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import crosswalk.store.attempts
import crosswalk.store.audit
import crosswalk.store.automations
import crosswalk.store.decisions
import crosswalk.store.deliveries
import crosswalk.store.destinations
import crosswalk.store.events
import crosswalk.store.exports
import crosswalk.store.idempotency
import crosswalk.store.lanes
import crosswalk.store.link_tokens
import crosswalk.store.mappings
import crosswalk.store.memory
import crosswalk.store.notices
import crosswalk.store.outbox
import crosswalk.store.paces
import crosswalk.store.pulls
import crosswalk.store.records
import crosswalk.store.requests
import crosswalk.store.runs
import crosswalk.store.sessions
import crosswalk.store.tokens
import crosswalk.store.watches  # noqa: F401 (their tables belong to the metadata)
from crosswalk.store.accounts import ADD_ACCOUNT, LIST_ACCOUNTS
from crosswalk.store.columns import metadata
from crosswalk.store.database import Database, open_database
from crosswalk.store.errors import SchemaAhead, SchemaBehind
from crosswalk.store.migrate import current, downgrade, require_head, revisions, upgrade

ACME = {
    "id": "1",
    "name": "acme",
    "base_url": "https://api.na1.insightly.com/v3.1",
    "status": "active",
    "created_at": datetime(2026, 11, 22, tzinfo=UTC),
}
BACKWARDS = [*reversed(revisions()[:-1]), None]


@pytest.fixture
async def bare(bare_url: str) -> AsyncIterator[Database]:
    """An open database without tables, once of each kind."""
    async with open_database(bare_url) as opened:
        yield opened


async def test_upgrade_makes_the_tables(bare: Database):
    """The migrations make exactly the tables that the statements are written for."""
    await upgrade(bare)
    async with bare.read() as connection:
        difference = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert [] == difference


async def test_upgrade_twice(bare: Database):
    """A second upgrade finds nothing to do."""
    assert await upgrade(bare) == await upgrade(bare)


async def test_down_step_by_step(bare: Database):
    """Every migration can be taken back, one at a time."""
    await upgrade(bare)
    assert BACKWARDS == [await downgrade(bare) for _ in revisions()]


async def test_data_survives(bare: Database):
    """A row outlives every step back that leaves its table, and the way forwards again."""
    await upgrade(bare)
    async with bare.begin() as connection:
        await connection.execute(ADD_ACCOUNT, ACME)
    while await downgrade(bare) != revisions()[0]:
        continue
    await upgrade(bare)
    async with bare.read() as connection:
        rows = (await connection.execute(LIST_ACCOUNTS)).all()
    assert ["acme"] == [row.name for row in rows]


async def test_nothing_to_take_back(bare: Database):
    """A database without tables has no step back."""
    with pytest.raises(SchemaBehind, match="no migration to take back"):
        await downgrade(bare)


async def test_failed_migration_leaves_nothing(bare: Database):
    """Migrations run in one transaction: one that fails leaves the schema as it was."""
    async with bare.begin() as connection:
        await connection.execute(text("CREATE TABLE credentials (id TEXT)"))
    with pytest.raises(Exception, match="already exists"):
        await upgrade(bare)
    assert await current(bare) is None


async def test_behind(bare: Database):
    """A database that was never migrated is named as such, with the way out."""
    with pytest.raises(SchemaBehind, match=r"revision none.*crosswalk migrate"):
        await require_head(bare)


async def test_ahead(bare: Database):
    """A database of a newer Crosswalk is refused, upgrade included."""
    await upgrade(bare)
    async with bare.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaAhead, match="revision 9999, newer than"):
        await upgrade(bare)
