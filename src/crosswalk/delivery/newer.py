"""Whether a row that is to be sent again is older than what its record was sent since."""

from collections.abc import Mapping, Sequence

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.history import Place
from crosswalk.store.workbench import DELIVERED_SINCE


async def find_newer(connection: AsyncConnection, row: RowMapping, keys: Mapping[int, str]) -> Sequence[str]:
    """Say of which rows of a run a newer one of the same key was delivered; `keys` are those of its rows by number."""
    if not keys:
        return ()
    asked = {"run": row["run_id"], "account": row["account_id"], "template": row["template"]}
    found = await connection.execute(DELIVERED_SINCE, asked | {"keys": sorted(set(keys.values()))})
    last = {each.key: each for each in found}
    notes = []
    for number, key in sorted(keys.items()):
        newer = last.get(key)
        if newer is not None and Place(newer.run_id, newer.number) > Place(row["run_id"], number):
            where = "this run" if newer.run_id == row["run_id"] else f"run {newer.run_id}"
            notes.append(
                f"Row {number} is older than what {key} was sent since: row {newer.number} of {where} was delivered "
                f"at {newer.settled_at:%Y-%m-%d %H:%M:%S} UTC. Sent again, it would overwrite that"
            )
    return notes
