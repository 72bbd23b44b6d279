"""Widgets on a page of another site, under a strict policy of that page's own; and who may read what they read."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from fixtures.flow import PATIENCE, list_faults, open_window
from fixtures.shop import HOST, Shop
from fixtures.showcase import order

NOTE = "<p>Wants &lt;b&gt;two&lt;/b&gt;<br>and a call<img src=x onerror=alert(1)></p>"


async def test_deal_board(shop: Shop):
    """Deals stand in their stages with amounts; dragged to another stage they are there in Insightly, too."""
    deal = (await shop.deals())[0]
    stages = (await shop.pipelines())[deal["pipeline"]["id"]]
    other = next(each for each in stages if each["id"] != deal["stage"]["id"])
    async with open_window() as window:
        await shop.show(window, shop.board(f'write pipeline="{deal["pipeline"]["id"]}"'), shop.mint(write=True))
        shown = window.page.locator(f"[data-deal='{deal['id']}']")
        await expect(window.page.locator(f"[data-stage='{deal['stage']['id']}']")).to_contain_text(deal["name"])
        await shown.drag_to(window.page.locator(f"[data-stage='{other['id']}']"))
        await expect(window.page.locator(f"[data-stage='{other['id']}']")).to_contain_text(deal["name"])
        await expect(window.page.locator("crosswalk-deal-board")).not_to_have_attribute("aria-busy", "true")
        assert [] == window.wrong
    assert other["id"] == next(each["stage"]["id"] for each in await shop.deals() if each["id"] == deal["id"])


async def test_deal_board_by_keyboard(shop: Shop):
    """Space lifts a deal, arrows choose a stage, Space drops it; each step is said."""
    deal = (await shop.deals())[0]
    stages = (await shop.pipelines())[deal["pipeline"]["id"]]
    at = next(index for index, each in enumerate(stages) if each["id"] == deal["stage"]["id"])
    key, to = ("ArrowRight", at + 1) if at + 1 < len(stages) else ("ArrowLeft", at - 1)
    async with open_window() as window:
        await shop.show(window, shop.board(f'write pipeline="{deal["pipeline"]["id"]}"'), shop.mint(write=True))
        shown = window.page.locator(f"[data-deal='{deal['id']}']")
        await shown.focus()
        await shown.press("Space")
        await expect(window.page.locator("[role=status]").first).to_contain_text("lifted")
        await shown.press(key)
        await shown.press("Space")
        await expect(window.page.locator("[role=status]").first).to_contain_text(f"is in {stages[to]['name']}")
        assert [] == window.wrong


async def test_refused_move(shop: Shop):
    """A move that the token may not make is undone, and says why."""
    deal = (await shop.deals())[0]
    stages = (await shop.pipelines())[deal["pipeline"]["id"]]
    other = next(each for each in stages if each["id"] != deal["stage"]["id"])
    async with open_window() as window:
        await shop.show(window, shop.board(f'write pipeline="{deal["pipeline"]["id"]}"'), shop.mint(write=False))
        await window.page.get_by_label(f"Move {deal['name']}").select_option(other["id"])
        await expect(window.page.get_by_role("alert")).to_contain_text("was not moved")
        await expect(window.page.locator(f"[data-stage='{deal['stage']['id']}']")).to_contain_text(deal["name"])
    assert deal["stage"] == next(each["stage"] for each in await shop.deals() if each["id"] == deal["id"])


async def test_owner_filter(shop: Shop):
    """With an owner only that person's deals show."""
    deals = await shop.deals()
    owner = deals[0]["owner"]["id"]
    pipeline = deals[0]["pipeline"]["id"]
    theirs = [each for each in deals if each["owner"]["id"] == owner and each["pipeline"]["id"] == pipeline]
    async with open_window() as window:
        await shop.show(window, shop.board(f'pipeline="{pipeline}" owner="{owner}"'), shop.mint())
        await expect(window.page.locator("[data-deal]")).to_have_count(len(theirs))
        assert 0 == await window.page.locator("[draggable=true]").count()


async def test_ended_token_is_renewed(shop: Shop):
    """A token that has ended is asked for again from the host page, and the widget goes on."""
    async with open_window() as window:
        ended = shop.mint(ago=timedelta(hours=1))
        await shop.show(window, shop.board(""), ended, shop.mint())
        await expect(window.page.locator("[data-deal]").first).to_be_visible()


async def find_engaged(shop: Shop) -> tuple[dict[str, Any], dict[str, Any]]:
    """A contact with open deals and projects, given a note; and what a look-up of them answers."""
    async with shop.api as api:
        query = {"integrated_account_id": shop.flow.account.id}
        for contact in (await api.get("/unified/crm/contacts", params=query)).json()["result"]:
            for each in contact["email_addresses"][:1]:
                asked = query | {"email": each["email"]}
                found = (await api.get("/unified/crm/lookup", params=asked)).json()
                if found["opportunities"] and found["projects"]:
                    note = {"title": "Call", "content": NOTE, "contact": [{"id": contact["id"]}]}
                    made = await api.post("/unified/crm/notes", params=query, json=note)
                    assert 201 == made.status_code, made.text
                    return contact, (await api.get("/unified/crm/lookup", params=asked)).json()
    pytest.fail("no contact of the sandbox has deals and projects")


def card(shop: Shop, email: str, more: str = "") -> str:
    """The element of a contact card."""
    return f'<crosswalk-contact-card {more} account="{shop.flow.account.id}" email="{email}"></crosswalk-contact-card>'


async def test_contact_card(shop: Shop):
    """Open deals, projects and notes of a contact show, a note as plain text; somebody else is found by the form."""
    contact, found = await find_engaged(shop)
    async with shop.api as api:
        query = {"integrated_account_id": shop.flow.account.id}
        listed = (await api.get("/unified/crm/contacts", params=query)).json()["result"]
    other = next(each for each in listed if each["email_addresses"] and each["id"] != contact["id"])
    async with open_window() as window:
        page = window.page
        email = contact["email_addresses"][0]["email"]
        await shop.show(window, card(shop, email, "search"), shop.mint("contact-card"))
        await expect(page.get_by_role("heading", name=contact["name"])).to_be_visible()
        for part in ("opportunities", "projects", "notes"):
            shown = page.locator(f"[data-part='{part}'] [data-record]")
            assert [each["id"] for each in found[part]] == [
                await each.get_attribute("data-record") for each in await shown.all()
            ]
        deal = page.locator("[data-part='opportunities'] li").first
        await expect(deal).to_contain_text(found["opportunities"][0]["stage"]["name"])
        await expect(page.locator("[data-part='notes']")).to_contain_text("Wants <b>two</b>\nand a call")
        await page.get_by_label("E-mail address").fill(other["email_addresses"][0]["email"])
        await page.get_by_role("button", name="Look up").click()
        await expect(page.get_by_role("heading", name=other["name"])).to_be_visible()
        await page.get_by_label("E-mail address").fill("nobody@example.net")
        await page.get_by_role("button", name="Look up").click()
        await expect(page.locator(".card")).to_contain_text("No contact has")
        assert [] == window.wrong


async def test_contact_card_says_what_did_not_come(shop: Shop):
    """A part that Insightly refuses is said to be missing, never to be empty; it is read when asked for again."""
    contact, found = await find_engaged(shop)
    order(shop.flow.insightly, {"route": "Contacts/*/Notes", "fault": "status", "status": 403, "count": 1})
    async with open_window() as window:
        email = contact["email_addresses"][0]["email"]
        await shop.show(window, card(shop, email), shop.mint("contact-card"))
        notes = window.page.locator("[data-part='notes']")
        await expect(notes).to_contain_text("did not answer in time")
        await notes.get_by_role("button", name="Look again").click()
        await expect(notes.locator("[data-record]")).to_have_count(len(found["notes"]))


async def test_link(shop: Shop):
    """The link button opens the hub's page in a frame of the host page."""
    async with shop.api as api:
        made = (await api.post("/link-token", json={"tenant_id": "t", "origin": HOST})).json()
    async with open_window() as window:
        await shop.show(window, "<crosswalk-link></crosswalk-link>", made["link_token"])
        await window.page.get_by_role("button", name="Connect Insightly").click()
        await expect(window.page.frame_locator("iframe").get_by_role("heading").first).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
async def test_accessible(shop: Shop, dark: bool):
    """A host page with the board and a card has no fault that axe finds."""
    contact, _ = await find_engaged(shop)
    email = contact["email_addresses"][0]["email"]
    async with open_window(dark=dark) as window:
        await shop.show(window, shop.board(), shop.mint(write=True))
        await expect(window.page.locator("[data-deal]").first).to_be_visible()
        faults = await list_faults(window.page)
        await window.page.unroute_all()
        await shop.show(window, card(shop, email), shop.mint("contact-card"))
        await expect(window.page.get_by_role("article")).to_be_visible()
        faults += await list_faults(window.page)
    assert [] == faults


def read(shop: Shop, token: str, origin: str) -> dict[str, Any]:
    """A read of a page at an origin."""
    headers = {"Authorization": f"Bearer {token}", "Origin": origin}
    return {"params": {"integrated_account_id": shop.flow.account.id}, "headers": headers}


@pytest.mark.parametrize(
    ("path", "origin", "status", "readable"),
    [
        ("/unified/crm/opportunities", HOST, 200, True),
        ("/unified/crm/opportunities", "http://localhost:9", 401, False),
        ("/unified/crm/notes", HOST, 403, True),
        ("/v1/tokens", HOST, 403, False),
    ],
)
async def test_readable_by_its_page_alone(shop: Shop, path: str, origin: str, status: int, readable: bool):
    """Answers are readable by pages of the token's origin, below `/unified`, and never with cookies."""
    async with httpx.AsyncClient(base_url=shop.flow.url, timeout=PATIENCE) as page:
        answer = await page.get(path, **read(shop, shop.mint(), origin))
    allowed = answer.headers.get("access-control-allow-origin")
    assert (status, origin if readable else None) == (answer.status_code, allowed)
    assert "access-control-allow-credentials" not in answer.headers


async def test_other_tokens_give_pages_nothing(shop: Shop):
    """An ordinary token in a page's hands is answered, and the page may not read the answer."""
    async with httpx.AsyncClient(base_url=shop.flow.url, timeout=PATIENCE) as page:
        answer = await page.get("/unified/crm/users", **read(shop, shop.token, HOST))
    assert (200, None) == (answer.status_code, answer.headers.get("access-control-allow-origin"))


async def test_browsers_ask_first(shop: Shop):
    """What a browser asks before a call is answered for the methods that widgets use, without a token."""
    headers = {"Origin": HOST, "Access-Control-Request-Method": "PATCH"}
    async with httpx.AsyncClient(base_url=shop.flow.url, timeout=PATIENCE) as page:
        answer = await page.options("/unified/crm/opportunities/1", headers=headers)
    assert (204, HOST, True) == (
        answer.status_code,
        answer.headers["access-control-allow-origin"],
        "PATCH" in answer.headers["access-control-allow-methods"],
    )
