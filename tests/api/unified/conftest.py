"""The unified API over a sandbox: one linked account that answers, one of another tenant, callers of both."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec
import pytest

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.tokens import Draft, Tokens
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.api.routes import make_api
from crosswalk.api.server import serve
from crosswalk.store.database import Database
from crosswalk.unified.idempotency import Keys
from crosswalk.unified.plan import Step, WritePlan
from crosswalk.unified.writing import Order
from fixtures.sandbox import Ground

Maker = Callable[..., Awaitable[httpx.AsyncClient]]


@dataclass(frozen=True)
class Hub:
    """A served hub: its address, its accounts' ids, and who may call."""

    url: str
    ours: str
    theirs: str
    call: Maker


@dataclass(eq=False)
class Clock:
    """The time by which writes with a key are kept, and what a process that died would leave of one."""

    database: Database
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def later(self) -> None:
        """Let leases end, and outcomes come to light."""
        self.ahead += timedelta(minutes=10)

    async def leave_behind(self, account: str, key: str, body: dict, *, done: dict[str, str]) -> None:
        """Leave a creation of a contact whose calls in `done` were made, and whose process died then."""
        digest = sha256(msgspec.json.encode(["contacts", Order(verb="create", body=body)], order="deterministic"))
        claim = await Keys(database=self.database, now=self.now).claim(account, key, digest.digest())
        step = Step(name="create Contact", method="POST", path="/Contacts", body={"FIRST_NAME": "Ada"})
        await claim.planned(WritePlan(object="Contact", id_field="CONTACT_ID", steps=(step,)))
        await claim.sending(step)
        for each in done.values():
            await claim.did(step, each)


@pytest.fixture
def keys(database: Database) -> Clock:
    """Steers the time by which writes with a key are kept."""
    return Clock(database)


@pytest.fixture
async def hub(database: Database, sandbox: Ground, tmp_path: Path, keys: Clock) -> AsyncIterator[Hub]:
    """A hub with two accounts at the same sandbox, of two tenants."""
    host = sandbox.url.removeprefix("http://")
    accounts = Accounts(
        database=database, vault=Vault((bytes(32),)), pace_folder=tmp_path / "pace", allow_hosts=(host,), timeout=2
    )
    linked = []
    for name in ("ours", "theirs"):
        wanted = Wanted(name=name, api_key=Secret(sandbox.key), base_url=sandbox.base_url, tenant_id=name, rate=0)
        linked.append((await accounts.add(wanted))[0].id)
    made: list[httpx.AsyncClient] = []

    async def call(*scopes: str, account: str | None = None, accounts: tuple[str, ...] | None = None):
        draft = Draft(name=f"t{len(made)}", scopes=scopes or ("*:*",), accounts=accounts)
        _, secret = await Tokens(database=database).create(draft)
        headers = {"Authorization": f"Bearer {secret.reveal()}"}
        params = {"integrated_account_id": account or linked[0]}
        made.append(
            httpx.AsyncClient(base_url=f"{url}/unified", headers=headers, params=params, verify=False, timeout=60)
        )
        return made[-1]

    app = make_api(database, accounts=accounts)
    async with serve(app, host="127.0.0.1", port=0) as url:
        app.state.backing = replace(app.state.backing, keys=Keys(database=database, now=keys.now))
        yield Hub(url, *linked, call)
        for each in made:
            await each.aclose()


@pytest.fixture
async def crm(hub: Hub) -> httpx.AsyncClient:
    """Whoever may do everything with our account."""
    return await hub.call()
