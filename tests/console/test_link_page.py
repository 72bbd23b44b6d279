"""The link page: framed by one origin, spoken to by one script, clear at every step."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from litestar import Litestar, MediaType, Response, get
from playwright.async_api import Browser, Page, async_playwright

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.links import LinkDraft, LinkTokens
from crosswalk.accounts.tokens import Caller
from crosswalk.accounts.vault import Vault
from crosswalk.api.server import serve
from crosswalk.console.link_page import make_link_routes
from crosswalk.console.pages import show_asset
from crosswalk.store.database import Database, open_database
from fixtures.scripted import FORBIDDEN, GOOD, KEY, Scripted, scripted

CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()
EVERY = Caller(id="1", name="app", scopes=(), accounts=None, expires_at=None)
HOST_PAGE = """<!doctype html><title>host</title><script src="{hub}/link.js"></script>
<button id="go">Connect</button><pre id="told"></pre><script>
document.getElementById("go").onclick = () => crosswalk.authenticate(location.hash.slice(1), {{mode: "{mode}"}})
  .then((r) => r, (e) => ({{result: e.result, error: e.error, error_type: e.error_type}}))
  .then((r) => {{ document.getElementById("told").textContent = JSON.stringify(r); }});
</script>"""
Make = Callable[..., Awaitable[str]]


@pytest.fixture
def insightly() -> Iterator[Scripted]:
    """An Insightly that answers well."""
    with scripted(GOOD) as script:
        yield script


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """An open SQLite database."""
    async with open_database(sqlite_url) as opened:
        yield opened


@pytest.fixture
def accounts(database: Database, insightly: Scripted, tmp_path: Path) -> Accounts:
    """No accounts."""
    return Accounts(
        database=database, vault=Vault((bytes(32),)), pace_folder=tmp_path / "pace", allow_hosts=(insightly.host,)
    )


@pytest.fixture
async def hub(database: Database, accounts: Accounts) -> AsyncIterator[str]:
    """The link page's routes, served."""
    app = Litestar([make_link_routes(database, accounts), show_asset])
    async with serve(app, host="127.0.0.1", port=0) as url:
        yield url


@pytest.fixture
async def client(hub: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a screen."""
    async with httpx.AsyncClient(base_url=hub, timeout=20) as made:
        yield made


@pytest.fixture
def make(database: Database) -> Make:
    """Makes link tokens, and gives their text."""

    async def token(**said: object) -> str:
        draft = LinkDraft(**({"tenant_id": "t1"} | said))
        return (await LinkTokens(database=database).create(draft, EVERY))[1].reveal()

    return token


async def test_headers(client: httpx.AsyncClient, make: Make):
    """Only the registered origin may frame the page; no script but its own runs; no address leaks."""
    answer = await client.get(f"/link/{await make(origin='https://app.example.com')}")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert ("https://app.example.com", "'self'", "'none'", "no-referrer", "no-store", 200) == (
        policy["frame-ancestors"],
        policy["script-src"],
        policy["default-src"],
        answer.headers["referrer-policy"],
        answer.headers["cache-control"],
        answer.status_code,
    )


async def test_frames_refused(client: httpx.AsyncClient, make: Make):
    """Without a registered origin nobody may frame the page; an unknown link's page neither."""
    for path, status in ((await make(redirect_uri="https://app.example.com/"), 200), ("cl_" + "x" * 43, 404)):
        answer = await client.get(f"/link/{path}")
        assert (status, True) == (
            answer.status_code,
            answer.headers["content-security-policy"].endswith("frame-ancestors 'none'"),
        )


async def test_script_may_be_loaded(client: httpx.AsyncClient):
    """The script is served to any site, as a script."""
    answer = await client.get("/link.js")
    assert ("*", "text/javascript; charset=utf-8") == (
        answer.headers["access-control-allow-origin"],
        answer.headers["content-type"],
    )


async def test_loading_uses_nothing_up(client: httpx.AsyncClient, make: Make):
    """What looks at links beforehand, such as a mail scanner, ends none."""
    token = await make()
    assert [200, 200] == [(await client.get(f"/link/{token}")).status_code for _ in range(2)]


async def test_link(client: httpx.AsyncClient, make: Make, insightly: Scripted, accounts: Accounts):
    """Check, then confirm: the answer is what the opener is told, and the link has ended."""
    token = await make()
    found = await client.post(f"/link/{token}/check", json={"api_key": KEY, "api_url": insightly.base_url})
    told = await client.post(f"/link/{token}/confirm", json={"proof": found.json()["proof"]})
    (account,) = await accounts.list()
    assert {"result": "success", "integration": "insightly", "integrated_account_id": account.id} == told.json()
    assert (False, 410) == (KEY in found.text, (await client.get(f"/link/{token}")).status_code)


async def test_what_it_opens(client: httpx.AsyncClient, make: Make, insightly: Scripted):
    """The customer reads whose key it is, the plan, and what of it will not work, before it is kept."""
    insightly.answers["/Permissions"] = (
        200,
        {"OBJECT_PERMISSIONS": [{"OBJECT_TYPE": "LEAD", "CAN_READ": True, "CAN_CREATE": False}]},
    )
    token = await make(scopes=("unified.crm.leads:create",))
    found = (await client.post(f"/link/{token}/check", json={"api_key": KEY, "api_url": insightly.base_url})).json()
    fails = {line["what"]: line["says"] for line in found["lines"] if not line["works"]}
    assert ("Ada Byron, administrator", "Acme", "Professional") == (found["user"], found["instance"], found["plan"])
    assert {"leads", "asked for: unified.crm.leads:create"} == set(fails)
    assert "may not create Lead" in fails["leads"]


async def test_closed_call_is_a_line(client: httpx.AsyncClient, make: Make, insightly: Scripted):
    """What the plan does not answer is a line, not a refusal."""
    insightly.answers["/Instance"] = FORBIDDEN
    answer = await client.post(f"/link/{await make()}/check", json={"api_key": KEY, "api_url": insightly.base_url})
    assert (200, "instance") == (answer.status_code, answer.json()["lines"][0]["what"])


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"api_key": "wrong"}, 422, "credential_refused"),
        ({"api_key": ""}, 400, "unusable_account"),
        ({"api_key": KEY, "api_url": "https://evil.example/v3.1"}, 400, "unusable_account"),
    ],
)
async def test_refused(
    client: httpx.AsyncClient, make: Make, insightly: Scripted, said: dict[str, str], status: int, code: str
):
    """A refusal is a problem document with a code of its own, without the key."""
    answer = await client.post(f"/link/{await make()}/check", json={"api_url": insightly.base_url} | said)
    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert KEY not in answer.text


async def test_unknown_link(client: httpx.AsyncClient):
    """Nobody tries keys without a link."""
    answer = await client.post(f"/link/cl_{'x' * 43}/check", json={"api_key": KEY})
    assert (404, "link_unknown") == (answer.status_code, answer.json()["code"])


async def test_unknown_key_of_a_body(client: httpx.AsyncClient, make: Make):
    """A body takes what it names and nothing else."""
    answer = await client.post(f"/link/{await make()}/check", json={"api_key": KEY, "pod": "na1"})
    assert 400 == answer.status_code


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium, where there is one."""
    if not HAS_CHROMIUM:
        pytest.skip(f"there is no {CHROMIUM}")
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        await made.close()


@asynccontextmanager
async def hosted(hub: str, mode: str) -> AsyncIterator[str]:
    """A site of somebody else's that opens the page in some mode; its origin differs from the hub's by the port."""

    @get("/", include_in_schema=False)
    async def page() -> Response[str]:
        return Response(HOST_PAGE.format(hub=hub, mode=mode), media_type=MediaType.HTML)

    async with serve(Litestar([page]), host="127.0.0.1", port=0) as url:
        yield url


async def connect(page: Page, key: str, place: str) -> None:
    """Paste, check, agree, with the keyboard alone."""
    await page.fill("#api_key", key)
    await page.fill("#api_url", place)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#found:not([hidden])")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")


async def test_redirect(browser: Browser, hub: str, make: Make, insightly: Scripted, accounts: Accounts):
    """A wrong key is refused in words, the right one connects, and the browser goes back with the result."""
    token = await make(redirect_uri=f"{hub}/link.js?kept=1")
    page = await browser.new_page()
    await page.goto(f"{hub}/link/{token}")
    await page.fill("#api_key", "wrong")
    await page.fill("#api_url", insightly.base_url)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#refused:not([hidden])")
    assert "does not take this key" in (await page.text_content("#refused") or "")
    await connect(page, KEY, insightly.base_url)
    await page.wait_for_url("**/link.js?kept=1&result=success&**")
    (account,) = await accounts.list()
    assert page.url.endswith(f"integration=insightly&integrated_account_id={account.id}")


async def test_frame(browser: Browser, hub: str, make: Make, insightly: Scripted, accounts: Accounts):
    """In a frame of the registered origin the result comes by message."""
    async with hosted(hub, "iframe") as site:
        page = await browser.new_page()
        await page.goto(f"{site}/#{await make(origin=site)}")
        await page.click("#go")
        frame = page.frame_locator("iframe")
        await frame.locator("#api_key").fill(KEY)
        await frame.locator("#api_url").fill(insightly.base_url)
        await frame.locator("#check").click()
        await frame.locator("#connect").click()
        await page.wait_for_function("document.getElementById('told').textContent")
        (account,) = await accounts.list()
        told = await page.evaluate("JSON.parse(document.getElementById('told').textContent)")
        assert {"result": "success", "integration": "insightly", "integrated_account_id": account.id} == told
        assert 0 == await page.locator("dialog").count()


async def test_frame_of_another_origin(browser: Browser, hub: str, make: Make):
    """A site that was not registered can neither frame the page nor hear of it."""
    async with hosted(hub, "iframe") as site:
        page = await browser.new_page()
        await page.goto(f"{site}/#{await make(origin='https://app.example.com')}")
        async with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            await page.click("#go")
        assert 0 == await page.frame_locator("iframe").locator("#api_key").count()


async def test_popup(browser: Browser, hub: str, make: Make, insightly: Scripted):
    """In a popup the result comes by message, and the window closes."""
    async with hosted(hub, "popup") as site:
        page = await browser.new_page()
        await page.goto(f"{site}/#{await make(origin=site)}")
        async with page.expect_popup() as opened:
            await page.click("#go")
        popup = await opened.value
        await popup.wait_for_selector("#api_key")
        async with popup.expect_event("close"):
            await connect(popup, KEY, insightly.base_url)
        await page.wait_for_function("document.getElementById('told').textContent")
        told = await page.evaluate("JSON.parse(document.getElementById('told').textContent)")
        assert "success" == told["result"]


@pytest.mark.parametrize(("how", "kind"), [("cancel", "cancelled"), ("close", "closed")])
async def test_given_up(browser: Browser, hub: str, make: Make, how: str, kind: str):
    """A customer who gives up, by the page's button or by the frame's, is told of as an error."""
    async with hosted(hub, "iframe") as site:
        page = await browser.new_page()
        await page.goto(f"{site}/#{await make(origin=site)}")
        await page.click("#go")
        cancel = page.frame_locator("iframe").locator("#cancel")
        await cancel.wait_for()
        await (cancel if how == "cancel" else page.get_by_label("Close")).click()
        await page.wait_for_function("document.getElementById('told').textContent")
        told = await page.evaluate("JSON.parse(document.getElementById('told').textContent)")
        assert ("error", kind) == (told["result"], told["error_type"])


async def test_ended_link_tells(browser: Browser, hub: str, make: Make, insightly: Scripted):
    """A used link tells its opener so at once."""
    async with hosted(hub, "iframe") as site, httpx.AsyncClient(base_url=hub, timeout=20) as client:
        token = await make(origin=site)
        found = await client.post(f"/link/{token}/check", json={"api_key": KEY, "api_url": insightly.base_url})
        await client.post(f"/link/{token}/confirm", json={"proof": found.json()["proof"]})
        page = await browser.new_page()
        await page.goto(f"{site}/#{token}")
        await page.click("#go")
        await page.wait_for_function("document.getElementById('told').textContent")
        told = await page.evaluate("JSON.parse(document.getElementById('told').textContent)")
        assert ("error", "link_ended") == (told["result"], told["error_type"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone(browser: Browser, hub: str, make: Make, insightly: Scripted, scheme: str):
    """At 360 pixels nothing is cut off, and no rule of accessibility is broken, in the form and in what is found."""
    page = await browser.new_page(viewport={"width": 360, "height": 640}, color_scheme=scheme, bypass_csp=True)
    await page.goto(f"{hub}/link/{await make(origin='https://app.example.com', scopes=('unified.crm:read',))}")
    for state in ("form", "found"):
        if state == "found":
            await page.fill("#api_key", KEY)
            await page.fill("#api_url", insightly.base_url)
            await page.keyboard.press("Enter")
            await page.wait_for_selector("#found:not([hidden])")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        broken = (await Axe().run(page)).response["violations"]
        assert (360, []) == (wide, [each["id"] for each in broken])
