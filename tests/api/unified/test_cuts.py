"""Composite writes, batches and upserts cut at each of their calls: whole in the end, and nothing twice."""

import pytest


async def saga(crm) -> dict:
    """A deal with a pipeline, a stage, links and a state: several calls to Insightly."""
    stages = (await crm.get("/crm/stages", params={"limit": 500})).json()["result"]
    pipelines = (await crm.get("/crm/pipelines", params={"limit": 500})).json()["result"]
    pipeline = next(each for each in pipelines if "opportunity" in str(each).lower())
    stage = [each for each in stages if each["pipeline"]["id"] == pipeline["id"]][-1]
    contacts = (await crm.get("/crm/contacts", params={"limit": 2})).json()["result"]
    return {
        "name": "Saga",
        "pipeline": {"id": pipeline["id"]},
        "stage": {"id": stage["id"]},
        "contact": [{"id": each["id"]} for each in contacts],
    }


async def until_done(keys, call) -> list:
    """Send the same request until it is whole, as a client does that was told to come again."""
    told = []
    for _ in range(4):
        answer = await call()
        told.append(answer)
        body = answer.json()
        if answer.status_code < 300 and body.get("status") != "partial":
            return told
        assert answer.status_code in {200, 201, 409, 424, 429, 502, 503, 504}, answer.text
        keys.later()
    raise AssertionError([each.text for each in told])


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize(
    ("route", "method"),
    [("/Opportunities", "POST"), ("*/Pipeline*", "PUT"), ("*/Links", "POST")],
)
async def test_a_deal_cut_anywhere(crm, sandbox_http, sandbox, keys, route, method, commit):
    """A deal whose answer is lost at any call is whole after the same request again, once, with every link once."""
    body, key = await saga(crm), {"Idempotency-Key": "saga"}
    faults = [{"fault": "reset", "commit": commit, "route": route, "method": method, "count": 1}]
    await sandbox_http.put(f"{sandbox.url}/_sandbox/faults", json=faults)
    told = await until_done(keys, lambda: crm.post("/crm/opportunities", json=body, headers=key))
    listed = (await crm.get("/crm/opportunities", params={"name": "Saga"})).json()["result"]
    assert (2, 1) == (len(told), len(listed))
    (deal,) = listed
    assert (body["stage"]["id"], sorted(each["id"] for each in body["contact"])) == (
        deal["stage"]["id"],
        sorted(each["id"] for each in deal["contact"]),
    )


async def test_a_batch_cut_in_the_middle(crm, sandbox_http, sandbox, keys):
    """Of a batch one item's answer is lost; the same batch again makes no more than that one."""
    items = [
        {
            "method": "upsert" if number % 2 else "create",
            "resource": "contacts",
            "body": {"first_name": f"N{number}", "email_addresses": [f"n{number}@example.com"]},
            "idempotency_key": f"item-{number}",
        }
        for number in range(6)
    ]
    faults = [{"fault": "reset", "commit": True, "route": "/Contacts", "method": "POST", "count": 1}]
    await sandbox_http.put(f"{sandbox.url}/_sandbox/faults", json=faults)
    first = (await crm.post("/batch", json={"items": items})).json()
    keys.later()
    second = (await crm.post("/batch", json={"items": items})).json()
    whole = (await crm.get("/crm/contacts", params={"limit": 500})).json()["result"]
    names = [str(each["name"]) for each in whole]
    made = [each for each in names if each[:1] == "N" and each[1:].isdigit()]
    assert (1, 0, 6, 6) == (first["failed"], second["failed"], len(made), len(set(made)))
