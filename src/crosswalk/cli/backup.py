"""`crosswalk backup`, `restore` and `copy`: all that an installation keeps, in one file or in another database."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import WrongUse, print_json, run

if TYPE_CHECKING:
    from crosswalk.store.backup import Manifest
    from crosswalk.store.database import Database

FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command(epilog="Example: crosswalk backup /backups/crosswalk-monday.tgz")
@FILE
@JSON
def backup(*, file: Path, as_json: bool) -> None:
    """Write every row and uploaded file into one new FILE, while Crosswalk runs.

    The file holds one moment of the database. Keys of Insightly and other secrets are in it sealed; the master key is
    not, so keep that elsewhere: without it a backup opens none of them.
    """
    if file.exists():
        raise WrongUse(f"{file} is there already; name a new file")
    if not file.absolute().parent.is_dir():
        raise WrongUse(f"There is no folder {file.absolute().parent}; make it first")
    manifest = run(_backup(file.absolute()))
    rows = sum(each.rows for each in manifest.tables.values())
    if as_json:
        print_json({"file": str(file), "rows": rows, "files": manifest.files, "keys": list(manifest.keys)})
    else:
        click.echo(f"{file}: {rows:,} rows, {manifest.files:,} files, revision {manifest.revision}.")
        click.echo(f"Its secrets open with master key {', '.join(manifest.keys) or 'none'}, which is not in it.")


@click.command(epilog="Example: crosswalk restore /backups/crosswalk-monday.tgz")
@FILE
@JSON
def restore(*, file: Path, as_json: bool) -> None:
    """Put a backup into an empty database, SQLite or PostgreSQL, whichever it was made from.

    Rows are added up and compared with what the backup says before anything is kept. Nothing may run meanwhile.
    """
    manifest = run(_restore(file))
    rows = sum(each.rows for each in manifest.tables.values())
    if as_json:
        print_json({"file": str(file), "rows": rows, "files": manifest.files, "keys": list(manifest.keys)})
    else:
        click.echo(
            f"{rows:,} rows and {manifest.files:,} files are back, as they were at {manifest.made_at:%F %T} UTC."
        )
        click.echo(f"Their secrets open with master key {', '.join(manifest.keys) or 'none'}.")


@click.command(epilog="Example: crosswalk copy --to postgresql://crosswalk@db.example.com/crosswalk")
@click.option("--to", "target", required=True, help="Address of the empty database.")
@JSON
def copy(*, target: str, as_json: bool) -> None:
    """Copy everything into another, empty database, and compare it row by row; the one in use stays as it is.

    Nothing may run meanwhile. Afterwards set CROSSWALK_DATABASE_URL to the new address.
    """
    copied = run(_copy(target))
    if as_json:
        print_json({"rows": sum(copied.values()), "tables": copied})
    else:
        click.echo(f"{sum(copied.values()):,} rows of {len(copied)} tables are there, and add up to the same.")
        click.echo("Set CROSSWALK_DATABASE_URL to that address now. Uploaded files and the master key stay at home.")


async def _backup(path: Path) -> "Manifest":
    from crosswalk.config import settings
    from crosswalk.store.backup import write_backup
    from crosswalk.store.database import open_database
    from crosswalk.store.migrate import require_head

    chosen = settings()
    async with open_database(chosen.database_url) as database:
        await require_head(database)
        about = await _describe(database)
        level = {"isolation_level": "REPEATABLE READ"} if database.dialect == "postgresql" else {}
        async with database.engine.execution_options(**level, crosswalk_reads=True).begin() as connection:
            return await connection.run_sync(write_backup, path, chosen.home / "files", about)


async def _describe(database: "Database") -> "Manifest":
    """What a backup says of itself before its rows are counted."""
    from datetime import UTC, datetime
    from importlib.metadata import version

    from sqlalchemy import select

    from crosswalk.store.accounts import credentials
    from crosswalk.store.backup import FORMAT, Manifest
    from crosswalk.store.migrate import head

    async with database.read() as connection:
        keys = await connection.scalars(select(credentials.c.key_id).distinct().order_by(credentials.c.key_id))
        return Manifest(
            format=FORMAT,
            crosswalk=version("crosswalk"),
            revision=head(),
            made_at=datetime.now(UTC),
            dialect=database.dialect,
            keys=tuple(keys),
            tables={},
            files=0,
        )


async def _restore(path: Path) -> "Manifest":
    from crosswalk.config import settings
    from crosswalk.store.backup import read_manifest, restore_files, restore_rows
    from crosswalk.store.database import open_database
    from crosswalk.store.lock import ENGINE_LOCK, hold
    from crosswalk.store.migrate import upgrade, upgrade_to
    from crosswalk.store.transfer import require_empty

    chosen, manifest = settings(), read_manifest(path)
    with hold(chosen.home / ENGINE_LOCK, "crosswalk restore"):
        async with open_database(chosen.database_url) as database:
            await upgrade_to(database, manifest.revision)
            async with database.begin() as connection:
                await connection.run_sync(require_empty)
                await connection.run_sync(restore_rows, path)
            restore_files(path, chosen.home / "files")
            await upgrade(database)
    return manifest


async def _copy(target: str) -> dict[str, int]:
    from crosswalk.config import settings
    from crosswalk.store.database import open_database
    from crosswalk.store.errors import StoreError
    from crosswalk.store.lock import ENGINE_LOCK, hold
    from crosswalk.store.migrate import require_head, upgrade
    from crosswalk.store.move import move_rows

    chosen = settings()
    if target == chosen.database_url:
        raise StoreError("That is the database in use. Name another, empty one")
    with hold(chosen.home / ENGINE_LOCK, "crosswalk copy"):
        async with open_database(chosen.database_url) as source, open_database(target) as other:
            await require_head(source)
            await upgrade(other)
            return await move_rows(source, other)
