"""A caller that goes away in the middle of an answer: what was opened for it at Insightly is given back."""

# ruff: noqa: F811 (imported fixtures are arguments)

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest
from litestar import Litestar

from crosswalk.accounts.accounts import Account
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from fixtures.proxied import account, linked  # noqa: F401 (fixtures)
from fixtures.served import Served, served

SIZES = {"contacts": 1_600, "organisations": 1, "leads": 1, "opportunities": 1}
FOR_EVER = {"fault": "latency", "ms": 600_000}


@pytest.fixture(scope="module")
def large() -> Iterator[Served]:
    """A sandbox whose contacts are several pages."""
    with served(Sandbox(make_recipes(sizes=SIZES, limits=Limits(enabled=False)))) as running:
        yield running


@pytest.fixture
def insightly(large: Served) -> Served:
    """The same, without the faults of another test."""
    large.faults()
    return large


@pytest.fixture
async def theirs(caller, account: Account) -> httpx.AsyncClient:
    """Somebody who reads this account."""
    made = await caller("proxy:*", "unified:*")
    made.params = {"integrated_account_id": account.id}
    return made


def held(app: Litestar, account: Account) -> tuple[int, int]:
    """Who uses the account's client now, and how many of its calls are under way, as the pacer counts them."""
    entry = app.state.pool._open[account.id]
    return entry.users, entry.crm._pacer.pacer._pace.in_flight


async def until(said: Callable[[], bool]) -> None:
    """Wait for what must come about."""
    async with asyncio.timeout(30):
        while not said():  # noqa: ASYNC110 (what is waited for tells nobody)
            await asyncio.sleep(0.01)


async def test_in_a_stream(app: Litestar, theirs: httpx.AsyncClient, account: Account, insightly: Served):
    """The pages asked for ahead are let go with the stream, and their slots with them."""
    insightly.faults({**FOR_EVER, "route": "Contacts", "skip": 1})
    async with theirs.stream("GET", "/unified/crm/contacts", params={"response_format": "stream"}) as answer:
        await anext(answer.aiter_bytes())
        await until(lambda: held(app, account)[1] >= 2)
        users = held(app, account)[0]
    await until(lambda: held(app, account) == (0, 0))
    assert 1 == users


@pytest.mark.parametrize("path", ["/proxy/Contacts", "/insightly/{account}/v3.1/Contacts"])
async def test_in_a_download(app: Litestar, theirs, account: Account, insightly: Served, path: str):
    """The call that was passed on is let go with its reader, in the middle of its body."""
    insightly.faults({"fault": "slow", "bytes_per_second": 20_000, "route": "Contacts"})
    params = {"top": 500, "response_format": "raw"} if path.startswith("/proxy") else {"top": 500}
    headers = {"Accept-Encoding": "identity"}
    async with theirs.stream("GET", path.format(account=account.id), params=params, headers=headers) as answer:
        await anext(answer.aiter_raw())
        during = held(app, account)
    await until(lambda: held(app, account) == (0, 0))
    assert (200, (1, 1)) == (answer.status_code, during)


async def test_before_the_answer(app: Litestar, theirs: httpx.AsyncClient, account: Account, insightly: Served):
    """Who gives up waiting leaves no call counted as under way for longer than Insightly takes to answer."""
    insightly.faults({"fault": "latency", "ms": 300, "route": "Contacts"})
    with pytest.raises(httpx.ReadTimeout):
        await theirs.get("/unified/crm/contacts", timeout=0.1)
    await until(lambda: held(app, account) == (0, 0))
    insightly.faults()
    assert 200 == (await theirs.get("/unified/crm/contacts", params={"limit": 1})).status_code


async def test_whole_stream(app: Litestar, theirs: httpx.AsyncClient, account: Account):
    """A stream that is read to its end gives back as much; one that is to explain itself is refused."""
    params = {"response_format": "stream"}
    answer = await theirs.get("/unified/crm/contacts", params=params)
    refused = await theirs.get("/unified/crm/contacts", params=params | {"explain": "true"})
    await until(lambda: held(app, account) == (0, 0))
    assert (200, 1_600) == (answer.status_code, answer.text.count("\n"))
    assert (400, ["explain"]) == (refused.status_code, [each["field"] for each in refused.json()["errors"]])
