"""Writing through the unified API: once under a key, in steps, with a version, by a match."""

import asyncio

import pytest

ADA = {"first_name": "Ada", "last_name": "Lovelace", "email_addresses": [{"email": "ada@example.com"}]}


async def make(crm, **more) -> dict:
    """Make a contact."""
    answer = await crm.post("/crm/contacts", json=ADA | more)
    assert 201 == answer.status_code, answer.text
    return answer.json()


async def test_life(crm):
    """A record is made, changed in what the body names, and deleted."""
    made = await make(crm)
    changed = (await crm.patch(f"/crm/contacts/{made['id']}", json={"title": "Countess"})).json()
    gone = await crm.delete(f"/crm/contacts/{made['id']}")
    read = await crm.get(f"/crm/contacts/{made['id']}")
    assert ("Ada", "Countess", "Lovelace", 204, 404) == (
        made["first_name"],
        changed["title"],
        changed["last_name"],
        gone.status_code,
        read.status_code,
    )


async def test_a_body_that_cannot_be(crm):
    """What Insightly cannot hold is a 422 that points at each field."""
    answer = await crm.post("/crm/contacts", json={"first_nam": "Ada", "email_addresses": [{"email": "a"}] * 2})
    problem = answer.json()
    assert (422, {"/first_nam", "/email_addresses/1", "/first_name"}) == (
        answer.status_code,
        {each["pointer"] for each in problem["errors"]},
    )
    assert {"FIRST_NAME", "EMAIL_ADDRESS"} <= {each.get("native_field") for each in problem["errors"]}


async def test_a_version(crm):
    """A change of a version that is not the present one is a 412; of the present one it is made."""
    made = await make(crm)
    path = f"/crm/contacts/{made['id']}"
    first = await crm.patch(path, json={"title": "Countess"}, headers={"If-Match": f'"{made["etag"]}"'})
    second = await crm.patch(path, json={"title": "Lady"}, headers={"If-Match": f'"{made["etag"]}"'})
    third = await crm.delete(path, headers={"If-Match": first.headers["etag"]})
    assert (200, 412, "stale_write", 204) == (
        first.status_code,
        second.status_code,
        second.json()["code"],
        third.status_code,
    )


async def test_once_under_a_key(crm):
    """The same write under the same key is done once and answered alike; another body under it is refused."""
    key = {"Idempotency-Key": "k1"}
    answers = [await crm.post("/crm/contacts", json=ADA, headers=key) for _ in range(2)]
    other = await crm.post("/crm/contacts", json=ADA | {"first_name": "Grace"}, headers=key)
    listed = (await crm.get("/crm/contacts", params={"email_addresses": "ada@example.com"})).json()
    assert ([201, 201], [None, "true"], 1) == (
        [each.status_code for each in answers],
        [each.headers.get("idempotency-replayed") for each in answers],
        listed["result_count"],
    )
    assert (answers[0].json(), 422, "idempotency_key_reused") == (
        answers[1].json(),
        other.status_code,
        other.json()["code"],
    )


async def test_two_at_once_under_a_key(crm):
    """Of two requests at once under one key one is carried out; the other is done already or is told to come again."""
    key = {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(crm.post("/crm/contacts", json=ADA, headers=key) for _ in range(5)))
    listed = (await crm.get("/crm/contacts", params={"email_addresses": "ada@example.com"})).json()
    assert (1, set()) == (listed["result_count"], {each.status_code for each in answers} - {201, 409})


async def test_a_refused_write_frees_its_key(crm):
    """A write that took no effect leaves its key free for a better one."""
    key = {"Idempotency-Key": "k1"}
    bad = await crm.post("/crm/contacts", json={"title": "nobody"}, headers=key)
    good = await crm.post("/crm/contacts", json=ADA, headers=key)
    assert (422, 201) == (bad.status_code, good.status_code)


async def test_partial_and_resumed(crm, sandbox):
    """A later call that fails is told; the same request again makes only what is undone."""
    contact = (await make(crm))["id"]
    lost = (await make(crm, first_name="Lost"))["id"]
    await crm.delete(f"/crm/contacts/{lost}")
    body = {"name": "Deal", "contact": [{"id": lost}, {"id": contact}]}
    key = {"Idempotency-Key": "k2"}
    first = await crm.post("/crm/opportunities", json=body, headers=key)
    second = await crm.post("/crm/opportunities", json=body, headers=key)
    told = [first.json(), second.json()]
    assert 201 == second.status_code, second.text
    assert ([201, 201], ["partial", "partial"], 1) == (
        [first.status_code, second.status_code],
        [each["status"] for each in told],
        len({each["result"]["id"] for each in told}),
    )
    assert (["done", "failed", "open"], True) == (
        [step["status"] for step in told[0]["steps"]],
        "problem" in told[0]["steps"][1],
    )


async def test_taken_back(crm):
    """With on_failure=compensate a creation that fails half-way leaves nothing behind."""
    body = {"name": "Taken back", "contact": [{"id": "999999999"}]}
    answer = await crm.post("/crm/opportunities", params={"on_failure": "compensate"}, json=body)
    left = (await crm.get("/crm/opportunities", params={"name": "Taken back"})).json()
    assert (True, 0) == (answer.status_code >= 400, left["result_count"])


async def test_upsert(crm):
    """An upsert makes a record, then changes it; where several match it changes none and names them."""
    made = await crm.post("/crm/contacts/upsert", json=ADA)
    changed = await crm.post("/crm/contacts/upsert", json=ADA | {"title": "Countess"})
    await make(crm, first_name="Twin")
    several = await crm.post("/crm/contacts/upsert", json=ADA)
    assert (201, 200, made.json()["id"], "Countess", 409, "ambiguous_match", 2) == (
        made.status_code,
        changed.status_code,
        changed.json()["id"],
        changed.json()["title"],
        several.status_code,
        several.json()["code"],
        len(several.json()["hits"]),
    )


async def test_batch(crm):
    """Each item of a batch has its own answer, in order; one that fails stops no other."""
    items = [
        {"method": "create", "resource": "contacts", "body": ADA},
        {"method": "create", "resource": "contacts", "body": {}},
        {"method": "get", "resource": "contact", "id": "1"},
        {"method": "delete", "resource": "users", "id": "1"},
        {"method": "get", "resource": "contacts", "id": "../Users"},
    ]
    answer = (await crm.post("/batch", json={"items": items})).json()
    assert ([201, 422, 404, 422, 422], 4) == ([each["status"] for each in answer["result"]], answer["failed"])
    assert "Ada" == answer["result"][0]["result"]["first_name"]


async def test_an_item_without_its_scope(hub):
    """A batch does not lend scopes: an item that the token may not do is a 403."""
    caller = await hub.call("unified.crm.batch:create", "unified.crm.contacts:read")
    listed = (await (await hub.call()).get("/crm/contacts", params={"limit": 1})).json()["result"][0]["id"]
    items = [
        {"method": "get", "resource": "contacts", "id": listed},
        {"method": "delete", "resource": "contacts", "id": listed},
    ]
    answer = (await caller.post("/batch", json={"items": items})).json()
    assert [200, 403] == [each["status"] for each in answer["result"]]


@pytest.mark.parametrize("took_effect", [True, False])
async def test_an_unknown_outcome(crm, sandbox_http, sandbox, keys, took_effect):
    """After an answer that was lost the same request finds out what became of the first: never two records."""
    faults = [{"fault": "reset", "commit": took_effect, "route": "/Contacts", "method": "POST", "count": 1}]
    await sandbox_http.put(f"{sandbox.url}/_sandbox/faults", json=faults)
    key = {"Idempotency-Key": "k1"}
    first = await crm.post("/crm/contacts", json=ADA, headers=key)
    early = await crm.post("/crm/contacts", json=ADA, headers=key)
    keys.later()
    second = await crm.post("/crm/contacts", json=ADA, headers=key)
    listed = (await crm.get("/crm/contacts", params={"email_addresses": "ada@example.com"})).json()
    assert (409, "outcome_unknown", 409, 201, 1) == (
        first.status_code,
        first.json()["code"],
        early.status_code,
        second.status_code,
        listed["result_count"],
    )
    assert listed["result"][0]["id"] == second.json()["id"]


async def test_an_unknown_outcome_that_nothing_tells(crm, sandbox_http, sandbox, keys):
    """What nothing in the body finds is not sent again: the answer says so."""
    contact = (await make(crm))["id"]
    faults = [{"fault": "reset", "commit": True, "route": "*Notes*", "method": "POST", "count": 1}]
    await sandbox_http.put(f"{sandbox.url}/_sandbox/faults", json=faults)
    body, key = {"content": "Called", "contact": [{"id": contact}]}, {"Idempotency-Key": "k1"}
    await crm.post("/crm/notes", json=body, headers=key)
    keys.later()
    again = await crm.post("/crm/notes", json=body, headers=key)
    listed = (await crm.get("/crm/notes", params={"content": "Called"})).json()
    assert (409, "outcome_unknown", 1) == (again.status_code, again.json()["code"], listed["result_count"])


async def test_an_unknown_outcome_without_a_key(crm, sandbox_http, sandbox):
    """Without a key the status is one that clients do not repeat by themselves."""
    faults = [{"fault": "reset", "commit": True, "route": "/Contacts", "method": "POST", "count": 1}]
    await sandbox_http.put(f"{sandbox.url}/_sandbox/faults", json=faults)
    answer = await crm.post("/crm/contacts", json=ADA)
    assert (424, "outcome_unknown", False) == (
        answer.status_code,
        answer.json()["code"],
        answer.json()["retryable"],
    )


async def test_a_process_that_died(crm, hub, keys):
    """What a process left half-done is locked for its lease, then goes on: one record, whatever was cut."""
    key, made = {"Idempotency-Key": "k1"}, await make(crm)
    await keys.leave_behind(hub.ours, "k1", ADA, done={"create Contact": made["id"]})
    locked = await crm.post("/crm/contacts", json=ADA, headers=key)
    keys.later()
    after = await crm.post("/crm/contacts", json=ADA, headers=key)
    assert (409, "idempotency_key_busy", True, 201, made["id"]) == (
        locked.status_code,
        locked.json()["code"],
        locked.json()["retryable"],
        after.status_code,
        after.json()["id"],
    )
