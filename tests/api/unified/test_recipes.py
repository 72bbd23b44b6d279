"""The recipes of docs/recipes, run as they stand."""

import asyncio
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import httpx
import pytest

FOLDER = Path(__file__).parents[3] / "docs" / "recipes"
PAGES = sorted(FOLDER.glob("*.py"))


def load(name: str):
    """A recipe as a module."""
    spec = spec_from_file_location(name, FOLDER / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def run(crm):
    """Runs a function of a recipe in a thread, with a synchronous `call`."""
    client = httpx.Client(base_url=crm.base_url, params=crm.params, headers=crm.headers, timeout=60)

    def call(method, path, **more):
        return client.request(method, path, **more).raise_for_status().json()

    async def start(function, *given):
        return await asyncio.to_thread(function, call, *given)

    yield start
    client.close()  # noqa: ASYNC212 (nothing else runs by then)


async def test_every_automation(hub, run, crm):
    """A deal is handed off, a form's lead has its task, and a call is a note: each once, as the recipes stand."""
    client = httpx.Client(base_url=f"{hub.url}/v1", headers=crm.headers, timeout=60)

    def call(method, path, **more):
        return client.request(method, path, **more).raise_for_status().json()

    deals = (await crm.get("/crm/opportunities", params={"limit": 100})).json()["result"]
    won = (await crm.patch(f"/crm/opportunities/{deals[0]['id']}", json={"status": "won"})).json()
    calls, fired = await asyncio.to_thread(load("hand_off").hand_off, call, hub.ours, won["id"], ["Plan", "Build"])
    tasks = (await crm.get("/crm/tasks", params={"project[id]": fired["result"]["made"]["project"]})).json()
    assert (len(calls), 2) == (len(fired["steps"]), tasks["result_count"])
    me = (await crm.get("/user-directory/me")).json()["emails"][0]["email"]
    form = {"id": 1, "name": "Hopper", "email": "hopper@example.com"}
    await asyncio.to_thread(load("instant_task").prepare, call, hub.ours, [me])
    made = [await asyncio.to_thread(load("instant_task").capture, call, form) for _ in range(2)]
    task = (await crm.get(f"/crm/tasks/{made[0]['task']}")).json()
    assert (made[0], "Call Hopper", made[0]["lead"]) == (made[1], task["subject"], task["lead"][0]["id"])
    log = load("log_activity")
    await asyncio.to_thread(log.prepare, call, hub.ours)
    notes = [await asyncio.to_thread(log.log_call, call, "c1", form["email"], "**Yes**") for _ in range(2)]
    note = (await crm.get(f"/crm/notes/{notes[0]['note']}")).json()
    staged = next(deal for deal in deals if deal["pipeline"])
    pipeline, stages = staged["pipeline"], (await crm.get("/crm/stages", params={"limit": 100})).json()["result"]
    pairs = [(each["name"], each["name"].upper()) for each in stages if each["pipeline"]["id"] == pipeline["id"]]
    follow = load("follow_stages")
    await asyncio.to_thread(follow.prepare, call, hub.ours, pipeline["name"], pairs, "crm")
    change = {"id": "m1", "deal": staged["id"], "stage": pairs[-1][1]}
    assert "done" == await asyncio.to_thread(follow.came_in, call, change)
    moved = (await crm.get(f"/crm/opportunities/{staged['id']}")).json()
    assert pairs[-1][0] == moved["stage"]["name"]
    client.close()  # noqa: ASYNC212 (nothing else runs by then)
    assert (notes[0], True) == (notes[1], "<strong>Yes</strong>" in note["content"])


async def test_every_recipe(run, crm):
    """Fields are offered, a board is read, a caller is known, a lead, notes, and a project with tasks are made once."""
    fields = await run(load("field_mapper").offer_fields, "contacts")
    assert "email_addresses" in {field["name"] for field in fields}
    deals = (await crm.get("/crm/opportunities", params={"limit": 100})).json()["result"]
    staged = next(deal for deal in deals if deal["pipeline"])
    board = await run(load("deal_board").read_board, staged["pipeline"]["id"])
    assert board == [column for column in board if column["stage"]]
    contacts = (await crm.get("/crm/contacts", params={"limit": 100})).json()["result"]
    person = next(each for each in contacts if each["email_addresses"])
    greeting = await run(load("contact_lookup").greet, person["email_addresses"][0]["email"])
    assert greeting.startswith(person["name"])
    log = load("log_note").log_conversation
    notes = [await run(log, person["id"], "c1", "They asked for a quote") for _ in range(2)]
    assert notes[0]["id"] == notes[1]["id"]
    me = (await crm.get("/user-directory/me")).json()
    form = {"name": "Hopper", "email": "grace@example.com"}
    lead, task = await run(load("lead_with_task").capture_lead, form, me["emails"][0]["email"])
    assert (lead["id"], "high") == (task["lead"][0]["id"], task["priority"])
    kick_off = load("closed_won").kick_off
    projects = [await run(kick_off, deals[0]["id"], ["Plan", "Build"]) for _ in range(2)]
    tasks = (await crm.get("/crm/tasks", params={"project[id]": projects[0]["id"]})).json()
    assert (projects[0]["id"], 2) == (projects[1]["id"], tasks["result_count"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_short(page):
    """A recipe fits on a hand: at most twenty lines."""
    assert len(page.read_text().splitlines()) <= 20
