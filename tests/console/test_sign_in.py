"""Signing in over HTTP: cookies, forms of other sites, and where one goes then."""

import httpx
import pytest
from litestar import Litestar

from crosswalk.console.desk import Desk
from crosswalk.console.routes import add_console
from crosswalk.console.session import Sessions
from crosswalk.console.sign_in import own_path
from fixtures.showcase import Showcase, csrf_of, enter

PASSWORD = "a good long password"
OPEN = {"/sign-in", "/assets/{digest:str}/{name:str}"}
CLOSED = [
    "/", "/home", "/accounts", "/accounts/new", "/accounts/x", "/runs", "/runs/x", "/deliveries", "/deliveries/x/1",
    "/dead-letters", "/dead-letters/groups/x", "/sources", "/sources/x", "/datasets/x", "/destinations",
    "/destinations/x", "/notices", "/settings", "/flows",
]  # fmt: skip


@pytest.mark.parametrize("path", CLOSED)
async def test_strangers_sign_in_first(stranger: httpx.AsyncClient, path: str):
    """Every page sends strangers to the sign-in page, and remembers where they were going."""
    answer = await stranger.get(path)
    expected = "/sign-in" if path == "/" else f"/sign-in?next={path.replace('/', '%2F')}"
    assert (302, expected) == (answer.status_code, answer.headers["location"])


async def test_cookie(bare: Showcase, stranger: httpx.AsyncClient):
    """The cookie is for HTTP only, not sent from other sites, and goes when one signs out."""
    await enter(stranger, bare)
    cookie = stranger.cookies["cw_session"]
    assert 200 == (await stranger.get("/")).status_code
    answer = await stranger.post("/sign-out", data={"token": await csrf_of(stranger)})
    assert 303 == answer.status_code
    stranger.cookies.set("cw_session", cookie)
    assert 302 == (await stranger.get("/")).status_code


async def test_cookie_flags(bare: Showcase, stranger: httpx.AsyncClient):
    """Scripts never see the cookie, and other sites' forms do not carry it."""
    link = (await bare.link()).partition("link=")[2]
    answer = await stranger.post("/sign-in", data={"link": link, "next": "/runs"})
    said = answer.headers["set-cookie"].lower()
    assert ("/runs", True, True) == (answer.headers["location"], "httponly" in said, "samesite=lax" in said)


async def test_looking_spends_nothing(bare: Showcase, stranger: httpx.AsyncClient):
    """Whatever looks at a link beforehand leaves it whole."""
    link = await bare.link()
    for _ in range(2):
        assert 200 == (await stranger.get(link)).status_code
    assert 303 == (await stranger.post("/sign-in", data={"link": link.partition("link=")[2]})).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
async def test_forms_of_other_sites(bare: Showcase, stranger: httpx.AsyncClient, headers: dict[str, str]):
    """A form that another site sends is refused, even with the right token."""
    await enter(stranger, bare)
    token = await csrf_of(stranger)
    answer = await stranger.post("/settings/sign-out-others", data={"token": token}, headers=headers)
    assert (403, True) == (answer.status_code, "another site" in answer.text)


@pytest.mark.parametrize("token", [None, "", "0" * 64])
async def test_forms_without_token(bare: Showcase, stranger: httpx.AsyncClient, token: str | None):
    """A form without its session's token is refused."""
    await enter(stranger, bare)
    data = {} if token is None else {"token": token}
    answer = await stranger.post("/settings/sign-out-others", data=data)
    assert (403, True) == (answer.status_code, "another session" in answer.text)


async def test_our_own_form(bare: Showcase, stranger: httpx.AsyncClient):
    """A browser's own form passes: same origin, its origin hidden for want of a referrer."""
    await enter(stranger, bare)
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    data = {"token": await csrf_of(stranger)}
    assert 200 == (await stranger.post("/settings/sign-out-others", data=data, headers=headers)).status_code


async def test_password_over_http(bare: Showcase, stranger: httpx.AsyncClient):
    """A wrong password is told on the form; the right one lets in."""
    await Sessions(database=bare.hub.database).set_password(PASSWORD)
    wrong = await stranger.post("/sign-in", data={"password": "wrong"})
    assert (403, True) == (wrong.status_code, "This password is wrong" in wrong.text)
    assert 303 == (await stranger.post("/sign-in", data={"password": PASSWORD})).status_code


async def test_scripts_are_told(stranger: httpx.AsyncClient):
    """A script without a session gets a problem, not a page."""
    answer = await stranger.get("/runs", headers={"Accept": "application/json"})
    assert (401, "application/problem+json") == (answer.status_code, answer.headers["content-type"])


@pytest.mark.parametrize("path", ["/unified/crm/contacts", "/proxy/Contacts?integrated_account_id=1", "/v1/runs"])
async def test_session_opens_no_api(bare: Showcase, stranger: httpx.AsyncClient, path: str):
    """A session is for pages: the API wants a token."""
    await enter(stranger, bare)
    assert 401 == (await stranger.get(path)).status_code


async def test_programs_at_the_front(stranger: httpx.AsyncClient):
    """A program that asks for / hears what this is, without a session."""
    answer = await stranger.get("/", headers={"Accept": "*/*"})
    assert ("Crosswalk", "/docs") == (answer.json()["name"], answer.json()["docs"])


@pytest.mark.parametrize("text", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "x", ""])
def test_next_stays_here(text: str):
    """After signing in nobody is sent to another host."""
    assert "/" == own_path(text)


def test_every_page_is_closed():
    """Every route of the console but signing in and its files asks for a session, walked from the route table."""
    app = Litestar(openapi_config=None)
    add_console(app, Desk(database=None, accounts=None, office=None, places=None, throughput=None))
    asks = {
        path: handler.resolve_before_request() is not None
        for route in app.routes
        for handler in route.route_handlers
        for path in [route.path]
    }
    opened = {path for path, closed in asks.items() if not closed}
    assert opened <= OPEN | {path for path in asks if path.startswith(("/link", "/widgets"))}
