"""What becomes of an integrated account, as events: linked, linked anew, refused, healed, removed."""

from datetime import datetime
from random import Random
from typing import Any, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.store.events import FORGET_RECORDS, append, write_event

Turn = Literal["linked", "relinked", "needs_reauth", "active", "removed"]


async def tell(
    connection: AsyncConnection, turn: Turn, account: str, *, at: datetime, rng: Random, **about: Any
) -> None:
    """Write an event in the transaction of what it tells of. What was told of a removed account's records goes."""
    if turn == "removed":
        await connection.execute(FORGET_RECORDS, {"account": account})
    data = msgspec.json.encode({"id": account, **about})
    kind = f"integrated_account:{turn}"
    await append(connection, [write_event(kind, at=at, rng=rng, data=data, account=account)])
