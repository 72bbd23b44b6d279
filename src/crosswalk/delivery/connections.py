"""Connections: databases that the operator defined for SQL sources to name. Their addresses rest sealed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import msgspec
from msgspec import Struct
from sqlalchemy.exc import IntegrityError

from crosswalk.accounts.accounts import CHANCE, NAME
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.delivery import sealed
from crosswalk.delivery.errors import PlanError, SourceTaken, UnknownSource, WrongState
from crosswalk.delivery.kinds import Sql
from crosswalk.delivery.places import Places
from crosswalk.store import sources as table
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id


class Connection(Struct, frozen=True):
    """One connection; `address` is shown without its password."""

    id: str
    name: str
    address: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections of one database."""

    database: Database
    vault: Vault
    places: Places
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE

    async def add(self, name: str, address: str) -> Connection:
        """Keep a database's address under a name. Raises `PlanError` and `SourceTaken`."""
        if not NAME.fullmatch(name):
            raise PlanError(f"A connection cannot be named {name!r}; use letters, digits, '.', '_' and '-', at most 64")
        shown = self.places.check_database(address).render_as_string(hide_password=True)
        at = self.now()
        made = new_id(at, self.rng)
        closed = sealed.seal(self.vault, Secret(address), made)
        row = {"id": made, "name": name, "secret": closed, "shown": shown, "created_at": at}
        try:
            async with self.database.begin() as connection:
                await connection.execute(table.ADD_CONNECTION, row)
        except IntegrityError as exc:
            raise SourceTaken(f"There is a connection named {name!r} already; remove it first") from exc
        return Connection(made, name, shown, at)

    async def list(self) -> list[Connection]:
        """Every connection, oldest first."""
        async with self.database.read() as connection:
            rows = (await connection.execute(table.LIST_CONNECTIONS)).all()
        return [Connection(row.id, row.name, row.shown, row.created_at) for row in rows]

    async def open(self, name: str) -> Secret:
        """A connection's address. Raises `UnknownSource`."""
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_CONNECTION, {"key": name})).mappings().one_or_none()
        if row is None:
            raise UnknownSource(f"There is no connection {name!r}. `crosswalk sources connections` lists them")
        return sealed.unseal(self.vault, row["secret"], row["id"])

    async def remove(self, name: str) -> None:
        """Forget a connection. Raises `WrongState` while a source names it."""
        await self.open(name)
        async with self.database.begin() as connection:
            rows = (await connection.execute(table.LIST_SOURCES, {"after": ""})).mappings().all()
            users = [row["name"] for row in rows if row["kind"] == "sql" and _names(row["settings"]) == name]
            if users:
                raise WrongState(f"Connection {name} is used by {', '.join(users)}; remove or change these first")
            await connection.execute(table.REMOVE_CONNECTION, {"key": name})


def _names(settings: str) -> str | None:
    return msgspec.json.decode(settings, type=Sql).connection
