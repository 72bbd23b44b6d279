"""Bring the tables to this Crosswalk's schema, or one step back. Alembic is loaded only when there is work."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from crosswalk.store.database import Database
from crosswalk.store.errors import SchemaAhead, SchemaBehind

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_SCHEMA = text("SELECT pg_advisory_xact_lock(7305103421)")


def revisions() -> tuple[str, ...]:
    """Every revision in order, read from the file names: `0001_accounts.py` is `0001`."""
    return tuple(sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def head() -> str:
    """The revision that this Crosswalk needs."""
    return revisions()[-1]


async def current(database: Database) -> str | None:
    """The revision that the database has; `None` before the first."""
    async with database.read() as connection:
        return await connection.run_sync(read_revision)


async def require_head(database: Database) -> None:
    """Raise `SchemaBehind` or `SchemaAhead` unless the tables are this Crosswalk's."""
    have = await current(database)
    if have != head():
        _refuse_newer(have)
        raise SchemaBehind(f"The database is at revision {have or 'none'}, not {head()}. Run: crosswalk migrate")


async def upgrade(database: Database) -> str:
    """Bring the tables to the head in one transaction and answer its revision; does nothing when they are there."""
    if await current(database) != head():
        async with database.begin() as connection:
            await connection.run_sync(upgrade_tables)
    return head()


async def upgrade_to(database: Database, revision: str) -> None:
    """Bring empty tables to an earlier revision, as a backup of that time needs them. Raises `SchemaAhead`."""
    _refuse_newer(revision)
    if await current(database) != revision:
        async with database.begin() as connection:
            await connection.run_sync(lambda sync: _run(sync, "upgrade", revision))


async def downgrade(database: Database) -> str | None:
    """Take the last migration back in one transaction and answer the revision that is left."""
    async with database.begin() as connection:
        await connection.run_sync(downgrade_tables)
    return await current(database)


def read_revision(connection: Connection) -> str | None:
    """The revision written in the database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def upgrade_tables(connection: Connection) -> None:
    """Run what is missing, one process at a time."""
    _lock(connection)
    have = read_revision(connection)
    _refuse_newer(have)
    if have != head():
        _run(connection, "upgrade", "head")


def downgrade_tables(connection: Connection) -> None:
    """Take one migration back; raises `SchemaBehind` when there is none."""
    _lock(connection)
    have = read_revision(connection)
    _refuse_newer(have)
    if have is None:
        raise SchemaBehind("The database has no tables of Crosswalk; there is no migration to take back")
    _run(connection, "downgrade", "-1")


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(LOCK_SCHEMA)


def _refuse_newer(have: str | None) -> None:
    if have is not None and have not in revisions():
        raise SchemaAhead(f"The database is at revision {have}, newer than this Crosswalk's {head()}. Upgrade it")


def _run(connection: Connection, direction: str, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    getattr(command, direction)(config, revision)
