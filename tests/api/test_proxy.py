"""The proxy: any call of Insightly's passes, paged, raw or transparent, and never leaves the account's base URL."""

# ruff: noqa: F811 (imported fixtures are arguments)

import asyncio
from base64 import b64encode
from urllib.parse import urlsplit

import httpx
import pytest

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.tokens import Draft, Tokens
from crosswalk.store.database import Database
from fixtures.proxied import account, linked, proxied  # noqa: F401 (fixtures)
from fixtures.served import Served

PATH_TRICKS = [
    "/../Contacts",
    "/%2e%2e/Contacts",
    "/Contacts/%2e%2e/%2E%2E/x",
    "/Contacts/..%2f..%2fx",
    "/Contacts/%252e%252e/x",
    "/Contacts\\..\\x",
    "/Contacts/%5c..%5cx",
    "/@evil.example/x",
    "/http://evil.example/x",
    "/https:%2f%2fevil.example",
    "/Contacts/%0d%0aHost:%20evil.example",
    "/Contacts;x=1",
    "/Contacts/%",
    "/Contacts/%ff",
    "/",
    "",
]


@pytest.fixture
async def token(database: Database, account: Account) -> str:
    """A token's text that may pass anything on."""
    return (await Tokens(database=database).create(Draft(name="program", scopes=("proxy:*",))))[1].reveal()


async def exchange(url: str, target: str, *headers: str, method: str = "GET") -> bytes:
    """One request as it is written, past any client's tidying."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = [f"{method} {target} HTTP/1.1", "Host: hub", "Connection: close", *headers, "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    answer = await reader.read()
    writer.close()
    return answer


async def test_list_in_pages(proxied: httpx.AsyncClient, insightly: Served):
    """A list comes in an envelope, page by page, with every record once."""
    ids, cursor = [], ""
    while cursor is not None:
        page = (await proxied.get("/proxy/Contacts", params={"limit": 2, "next_cursor": cursor})).json()
        ids += [record["CONTACT_ID"] for record in page["result"]]
        assert page["result_count"] == len(page["result"])
        cursor = page["next_cursor"]
    assert [row[0] for row in insightly.records("contacts", ("CONTACT_ID",))] == ids


async def test_single_is_bare(proxied: httpx.AsyncClient, insightly: Served):
    """One record comes without an envelope."""
    number = insightly.records("contacts", ("CONTACT_ID",))[0][0]
    assert number == (await proxied.get(f"/proxy/Contacts/{number}")).json()["CONTACT_ID"]


async def test_raw_is_insightlys_own(proxied: httpx.AsyncClient, insightly: Served):
    """`response_format=raw` gives Insightly's bytes, and the query that is not ours reaches it."""
    auth = httpx.BasicAuth(insightly.key, "")
    async with httpx.AsyncClient(auth=auth) as plain:
        direct = await plain.get(f"{insightly.base_url}/Contacts?top=2&brief=true")
    passed = await proxied.get("/proxy/Contacts", params={"top": 2, "brief": "true", "response_format": "raw"})
    assert direct.content == passed.content


async def test_writes(proxied: httpx.AsyncClient, insightly: Served):
    """A creation passes with its body; PATCH becomes Insightly's partial PUT; DELETE keeps its empty 202."""
    made = (await proxied.post("/proxy/Contacts", json={"FIRST_NAME": "Ada", "LAST_NAME": "Byron"})).json()
    place = f"/proxy/Contacts/{made['CONTACT_ID']}"
    changed = await proxied.patch(place, json={"CONTACT_ID": made["CONTACT_ID"], "FIRST_NAME": "Augusta"})
    assert ("Augusta", "Byron") == (changed.json()["FIRST_NAME"], changed.json()["LAST_NAME"])
    deleted = await proxied.delete(place)
    assert (202, b"") == (deleted.status_code, deleted.content)


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", ""])
async def test_limit_out_of_range(proxied: httpx.AsyncClient, limit: str):
    """A limit outside 1 to 500 is a 400 that names it."""
    answer = await proxied.get("/proxy/Contacts", params={"limit": limit})
    assert (400, "limit") == (answer.status_code, answer.json()["errors"][0]["field"])


async def test_cursor_of_another_list(proxied: httpx.AsyncClient):
    """A cursor is refused by another path."""
    cursor = (await proxied.get("/proxy/Contacts", params={"limit": 1})).json()["next_cursor"]
    answer = await proxied.get("/proxy/Leads", params={"limit": 1, "next_cursor": cursor})
    assert (400, "next_cursor") == (answer.status_code, answer.json()["errors"][0]["field"])


async def test_account_is_needed(caller, account: Account):
    """Without an account the refusal names the parameter."""
    answer = await (await caller("proxy:*")).get("/proxy/Contacts")
    assert (400, "integrated_account_id") == (answer.status_code, answer.json()["errors"][0]["field"])


@pytest.mark.parametrize("path", PATH_TRICKS)
async def test_path_tricks(client: httpx.AsyncClient, token: str, account: Account, insightly: Served, path: str):
    """A path that could lead elsewhere is refused before anything is sent, in both forms."""
    before = len(insightly.running.sandbox.log.entries)
    bearer = f"Authorization: Bearer {token}"
    mine = await exchange(str(client.base_url), f"/proxy{path}?integrated_account_id={account.id}", bearer)
    theirs = await exchange(str(client.base_url), f"/insightly/{account.id}/v3.1{path}", bearer)
    assert b"400" == mine.split()[1]
    assert theirs.split()[1] in {b"400", b"404"}
    assert before == len(insightly.running.sandbox.log.entries)


@pytest.mark.parametrize(
    "header",
    ["X-HTTP-Method-Override: DELETE", "X-Original-URL: /v3.1/Users", "X-Forwarded-Host: evil.example", "Cookie: a=b"],
)
async def test_header_tricks(client: httpx.AsyncClient, token: str, account: Account, insightly: Served, header: str):
    """Headers that could change method, path or user stay behind."""
    bearer = f"Authorization: Bearer {token}"
    answer = await exchange(str(client.base_url), f"/insightly/{account.id}/v3.1/Contacts", bearer, header)
    assert b"200" == answer.split()[1]
    assert insightly.running.sandbox.log.entries[-1].method == "GET"


@pytest.mark.parametrize("form", ["{}:", "{}", "{}:anything"])
async def test_transparent_is_insightly(
    client: httpx.AsyncClient, token: str, account: Account, insightly: Served, form: str
):
    """The transparent form answers byte for byte, with the token where a program has its key."""
    auth = {"Authorization": "Basic " + b64encode(form.format(token).encode()).decode(), "Accept-Encoding": "gzip"}
    path = "/Contacts?top=3&count_total=true"
    async with httpx.AsyncClient(headers={**auth, "Authorization": insightly_auth(insightly)}) as plain:
        there = await plain.get(insightly.base_url + path)
    here = await client.get(f"/insightly/{account.id}/v3.1{path}", headers=auth)
    kept = {name: value for name, value in here.headers.items() if name not in OURS}
    assert (there.status_code, there.content) == (here.status_code, here.content)
    assert {name: value for name, value in there.headers.items() if name not in OURS} == kept


OURS = {"date", "x-content-type-options", "content-security-policy", "content-disposition", "connection", "keep-alive"}


def insightly_auth(insightly: Served) -> str:
    """The header of the sandbox's key."""
    return "Basic " + b64encode(f"{insightly.key}:".encode()).decode()


async def test_wrong_token_looks_like_insightly(client: httpx.AsyncClient, account: Account):
    """An unknown token is refused in Insightly's words, marked as ours."""
    answer = await client.get(f"/insightly/{account.id}/v3.1/Contacts", auth=("wrong", ""))
    expected = {"Message": "Authorization has been denied for this request."}
    assert (401, expected, "gateway") == (answer.status_code, answer.json(), answer.headers["x-crosswalk-source"])


@pytest.mark.parametrize("status", [402, 429, 500, 503])
async def test_errors_pass(proxied: httpx.AsyncClient, insightly: Served, status: int):
    """Insightly's own errors pass with their status, once."""
    insightly.faults({"fault": "status", "status": status, "body": "its own words"})
    before = insightly.calls("GET")
    answer = await proxied.get("/proxy/Contacts")
    assert (status, b"its own words", 1) == (answer.status_code, answer.content, insightly.calls("GET") - before)


async def test_spent_budget(client: httpx.AsyncClient, token: str, account: Account, linked: Accounts):
    """A spent budget is a 429 of Insightly's shape, told as a spent day."""
    await linked.change(account.id, {"daily": 1})
    answer = await client.get(f"/insightly/{account.id}/v3.1/Contacts", auth=(token, ""))
    told = answer.headers["x-ratelimit-remaining"], answer.headers["x-crosswalk-source"]
    assert (429, ("0", "gateway")) == (answer.status_code, told)


@pytest.mark.parametrize(
    ("draft", "method", "path"),
    [
        (Draft(name="x", scopes=("proxy.Contacts:read",)), "GET", "/Leads"),
        (Draft(name="x", scopes=("proxy:read",)), "POST", "/Contacts"),
        (Draft(name="x", scopes=("proxy:*",), deny=("proxy.Organisations:*",)), "GET", "/organizations/"),
        (Draft(name="x", scopes=("proxy:*",), deny=("proxy:delete",)), "DELETE", "/Contacts/1"),
    ],
)
async def test_scopes(client, database, account: Account, draft: Draft, method: str, path: str):
    """A resource or verb that the token lacks, or is denied, is a 403, however it is spelled."""
    _, secret = await Tokens(database=database).create(draft)
    headers = {"Authorization": f"Bearer {secret.reveal()}"}
    answer = await client.request(method, f"/proxy{path}?integrated_account_id={account.id}", headers=headers)
    assert 403 == answer.status_code


async def test_foreign_account(caller, account: Account, accounts: dict[str, str]):
    """An account that the token does not reach is as unknown as one that is not there."""
    foreign = await caller("proxy:*", accounts=("acme",))
    known = await foreign.get("/proxy/Contacts", params={"integrated_account_id": account.id})
    unknown = await foreign.get("/proxy/Contacts", params={"integrated_account_id": "nobody"})
    assert (404, 404) == (known.status_code, unknown.status_code)
    assert known.json()["detail"].replace(account.id, "nobody") == unknown.json()["detail"]


async def test_cut_is_seen(proxied: httpx.AsyncClient, insightly: Served):
    """An answer that Insightly cuts in the middle is no success for the caller."""
    insightly.faults({"fault": "truncate", "keep": 0.5})
    with pytest.raises(httpx.RemoteProtocolError):
        await proxied.get("/proxy/Contacts", params={"response_format": "raw"})


async def test_cut_list_is_a_502(proxied: httpx.AsyncClient, insightly: Served):
    """A list that is cut before its envelope began is told as such."""
    insightly.faults({"fault": "truncate", "keep": 0.5})
    assert 502 == (await proxied.get("/proxy/Contacts")).status_code


async def test_unreachable(proxied: httpx.AsyncClient, insightly: Served):
    """A connection that is reset is one problem, and a read is not repeated."""
    insightly.faults({"fault": "reset"})
    assert 504 == (await proxied.get("/proxy/Contacts/1")).status_code
