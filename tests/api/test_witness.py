"""What is written down of requests, over HTTP: both legs of calls, and changing acts."""

# ruff: noqa: F811 (imported fixtures are arguments)

import httpx
import pytest

from crosswalk.accounts.accounts import Account
from crosswalk.gate.request_log import RequestLog, mask_query, mask_words, shape
from fixtures.proxied import account, linked, proxied  # noqa: F401 (fixtures)


@pytest.fixture
async def reader(caller, account: Account) -> httpx.AsyncClient:
    """A caller who may read both logs."""
    return await caller("admin.requests:read", "admin.audit:read", "admin.tokens:*", "proxy:*")


@pytest.fixture
def requests(app) -> RequestLog:
    """The log that the served API writes."""
    return app.state.requests


async def test_both_legs(proxied: httpx.AsyncClient, reader: httpx.AsyncClient, app, account):
    """A proxied read leaves the call that came and the call that was made, without its content."""
    await proxied.get(
        "/proxy/Contacts/Search", params={"field_name": "EMAIL_ADDRESS", "field_value": "ada@example.com"}
    )
    await app.state.requests.write()
    rows = (await reader.get("/v1/requests")).json()["result"]
    ours = next(row for row in rows if row["leg"] == "ours")
    legs = (await reader.get(f"/v1/requests/{ours['request']}")).json()["result"]
    assert {("ours", "/proxy/Contacts/Search"), ("insightly", "/Contacts/Search")} == {
        (leg["leg"], leg["path"]) for leg in legs
    }
    assert {account.id} == {leg["account_id"] for leg in legs}
    assert "ada" not in str(legs)


async def test_replay(proxied: httpx.AsyncClient, reader: httpx.AsyncClient, app):
    """A read is made again, once, and compared."""
    await proxied.get("/proxy/Contacts", params={"limit": 2})
    await app.state.requests.write()
    row = (await reader.get("/v1/requests", params={"leg": "ours"})).json()["result"][0]
    again = (await reader.post(f"/v1/requests/{row['request']}/replay")).json()
    assert (200, 200, "/Contacts") == (again["then"], again["now"], again["path"])


async def test_no_replay_of_a_write(proxied: httpx.AsyncClient, reader: httpx.AsyncClient, app):
    """A write is never made again."""
    await proxied.post("/proxy/Contacts", json={"FIRST_NAME": "Ada"})
    await app.state.requests.write()
    row = (await reader.get("/v1/requests", params={"leg": "ours"})).json()["result"][0]
    assert 409 == (await reader.post(f"/v1/requests/{row['request']}/replay")).status_code


async def test_foreign_requests(proxied: httpx.AsyncClient, caller, app, accounts):
    """A token sees requests of the accounts that it reaches alone."""
    await proxied.get("/proxy/Contacts")
    await app.state.requests.write()
    narrow = await caller("admin.requests:read", accounts=("acme",))
    assert [] == (await narrow.get("/v1/requests")).json()["result"]


async def test_acts_are_audited(reader: httpx.AsyncClient, admin: httpx.AsyncClient):
    """A changing route leaves one line with who, what and from where."""
    await admin.post("/v1/webhooks", json={"name": "told", "url": "https://example.com/in"})
    line = (await reader.get("/v1/audit", params={"action": "endpoint.create"})).json()["result"][0]
    assert ("/v1/webhooks", "127.0.0.1", True) == (line["object"], line["ip"], line["actor"].startswith("token "))
    assert (await reader.get("/v1/audit/verify")).json()["whole"]


async def test_failed_acts_are_not(reader: httpx.AsyncClient, admin: httpx.AsyncClient):
    """What was refused changed nothing, and leaves no line."""
    assert 404 == (await admin.delete("/v1/webhooks/none")).status_code
    assert [] == (await reader.get("/v1/audit", params={"action": "endpoint.remove"})).json()["result"]


async def test_audit_is_for_those_who_reach_all(caller, accounts):
    """A token of some accounts reads no log that tells of all."""
    narrow = await caller("admin.audit:read", accounts=("acme",))
    assert 403 == (await narrow.get("/v1/audit")).status_code


async def test_dropped_rows_are_counted(database):
    """Rows beyond what may wait are counted."""
    from datetime import UTC, datetime, timedelta

    from crosswalk.gate.request_log import MOST_WAITING, Row

    kept = RequestLog(database, timedelta(days=7))
    row = Row(request="1", leg="ours", at=datetime.now(UTC), method="GET", path="/", query="", ms=1.0, status=200)
    for _ in range(MOST_WAITING + 3):
        kept.put(row)
    assert (MOST_WAITING, 3) == (len(kept.waiting), kept.dropped)


def test_masks():
    """Values that may be people's, addresses and long numbers go; names, shapes and paging stay."""
    assert "top=2&field_value=***" == mask_query("top=2&field_value=ada@example.com")
    assert "No contact *** with ***" == mask_words("No contact ada@example.com with +44 20 7946 0958")
    assert {"NAME": "text of 3", "IDS": ["number"], "OPEN": True} == shape({"NAME": "Ada", "IDS": [7], "OPEN": True})
