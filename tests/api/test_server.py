"""Who is believed when it says for whom it asks."""

import asyncio

import httpx
import pytest
from litestar import Litestar, Request, get

from crosswalk.api.server import serve


@get("/whence")
async def whence(request: Request) -> str:
    """The address that the caller is taken to have."""
    return request.client.host


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        ((), "127.0.0.1"),
        (("10.0.0.5",), "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.7"),
        (("127.0.0.0/8",), "203.0.113.7"),
    ],
)
async def test_forwarded(proxies: tuple[str, ...], expected: str):
    """`X-Forwarded-For` counts from a listed proxy only: a local process is none by itself."""
    headers = {"X-Forwarded-For": "203.0.113.7"}
    async with (
        serve(Litestar([whence]), host="127.0.0.1", port=0, proxies=proxies) as url,
        httpx.AsyncClient(base_url=url, headers=headers) as caller,
    ):
        assert expected == (await caller.get("/whence")).text


async def test_what_is_under_way_ends():
    """A request that is under way when serving ends is answered; no new one is taken."""
    began, goes_on = asyncio.Event(), asyncio.Event()

    @get("/slow")
    async def slow() -> str:
        began.set()
        await goes_on.wait()
        return "done"

    serving = serve(Litestar([slow]), host="127.0.0.1", port=0, grace=60)
    url = await serving.__aenter__()
    async with httpx.AsyncClient(base_url=url, timeout=60) as caller:
        asked = asyncio.create_task(caller.get("/slow"))
        await began.wait()
        ending = asyncio.create_task(serving.__aexit__(None, None, None))
        await asyncio.wait_for(_refused(url), 60)
        goes_on.set()
        assert "done" == (await asked).text
        await ending


async def _refused(url: str) -> None:
    """Return once nothing listens at an address."""
    host, _, port = url.removeprefix("http://").partition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0)
