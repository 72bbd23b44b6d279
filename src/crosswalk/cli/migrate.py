"""`crosswalk migrate`: bring the database to the schema of this version, or one step back."""

import asyncio

import click

from crosswalk.cli.status import print_json, run


@click.command()
@click.option("--down", is_flag=True, help="Take the last migration back instead; what it added is lost.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def migrate(*, down: bool, as_json: bool) -> None:
    """Bring the database to the schema of this version. An embedded one is also migrated whenever it is opened.

    On PostgreSQL the workers' tables, in the schema `procrastinate`, are brought to their version too.
    """
    revision = run(_migrate(down=down))
    if as_json:
        print_json({"revision": revision})
    else:
        click.echo(f"The database is at revision {revision}." if revision else "The database has no tables of ours.")


async def _migrate(*, down: bool) -> str | None:
    from crosswalk.config import settings
    from crosswalk.store.database import open_database
    from crosswalk.store.migrate import downgrade, upgrade

    chosen = settings()
    async with open_database(chosen.database_url) as database:
        revision = await (downgrade if down else upgrade)(database)
    if not chosen.embedded and not down:
        from crosswalk.engine.schema import apply

        await asyncio.to_thread(apply, chosen.database_url)
    return revision
