"""Integrated accounts over HTTP: each token sees its own, none sees a key."""

from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import text

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.store.database import Database
from fixtures.served import Served

ROUTES = [
    ("GET", "/integrated-account/{id}", None),
    ("PATCH", "/integrated-account/{id}", {"context": {}}),
    ("GET", "/integrated-account/{id}/capabilities", None),
    ("GET", "/integrated-account/{id}/tools", None),
    ("POST", "/integrated-account/refresh-credentials", {"integrated_account_id": "{id}"}),
    ("POST", "/link-token", {"integrated_account_id": "{id}"}),
    ("DELETE", "/integrated-account/{id}", None),
]


@pytest.fixture
def linked(database: Database, insightly: Served, tmp_path: Path) -> Accounts:
    """The accounts of the API's database, with leave to call the sandbox."""
    return Accounts(
        database=database,
        vault=Vault((bytes(32),)),
        pace_folder=tmp_path / "pace",
        allow_hosts=(insightly.host,),
        timeout=10,
    )


@pytest.fixture
async def accounts(linked: Accounts, insightly: Served) -> dict[str, str]:
    """Two accounts of two tenants at the sandbox: names to ids."""
    made = {}
    for name, tenant in (("acme", "t1"), ("other", "t2")):
        key = Secret(insightly.key)
        account, _ = await linked.add(Wanted(name=name, api_key=key, base_url=insightly.base_url, tenant_id=tenant))
        made[name] = account.id
    return made


async def test_list(admin: httpx.AsyncClient, accounts: dict[str, str], insightly: Served):
    """Accounts are listed oldest first, with who and what was linked, and without the key."""
    answer = await admin.get("/integrated-account")
    first = answer.json()["result"][0]
    assert [*accounts.values()] == [each["id"] for each in answer.json()["result"]]
    assert ("t1", "insightly", "active", True, insightly.base_url) == (
        first["tenant_id"],
        first["integration"],
        first["status"],
        first["user"]["administrator"],
        first["base_url"],
    )
    assert insightly.key not in answer.text


async def test_list_pages(admin: httpx.AsyncClient, accounts: dict[str, str]):
    """The list is read to its end by cursor."""
    first = (await admin.get("/integrated-account?limit=1")).json()
    rest = (await admin.get("/integrated-account", params={"limit": 1, "next_cursor": first["next_cursor"]})).json()
    assert ([*accounts.values()], None) == (
        [each["id"] for each in first["result"] + rest["result"]],
        rest["next_cursor"],
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tenant_id=t2", ["other"]),
        ("status=active", ["acme", "other"]),
        ("status=needs_reauth", []),
        ("tenant_id=t1&status=active", ["acme"]),
    ],
)
async def test_filters(admin: httpx.AsyncClient, accounts: dict[str, str], query: str, names: list[str]):
    """Tenant and status narrow the list."""
    found = (await admin.get(f"/integrated-account?{query}")).json()["result"]
    assert names == [each["name"] for each in found]


async def test_unknown_status(admin: httpx.AsyncClient):
    """A status that there is not is a 400 that names it."""
    answer = await admin.get("/integrated-account?status=happy")
    assert (400, "status") == (answer.status_code, answer.json()["errors"][0]["field"])


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_other_tenants(caller, accounts: dict[str, str], method: str, path: str, body: dict[str, object] | None):
    """A token of one account is told of another what it is told of one that never was, on every route."""
    mine = await caller(accounts=("acme",))
    told = []
    for account in (accounts["other"], "0198c0de-0000-7000-8000-000000000000"):
        text = None if body is None else msgspec.json.encode(body).decode().replace("{id}", account)
        answer = await mine.request(method, path.replace("{id}", account), content=text)
        told.append((answer.status_code, answer.json()["detail"].replace(account, "it")))
    assert (404, told[1]) == (told[0][0], told[0])


async def test_own_list(caller, accounts: dict[str, str]):
    """A token of one account lists that one."""
    mine = await caller(accounts=("acme",))
    assert ["acme"] == [each["name"] for each in (await mine.get("/integrated-account")).json()["result"]]


async def test_context(admin: httpx.AsyncClient, accounts: dict[str, str]):
    """The context is kept whole, and replaced whole."""
    path = f"/integrated-account/{accounts['acme']}"
    await admin.patch(path, json={"context": {"a": {"b": [1, None, "\u00fc"]}}})
    changed = (await admin.patch(path, json={"context": {"c": 1.5}})).json()
    assert {"c": 1.5} == changed["context"] == (await admin.get(path)).json()["context"]


async def test_context_too_long(admin: httpx.AsyncClient, accounts: dict[str, str]):
    """A context is no store for files."""
    body = {"context": {"a": "x" * 20_000}}
    assert 400 == (await admin.patch(f"/integrated-account/{accounts['acme']}", json=body)).status_code


async def test_delete(admin: httpx.AsyncClient, accounts: dict[str, str], linked: Accounts):
    """A removed account is gone with its key."""
    path = f"/integrated-account/{accounts['acme']}"
    removed = await admin.delete(path)
    async with linked.database.read() as connection:
        left = (await connection.execute(text("SELECT account_id FROM credentials"))).scalars().all()
    assert (200, 404, [accounts["other"]]) == (removed.status_code, (await admin.get(path)).status_code, list(left))


async def test_refresh(admin: httpx.AsyncClient, accounts: dict[str, str]):
    """A key that works is said to, a line for each thing asked."""
    body = {"integrated_account_id": accounts["acme"]}
    found = (await admin.post("/integrated-account/refresh-credentials", json=body)).json()
    assert ("active", ["user", "instance", "permissions", "delivery key", "instance"]) == (
        found["status"],
        [each["what"] for each in found["report"]],
    )


async def test_refresh_tells_no_other(caller, accounts: dict[str, str]):
    """Another account of the same instance is not named to a token that does not reach it."""
    mine = await caller(accounts=("acme",))
    body = {"integrated_account_id": accounts["acme"]}
    assert "other" not in (await mine.post("/integrated-account/refresh-credentials", json=body)).text


async def test_refresh_refused(admin: httpx.AsyncClient, accounts: dict[str, str], insightly: Served):
    """A key that is refused makes the account want another, and the answer says why."""
    insightly.faults({"fault": "status", "status": 401})
    body = {"integrated_account_id": accounts["acme"]}
    found = (await admin.post("/integrated-account/refresh-credentials", json=body)).json()
    assert ("needs_reauth", "key", False) == (
        found["status"],
        found["report"][0]["what"],
        found["report"][0]["works"],
    )


async def test_capabilities(admin: httpx.AsyncClient, accounts: dict[str, str]):
    """The doctor tells permissions, custom fields, quota, clock, and every unified method."""
    found = (await admin.get(f"/integrated-account/{accounts['acme']}/capabilities")).json()
    methods = {(each["resource"], each["verb"]): each for each in found["methods"]}
    assert methods["crm/contacts", "create"]["works"]
    assert "cannot create pipelines" in methods["crm/pipelines", "create"]["reason"]
    assert "CROSSWALK_KEY__c" in [each["name"] for each in found["custom_fields"]["contacts"]]
    assert abs(found["clock_skew_seconds"]) < 60
    assert {"user", "instance", "permissions", "custom fields", "quota", "clock"} <= {
        each["what"] for each in found["findings"]
    }


async def test_closed_collection(admin: httpx.AsyncClient, accounts: dict[str, str], insightly: Served):
    """A collection that the plan closes is told with Insightly's own word, and its methods do not work."""
    insightly.faults({"fault": "status", "status": 403, "route": "Projects"})
    found = (await admin.get(f"/integrated-account/{accounts['acme']}/capabilities")).json()
    works = {each["works"] for each in found["methods"] if each["resource"] == "crm/projects"}
    tools = (await admin.get(f"/integrated-account/{accounts['acme']}/tools")).json()["result"]
    assert ({False}, ["collection Projects"], []) == (
        works,
        [each["what"] for each in found["findings"] if each["what"].startswith("collection")],
        [each["name"] for each in tools if each["resource"] == "crm/projects"],
    )


async def test_refused_key_opens_nothing(admin: httpx.AsyncClient, accounts: dict[str, str], insightly: Served):
    """With a refused key the report is an answer too: nothing works, and why."""
    insightly.faults({"fault": "status", "status": 401})
    answer = await admin.get(f"/integrated-account/{accounts['acme']}/capabilities")
    assert (200, {False}, ["key"]) == (
        answer.status_code,
        {each["works"] for each in answer.json()["methods"]},
        [each["what"] for each in answer.json()["findings"]],
    )


async def test_examined_once(admin: httpx.AsyncClient, accounts: dict[str, str], insightly: Served):
    """An examination is answered again for a while; `max_age=0` makes a new one."""
    path = f"/integrated-account/{accounts['acme']}"
    await admin.get(f"{path}/capabilities")
    before = insightly.calls("GET")
    await admin.get(f"{path}/tools")
    kept = insightly.calls("GET")
    await admin.get(f"{path}/tools?max_age=0")
    assert (before, True) == (kept, insightly.calls("GET") > kept)


async def test_tools(admin: httpx.AsyncClient, accounts: dict[str, str]):
    """Tools carry JSON schemas with the account's own custom fields and their options."""
    tools = (await admin.get(f"/integrated-account/{accounts['acme']}/tools")).json()["result"]
    made = {each["name"]: each for each in tools}
    create = made["create_contacts"]
    custom = create["parameters"]["properties"]["custom_fields"]
    assert ("POST", "/unified/crm/contacts", "unified.crm.contacts:create", {"type": "string", "title": "Hobby"}) == (
        create["method"],
        create["path"],
        create["scope"],
        custom["properties"]["Hobby__c"],
    )
    assert ["id"] == made["get_contacts"]["parameters"]["required"]
    assert len(made) == len(tools)


async def test_link_token(admin: httpx.AsyncClient):
    """A link token's text is shown once, with the page that takes it."""
    made = (await admin.post("/link-token", json={"tenant_id": "t3", "origin": "https://app.example.com"})).json()
    assert f"/link/{made['link_token']}" == made["path"]


@pytest.mark.parametrize(
    "body",
    [{}, {"tenant_id": "t", "origin": "ftp://x"}, {"tenant_id": "t", "expires_in": 1}, {"tenant_id": ""}],
)
async def test_link_token_refused(admin: httpx.AsyncClient, body: dict[str, object]):
    """A link token that could not do its work is a 400."""
    assert 400 == (await admin.post("/link-token", json=body)).status_code


async def test_link_token_of_a_new_account(caller, accounts: dict[str, str]):
    """A token of some accounts adds none: 403."""
    mine = await caller(accounts=("acme",))
    assert 403 == (await mine.post("/link-token", json={"tenant_id": "t3"})).status_code
