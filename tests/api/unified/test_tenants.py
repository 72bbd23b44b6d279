"""Two tenants on every unified route: neither sees the other, nor learns that it is there."""

import httpx
from sqlalchemy import delete

from crosswalk.api.guard import scopes_of
from crosswalk.store.accounts import credentials
from fixtures.document import application


def operations() -> list[tuple[str, str]]:
    """Every operation below /unified: method and path."""
    return sorted(
        (method, route.path)
        for route in application().routes
        if route.path.startswith("/unified")
        for handler in route.route_handlers
        if scopes_of(handler)
        for method in handler.http_methods
        if method != "OPTIONS"
    )


EVERY = operations()
QUERY = {"/unified/crm/lookup": {"email": "a@example.com"}}
BODIES = {"/unified/batch": {"items": [{"method": "get", "resource": "contacts", "id": "1"}]}}


def fill(path: str) -> str:
    """A path with something in each of its places."""
    return "/".join("1" if part.startswith("{") else part for part in path.split("/")).removeprefix("/unified")


async def test_a_foreign_account_is_like_none(hub):
    """On every route an account beyond the token's reach is answered like one that is not there."""
    told = {}
    for method, path in EVERY:
        answers = []
        for account in (hub.theirs, "01a204e9-c405-78c8-b1f1-680e5454afc1"):
            caller = await hub.call(account=account, accounts=(hub.ours,))
            answer = await caller.request(
                method, fill(path), params=QUERY.get(path), json=BODIES.get(path, {"first_name": "Ada"})
            )
            body = answer.json()
            answers.append((answer.status_code, body.pop("code"), body["detail"].replace(account, "")))
        told[method, path] = (answers[0][0], answers[0] == answers[1])
    assert dict.fromkeys(EVERY, (404, True)) == told


async def test_without_a_token(hub):
    """Without a token every route answers 401, and without its scope 403."""
    stranger, reader = await hub.call(), await hub.call("delivery.runs:read")
    del stranger.headers["Authorization"]
    told = {}
    for method, path in EVERY:
        answers = [await caller.request(method, fill(path), json={}) for caller in (stranger, reader)]
        told[method, path] = [answer.status_code for answer in answers]
    assert {each: [401, 403] for each in EVERY} == told


QUERIES = (
    "limit=0",
    "limit=501",
    "limit=x",
    "next_cursor=x",
    "prev_cursor=x",
    "colour=red",
    "sort=name",
    "max_wait=99",
)


async def test_parameters_that_cannot_be(crm):
    """A parameter out of its range, or one that is none, is a 400 that names it."""
    told = {}
    for query in QUERIES:
        name, _, value = query.partition("=")
        problem = (await crm.get("/crm/contacts", params={name: value})).json()
        told[query] = (problem["status"], [each["field"] for each in problem["errors"]])
    assert {query: (400, [query.partition("=")[0]]) for query in QUERIES} == told


async def test_two_cursors_at_once(crm):
    """A list goes on or back: two cursors are a 400, an empty one counts as none."""
    page = (await crm.get("/crm/contacts", params={"limit": 2})).json()
    both = await crm.get("/crm/contacts", params={"next_cursor": page["next_cursor"], "prev_cursor": "x"})
    one = await crm.get("/crm/contacts", params={"next_cursor": page["next_cursor"], "prev_cursor": ""})
    assert (400, "prev_cursor", 200) == (both.status_code, both.json()["errors"][0]["field"], one.status_code)


async def test_an_account_without_a_key(hub, crm, database):
    """An account whose key was lost is a 424 that says so and what to do, on every way to it."""
    async with database.begin() as connection:
        await connection.execute(delete(credentials))
    async with httpx.AsyncClient(base_url=hub.url, headers=crm.headers, timeout=60) as caller:
        account = {"integrated_account_id": hub.ours}
        answers = [
            await caller.get("/unified/crm/contacts", params=account),
            await caller.post("/unified/crm/contacts", params=account, json={"first_name": "Ada"}),
            await caller.get("/proxy/Contacts", params=account),
            await caller.post("/integrated-account/refresh-credentials", json=account),
        ]
    told = [(each.status_code, each.json()["code"], "POST /link-token" in each.json()["detail"]) for each in answers]
    assert [(424, "credential_missing", True)] * 4 == told
