"""Mapping overrides over HTTP: what is previewed is what is served, and nothing is written by what does not work."""

from contextlib import asynccontextmanager

import httpx
import pytest

OVERRIDES = {
    "summary": {"field": "BACKGROUND"},
    "shout": {"expression": "$uppercase(ORGANISATION_NAME)"},
    "phone": {"expression": "PHONE", "into": "PHONE", "back": "$string(value)"},
    "origin": {"constant": "insightly"},
    "website": {"hidden": True},
}


@asynccontextmanager
async def mapper(hub, crm, account=None):
    """Whoever calls `/v1/mappings` with a caller's token, about an account."""
    headers, params = {"Authorization": crm.headers["Authorization"]}, {"integrated_account_id": account or hub.ours}
    async with httpx.AsyncClient(base_url=f"{hub.url}/v1/mappings", headers=headers, params=params, timeout=60) as made:
        yield made


@pytest.fixture
async def maps(hub, crm):
    """Whoever may map our account, and read it."""
    async with mapper(hub, crm) as made:
        yield made


async def put(maps, overrides, layer="account", resource="accounts", **more) -> dict:
    """Save a layer."""
    answer = await maps.put(f"/{resource}/{layer}", json={"overrides": overrides} | more)
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def test_a_preview_is_what_is_served(crm, maps):
    """Each record of a preview is, field for field, what every way of reading serves once it is saved."""
    trial = (await maps.post("/accounts/account/preview", json={"overrides": OVERRIDES, "limit": 3})).json()
    assert [] == trial["failures"]
    ids = [each["id"] for each in trial["records"]]
    before = [(await crm.get(f"/crm/accounts/{each}")).json() for each in ids]
    assert before == [each["before"] for each in trial["records"]]
    await put(maps, OVERRIDES)
    promised = [each["after"] for each in trial["records"]]
    assert promised == [(await crm.get(f"/crm/accounts/{each}")).json() for each in ids]
    listed = {each["id"]: each for each in (await crm.get("/crm/accounts", params={"limit": 500})).json()["result"]}
    assert promised == [listed[each] for each in ids]
    filtered = await crm.get("/crm/accounts", params={"shout": promised[0]["name"].upper()})
    assert ids[0] in [each["id"] for each in filtered.json()["result"]]
    streamed = await crm.get("/crm/accounts", params={"response_format": "stream"})
    assert len(listed) == streamed.text.count('"shout":"')
    items = [{"method": "get", "resource": "accounts", "id": each} for each in ids]
    batch = (await crm.post("/batch", json={"items": items})).json()
    assert promised == [each["result"] for each in batch["result"]]
    told = {(each["id"], each["field"]): (each["before"], each["after"]) for each in trial["differences"]}
    assert (None, "insightly") == told[ids[0], "origin"]


async def test_fields_and_lookup_follow(crm, maps, sandbox):
    """The list of fields names fields as the account's mapping does, and look-ups show records by it."""
    await put(maps, OVERRIDES)
    await put(maps, {"nick": {"field": "FIRST_NAME"}}, resource="contacts")
    fields = (await crm.get("/crm/fields", params={"entity_type": "accounts", "limit": 500})).json()["result"]
    assert "summary" in [each["unified_name"] for each in fields if each["id"] == "BACKGROUND"]
    email = "ada.mapped@example.com"
    made = await crm.post(
        "/crm/contacts", json={"nick": "Ada", "last_name": "L", "first_name": "Ada", "email_addresses": [email]}
    )
    assert "Ada" == made.json()["nick"], made.text
    found = (await crm.get("/crm/lookup", params={"email": email})).json()
    assert "Ada" == found["contact"]["nick"]


async def test_writes_go_where_the_mapping_says(crm, maps):
    """A mapped field is written into the field that it is read from, by create, update and upsert."""
    await put(maps, OVERRIDES)
    made = (await crm.post("/crm/accounts", json={"name": "Acme Mapped", "summary": "tin", "phone": "12"})).json()
    changed = await crm.patch(f"/crm/accounts/{made['id']}", json={"phone": "34"}, params={"remote_data": "true"})
    upserted = await crm.post("/crm/accounts/upsert", json={"name": "Acme Mapped", "summary": "steel"})
    assert ("tin", "12", "34", "34", "steel", made["id"]) == (
        made["summary"],
        made["phone"],
        changed.json()["phone"],
        changed.json()["remote_data"]["PHONE"],
        upserted.json()["summary"],
        upserted.json()["id"],
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"origin": "x"}, "read_only"),
        ({"website": "https://x.example"}, "unknown_field"),
        ({"staff": "abc"}, "wrong_type"),
        ({"grade": "no such grade"}, "unknown_value"),
        ({"summary": "one", "description": "two"}, "ambiguous_value"),
    ],
)
async def test_a_write_that_the_mapping_cannot_make_changes_nothing(crm, maps, sandbox, body, code):
    """What an override cannot write is refused with the field's name, before any call that changes something."""
    more = {
        "staff": {"expression": "PHONE", "into": "PHONE", "back": "$string($number(value))"},
        "grade": {"expression": "PHONE_FAX", "into": "PHONE_FAX", "back": '$lookup({"gold": "1"}, value)'},
    }
    await put(maps, OVERRIDES | more)
    record = (await crm.get("/crm/accounts", params={"limit": 1, "remote_data": "true"})).json()["result"][0]
    answer = await crm.patch(f"/crm/accounts/{record['id']}", json=body)
    assert (422, code) == (answer.status_code, answer.json()["code"]), answer.text
    again = (await crm.get(f"/crm/accounts/{record['id']}", params={"remote_data": "true"})).json()
    assert record["remote_data"] == again["remote_data"]


async def test_versions_over_http(hub, crm, maps):
    """A layer is saved, shown, listed by version, rolled back and emptied; each is a line of the audit log."""
    assert 0 == (await maps.get("/accounts/account")).json()["version"]
    await put(maps, {"origin": {"constant": "a"}}, version=0)
    await put(maps, {"origin": {"constant": "b"}}, version=1)
    late = await maps.put("/accounts/account", json={"overrides": {}, "version": 1})
    assert (409, "mapping_taken") == (late.status_code, late.json()["code"])
    back = (await maps.post("/accounts/account/rollback", json={"version": 1})).json()
    assert (3, {"origin": {"constant": "a"}}) == (back["version"], back["overrides"])
    assert "a" == (await crm.get("/crm/accounts", params={"limit": 1})).json()["result"][0]["origin"]
    emptied = (await maps.delete("/accounts/account")).json()
    versions = (await maps.get("/accounts/account/versions")).json()["result"]
    assert (4, [4, 3, 2, 1]) == (emptied["version"], [each["version"] for each in versions])
    async with httpx.AsyncClient(headers=maps.headers) as plain:
        lines = (await plain.get(f"{hub.url}/v1/audit")).json()["result"]
    told = [each["action"] for each in lines if each["action"].startswith("mapping")]
    assert ["mapping.empty", "mapping.rollback", "mapping.save", "mapping.save"] == told


async def test_explained(crm, maps, hub):
    """Every value is told with the layer that it is from, and what Insightly has there."""
    await put(maps, {"origin": {"constant": "base"}, "website": {"hidden": True}}, layer="base")
    await put(maps, {"origin": {"field": "BACKGROUND"}})
    record = (await crm.get("/crm/accounts", params={"limit": 1, "remote_data": "true"})).json()["result"][0]
    told = (await maps.get("/accounts", params={"id": record["id"]})).json()
    fields = {each["explanation"]["field"]: each for each in told["fields"]}
    origin = fields["origin"]
    assert ("account", ["base"], record["origin"], {"BACKGROUND": record["remote_data"]["BACKGROUND"]}) == (
        origin["explanation"]["layer"],
        origin["explanation"]["beneath"],
        origin["value"],
        origin["remote"],
    )
    assert ("base", "hidden") == (
        fields["website"]["explanation"]["layer"],
        fields["website"]["explanation"]["source"],
    )
    assert ([("base", 1), ("environment", 0), ("account", 1)], "ours") == (
        [(each["layer"], each["version"]) for each in told["layers"]],
        told["tenant_id"],
    )


async def test_who_may_map(hub, crm, maps):
    """Wide layers are for administrators, an account's for tokens that reach it, records for those that read them."""
    narrow = await hub.call("unified.mappings:*", accounts=(hub.ours,))
    async with mapper(hub, narrow) as ours, mapper(hub, narrow, hub.theirs) as theirs:
        tried = await ours.post("/accounts/account/preview", json={"overrides": {}})
        answers = [
            (await ours.put("/accounts/base", json={"overrides": {}})).status_code,
            (await ours.get("/accounts/environment")).status_code,
            (await ours.put("/accounts/account", json={"overrides": {}})).status_code,
            (await theirs.put("/accounts/account", json={"overrides": {}})).status_code,
            (await theirs.get("/accounts")).status_code,
            tried.status_code,
            (await ours.get("/accounts", params={"id": "1"})).status_code,
        ]
    assert [403, 403, 200, 404, 404, 403, 403] == answers
    await put(maps, {"origin": {"constant": "a"}}, layer="base")
    async with mapper(hub, narrow) as ours:
        assert [] == (await ours.get("/")).json()["result"]
    assert ["base"] == [each["layer"] for each in (await maps.get("/")).json()["result"]]
    reading = await hub.call("unified:read")
    async with mapper(hub, reading) as reader:
        assert 403 == (await reader.put("/accounts/account", json={"overrides": {}})).status_code


async def test_an_environment_is_a_tenants(hub, crm, maps):
    """Every account of a tenant has its environment's overrides, and no other account."""
    saved = await put(maps, {"origin": {"constant": "ours"}}, layer="environment")
    theirs = await hub.call(account=hub.theirs)
    mine, others = [
        (await each.get("/crm/accounts", params={"limit": 1})).json()["result"][0] for each in (crm, theirs)
    ]
    assert ("ours", "ours", False) == (saved["tenant_id"], mine["origin"], "origin" in others)
    tried = await maps.post("/accounts/environment/preview", params={"tenant_id": "theirs"}, json={"overrides": {}})
    assert (400, "integrated_account_id") == (tried.status_code, tried.json()["errors"][0]["field"])


@pytest.mark.parametrize(
    ("path", "overrides", "status", "pointer"),
    [
        ("/accounts/account", {"origin": {"custom_field": "Nope__c"}}, 422, "/origin"),
        ("/accounts/account", {"origin": {"expression": "$uppercase("}}, 422, "/origin"),
        ("/accounts/account", {"id": {"constant": 1}}, 422, "/id"),
        ("/accounts/account", {"etag": {"hidden": True}}, 422, "/etag"),
        ("/accounts/account", {"origin": {"fields": "X"}}, 400, "/overrides/fields"),
        ("/nothing/account", {}, 404, None),
        ("/user-directory.users/account", {"origin": {"custom_field": "X__c"}}, 422, "/origin"),
    ],
)
async def test_what_cannot_be_saved(maps, path, overrides, status, pointer):
    """A wrong override is refused when it is tried and when it is saved, with where it stands."""
    for answer in (
        await maps.put(path, json={"overrides": overrides}),
        await maps.post(f"{path}/preview", json={"overrides": overrides}),
    ):
        assert status == answer.status_code, answer.text
        assert pointer in {None, *(each["pointer"] for each in answer.json()["errors"])}


async def test_a_preview_tells_what_fails(maps):
    """An expression that fails on a record is told with the record, the field and the reason."""
    trial = await maps.post(
        "/accounts/account/preview",
        json={"overrides": {"bad": {"expression": "$number(ORGANISATION_NAME)"}}, "limit": 1},
    )
    assert 200 == trial.status_code, trial.text
    assert [("bad", True)] == [(each["field"], bool(each["detail"])) for each in trial.json()["failures"]]


async def test_the_directory_follows(crm, maps):
    """People of the directory have overrides of their own."""
    await put(maps, {"origin": {"constant": "insightly"}}, resource="user-directory.users")
    users = (await crm.get("/user-directory/users", params={"limit": 1})).json()["result"]
    me = (await crm.get("/user-directory/me")).json()
    crm_users = (await crm.get("/crm/users", params={"limit": 1})).json()["result"]
    assert ("insightly", "insightly", False) == (users[0]["origin"], me["origin"], "origin" in crm_users[0])
