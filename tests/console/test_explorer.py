"""The explorer: a token of its own, calls with an account's data, and the same call as a program."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from crosswalk.accounts.tokens import Tokens
from crosswalk.console.explorer import list_routes
from fixtures.flow import Flow, list_faults, open_flow, open_signed_in


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A hub with the account `acme`."""
    async with open_flow(tmp_path / "home") as opened:
        yield opened


def test_routes():
    """Every collection completes, with the methods that it takes: nobody writes a pipeline."""
    unified = {each.path: list(each.methods) for each in list_routes().unified}
    assert ["GET", "POST", "PATCH", "DELETE"] == unified["crm/contacts"]
    assert ["GET"] == unified["crm/pipelines"]
    assert "Contacts" in {each.path for each in list_routes().proxy}


@pytest.mark.parametrize(("write", "scopes"), [(False, "read"), (True, "*")])
async def test_token(flow: Flow, write: bool, scopes: str):
    """The page's token reaches one account, ends within the hour and reads alone unless asked otherwise."""
    answer = await flow.post("/explorer/tokens", {"account": "acme", "write": write})
    token = await Tokens(database=flow.hub.database).find(answer.json()["name"])
    assert token.expires_at is not None
    assert ((flow.account.id,), 3600, {f"unified:{scopes}", f"proxy:{scopes}"}) == (
        token.accounts,
        round((token.expires_at - token.created_at).total_seconds()),
        set(token.scopes),
    )


async def test_a_session_opens_no_account(flow: Flow):
    """Without a token the console's session reads nothing of an account."""
    query = {"integrated_account_id": flow.account.id}
    paths = ("/unified/crm/contacts", "/proxy/Contacts")
    assert [401, 401] == [(await flow.client.get(path, params=query)).status_code for path in paths]


async def test_side_by_side(flow: Flow):
    """A unified answer shows beside Insightly's own record; the call is written as curl; no fault that axe finds."""
    async with open_signed_in(flow) as window:
        page = window.page
        await page.goto(f"{flow.url}/explorer")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("region", name="Unified")).to_contain_text('"first_name"')
        await expect(page.get_by_role("region", name="Remote data")).to_contain_text('"FIRST_NAME"')
        assert "remote_data" not in await page.get_by_role("region", name="Unified").inner_text()
        faults = await list_faults(page)
        await page.get_by_role("button", name="Copy as curl").click()
        await expect(page.locator("#problem pre")).to_contain_text("Bearer $CROSSWALK_TOKEN")
        assert ([], []) == (faults, window.wrong)
