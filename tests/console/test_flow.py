"""The flow's wizard: what it asks and answers, and the seed's walk in a browser."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from crosswalk.console.flow_form import list_choices, list_macros, list_targets, route_of
from crosswalk.contract import load
from crosswalk.delivery.settings import Settings
from crosswalk.delivery.template import TEMPLATES
from fixtures.flow import Flow, list_faults, open_flow, open_signed_in

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
BASE = "https://api.na1.insightly.com/v3.1"
SETTINGS = {"template": "create-contact", "fields": {"FIRST_NAME": "first", "LAST_NAME": "last"}}


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A hub with the dataset `people` and the account `acme`."""
    async with open_flow(tmp_path / "home") as opened:
        yield opened


def wish(flow: Flow, settings: dict[str, Any]) -> dict[str, Any]:
    """What the wizard asks a preview for."""
    return {"dataset": "people", "account": flow.account.id, "settings": settings}


async def preview(flow: Flow, settings: dict[str, Any]) -> dict[str, Any]:
    """What the panel shows of the dataset's samples."""
    answer = await flow.post("/flow/preview", wish(flow, settings))
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def save(flow: Flow, settings: dict[str, Any] = SETTINGS) -> httpx.Response:
    """Save a draft."""
    body = {"dataset": "people", "account": "acme", "name": "people-in", "settings": settings}
    return await flow.post("/flow/destinations", body)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_templates(name: str):
    """Every template has an operation, and fields to map unless it sends none."""
    route = route_of(Settings(template=name), load(), base_url=BASE, now=NOW)
    fields = {field.name for field in (route.fields or {}).values()}
    assert {each.name for each in list_targets(route, {})} <= fields
    assert bool(fields) == (route.fields is not None)


def test_required_first():
    """What each record needs stands first."""
    route = route_of(Settings(template="create-opportunity"), load(), base_url=BASE, now=NOW)
    first, *others = list_targets(route, None, required=("OPPORTUNITY_NAME",))
    assert ("OPPORTUNITY_NAME", True, False) == (first.name, first.required, any(each.required for each in others))


def test_choices():
    """The wizard offers each algorithm with the options that it alone takes, and JSON as data."""
    found = {each.name: each.options for each in list_choices().groupings}
    assert ("property", "constants") == found["property_in_object"]
    assert {"json_array", "property_in_object", "keyed_object", "template"} == set(found)


def test_macros():
    """Every column and the time complete."""
    assert ["{record.a}", "{record.b}", "{now}", "{now-1}"] == [each.name for each in list_macros(["a", "b"])]


async def test_cards(flow: Flow):
    """The cards' data has samples and columns of each dataset."""
    card = (await flow.client.get("/flows")).json()["cards"][0]
    assert ("people", 3, ["first", "last", "email", "phone", "internal"], "Ada") == (
        card["dataset"]["name"],
        card["dataset"]["count"],
        [each["name"] for each in card["dataset"]["schema"]["columns"]],
        card["rows"][0]["first"],
    )


@pytest.mark.parametrize("path", ["/flows", "/flows/people", "/flow/datasets/people"])
async def test_needs_a_session(flow: Flow, path: str):
    """Nobody sees a flow without signing in."""
    async with httpx.AsyncClient(base_url=flow.url, headers={"Accept": "application/json"}) as stranger:
        assert (await stranger.get(path)).status_code == 401


async def test_needs_the_token(flow: Flow):
    """What changes or calls anything needs the session's own token."""
    flow.client.headers["X-CSRF-Token"] = "x"
    assert (await flow.post("/flow/preview", wish(flow, SETTINGS))).status_code == 403


async def test_preview(flow: Flow):
    """The panel shows each sample's exact call with the credential masked, and refused rows with their reason."""
    shown = await preview(flow, SETTINGS)
    assert ('{"FIRST_NAME":"Ada","LAST_NAME":"Lovelace"}', "***", [3], None) == (
        shown["calls"][0]["body"],
        shown["calls"][0]["headers"]["Authorization"],
        [each["row"] for each in shown["refused"]],
        shown["wrong"],
    )


async def test_preview_batches(flow: Flow):
    """The panel follows batching."""
    grouping = {"algorithm": "property_in_object", "property": "people", "size": 2}
    url = f"{flow.account.base_url}/Contacts"
    shown = await preview(flow, {"method": "POST", "url": url, "fields": {"FIRST_NAME": "last"}, "grouping": grouping})
    assert [[1, 2], [3]] == [each["rows"] for each in shown["calls"]]
    assert shown["calls"][0]["body"].startswith('{"people":[')


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"template": "create-contact"}, "no field 'first'"),
        ({"template": "update-contact", "fields": {"LAST_NAME": "last"}}, "id"),
        ({"method": "POST", "url": "https://elsewhere.example/Contacts"}, "elsewhere.example"),
        ({"method": "POST", "url": ""}, "is not complete"),
        ({"template": "create-contact", "fields": {"FRIST_NAME": "first"}}, "Did you mean FIRST_NAME"),
    ],
)
async def test_unfinished(flow: Flow, settings: dict[str, Any], says: str):
    """Settings that make no call yet say why, and are no error of the page."""
    shown = await preview(flow, settings)
    assert ([], True) == (shown["calls"], says in shown["wrong"]), shown


async def test_names_are_looked_up_once(flow: Flow):
    """Names become ids as in the run, and the account is asked once however often the panel is drawn."""
    users = flow.insightly.sandbox.first.instance.tables["users"]
    row = next(iter(users.all()))
    user = users.get(row, "USER_ID")
    rule = {"constant": users.get(row, "EMAIL_ADDRESS"), "lookup": {"table": "users"}}
    mapping = {"FIRST_NAME": {"column": "first"}, "OWNER_USER_ID": rule}
    shown = [await preview(flow, {"template": "create-contact", "mapping": mapping}) for _ in range(3)]
    assert f'"OWNER_USER_ID":{user}' in shown[-1]["calls"][0]["body"]
    assert 1 == flow.calls("GET", "/v3.1/Users")


async def test_fields(flow: Flow):
    """The mapper is told the account's custom fields beside Insightly's own, and what the names suggest."""
    found = (await flow.post("/flow/fields", wish(flow, {"template": "create-contact"}))).json()
    matched = {each["field"]: each["rule"]["column"] for each in found["suggestion"]["matches"]}
    assert {"standard", "custom"} == {each["kind"] for each in found["targets"]}
    assert {"FIRST_NAME": "first", "LAST_NAME": "last", "EMAIL_ADDRESS": "email", "PHONE": "phone"} == matched


async def test_link_an_account(flow: Flow):
    """A right key is linked with what it may do; a wrong one links nothing and is not repeated in the answer."""
    good = {"name": "second", "api_key": flow.insightly.key, "where": flow.account.base_url}
    made = (await flow.post("/flow/accounts", good)).json()
    refused = await flow.post("/flow/accounts", good | {"name": "third", "api_key": "wrong-key"})
    odd = await flow.post("/flow/accounts", good | {"name": "third", "where": "https://evil.example/v3.1"})
    assert ("second", True) == (made["account"]["name"], made["findings"][0]["works"])
    assert (422, 422) == (refused.status_code, odd.status_code)
    assert "wrong-key" not in refused.text
    assert {"acme", "second"} == {each.name for each in await flow.hub.accounts.list()}


async def test_check_an_account(flow: Flow):
    """A credential is tested on the spot."""
    found = (await flow.post("/flow/accounts/acme/check", {})).json()
    assert ("acme", True) == (found["account"]["name"], all(each["works"] for each in found["findings"]))


async def test_test_and_undo(flow: Flow):
    """A test sends the call as it was edited, tells Insightly's answer, and what it made is deleted again."""
    draft = (await save(flow)).json()
    url = f"{flow.account.base_url}/Contacts"
    edited = {"method": "POST", "url": url, "headers": {}, "body": '{"FIRST_NAME":"Edited"}'}
    tests = f"/flow/destinations/{draft['id']}/tests"
    made = (await flow.post(tests, {"settings": SETTINGS, "call": edited})).json()
    gone = (await flow.post(f"{tests}/{made['run']}", None, method="DELETE")).json()
    assert ("delivered", 201, True, "delivered") == (
        made["state"],
        made["status"],
        "Edited" in made["response"],
        gone["state"],
    )
    assert 1 == flow.calls("DELETE", f"/v3.1/Contacts/{made['remote_id']}")


async def test_activate(flow: Flow):
    """Nothing goes before activation; with records waiting it asks, with an answer it sends them."""
    draft = (await save(flow)).json()
    here = f"/flow/destinations/{draft['id']}"
    told = (await flow.client.get(f"{here}/forecast")).json()
    undecided = await flow.post(f"{here}/activate", {})
    assert ("draft", 3, 3, 409, 0) == (
        draft["state"],
        told["rows"],
        told["calls"],
        undecided.status_code,
        flow.calls("POST", "/v3.1/Contacts"),
    )
    active = (await flow.post(f"{here}/activate", {"backlog": "send"})).json()
    assert ("active", True) == (active["state"], bool(active["run"]))
    assert "paused" == (await flow.post(f"{here}/pause", {})).json()["state"]


async def test_custom_fields_are_checked(flow: Flow):
    """Saving asks the account for its custom fields, as over HTTP: one that it lacks is refused by name."""
    settings = {"template": "create-contact", "fields": {"FIRST_NAME": "first", "Nope__c": "last"}}
    draft = {"name": "people", "account": "acme", "dataset": "people", "settings": settings}
    refused = await flow.post("/flow/destinations", draft)
    assert (422, True) == (refused.status_code, "Nope__c" in refused.text), refused.text


async def test_change(flow: Flow):
    """Saving again is a new version, refused on top of one that is not the latest."""
    draft = (await save(flow)).json()
    here = f"/flow/destinations/{draft['id']}"
    changed = SETTINGS | {"exclude": ["internal"]}
    first = await flow.post(here, {"settings": changed, "version": 1}, method="PATCH")
    late = await flow.post(here, {"settings": SETTINGS, "version": 1}, method="PATCH")
    assert (2, 409) == (first.json()["version"], late.status_code)


async def test_walk(flow: Flow):
    """Dataset, account, template, mapping, test, undo, done, activate: by a person, without an error."""
    async with open_signed_in(flow) as window:
        page = window.page
        await page.goto(f"{flow.url}/flows")
        await page.get_by_label("What to do with people").click()
        await page.get_by_role("link", name="Send to destination").click()
        await page.get_by_role("button", name="Test the credential").click()
        await expect(page.locator("#account-says")).to_contain_text("The credential works")
        await page.locator("#step-account [data-to=endpoint]").click()
        await page.select_option("#template", "create-contact")
        await expect(page.locator("#samples")).to_contain_text("/Contacts")
        await page.locator("#step-endpoint [data-to=mapping]").click()
        await expect(page.locator(".rule")).to_have_count(4)
        await page.get_by_role("button", name="Remove PHONE").click()
        await page.get_by_role("button", name="Test", exact=True).click()
        body = page.get_by_label("Body of this sample").first
        await expect(body).to_have_value(re.compile("ada@example.com"))
        await body.fill('{"FIRST_NAME": "By hand"}')
        await page.get_by_role("button", name="Send test data").first.click()
        await expect(page.locator(".outcome")).to_contain_text("201")
        await expect(page.locator(".outcome pre")).to_contain_text("By hand")
        await page.get_by_role("button", name="Delete what this test created").click()
        await expect(page.locator(".outcome .note")).to_contain_text("deleted again")
        await page.get_by_role("button", name="Done").click()
        await expect(page.locator(".forecast")).to_contain_text("3 records wait")
        await page.locator(".destination summary").click()
        await page.locator(".destination button", has_text="Activate").click()
        await page.get_by_role("button", name="Send them").click()
        await expect(page.locator("#problem")).to_contain_text("is active")
        assert [] == window.wrong
    found = (await flow.client.get("/flow/datasets/people")).json()["readers"]
    assert [("people-create-contact", "active")] == [(each["name"], each["state"]) for each in found]


async def test_advanced_by_keyboard(flow: Flow):
    """A macro is completed by keys, an attribute excluded and sent again, a batch made; the panel follows."""
    async with open_signed_in(flow) as window:
        page = window.page
        await page.goto(f"{flow.url}/flows/people")
        await page.locator("[data-step=endpoint]").click()
        await page.select_option("#template", "create-contact")
        await expect(page.locator(".sample")).to_have_count(2)
        await page.get_by_role("tab", name="Template").press("ArrowRight")
        await expect(page.locator("#panel-advanced")).to_be_visible()
        await page.select_option("#method", "PUT")
        await page.locator("#url").fill(f"{flow.account.base_url}/Contacts/")
        await page.locator("#url").press("End")
        await page.locator("#url").type("{pho")
        await expect(page.locator(".macros [role=option]")).to_have_count(1)
        await page.locator("#url").press("Enter")
        await expect(page.locator("#url")).to_have_value(f"{flow.account.base_url}/Contacts/{{record.phone}}")
        await page.select_option("#method", "POST")
        await page.locator("#url").fill(f"{flow.account.base_url}/Contacts")
        await page.select_option("#exclude", "internal")
        await page.get_by_role("button", name="Send internal again").press("Enter")
        await expect(page.locator("#excluded li")).to_have_count(0)
        await page.check("#batching")
        await page.select_option("#algorithm", "property_in_object")
        await page.get_by_label("Property").fill("people")
        await expect(page.locator(".sample")).to_have_count(1)
        await expect(page.get_by_label("Body of this sample")).to_have_value(re.compile('"people": '))
        assert [] == window.wrong


async def test_upload(flow: Flow, tmp_path: Path):
    """A file becomes a dataset, and the wizard opens on it."""
    path = tmp_path / "leads of may.csv"
    path.write_text("first_name,last_name\nAda,Lovelace\n")
    async with open_signed_in(flow) as window:
        page = window.page
        await page.goto(f"{flow.url}/flows")
        await page.get_by_role("button", name="Add a dataset").click()
        await page.set_input_files("#file", str(path))
        await expect(page.locator("#name")).to_have_value("leads-of-may")
        await page.get_by_role("button", name="Upload").click()
        await expect(page.locator("#upload-says")).to_contain_text("Reading")
        await flow.hub.puller().pull((await flow.hub.sources().find("leads-of-may")).id)
        await page.wait_for_url("**/flows/leads-of-may")
        assert [] == window.wrong


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
async def test_accessible(flow: Flow, dark: bool, phone: bool):
    """No page of the flow has a fault that axe finds, and none is wider than a phone."""
    async with open_signed_in(flow, dark=dark, phone=phone) as window:
        page = window.page
        faults: list[tuple[str, list[str]]] = []
        await page.goto(f"{flow.url}/flows")
        faults += await list_faults(page)
        await page.goto(f"{flow.url}/flows/people")
        for step in ("account", "endpoint", "mapping", "activate"):
            await page.locator(f"[data-step={step}]").click()
            if step == "endpoint":
                await page.select_option("#template", "create-contact")
                await expect(page.locator(".sample").first).to_be_visible()
            faults += await list_faults(page)
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert ([], 0) == (faults, wide)
