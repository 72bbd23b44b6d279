"""Pages as a browser has them: accessible, quiet, keeping to themselves, light and dark, wide and narrow."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from fixtures.showcase import Showcase

CHROMIUM = Path(os.environ.get("CROSSWALK_TEST_CHROMIUM") or "/usr/bin/chromium")
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}; CROSSWALK_TEST_CHROMIUM names another"
    ),
]
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PLACES = (
    "/", "/accounts", "/accounts/new", "/accounts/acme", "/runs", "/runs/{run}", "/deliveries",
    "/deliveries/{run}/{dead}", "/deliveries/{run}/{held}", "/dead-letters", "/dead-letters/groups/{group}", "/sources",
    "/sources/people", "/datasets/people", "/destinations", "/destinations/people-to-contacts", "/notices", "/settings",
    "/audit", "/accounts/acme/requests", "/runs/none", "/sign-in", "/sources/new", "/sources/new?kind=path",
    "/sources/new?kind=http", "/sources/new?kind=webhook", "/sources/new?kind=insightly", "/deliveries?text=nothing",
)  # fmt: skip
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A running Chromium."""
    async with async_playwright() as driver:
        launched = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def contexts(browser: Browser, showcase: Showcase) -> AsyncIterator[dict[str, BrowserContext]]:
    """Somebody who is signed in, on a light desktop and on a dark phone."""
    made = {}
    for scheme, viewport in (("light", DESKTOP), ("dark", PHONE)):
        made[scheme] = await browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        page = await made[scheme].new_page()
        await page.goto(await showcase.link())
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", name="Home").wait_for()
    yield made
    for context in made.values():
        await context.close()


async def path_of(pattern: str, case: Showcase) -> str:
    """A page of the showcase."""
    from crosswalk.delivery.history import DeliveryFilter, group_dead

    [group, *_] = await group_dead(case.hub.database, DeliveryFilter())
    return case.url + pattern.format(run=case.run, dead=case.dead, held=case.held, group=group.id)


def listen(page: Page, url: str) -> list[str]:
    """Everything that a page complains of, and every request that leaves its origin."""
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else heard.append(asked.url))
    return heard


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pattern", PLACES)
async def test_page_is_accessible_and_quiet(showcase: Showcase, contexts, pattern: str, scheme: str):
    """Axe finds nothing, the console stays empty, nothing leaves the origin, nothing is wider than the screen."""
    page = await contexts[scheme].new_page()
    heard = listen(page, showcase.url)
    await page.goto(await path_of(pattern, showcase))
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = (await Axe().run(page, options=RULES)).response["violations"]
    faults = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if pattern == "/runs/none":
        heard = [text for text in heard if "404" not in text]
    await page.close()
    assert ([], [], 0) == (faults, heard, wide)


async def test_keyboard_alone(showcase: Showcase, contexts):
    """The first key leads past the navigation; what is pressed has a visible frame."""
    page = await contexts["light"].new_page()
    await page.goto(f"{showcase.url}/accounts")
    await page.keyboard.press("Tab")
    assert "Skip to content" == await page.evaluate("document.activeElement.textContent")
    await page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    await page.keyboard.press("Tab")
    style = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert "solid" == style
    await page.close()


async def test_run_lives(showcase: Showcase, contexts):
    """A run's page shows what changed without being loaded again."""
    from sqlalchemy import update

    from crosswalk.store.runs import runs

    page = await contexts["light"].new_page()
    change = update(runs).where(runs.c.id == showcase.run)
    async with showcase.hub.database.begin() as connection:
        await connection.execute(change.values(state="running", ended_at=None))
    await page.goto(f"{showcase.url}/runs/{showcase.run}")
    await page.evaluate("window.stayed = true")
    async with showcase.hub.database.begin() as connection:
        await connection.execute(change.values(state="finished", calls=4711))
    await page.get_by_text("4\u202f711").wait_for(timeout=20_000)
    assert (True, "finished") == (
        await page.evaluate("window.stayed"),
        (await page.locator("[data-live-state]").inner_text()).strip(),
    )
    await page.close()
