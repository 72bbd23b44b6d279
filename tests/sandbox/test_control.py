"""The control plane: what its calls take, change and answer."""

import itertools

import aiohttp
import pytest

from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from crosswalk.sandbox.server import serve

SMALL = {"contacts": 5, "organisations": 2}


@pytest.fixture
def http(sandbox_http):
    """The sandbox's client under a short name."""
    return sandbox_http


async def call(http, method: str, path: str, **options: object) -> tuple[int, object]:
    """Send a call and read its answer, JSON or text."""
    async with http.request(method, path, **options) as answer:
        json = answer.content_type == "application/json"
        return answer.status, await answer.json() if json else await answer.text()


async def control(http, method: str, name: str, body: object = None) -> tuple[int, object]:
    """Send a call to the control plane."""
    return await call(http, method, f"/_sandbox/{name}", **({} if body is None else {"json": body}))


async def contacts(http) -> int:
    """How many contacts the API shows."""
    _, found = await call(http, "GET", "Contacts")
    return len(found)


async def test_reset(sandbox, http):
    """A reset brings back records, switches, limits, clock, faults and an empty log; the key stays."""
    await call(http, "POST", "Contacts", json={"FIRST_NAME": "Ada"})
    for name, body in (
        ("switches", {"etag": "absent"}),
        ("limits", {"per_second": 3}),
        ("clock", {"frozen": True, "offset": 9000}),
        ("plan", {"plan": "free"}),
    ):
        await control(http, "PUT", name, body)
    await control(http, "POST", "reset")
    shown = [(await control(http, "GET", name))[1] for name in ("switches", "limits", "plan", "log")]
    assert ("present", 10, "enterprise", []) == (shown[0]["etag"], shown[1]["per_second"], shown[2]["name"], shown[3])
    assert (20, False) == (await contacts(http), sandbox.state.clock.stopped is not None)


async def test_seed(http):
    """Seeding puts other records in place, as many as asked for; the key stays."""
    status, accounts = await control(http, "POST", "seed", {"seed": 7, "sizes": {"contacts": 33}})
    assert (200, 33, 33) == (status, accounts[0]["records"]["contacts"], await contacts(http))


async def test_seed_is_deterministic(http):
    """The same number makes the same records."""
    await control(http, "PUT", "clock", {"now": "2026-03-01T00:00:00Z", "frozen": True})
    seen = []
    for seed in (7, 7, 8):
        await control(http, "POST", "seed", {"seed": seed})
        seen.append((await call(http, "GET", "Contacts?top=5"))[1])
    assert [True, False] == [seen[0] == seen[1], seen[0] == seen[2]]


async def test_clock(http):
    """The clock is set, moved and stopped, and records and the `Date` header go by it."""
    _, shown = await control(http, "PUT", "clock", {"now": "2030-01-01T00:00:00Z", "frozen": True})
    assert (True, "2030-01-01T00:00:00Z") == (shown["frozen"], shown["now"])
    _, shown = await control(http, "PUT", "clock", {"advance": 60})
    assert "2030-01-01T00:01:00Z" == shown["now"]
    async with http.post("Contacts", json={"FIRST_NAME": "Ada"}) as answer:
        made = await answer.json()
        assert "Tue, 01 Jan 2030 00:01:00 GMT" == answer.headers["Date"]
        assert "2030-01-01 00:01:00" == made["DATE_CREATED_UTC"]


async def test_clock_runs_on(http):
    """A clock that is not stopped runs on from where it was put."""
    await control(http, "PUT", "clock", {"offset": 3600})
    shown = [(await control(http, "GET", "clock"))[1] for _ in range(2)]
    assert (3600.0, False, True) == (shown[0]["offset"], shown[0]["frozen"], shown[0]["now"] < shown[1]["now"])


async def test_log(sandbox, http):
    """The log tells time, caller, call, answer and duration; of the key only its end."""
    user = sandbox.instance.users[0]
    await call(http, "GET", "Contacts?top=1")
    _, [entry] = await control(http, "GET", "log")
    shown = {name: entry[name] for name in ("method", "path", "query", "status", "account", "user", "faults")}
    expected = {"method": "GET", "path": "/v3.1/Contacts", "query": "top=1", "status": 200, "account": "account-1"}
    assert expected | {"user": user.id, "faults": []} == shown
    assert (f"…{user.key[-4:]}", True) == (entry["key"], entry["ms"] > 0)
    assert user.key not in str(entry)


async def test_log_with_bodies(http):
    """The log shows bodies when asked, and not otherwise."""
    await call(http, "POST", "Contacts", json={"FIRST_NAME": "Ada"})
    _, [plain] = await control(http, "GET", "log")
    _, [whole] = await control(http, "GET", "log?bodies=true")
    assert ('{"FIRST_NAME": "Ada"}', True) == (whole["request"], '"FIRST_NAME":"Ada"' in whole["response"])
    assert {"request", "response"} == set(whole) - set(plain)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [1, 2, 3]),
        ("since=1", [2, 3]),
        ("limit=1", [3]),
        ("limit=0", []),
        ("method=post", [2]),
        ("status=404", [3]),
        ("path=*/contacts", [1, 2]),
        ("path=Cont*", [1, 2]),
        ("account=account-1", [1, 2, 3]),
    ],
)
async def test_log_filters(http, query, numbers):
    """The log is filtered by number, method, status, path and account."""
    for method, path in (("GET", "Contacts"), ("POST", "Contacts"), ("GET", "Nothing")):
        await call(http, method, path, json={"FIRST_NAME": "Ada"})
    _, found = await control(http, "GET", f"log?{query}")
    assert numbers == [entry["number"] for entry in found]


async def test_log_is_cleared(http):
    """A cleared log is empty, and its numbers go on."""
    await contacts(http)
    assert (200, []) == await control(http, "DELETE", "log")
    await contacts(http)
    assert [2] == [entry["number"] for entry in (await control(http, "GET", "log"))[1]]


async def test_limits(http):
    """Limits change by name; calls beyond them are refused until they are lifted."""
    await control(http, "PUT", "limits", {"enabled": True, "per_day": 3, "used": 2})
    statuses = [(await call(http, "GET", "Users/Me"))[0]]
    async with http.get("Users/Me") as answer:
        shown = (answer.status, answer.headers["X-RateLimit-Remaining"], "Retry-After" in answer.headers)
        assert (429, "0", False) == shown
        assert "text/plain" == answer.content_type
    await control(http, "PUT", "limits", {"enabled": False})
    assert [200, 200] == [*statuses, (await call(http, "GET", "Users/Me"))[0]]


@pytest.mark.parametrize(("side", "there"), [("present", True), ("absent", False)])
async def test_retry_after(http, side, there):
    """A burst names its wait, or by switch keeps it to itself."""
    await control(http, "PUT", "switches", {"retry_after": side})
    await control(http, "PUT", "limits", {"enabled": True, "per_second": 1})
    answers = []
    for _ in range(2):
        async with http.get("Users/Me") as answer:
            answers.append((answer.status, answer.headers.get("Retry-After")))
    assert [(200, None), (429, "1" if there else None)] == answers


async def test_record_limit(sandbox, http):
    """Beyond the plan's number of records a POST is 402, and a PUT is not."""
    await control(http, "PUT", "limits", {"records": sum(sandbox.instance.counts().values())})
    async with http.post("Contacts", json={"FIRST_NAME": "Ada"}) as answer:
        assert (402, "Record limit reached.") == (answer.status, await answer.text())
    _, [contact] = await call(http, "GET", "Contacts?top=1")
    assert 200 == (await call(http, "PUT", "Contacts", json={"CONTACT_ID": contact["CONTACT_ID"]}))[0]


async def test_switches(http):
    """Switches change by name; the others stay."""
    _, before = await control(http, "GET", "switches")
    _, after = await control(http, "PUT", "switches", {"post_status": 200})
    assert before | {"post_status": 200} == after
    assert 200 == (await call(http, "POST", "Contacts", json={"FIRST_NAME": "Ada"}))[0]


@pytest.mark.parametrize(("side", "status"), [("absent", 404), ("present", 200)])
async def test_bulk_route(http, side, status):
    """The bulk route, which Insightly does not have, is there by switch only."""
    await control(http, "PUT", "switches", {"bulk": side})
    assert status == (await call(http, "POST", "Contacts/Bulk", json=[{"FIRST_NAME": "Ada"}]))[0]


@pytest.mark.parametrize(
    ("path", "status"),
    [("Ticket", 403), ("Product", 404), ("Opportunities/1/OpportunityLineItem", 404), ("Contacts", 200)],
)
async def test_plan_closes_collections(http, path, status):
    """The Professional plan closes what was recorded for it, with the status that was recorded."""
    await control(http, "PUT", "plan", {"plan": "professional"})
    async with http.get(path) as answer:
        assert (status, "60000") == (answer.status, answer.headers["X-RateLimit-Limit"])


async def test_plan_says_which(http):
    """A collection closed with 403 is named in plain text."""
    await control(http, "PUT", "plan", {"plan": "professional"})
    async with http.get("KnowledgeArticle") as answer:
        assert "API User does not have access to KnowledgeArticle." == await answer.text()


async def test_a_user_without_api_access(sandbox, http):
    """A user whose API access is off gets the same 401 as a wrong key, until it is on again."""
    user = sandbox.instance.users[0]
    statuses = []
    for access in (True, False, True):
        await control(http, "PUT", "users", {"id": user.id, "api_access": access})
        statuses.append((await call(http, "GET", "Users/Me"))[0])
    assert [200, 401, 200] == statuses


@pytest.mark.parametrize(
    ("method", "name", "body", "status", "says"),
    [
        ("PUT", "switches", {"psot_status": 200}, 400, "psot_status"),
        ("PUT", "switches", {"post_status": 202}, 400, "post_status"),
        ("PUT", "limits", {"per_second": 0}, 400, "per_second"),
        ("PUT", "limits", {"used": -1}, 400, ">= 0"),
        ("PUT", "limits", [], 400, "Expected `object`"),
        ("PUT", "clock", {"now": "noon"}, 400, "now"),
        ("PUT", "clock", {"advance": 1e18}, 400, "does not fit"),
        ("PUT", "plan", {"plan": "gold"}, 400, "gold"),
        ("PUT", "users", {"id": 0, "api_access": True}, 404, "no user 0"),
        ("POST", "seed", {"sizes": {"contact": 1}}, 400, "contact"),
        ("POST", "seed", {"sizes": {"contacts": -1}}, 400, ">= 0"),
        ("PUT", "faults", [{"fault": "reset", "account": "nobody"}], 400, "nobody"),
        ("GET", "log?since=x", None, 400, "since"),
        ("GET", "limits?account=nobody", None, 404, "nobody"),
        ("GET", "nothing", None, 404, "accounts, clock"),
    ],
)
async def test_slips_are_named(http, method, name, body, status, says):
    """A control call with a slip is refused by name and changes nothing."""
    got, answer = await control(http, method, name, body)
    assert (status, True) == (got, says in answer["message"]), answer


async def test_wrong_verb(http):
    """A control call with a wrong verb says which are right."""
    async with http.delete("/_sandbox/clock") as answer:
        assert (405, "GET, PUT") == (answer.status, answer.headers["Allow"])


async def test_control_needs_no_key(sandbox):
    """The control plane asks for no key."""
    async with aiohttp.ClientSession(sandbox.url) as session:
        assert 200 == (await call(session, "GET", "/_sandbox/accounts"))[0]


async def test_page(sandbox, http):
    """The page shows what is in it and what was called, and escapes what callers sent."""
    await call(http, "GET", "Contacts/<script>alert(1)</script>")
    async with http.get("/_sandbox") as answer:
        page = await answer.text()
    assert ("text/html", True, True) == (
        answer.content_type,
        "Contacts/&lt;script&gt;" in page or "%3C" in page,
        "contacts" in page,
    )
    assert ("<script>" in page, sandbox.key in page) == (False, False)


async def test_accounts_are_apart():
    """Several accounts have their own keys, records, limits and switches."""
    recipes = make_recipes(accounts=2, sizes=SMALL, limits=Limits(per_second=1))
    async with serve(Sandbox(recipes)) as running:
        first, second = ({"Authorization": aiohttp.encode_basic_auth(key)} for key in running.keys)
        async with aiohttp.ClientSession(f"{running.base_url}/") as http:
            await control(http, "PUT", "switches?account=account-2", {"post_status": 200})
            ada = {"FIRST_NAME": "Ada"}
            statuses = [
                (await call(http, "POST", "Contacts", headers=who, json=ada))[0] for who in (first, second, first)
            ]
            _, accounts = await control(http, "GET", "accounts")
    assert [201, 200, 429] == statuses
    assert 2 == len({key for account in accounts for key in account["keys"][:1]})
    records = [account["records"]["contacts"] for account in accounts]
    assert [6, 6] == records
    assert len(set(itertools.chain.from_iterable(a["keys"] for a in accounts))) == sum(len(a["keys"]) for a in accounts)
