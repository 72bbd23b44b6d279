"""Scripted faults: who is struck, and what the caller sees."""

import asyncio
import json

import aiohttp
import pytest

from crosswalk.sandbox.clock import ClockChange
from crosswalk.sandbox.faults import Rule, Script, Status, Where, read_rules
from crosswalk.sandbox.reply import TICK

ADA = {"FIRST_NAME": "Ada"}


def struck(where: Where, *calls: tuple[str, str], seed: int = 1) -> list[bool]:
    """Say of each call (method, path) whether a rule strikes it."""
    script = Script()
    script.load([Rule(where, Status())], seed=seed)
    return [bool(script.pick("account-1", method, path)) for method, path in calls]


@pytest.fixture
def http(sandbox_http):
    """The sandbox's client under a short name."""
    return sandbox_http


@pytest.fixture
def faults(sandbox):
    """Put a script in force."""

    def load(*items: dict[str, object]) -> None:
        sandbox.state.script.load(read_rules(json.dumps(items).encode()))

    return load


async def status(calling) -> int:
    """Send a call, read its answer to the end, give its status."""
    async with calling as answer:
        await answer.read()
        return answer.status


async def read(calling) -> object:
    """Send a call and read its JSON."""
    async with calling as answer:
        return await answer.json()


def count(sandbox) -> int:
    """How many contacts there are."""
    return sandbox.instance.counts()["contacts"]


async def settle(ready) -> None:
    """Let the loop run until something holds; the test's own time-out ends a wait that never does."""
    async with asyncio.timeout(5):
        while not ready():  # noqa: ASYNC110 (the sandbox is as it is: it has no event for a test to wait on)
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("route", "hits"),
    [
        ("*", [True, True, True]),
        ("Contacts", [True, False, False]),
        ("/contacts/*", [False, True, True]),
        ("Contacts/?", [False, True, False]),
        ("*/Links", [False, False, True]),
    ],
)
def test_route_is_a_glob(route, hits):
    """A route is a glob on the contract's spelling of the path, without regard to case."""
    assert hits == struck(Where(route=route), ("GET", "Contacts"), ("GET", "Contacts/7"), ("GET", "Contacts/7/Links"))


def test_method():
    """A rule may be for one method."""
    assert [False, True] == struck(Where(method="post"), ("GET", "Contacts"), ("POST", "Contacts"))


def test_skip_and_count():
    """A rule lets `skip` calls pass and strikes `count`; other calls do not count."""
    calls = [("GET", "Leads"), *[("GET", "Contacts")] * 5]
    assert [False, False, True, True, False, False] == struck(Where(route="Contacts", skip=1, count=2), *calls)


def test_share():
    """A share strikes about that share, the same calls for the same seed."""
    calls = [("GET", "Contacts")] * 1000
    first = struck(Where(share=0.3), *calls)
    assert first == struck(Where(share=0.3), *calls)
    assert 250 < sum(first) < 350


def test_account():
    """A rule may be for one account."""
    assert [False] == struck(Where(account="account-2"), ("GET", "Contacts"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'[{"fault": "status", "sttaus": 500}]', "Fault 0: Object contains unknown field `sttaus`"),
        (b'[{"fault": "explode"}]', "Fault 0: Invalid value 'explode' - at `$.fault`"),
        (b'[{"fault": "reset", "share": 2}]', "Fault 0: Expected `float` <= 1.0 - at `$.share`"),
        (b'[{"fault": "status", "headers": {"a b": "c"}}]', "Fault 0: Expected `str` matching regex"),
        (b'[{"route": "*"}]', "Fault 0: Object missing required field `fault`"),
        (b'{"fault": "reset"}', "Expected `array`, got `object`"),
    ],
)
async def test_a_script_with_a_slip(sandbox, http, body, says):
    """A slip in a script is refused by name, and the old script stays."""
    async with http.put("/_sandbox/faults", data=body) as answer:
        assert (400, True) == (answer.status, says in (await answer.json())["message"])


async def test_latency(http, faults):
    """Latency delays and changes nothing else."""
    faults({"fault": "latency", "ms": 30, "spread_ms": 10})
    began = asyncio.get_running_loop().time()
    async with http.get("Contacts") as answer:
        assert 20 == len(await answer.json())
    assert 0.03 <= asyncio.get_running_loop().time() - began


@pytest.mark.parametrize(("commit", "more"), [(False, 0), (True, 1)])
async def test_status_before_and_after_commit(sandbox, http, faults, commit, more):
    """A scripted status stands before the work, or after it is done."""
    before = count(sandbox)
    faults({"fault": "status", "status": 502, "body": "bad gateway", "headers": {"X-Why": "test"}, "commit": commit})
    async with http.post("Contacts", json=ADA) as answer:
        assert (502, "bad gateway", "test") == (answer.status, await answer.text(), answer.headers["X-Why"])
    assert before + more == count(sandbox)


@pytest.mark.parametrize("code", [204, 304])
async def test_status_that_has_no_body(sandbox, faults, code):
    """A status that ends with its headers brings no body, which the next answer would begin with."""
    faults({"fault": "status", "status": code, "count": 1})
    assert (await sandbox.exchange(sandbox.request("GET /v3.1/Users/Me"))).endswith(b"\r\n\r\n")


async def test_status_without_a_body_is_the_error_page(http, faults):
    """A plain 500 is ASP.NET's page."""
    faults({"fault": "status"})
    async with http.get("Contacts") as answer:
        assert (500, "text/html", True) == (answer.status, answer.content_type, "Runtime Error" in await answer.text())


async def test_a_burst(http, faults):
    """A scripted burst has `Retry-After` and says that calls are left."""
    faults({"fault": "rate_limit", "retry_after": 3})
    async with http.get("Contacts") as answer:
        shown = (answer.status, answer.headers["Retry-After"], answer.headers["X-RateLimit-Remaining"])
        assert (429, "3", "100000") == shown


async def test_a_spent_day(http, faults):
    """A scripted spent day has no `Retry-After`, and nothing left."""
    faults({"fault": "rate_limit", "day": True})
    async with http.get("Contacts") as answer:
        shown = (answer.status, "Retry-After" in answer.headers, answer.headers["X-RateLimit-Remaining"])
        assert (429, False, "0") == shown


@pytest.mark.parametrize(("commit", "more"), [(False, 0), (True, 1)])
async def test_reset(sandbox, http, faults, commit, more):
    """A reset is a real one, before the work or after it."""
    before = count(sandbox)
    faults({"fault": "reset", "commit": commit, "count": 1})
    with pytest.raises(aiohttp.ClientOSError) as caught:
        await http.post("Contacts", json=ADA)
    assert 104 == caught.value.errno
    assert before + more == count(sandbox)


async def test_late_commit_after_a_reset(sandbox, http, faults):
    """The caller is cut off; the work is done afterwards."""
    before = count(sandbox)
    faults({"fault": "late_commit", "seconds": 0.05})
    with pytest.raises(aiohttp.ClientError):
        await http.post("Contacts", json=ADA)
    assert before == count(sandbox)
    await settle(lambda: count(sandbox) == before + 1)


async def test_late_commit_after_the_caller_gave_up(sandbox, http, faults):
    """The caller hears nothing and leaves; the work is done afterwards."""
    before = count(sandbox)
    faults({"fault": "late_commit", "seconds": 0.05, "leave": "hang"})
    with pytest.raises(TimeoutError):
        await http.post("Contacts", json=ADA, timeout=aiohttp.ClientTimeout(total=0.1))
    assert before == count(sandbox)
    await settle(lambda: count(sandbox) == before + 1)


async def test_hang(sandbox, http, faults):
    """A hang ends when its time is over, by a cut."""
    faults({"fault": "hang", "seconds": 0.05})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await http.post("Contacts", json=ADA)
    await settle(lambda: sandbox.state.log.entries)
    assert (None, ("hang",)) == (sandbox.state.log.entries[-1].status, sandbox.state.log.entries[-1].faults)


async def test_half_close(sandbox, faults):
    """The sandbox says goodbye without an answer while it still listens."""
    faults({"fault": "half_close"})
    assert b"" == await sandbox.exchange(sandbox.request("GET /v3.1/Contacts"))


async def test_truncated_body(sandbox, faults):
    """The whole length is promised, a share of it sent."""
    faults({"fault": "truncate", "keep": 0.25})
    top, _, body = (await sandbox.exchange(sandbox.request("GET /v3.1/Contacts"))).partition(b"\r\n\r\n")
    promised = int(next(line[16:] for line in top.split(b"\r\n") if line.startswith(b"content-length: ")))
    assert promised // 4 == len(body)


async def test_truncated_body_of_a_write_is_committed(sandbox, http, faults):
    """Work whose answer is cut short is done all the same."""
    before = count(sandbox)
    faults({"fault": "truncate"})
    with pytest.raises(aiohttp.ClientPayloadError):
        async with http.post("Contacts", json=ADA) as answer:
            await answer.read()
    assert before + 1 == count(sandbox)


async def test_slow_body(http, faults):
    """A slow body comes whole, at the speed asked for."""
    faults({"fault": "slow", "bytes_per_second": 20_000})
    began = asyncio.get_running_loop().time()
    async with http.get("Contacts?top=2", headers={"Accept-Encoding": "identity"}) as answer:
        body = await answer.read()
    assert 2 == len(json.loads(body))
    assert len(body) / 20_000 - TICK <= asyncio.get_running_loop().time() - began


async def test_slow_body_to_nobody(sandbox, http, faults):
    """A slow body ends when its caller leaves."""
    faults({"fault": "slow", "bytes_per_second": 20})
    with pytest.raises(TimeoutError):
        async with http.get("Contacts", timeout=aiohttp.ClientTimeout(total=0.2)) as answer:
            await answer.read()
    await settle(lambda: sandbox.state.log.entries)
    assert 200 == sandbox.state.log.entries[-1].status


async def test_search_lag(sandbox, http, faults):
    """A record younger than the lag is in the list and not yet in a search."""
    sandbox.state.clock.change(ClockChange(frozen=True))
    await status(http.post("Contacts", json={"FIRST_NAME": "Latecomer"}))
    faults({"fault": "search_lag", "seconds": 30, "route": "*/Search"})
    query = "Contacts/Search?field_name=FIRST_NAME&field_value=Latecomer"
    assert [] == await read(http.get(query))
    sandbox.state.clock.change(ClockChange(advance=31))
    assert 1 == len(await read(http.get(query)))


async def test_garbled_body(http, faults):
    """A body may end early without a lie about its length, under a wrong content type."""
    faults({"fault": "garble", "content_type": "text/html", "drop": 5})
    async with http.get("Contacts") as answer:
        assert "text/html" == answer.content_type
        with pytest.raises(json.JSONDecodeError):
            json.loads(await answer.read())


async def test_faults_together(sandbox, http, faults):
    """Several rules may strike one call: it is delayed and then refused, once each."""
    faults({"fault": "latency", "ms": 20}, {"fault": "status", "status": 503, "count": 1})
    assert [503, 200] == [await status(http.get("Contacts")) for _ in range(2)]
    assert [("latency", "status"), ("latency",)] == [entry.faults for entry in sandbox.state.log.entries]


async def test_faults_in_order(http, faults):
    """Of faults that end a call one strikes at a time, so that a list is played in order."""
    faults(*({"fault": "status", "status": status, "count": 1} for status in (503, 502, 500)))
    assert [503, 502, 500, 200] == [await status(http.get("Contacts")) for _ in range(4)]


async def test_faults_over_http(http):
    """A script is shown as it was given, with its counts, and taken away again."""
    script = [{"fault": "status", "status": 503, "route": "Contacts", "method": "GET", "count": 2}]
    await status(http.put("/_sandbox/faults", json=script))
    assert 503 == await status(http.get("Contacts"))
    shown = (await read(http.get("/_sandbox/faults")))[0]
    assert script[0] | {"seen": 1, "applied": 1} == {name: shown[name] for name in (*script[0], "seen", "applied")}
    assert [] == await read(http.delete("/_sandbox/faults"))
