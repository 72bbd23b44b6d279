"""Automations over HTTP: kept, rehearsed, fired, shown step by step, undone; and what is refused."""

import httpx
import pytest

TASKS = {"tasks": [{"title": "Call {name}", "due": 1}]}


@pytest.fixture
async def admin(hub, crm):
    """Whoever may do everything."""
    async with httpx.AsyncClient(base_url=f"{hub.url}/v1/automations", headers=crm.headers, timeout=60) as caller:
        yield caller


async def win(crm):
    """A deal that is won now."""
    deal = (await crm.post("/crm/opportunities", json={"name": "Roll-out", "status": "open"})).json()
    await crm.patch(f"/crm/opportunities/{deal['id']}", json={"status": "won"})
    return deal["id"]


async def test_the_whole_way(hub, crm, admin):
    """An automation is made, rehearsed, fired once, paused, changed, its firing shown, undone, and removed."""
    made = await admin.post("/", json={"name": "handoff", "kind": "kickoff", "account": hub.ours, "settings": TASKS})
    assert (201, "active") == (made.status_code, made.json()["state"])
    deal = await win(crm)
    given = {"input": {"opportunity": deal}}
    rehearsal = (await admin.post("/handoff/dry-run", json=given)).json()
    assert ["POST /Projects", "POST /Projects/<project>/Links"] == [step["call"] for step in rehearsal["steps"][:2]]
    fired = [await admin.post("/handoff/fire", json=given) for _ in range(2)]
    assert ([201, 200], ["done", "done"]) == ([x.status_code for x in fired], [x.json()["state"] for x in fired])
    assert fired[0].json()["id"] == fired[1].json()["id"]
    project = fired[0].json()["result"]["made"]["project"]
    tasks = (await crm.get("/crm/tasks", params={"project[id]": project})).json()
    assert ["Call Roll-out"] == [task["subject"] for task in tasks["result"]]
    [listed] = (await admin.get("/handoff/firings")).json()["result"]
    shown = (await admin.get(f"/handoff/firings/{listed['id']}")).json()
    assert {"done"} == {step["state"] for step in shown["steps"]}
    undone = (await admin.post(f"/handoff/firings/{listed['id']}/undo")).json()
    gone = await crm.get(f"/crm/projects/{project}")
    assert ("undone", 404) == (undone["state"], gone.status_code)
    assert 409 == (await admin.post(f"/handoff/firings/{listed['id']}/undo")).status_code
    changed = await admin.patch("/handoff", json={"settings": {"name": "P {name}", "tasks": None}})
    assert {"name": "P {name}"} == changed.json()["settings"]
    states = [(await admin.post(f"/handoff/{verb}")).json()["state"] for verb in ("pause", "resume")]
    assert ["paused", "active"] == states
    assert 200 == (await admin.delete("/handoff")).status_code
    assert 404 == (await admin.get("/handoff")).status_code


async def test_refused(hub, crm, admin):
    """What cannot be is refused with a problem that says why."""
    draft = {"name": "handoff", "kind": "kickoff", "account": hub.ours}
    await admin.post("/", json=draft)
    for body, status, says in (
        (draft, 409, "already"),
        (draft | {"name": "b", "kind": "nothing"}, 422, "There is no kind"),
        (draft | {"name": "b c"}, 422, "cannot be named"),
        (draft | {"name": "b", "account": "none"}, 404, "no account"),
        (draft | {"name": "b", "settings": {"colour": "x"}}, 422, "colour"),
    ):
        answer = await admin.post("/", json=body)
        assert (status, True) == (answer.status_code, says in answer.json()["detail"]), answer.text
    deal = await win(crm)
    await admin.patch("/handoff", json={"settings": {"project_pipeline": "No such pipeline"}})
    failed = await admin.post("/handoff/fire", json={"input": {"opportunity": deal}})
    assert (422, True) == (failed.status_code, "No such pipeline" in failed.json()["detail"])
    await admin.patch("/handoff", json={"settings": {"project_pipeline": None}})
    assert 200 == (await admin.post("/handoff/fire", json={"input": {"opportunity": deal}})).status_code


async def test_a_token_reaches_its_own_accounts_alone(hub, admin):
    """An automation of another account is answered like one that is not there."""
    await admin.post("/", json={"name": "handoff", "kind": "kickoff", "account": hub.ours})
    theirs = await hub.call(accounts=(hub.theirs,))
    async with httpx.AsyncClient(base_url=f"{hub.url}/v1/automations", headers=theirs.headers) as caller:
        assert [] == (await caller.get("/")).json()["result"]
        draft = {"name": "x", "kind": "kickoff", "account": hub.ours}
        answers = [await caller.get("/handoff"), await caller.delete("/handoff"), await caller.post("/", json=draft)]
        answers += [await caller.post("/handoff/fire", json={"input": {}}), await caller.get("/handoff/firings")]
        assert {404} == {each.status_code for each in answers}
