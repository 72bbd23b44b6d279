"""Replayed rows get their calls: planned where the run is sent, with what the account says about its fields."""

from datetime import datetime

import msgspec

from crosswalk.delivery.edit import Planner, read_row
from crosswalk.delivery.lookup import match_of
from crosswalk.delivery.payload import Invalid
from crosswalk.store.database import Database
from crosswalk.store.workbench import PLAN, REFUSE, UNPLANNED

CHUNK = 500
"""Rows of one transaction."""


async def plan_replays(database: Database, run: str, planner: Planner, *, now: datetime) -> None:
    """Plan every row of a run that was replayed without a call; one that cannot be sent is dead again."""
    after = 0
    while True:
        async with database.begin() as connection:
            asked = {"run": run, "after": after, "most": CHUNK}
            rows = (await connection.execute(UNPLANNED, asked)).all()
            if not rows:
                return
            after = rows[-1].number
            made = [(row.number, planner.make(read_row(row.cells, row.edited))) for row in rows]
            planned = [
                {
                    "run": run,
                    "row": number,
                    "call": msgspec.json.encode(call),
                    "new_key": call.key,
                    "value": match_of(call),
                }
                for number, call in made
                if not isinstance(call, Invalid)
            ]
            refused = [
                {"run": run, "row": number, "at": now, "why": call.reason}
                for number, call in made
                if isinstance(call, Invalid)
            ]
            if planned:
                await connection.execute(PLAN, planned)
            if refused:
                await connection.execute(REFUSE, refused)
