"""Procrastinate's own tables, in a schema of their own beside ours, brought to the version that is installed."""

from pathlib import Path

import psycopg
from procrastinate.schema import SchemaManager

from crosswalk.store.errors import SchemaBehind

SCHEMA = "procrastinate"
OPTIONS = f"-c search_path={SCHEMA},public -c idle_in_transaction_session_timeout=5000"
"""Of Procrastinate's connections: where its tables are, and how long one that is stopped may hold up the others."""
LOCK = "SELECT pg_advisory_xact_lock(7305103422)"
NOTED = f"SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = '{SCHEMA}'"  # noqa: S608 (a constant of this file)


def newest() -> str:
    """The last migration of the Procrastinate that is installed."""
    return _migrations()[-1].stem


def _migrations() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def apply(url: str) -> str:
    """Make the tables, or run the migrations that are missing, in one transaction; answers the newest one's name."""
    with psycopg.connect(_plain(url)) as connection:
        connection.execute(LOCK)
        have = _noted(connection)
        if have is None:
            connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
        connection.execute(f"SET LOCAL search_path = {SCHEMA}, public".encode())
        if have is None:
            connection.execute(SchemaManager.get_schema().encode())
        for path in _migrations():
            if have is not None and path.stem > have:
                connection.execute(path.read_bytes())
        connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{newest()}'".encode())
    return newest()


def require(url: str) -> None:
    """Raise `SchemaBehind` unless the tables are those of the Procrastinate that is installed."""
    with psycopg.connect(_plain(url)) as connection:
        have = _noted(connection)
    if have is None or have < newest():
        raise SchemaBehind(f"The workers' tables are at {have or 'nothing'}, not {newest()}. Run: crosswalk migrate")


def _noted(connection: "psycopg.Connection[tuple[str | None]]") -> str | None:
    """The newest migration that was run, as the schema's comment has it; `None` without a schema."""
    row = connection.execute(NOTED.encode()).fetchone()
    return None if row is None else (row[0] or "")


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
