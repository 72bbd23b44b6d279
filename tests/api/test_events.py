"""Events, watches and subscriptions over HTTP, and the stream that readers come back to."""

import importlib.util
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
import msgspec
import pytest

from crosswalk.accounts.accounts import Account, Accounts, Wanted
from crosswalk.accounts.tokens import Draft, Tokens
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.api.events import tell_stream
from crosswalk.api.routes import make_api
from crosswalk.api.server import serve
from crosswalk.automations.change_work import ChangeWork
from crosswalk.automations.event import Filter
from crosswalk.automations.subscription import address_events
from crosswalk.delivery.notices import Notices
from crosswalk.outgoing.office import Office
from crosswalk.outgoing.sender import Sender
from crosswalk.store.database import Database
from fixtures.receiver import SEALS
from fixtures.sandbox import Ground

RECIPES = Path(__file__).parent.parent.parent / "docs" / "recipes"


@dataclass(frozen=True)
class Hub:
    """A served hub with one linked account, and who reads its watches."""

    url: str
    database: Database
    accounts: Accounts
    account: Account
    sandbox: Ground
    call: Callable[..., Awaitable[httpx.AsyncClient]]

    async def read(self) -> None:
        """Read every watch that is due, as `serve` does all the time."""
        work = ChangeWork(
            database=self.database,
            accounts=self.accounts,
            notices=Notices(database=self.database),
            clock=lambda: self.sandbox.state.clock.now,
            rng=Random(),
        )
        for watch in await work.list_due():
            await work.read(watch)


@pytest.fixture
async def hub(sqlite_url: str, sandbox: Ground, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub over SQLite."""
    from crosswalk.store.database import open_database

    made: list[httpx.AsyncClient] = []
    async with open_database(sqlite_url) as database:
        host = sandbox.url.removeprefix("http://")
        accounts = Accounts(
            database=database, vault=Vault((bytes(32),)), pace_folder=tmp_path / "pace", allow_hosts=(host,)
        )
        wanted = Wanted(name="acme", api_key=Secret(sandbox.key), base_url=sandbox.base_url, rate=0)
        account, _ = await accounts.add(wanted)

        async def call(*scopes: str, accounts: tuple[str, ...] | None = None) -> httpx.AsyncClient:
            draft = Draft(name=f"t{len(made)}", scopes=scopes or ("*:*",), accounts=accounts)
            _, secret = await Tokens(database=database).create(draft)
            headers = {"Authorization": f"Bearer {secret.reveal()}"}
            made.append(httpx.AsyncClient(base_url=url, headers=headers, verify=False, timeout=60))
            return made[-1]

        office = Office(database=database, sender=Sender(listed=["127.0.0.1"]), seals=SEALS)
        app = make_api(database, accounts=accounts, office=office)
        async with serve(app, host="127.0.0.1", port=0) as url:
            yield Hub(url, database, accounts, account, sandbox, call)
            for each in made:
                await each.aclose()


@asynccontextmanager
async def writing(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who works in Insightly itself."""
    async with httpx.AsyncClient(base_url=f"{hub.sandbox.base_url}/", headers=hub.sandbox.auth, verify=False) as client:
        yield client


async def test_the_recipe(hub):
    """The program of the guide keeps a copy from the stream, and goes on where it left off."""
    recipe = load("follow_contacts")
    mine = await hub.call()
    calls: list[tuple[str, str, object]] = []
    recipe.watch_contacts(lambda method, path, json: calls.append((method, path, json)), hub.account.id)
    for method, path, body in calls:
        (await mine.request(method, path, json=body)).raise_for_status()
    await hub.read()
    copy: dict[str, dict[str, object]] = {}
    last = 0
    async with writing(hub) as crm:
        ada = (await crm.post("Contacts", json={"FIRST_NAME": "Ada"})).json()["CONTACT_ID"]
        for change in ({"FIRST_NAME": "Augusta"}, None):
            await look(hub, mine)
            last = await follow(hub, recipe, copy, last)
            assert copy[str(ada)]["first_name"] in {"Ada", "Augusta"}
            if change is not None:
                (await crm.put("Contacts", json={"CONTACT_ID": ada, **change})).raise_for_status()
        await look(hub, mine)
        last = await follow(hub, recipe, copy, last)
        assert "Augusta" == copy[str(ada)]["first_name"]
        await crm.delete(f"Contacts/{ada}")
        assert 200 == (await mine.post(f"/v1/watches/{await watch_id(mine)}/sweep")).status_code
        await hub.read()
        await follow(hub, recipe, copy, last)
    assert {} == copy


async def look(hub: Hub, mine: httpx.AsyncClient) -> None:
    """Ask for a look now, and let it be done."""
    (await mine.post(f"/v1/watches/{await watch_id(mine)}/poll")).raise_for_status()
    await hub.read()


async def watch_id(mine: httpx.AsyncClient) -> str:
    """The id of the only watch."""
    return str((await mine.get("/v1/watches")).json()["result"][0]["id"])


async def follow(hub: Hub, recipe, copy: dict[str, dict[str, object]], last: int) -> int:
    """Read the stream from where a reader left off, as far as there are events."""
    text = ""
    async for block in tell_stream(hub.database, last, wanted=Filter(types=("record:*",)), reach=None, longest=0.0):
        text += block.decode()
    for told in filter(lambda told: "data: " in told, "\n".join(text.splitlines()).split("\n\n")):
        last, event = recipe.read_event(told)
        recipe.apply(copy, event)
    return last


def load(name: str):
    """A recipe as a module."""
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


async def test_stream_over_http(hub):
    """A stream gives the events behind `Last-Event-ID`, with their numbers and types, as text/event-stream."""
    mine = await hub.call("automations:read")
    await Notices(database=hub.database).tell("run.finished", "r", "Run r is finished.", account=hub.account.id)
    async with mine.stream("GET", "/v1/events/stream", headers={"Last-Event-ID": "1"}) as answer:
        assert (200, True) == (answer.status_code, answer.headers["content-type"].startswith("text/event-stream"))
        lines: list[str] = []
        async for line in answer.aiter_lines():
            lines.append(line)
            if line.startswith("data:"):
                break
    said = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(":"))
    assert ("2", "run:finished") == (said["id"], said["event"])
    assert "run:finished" == msgspec.json.decode(said["data"])["type"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/events?types=record:changed", 400),
        ("/v1/events/stream?resources=contact", 400),
        ("/v1/events/evt_none", 404),
        ("/v1/watches/none", 404),
        ("/v1/events/stream?after=x", 400),
    ],
)
async def test_refusals(hub, path, status):
    """What there is not is refused in words."""
    answer = await (await hub.call()).get(path)
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"])


async def test_last_event_id_that_is_none(hub):
    """A `Last-Event-ID` that is no number is a 400 that names it."""
    answer = await (await hub.call()).get("/v1/events/stream", headers={"Last-Event-ID": "evt_7"})
    assert (400, True) == (answer.status_code, "Last-Event-ID" in answer.text)


async def test_a_gap_is_told(hub):
    """A reader whose place is forgotten is told so, before it goes on."""
    for number in range(3):
        await Notices(database=hub.database).tell("run.finished", f"r{number}", "x", account=hub.account.id)
    from crosswalk.store.events import events

    async with hub.database.begin() as connection:
        await connection.execute(events.delete().where(events.c.number < 4))
    text = "".join(
        [block.decode() async for block in tell_stream(hub.database, 1, wanted=Filter(), reach=None, longest=0.0)]
    )
    assert text.index("stream:gap") < text.index("run:finished")


async def test_hints_over_http(hub):
    """The address that is shown once takes what Insightly posts; the guide names it; the first call is noted."""
    mine = await hub.call()
    made = await mine.post("/v1/watches", json={"integrated_account_id": "acme", "resource": "contacts"})
    watch = made.json()
    assert (201, 96, 1440) == (made.status_code, *(watch["calls_per_day"][name] - 1 for name in ("quiet", "busy")))
    await hub.read()
    address = (await mine.post(f"/v1/watches/{watch['id']}/hint-url", json={"user": "insightly"})).json()
    assert any(address["url"] in line for line in address["guide"])
    async with httpx.AsyncClient(verify=False) as insightly:
        known = next(iter(hub.sandbox.instance.tables["contacts"].rows))
        entity = {"entity": {"CONTACT_ID": known, "DATE_UPDATED_UTC": "/Date(1489132800000-0800)/"}}
        assert 401 == (await insightly.post(address["url"], json=entity)).status_code
        auth = ("insightly", address["address"]["password"])
        assert 202 == (await insightly.post(address["url"], json=entity, auth=auth)).status_code
        assert 422 == (await insightly.post(address["url"], json={"entity": {}}, auth=auth)).status_code
        assert 404 == (await insightly.post(f"{address['url']}x", json=entity, auth=auth)).status_code
        assert 413 == (await insightly.post(address["url"], content=b" " * 2**21, auth=auth)).status_code
    shown = (await mine.get(f"/v1/watches/{watch['id']}")).json()
    assert (1, 1, True) == (shown["hint_count"], shown["hints"], shown["hint_first_at"] is not None)
    assert address["url"].rpartition("/")[2] not in str(shown)


async def test_reach(hub):
    """A token of another account sees no watch, no event and no subscription, and makes none."""
    await (await hub.call()).post("/v1/watches", json={"integrated_account_id": "acme", "resource": "contacts"})
    wanted = Wanted(name="other", api_key=Secret(hub.sandbox.key), base_url=hub.sandbox.base_url, rate=0)
    theirs, _ = await hub.accounts.add(wanted)
    other = await hub.call("*:*", accounts=(theirs.id,))
    assert [] == (await other.get("/v1/watches")).json()["result"]
    seen = (await other.get("/v1/events")).json()["result"]
    assert [("integrated_account:linked", theirs.id)] == [
        (each["type"], each["integrated_account_id"]) for each in seen
    ]
    assert 404 == (await other.get("/v1/watches/acme%2Fcontacts")).status_code
    made = await other.post("/v1/watches", json={"integrated_account_id": "acme", "resource": "leads"})
    assert 404 == made.status_code


async def test_subscriptions_over_http(hub, receiver):
    """An endpoint is subscribed, listed, told and unsubscribed."""
    mine = await hub.call()
    await mine.post("/v1/webhooks", json={"name": "log", "url": receiver.url})
    made = await mine.post("/v1/subscriptions", json={"endpoint": "log", "after": 0, "types": ["integrated_account:*"]})
    assert 201 == made.status_code, made.text
    assert 1 == await address_events(hub.database, now=hub.sandbox.state.clock.now, rng=Random(1))
    (message,) = (await mine.get("/v1/webhooks/log/messages")).json()["result"]
    assert "integrated_account:linked" == message["topic"]
    one = made.json()["id"]
    assert [one] == [each["id"] for each in (await mine.get("/v1/subscriptions")).json()["result"]]
    assert 200 == (await mine.delete(f"/v1/subscriptions/{one}")).status_code
    assert 404 == (await mine.delete(f"/v1/subscriptions/{one}")).status_code
    wrong = await mine.post("/v1/subscriptions", json={"endpoint": "log", "types": ["record:changed"]})
    assert (422, True) == (wrong.status_code, "record:" in wrong.text)
