"""Who is believed when it says for whom it asks."""

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
