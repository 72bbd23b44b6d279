"""The page at /docs: everything the document has, and nothing from elsewhere."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from fixtures.document import document


class Page(HTMLParser):
    """What a browser would fetch or run, and where links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            if name in {"href", "src"}:
                (self.links if tag == "a" else self.fetched).add(value or "")
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


@pytest.fixture
async def answer(client: httpx.AsyncClient) -> httpx.Response:
    """The page, asked for without a token."""
    return await client.get("/docs")


async def test_every_operation(answer: httpx.Response):
    """Every path of the document, and every scope, is on the page."""
    paths = document()["paths"]
    scopes = re.findall(r"'bearer': \['([^']+)'\]", str(paths))
    text = answer.text
    assert (True, []) == (len(scopes) > 10, [each for each in {*paths, *scopes} if f"<code>{each}</code>" not in text])


async def test_nothing_from_elsewhere(answer: httpx.Response):
    """The page fetches its own style sheet alone, and runs nothing."""
    page = Page(answer.text)
    running = {"script", "style", "iframe", "object"} & {*page.tags}
    assert ({"/docs/style.css"}, [], set()) == (page.fetched, page.handlers, running)


async def test_links_lead_somewhere(answer: httpx.Response):
    """Every link is to a part of the page, or to the document."""
    page = Page(answer.text)
    assert set() == page.links - {f"#{name}" for name in page.ids} - {"/openapi.json"}


async def test_policy(client: httpx.AsyncClient, answer: httpx.Response):
    """The browser is told to allow nothing else, for the page and its style sheet."""
    style = await client.get("/docs/style.css")
    policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    assert ([policy, policy], "text/css", "text/html") == (
        [each.headers["content-security-policy"] for each in (answer, style)],
        style.headers["content-type"].partition(";")[0],
        answer.headers["content-type"].partition(";")[0],
    )
