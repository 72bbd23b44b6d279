"""A served API on an empty database, and callers of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from litestar import Litestar, get
from litestar.params import FromQuery

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.tokens import Draft, Tokens
from crosswalk.accounts.vault import Vault
from crosswalk.api.health import Vitals
from crosswalk.api.routes import make_api
from crosswalk.api.server import serve
from crosswalk.delivery.places import Places
from crosswalk.outgoing.office import Office
from crosswalk.outgoing.sender import Sender
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.database import Database, open_database
from fixtures.receiver import SEALS

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
BASE = "https://api.na1.insightly.com/v3.1"
Caller = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """An open SQLite database."""
    async with open_database(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def accounts(database: Database) -> dict[str, str]:
    """Two linked accounts: names to ids."""
    async with database.begin() as connection:
        for key, name in (("1", "acme"), ("2", "other")):
            row = {"id": key, "name": name, "base_url": BASE, "status": "active", "created_at": NOW}
            await connection.execute(ADD_ACCOUNT, row)
    return {"acme": "1", "other": "2"}


@pytest.fixture
def linked(database: Database, tmp_path: Path) -> Accounts:
    """The accounts of the API's database, none of them with a key."""
    return Accounts(database=database, vault=Vault((bytes(32),)), pace_folder=tmp_path / "pace")


@pytest.fixture
def vitals(tmp_path: Path) -> Vitals:
    """A process whose engine gave a sign of life this moment."""
    return Vitals(home=tmp_path, silent=lambda: 0.0)


@pytest.fixture
def app(database: Database, linked: Accounts, tmp_path: Path, vitals: Vitals) -> Litestar:
    """The API, with a route that crashes and one that takes a number."""

    @get("/crash", include_in_schema=False)
    async def crash() -> None:
        raise LookupError("a secret detail")

    @get("/number", include_in_schema=False)
    async def number(n: FromQuery[int]) -> int:
        return n

    places = Places(home=tmp_path / "home", database_url="sqlite://")
    made = make_api(
        database,
        accounts=linked,
        places=places,
        office=Office(database=database, sender=Sender(), seals=SEALS),
        vitals=vitals,
    )
    made.register(crash)
    made.register(number)
    return made


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a token."""
    async with serve(app, host="127.0.0.1", port=0) as url, httpx.AsyncClient(base_url=url, verify=False) as caller:
        yield caller


@pytest.fixture
async def caller(client: httpx.AsyncClient, database: Database, accounts: dict[str, str]) -> AsyncIterator[Caller]:
    """Makes a caller with a token of some scopes, for some accounts."""
    made: list[httpx.AsyncClient] = []

    async def make(*scopes: str, accounts: tuple[str, ...] | None = None, expires: str | None = None):
        draft = Draft(name=f"t{len(made)}", scopes=scopes or ("*:*",), accounts=accounts, expires=expires)
        _, secret = await Tokens(database=database).create(draft)
        headers = {"Authorization": f"Bearer {secret.reveal()}"}
        made.append(httpx.AsyncClient(base_url=client.base_url, headers=headers, verify=False))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


@pytest.fixture
async def admin(caller: Caller) -> httpx.AsyncClient:
    """A caller who may do everything."""
    return await caller()
