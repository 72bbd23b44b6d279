"""Everything of one database into another, compared at the end."""

import asyncio

from sqlalchemy import Connection

from crosswalk.store.database import READS, Database
from crosswalk.store.errors import StoreError
from crosswalk.store.transfer import Sum, add_up, find_tables, read_rows, require_empty, write_rows


async def move_rows(source: Database, target: Database) -> dict[str, int]:
    """Copy every row into an empty database of the same revision; answers how many each table has.

    Raises `StoreError` when the target is not empty or does not add up to the same; then nothing of it is kept.
    """
    assert source.scribe is not None, "an open database has its scribe"
    engine = source.scribe.engine.execution_options(**READS)

    def move(new: Connection) -> dict[str, int]:
        with engine.begin() as old:
            return _move(old, new)

    return await asyncio.shield(target.write(move))


def _move(old: Connection, new: Connection) -> dict[str, int]:
    require_empty(new)
    places = {table.name: table for table in find_tables(new)}
    sums: dict[str, Sum] = {}
    for table in find_tables(old):
        place = places.get(table.name)
        if place is None:
            raise StoreError(f"The other database lacks table {table.name}. Bring both to one version with migrate")
        columns = [str(column.name) for column in table.columns]
        write_rows(new, place, columns, read_rows(old, table))
        sums[table.name] = add_up(old, table)
        if add_up(new, place) != sums[table.name]:
            raise StoreError(f"Table {table.name} does not add up to the same in the other database; nothing was kept")
    return {name: each.rows for name, each in sums.items()}
