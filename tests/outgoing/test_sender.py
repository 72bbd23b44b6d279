"""The one sender: it connects to what it checked, and to nothing else."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web

from crosswalk.outgoing.result import Answered, Refused, Request, Silent
from crosswalk.outgoing.sender import Sender
from crosswalk.sandbox.tls import make_tls
from fixtures.receiver import Receiver, start


@pytest.fixture
async def secure(tmp_path) -> AsyncIterator[tuple[Receiver, ssl.SSLContext]]:
    """A receiver with a certificate for api.na1.insightly.com, and a context that trusts its maker."""
    server, files = make_tls(tmp_path, datetime.now(UTC))
    trusting = ssl.create_default_context(cafile=str(files.authority))
    made = Receiver()
    runner = await start(made, server)
    yield made, trusting
    await runner.cleanup()


async def test_sends(receiver):
    """A request arrives as it was meant, and the answer comes back with its headers in lower case."""
    receiver.statuses(201)
    result = await Sender(listed=[receiver.place]).send(Request(url=f"{receiver.url}?a=1", body=b"{}"))
    assert isinstance(result, Answered)
    (heard,) = receiver.heard
    assert (201, "/hook?a=1", b"{}", receiver.place) == (result.status, heard.path, heard.body, heard.headers["Host"])
    assert result.headers["content-length"] == "0"


async def test_loopback_must_be_listed(receiver):
    """Loopback is refused unless it is listed, whatever the scheme, and nothing arrives."""
    results = [
        await Sender().send(Request(url=url))
        for url in (receiver.url, f"https://{receiver.place}/", f"https://localhost:{receiver.port}/")
    ]
    assert ([Refused] * 3, []) == ([type(each) for each in results], receiver.heard)


async def test_rebinding(receiver):
    """A name that is public when asked first and private afterwards is asked once: the checked address is called."""
    asked: list[str] = []

    async def resolve(host, port):
        asked.append(host)
        return ["192.0.0.1" if len(asked) > 1 else "93.184.216.34"]

    sender = Sender(resolve=resolve, seconds=0.2)
    result = await sender.send(Request(url=f"https://rebind.example:{receiver.port}/"))
    assert (["rebind.example"], []) == (asked, receiver.heard)
    assert isinstance(result, Silent)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:10.0.0.1"], ["fe80::1"]])
async def test_one_private_address_refuses(receiver, addresses):
    """A name is refused when any of its addresses is: which one would be tried is not for its owner to choose."""

    async def resolve(host, port):
        return addresses

    result = await Sender(resolve=resolve).send(Request(url=f"https://inner.example:{receiver.port}/"))
    assert (True, []) == (isinstance(result, Refused), receiver.heard)


async def test_pinned_with_its_name(secure):
    """The checked address is connected to under the name: SNI, certificate and Host are the name's."""
    receiver, trusting = secure

    async def resolve(host, port):
        return ["127.0.0.1"]

    name = f"api.na1.insightly.com:{receiver.port}"
    sender = Sender(listed=[name], resolve=resolve, make_tls=lambda: trusting)
    result = await sender.send(Request(url=f"https://{name}/x"))
    assert (204, name) == (getattr(result, "status", result), receiver.heard[0].headers["Host"])


async def test_certificate_of_another_name(secure):
    """A certificate for another name ends the connection before a byte of the message leaves."""
    receiver, trusting = secure

    async def resolve(host, port):
        return ["127.0.0.1"]

    name = f"other.example:{receiver.port}"
    result = await Sender(listed=[name], resolve=resolve, make_tls=lambda: trusting).send(
        Request(url=f"https://{name}/")
    )
    assert ("certificate" in getattr(result, "reason", ""), []) == (True, receiver.heard)


async def test_unknown_authority(secure):
    """A certificate that this machine does not trust is refused."""
    receiver, _ = secure
    result = await Sender(listed=[receiver.place]).send(Request(url=receiver.url))
    assert ("certificate" in getattr(result, "reason", ""), []) == (True, receiver.heard)


async def test_redirects_are_not_followed(receiver):
    """A redirect is an answer like any other."""

    async def answer(_):
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    receiver.answer = answer
    result = await Sender(listed=[receiver.place]).send(Request(url=receiver.url, body=b"{}"))
    assert (307, 1) == (getattr(result, "status", None), len(receiver.heard))


async def test_huge_answer(receiver):
    """Of an answer without an end only the beginning is read."""

    async def answer(_):
        return web.Response(body=b"x" * 5_000_000)

    receiver.answer = answer
    result = await Sender(listed=[receiver.place]).send(Request(url=receiver.url))
    assert isinstance(result, Answered)
    assert (64 * 1024, True) == (len(result.body), result.cut)


async def test_compressed_answer_stays_as_it_is(receiver):
    """An answer is never unpacked, so that a small one cannot become a large one."""

    async def answer(_):
        return web.Response(body=b"\x1f\x8b bomb", headers={"Content-Encoding": "gzip"})

    receiver.answer = answer
    result = await Sender(listed=[receiver.place]).send(Request(url=receiver.url))
    assert getattr(result, "body", None) == b"\x1f\x8b bomb"


async def test_slow_answer(receiver):
    """An answer that does not come within the time is none."""
    never = asyncio.Event()

    async def answer(_):
        await never.wait()
        return web.Response()

    receiver.answer = answer
    result = await Sender(listed=[receiver.place], seconds=0.1).send(Request(url=receiver.url))
    never.set()
    assert result == Silent("no whole answer within 0.1 s")


async def test_nobody_listens(unused_port):
    """A closed port is silence with its cause."""
    place = f"127.0.0.1:{unused_port}"
    result = await Sender(listed=[place]).send(Request(url=f"http://{place}/"))
    assert ("refused" in getattr(result, "reason", "").lower()) is True


async def test_no_proxy_of_the_environment(receiver, monkeypatch):
    """A proxy that the environment names is not used: it would see messages and choose addresses."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    result = await Sender(listed=[receiver.place]).send(Request(url=receiver.url))
    assert 204 == getattr(result, "status", result)


async def test_unknown_name():
    """A name that nobody knows is silence with its cause."""

    async def resolve(host, port):
        raise OSError(-2, "Name or service not known")

    result = await Sender(resolve=resolve).send(Request(url="https://nobody.example/"))
    assert result == Silent("nobody.example cannot be looked up: Name or service not known")


@pytest.fixture
def unused_port():
    """A port on which nobody listens."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
