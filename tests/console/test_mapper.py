"""The field mapper: on a page of another site, and in the console."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from crosswalk.accounts.tokens import Tokens
from fixtures.flow import Flow, Window, list_faults, open_flow, open_signed_in, open_window
from fixtures.shop import Shop

OWN = [
    {"name": "customer_tier", "label": "Tier", "type": "string", "hint": "Gold, silver or bronze"},
    {"name": "score_points", "label": "Points", "type": "boolean"},
    {"name": "first_name"},
]
PLACE = "/v1/mappings/contacts/account"


async def show(shop: Shop, window: Window, more: str = "write", *, write: bool = True) -> None:
    """Open the host page with a mapper of the product's own three fields."""
    element = f'<crosswalk-field-mapper account="{shop.flow.account.id}" {more}></crosswalk-field-mapper>'
    await shop.show(window, element, shop.mint("field-mapper", write=write))
    await window.page.evaluate("own => { document.querySelector('crosswalk-field-mapper').fields = own; }", OWN)
    await expect(window.page.locator("[data-row]")).to_have_count(len(OWN))


def row(page: Page, name: str) -> Any:
    """One field of the product's."""
    return page.locator(f"[data-row='{name}']")


async def contacts(shop: Shop, **more: str) -> list[dict[str, Any]]:
    """Contacts as they are served."""
    async with shop.api as api:
        query = {"integrated_account_id": shop.flow.account.id, **more}
        answer = await api.get("/unified/crm/contacts", params=query)
    assert 200 == answer.status_code, answer.text
    found: list[dict[str, Any]] = answer.json()["result"]
    return found


async def saved(shop: Shop) -> dict[str, Any]:
    """The account's overrides of contacts."""
    async with shop.api as api:
        answer = await api.get(PLACE, params={"integrated_account_id": shop.flow.account.id})
    found: dict[str, Any] = answer.json()
    return found


async def test_a_customer_maps_a_field(shop: Shop):
    """A suggestion is taken, a field dragged, both tried on real records, saved, served, and rolled back."""
    async with open_window() as window:
        page = window.page
        await show(shop, window)
        await row(page, "customer_tier").get_by_role("button", name="Use Tier").click()
        await page.locator("button[data-field='Score__c']").drag_to(row(page, "score_points"))
        await expect(row(page, "score_points")).to_contain_text("Score is a number, and Points a boolean")
        await page.get_by_role("button", name="Preview on real records").click()
        await expect(page.get_by_role("region", name="Values that would change")).to_contain_text("score_points")
        assert 0 == (await saved(shop))["version"]
        await page.get_by_role("button", name="Save 2 changes").click()
        await expect(page.get_by_role("button", name="Saved")).to_be_disabled()
        made = {"customer_tier": {"custom_field": "Tier__c"}, "score_points": {"custom_field": "Score__c"}}
        assert made == (await saved(shop))["overrides"]
        served = await contacts(shop, remote_data="true")
        assert any(each["custom_fields"]["Tier__c"] for each in served)
        assert all(each["customer_tier"] == each["custom_fields"]["Tier__c"] for each in served)
        await row(page, "score_points").get_by_role("combobox").select_option("")
        await page.get_by_role("button", name="Save 1 change").click()
        await expect(page.get_by_text("Version 2").first).to_be_visible()
        await page.get_by_text("Versions").click()
        await page.get_by_role("button", name="Roll back to version 1").click()
        await expect(page.get_by_text("Version 3").first).to_be_visible()
        assert (3, made) == ((await saved(shop))["version"], (await saved(shop))["overrides"])
        assert [] == window.wrong


async def test_by_keyboard(shop: Shop):
    """A field of Insightly's is picked by a key and put at one of the product's; each step is said."""
    async with open_window() as window:
        page = window.page
        await show(shop, window)
        await page.get_by_label("Find a field of Insightly").fill("hobby")
        await page.locator("button[data-field='Hobby__c']").press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("Hobby is picked")
        await page.get_by_role("button", name="Put Hobby__c at Tier").press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("Tier is made of Hobby")
        assert "custom_field:Hobby__c" == await row(page, "customer_tier").get_by_role("combobox").input_value()
        assert [] == window.wrong


async def test_what_cannot_be_is_said_at_its_field(shop: Shop):
    """A formula that is none stands refused at its field, nothing is saved; put right, it is."""
    async with open_window() as window:
        page = window.page
        await show(shop, window)
        await row(page, "customer_tier").get_by_role("combobox").select_option("expression")
        await page.get_by_label("Formula of Tier").fill("$uppercase(")
        await page.get_by_role("button", name="Save 1 change").click()
        await expect(row(page, "customer_tier").get_by_role("alert")).to_contain_text("customer_tier")
        assert 0 == (await saved(shop))["version"]
        await page.get_by_label("Formula of Tier").fill("$uppercase(FIRST_NAME)")
        await page.get_by_role("button", name="Save 1 change").click()
        await expect(page.get_by_role("button", name="Saved")).to_be_disabled()
    found = (await contacts(shop))[0]
    assert found["customer_tier"] == found["first_name"].upper()


async def test_somebody_else_saved(shop: Shop):
    """Who saves over a version that was not seen is told, and loses nothing of what is there."""
    async with open_window() as window:
        page = window.page
        await show(shop, window)
        await row(page, "customer_tier").get_by_role("combobox").select_option("custom_field:Tier__c")
        async with shop.api as api:
            query = {"integrated_account_id": shop.flow.account.id}
            other = {"overrides": {"origin": {"constant": "x"}}}
            assert 200 == (await api.put(PLACE, params=query, json=other)).status_code
        await page.get_by_role("button", name="Save 1 change").click()
        await expect(page.get_by_role("alert").first).to_contain_text("is at version 1")
        assert {"origin": {"constant": "x"}} == (await saved(shop))["overrides"]


@pytest.mark.parametrize(("more", "write"), [("", True), ("write", False)])
async def test_reads_only(shop: Shop, more: str, write: bool):
    """Without `write` on the element nothing can be changed; without it in the token the hub refuses."""
    async with open_window() as window:
        page = window.page
        await show(shop, window, more, write=write)
        if not more:
            await expect(row(page, "customer_tier").get_by_role("combobox")).to_be_disabled()
            assert 0 == await page.locator("[draggable=true]").count()
            return
        await row(page, "customer_tier").get_by_role("combobox").select_option("custom_field:Tier__c")
        await page.get_by_role("button", name="Save 1 change").click()
        await expect(page.get_by_role("alert").first).to_contain_text("unified.mappings:update")
        assert 0 == (await saved(shop))["version"]


async def test_only_its_account(shop: Shop):
    """A mapper's token sees and changes no layer but its own account's."""
    token = shop.mint("field-mapper", write=True)
    headers = {"Authorization": f"Bearer {token}", "Origin": "http://localhost:1234"}
    async with shop.api as api:
        query = {"integrated_account_id": shop.flow.account.id}
        wide = await api.put("/v1/mappings/contacts/base", params=query, json={"overrides": {}}, headers=headers)
        none = await api.get(PLACE, params={"integrated_account_id": "other"}, headers=headers)
        ours = await api.get(PLACE, params=query, headers=headers)
    assert (403, 404, 200) == (wide.status_code, none.status_code, ours.status_code)
    assert "http://localhost:1234" == ours.headers["access-control-allow-origin"]


@pytest.mark.parametrize("dark", [False, True])
async def test_in_the_console(tmp_path, dark: bool):
    """The console's page maps an account's fields with a pass of its own; axe finds no fault, nothing is too wide."""
    async with open_flow(tmp_path / "home") as flow, open_signed_in(flow, dark=dark, phone=dark) as window:
        page = window.page
        await page.goto(f"{flow.url}/mapper?account={flow.account.name}")
        await expect(row(page, "first_name")).to_be_visible()
        await page.get_by_label("Name of a new field").fill("nick")
        await page.get_by_role("button", name="Add a field").click()
        await row(page, "nick").get_by_role("combobox").select_option("custom_field:Hobby__c")
        await page.get_by_role("button", name="Preview on real records").click()
        await expect(page.get_by_label("Preview", exact=True)).to_be_visible()
        faults = await list_faults(page)
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        await page.get_by_role("button", name="Save 1 change").click()
        await expect(page.get_by_role("button", name="Saved")).to_be_disabled()
        assert ([], 0, []) == (faults, wide, window.wrong)
        assert ["mapper"] == [each for each in await names_of(flow) if each == "mapper"]


async def names_of(flow: Flow) -> list[str]:
    """What the tokens are called, up to their numbers."""
    return [each.name.partition("-")[0] for each in await Tokens(database=flow.hub.database).list()]
