"""What passes through the hub unread: which headers, how much, and bytes on their way in both directions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
import structlog
from litestar.types import HTTPScope, Receive, Send

from crosswalk.insightly.relay import Relayed

MOST_BODY = 256 * 1024 * 1024
"""Bytes of one body; Insightly takes no file as large."""
SILENCE = 60.0
"""Seconds without a byte after which a sender is given up."""
SMALL = 64 * 1024
REDIRECTS = range(300, 400)
JSON_TYPES = ("application/json", "text/json")

SENT = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "pragma",
        "prefer",
        "range",
        "user-agent",
    }
)
"""Headers of a request that go on. Others could name another host, method or user, or are a hop's own."""

KEPT_BACK = frozenset(
    {
        "alt-svc",
        "clear-site-data",
        "connection",
        "content-security-policy",
        "date",  # the server's own is sent
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "set-cookie",
        "set-cookie2",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-content-type-options",
    }
)
"""Headers of an answer that stay here: a hop's own, and those that would speak for our host."""


class TooLarge(Exception):
    """A body is larger than any that passes."""


class SenderGone(Exception):
    """Whoever sent a body went away, or fell silent, in the middle of it."""


@dataclass(eq=False, slots=True)
class Upload:
    """A body on its way: counted, bounded, never held. `failure` is why it ended early."""

    first: bytes
    receive: Receive
    size: int = 0
    failure: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunk, more = self.first, True
        while True:
            self.size += len(chunk)
            if self.size > MOST_BODY:
                raise self._fail(TooLarge(f"A body may have {MOST_BODY:,} bytes at most"))
            if chunk:
                yield chunk
            if not more:
                return
            chunk, more = await self.next()

    async def next(self) -> tuple[bytes, bool]:
        """The next piece, and whether more follow. Raises `SenderGone`."""
        try:
            async with asyncio.timeout(SILENCE):
                message = await self.receive()
        except TimeoutError:
            raise self._fail(SenderGone(f"No byte of the body came for {SILENCE:g} s")) from None
        if message["type"] != "http.request":
            raise self._fail(SenderGone("The sender went away in the middle of the body"))
        return message["body"], message["more_body"]

    def _fail(self, failure: Exception) -> Exception:
        self.failure = failure
        return failure


async def open_body(headers: Mapping[str, str], receive: Receive) -> bytes | Upload | None:
    """A request's body: none, whole where it came whole, else on its way. Raises `TooLarge` and `SenderGone`."""
    length = headers.get("content-length", "")
    if not length and "transfer-encoding" not in headers:
        return None
    if length.isdecimal() and int(length) > MOST_BODY:
        raise TooLarge(f"A body may have {MOST_BODY:,} bytes at most")
    upload = Upload(b"", receive)
    first, more = await upload.next()
    if not more:
        return first
    upload.first = first
    return upload


def read_headers(scope: HTTPScope) -> dict[str, str]:
    """A request's headers; of one that comes twice the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def headers_out(headers: Mapping[str, str], body: bytes | Upload | None) -> dict[str, str]:
    """The headers that go on. A packed answer is never made of one that was not asked for."""
    sent = {name: value for name, value in headers.items() if name in SENT}
    if not isinstance(body, Upload):
        sent.pop("content-length", None)  # written anew, from the body itself
    sent.setdefault("accept-encoding", "identity")
    return sent


def headers_back(relayed: Relayed) -> list[tuple[bytes, bytes]]:
    """The headers of an answer as the caller gets them: safe to open in a browser on our host."""
    hop = {name.strip().lower() for name in relayed.header("Connection").split(",")}
    back = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in relayed.headers
        if (low := name.lower()) not in KEPT_BACK and low not in hop and not low.startswith("access-control-")
    ]
    back += [(b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"sandbox")]
    kind = relayed.header("Content-Type").partition(";")[0].strip().lower()
    disposition = relayed.header("Content-Disposition").strip().lower()
    if kind and kind not in JSON_TYPES and not disposition.startswith("attachment"):
        back = [(name, value) for name, value in back if name != b"content-disposition"]
        back.append((b"content-disposition", b"attachment"))
    return back


@dataclass(eq=False, slots=True)
class Passed:
    """What became of an answer: its bytes, and what cut it."""

    size: int = 0
    trouble: str | None = None
    gone: bool = False


async def send_on(relayed: Relayed, back: Sequence[tuple[bytes, bytes]], *, receive: Receive, send: Send) -> Passed:
    """Send an answer on as it comes. A cut one ends without its end, so that nobody takes it for whole."""
    passed = Passed()
    watch = _watch(relayed, passed, receive)
    try:
        await send({"type": "http.response.start", "status": relayed.status, "headers": back})
        async for chunk in relayed.chunks():
            passed.size += len(chunk)
            ended = relayed.ended
            await send({"type": "http.response.body", "body": chunk, "more_body": not ended})
            if ended:
                return passed
        if not passed.gone:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        passed.trouble = "the caller went away" if passed.gone else f"cut: {str(exc) or type(exc).__name__}"
        structlog.get_logger().warning("relay.cut", why=passed.trouble, bytes=passed.size)
    finally:
        if watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
    return passed


def _watch(relayed: Relayed, passed: Passed, receive: Receive) -> "asyncio.Task[None] | None":
    """Close the way to Insightly when the caller goes; what is small is over before anyone could."""
    length = relayed.header("Content-Length")
    if relayed.whole is not None or (length.isdecimal() and int(length) <= SMALL):
        return None

    async def wait() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        passed.gone = True
        relayed.cut()

    return asyncio.create_task(wait(), name="caller")


class Redirect(Exception):
    """Insightly leads to another place than itself; the caller is not sent there with its token."""


def read_location(
    back: list[tuple[bytes, bytes]], relayed: Relayed, here: Callable[[str], str]
) -> list[tuple[bytes, bytes]]:
    """The headers with a redirect leading back through the hub; raises `Redirect` where it leads elsewhere."""
    location = relayed.header("Location")
    if not location or relayed.status not in REDIRECTS:
        return [each for each in back if each[0] != b"location"] if location else back
    there = urlsplit(urljoin(relayed.url, location))
    base = urlsplit(relayed.base)
    if (there.scheme, there.netloc) != (base.scheme, base.netloc) or not there.path.startswith(f"{base.path}/"):
        raise Redirect("Insightly redirects to another host, where the key is not sent. Look at the account's base URL")
    rest = here(there.path.removeprefix(base.path)) + (f"?{there.query}" if there.query else "")
    kept = [each for each in back if each[0] != b"location"]
    return [*kept, (b"location", rest.encode("latin-1", "replace"))]


async def send_whole(status: int, back: list[tuple[bytes, bytes]], body: bytes, *, send: Send) -> None:
    """Send an answer that is here in whole."""
    headers = [*back, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
