"""Take a picture of every screen of the console into docs/screens/: light and dark, desktop and phone."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from playwright.async_api import Browser, BrowserContext, Page, async_playwright  # noqa: E402 (found by the path above)

from fixtures.showcase import Showcase, bare_hub, open_showcase  # noqa: E402 (the same)

CHROMIUM = "/usr/bin/chromium"
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")


def screens(case: Showcase) -> dict[str, str]:
    """Every screen by name."""
    return {
        "home": "/",
        "accounts": "/accounts",
        "account": "/accounts/acme",
        "account-new": "/accounts/new",
        "flows": "/flows",
        "mapper": "/mapper",
        "runs": "/runs",
        "run": f"/runs/{case.run}",
        "deliveries": f"/deliveries?run={case.run}",
        "delivery-dead": f"/deliveries/{case.run}/{case.dead}",
        "delivery-held": f"/deliveries/{case.run}/{case.held}",
        "dead-letters": "/dead-letters",
        "sources": "/sources",
        "source": "/sources/people",
        "source-new": "/sources/new",
        "source-new-http": "/sources/new?kind=http",
        "dataset": "/datasets/people",
        "destinations": "/destinations",
        "destination": "/destinations/people-to-contacts",
        "notices": "/notices",
        "settings": "/settings",
        "audit": "/audit",
        "requests": "/accounts/acme/requests",
        "error": "/runs/none",
    }


async def sign_in(context: BrowserContext, case: Showcase) -> Page:
    page = await context.new_page()
    await page.goto(await case.link())
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{case.url}/")
    return page


async def take(browser: Browser, case: Showcase, folder: Path, only: set[str]) -> None:
    for device, viewport in SIZES.items():
        for scheme in SCHEMES:
            context = await browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
            page = await context.new_page()
            await page.goto(f"{case.url}/sign-in")
            if not only or "sign-in" in only:
                await page.screenshot(path=folder / f"sign-in-{device}-{scheme}.png")
            page = await sign_in(context, case)
            for name, path in screens(case).items():
                if not only or name in only:
                    await page.goto(f"{case.url}{path}")
                    await page.screenshot(path=folder / f"{name}-{device}-{scheme}.png", full_page=True)
            await context.close()


async def main() -> None:
    only = set(sys.argv[1:])
    folder = ROOT / "docs" / "screens"
    folder.mkdir(exist_ok=True)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with TemporaryDirectory() as home:
            async with open_showcase(Path(home) / "home") as case:
                await take(browser, case, folder, only)
        if not only or "empty" in only:
            with TemporaryDirectory() as home:
                async with bare_hub(Path(home) / "home") as case:
                    context = await browser.new_context(viewport=SIZES["desktop"])
                    page = await sign_in(context, case)
                    await page.screenshot(path=folder / "empty-desktop-light.png")
        await browser.close()


asyncio.run(main())
