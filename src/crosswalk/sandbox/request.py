"""A request as it came: path, query, headers and body read the way IIS and ASP.NET read them."""

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from crosswalk.sandbox.call import Refusal
from crosswalk.sandbox.denials import deny_coding, deny_size
from crosswalk.sandbox.protocol import EXTENSION, Wire
from crosswalk.sandbox.routes import split_path

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_BYTES = 30_000_000
"""The largest body that goes on, IIS's own default (maxAllowedContentLength). Insightly's is not recorded."""
WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Gone(Exception):
    """The caller left before its request was whole."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request without its body. Header and query names in lower case; the last of equal names wins."""

    method: str
    path: str
    query_string: str
    segments: list[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    scheme: str
    receive: Receive
    send: Send
    wire: Wire | None

    @property
    def uri(self) -> str:
        """The whole address, as ASP.NET repeats it in a 404."""
        query = f"?{self.query_string}" if self.query_string else ""
        return f"{self.scheme}://{self.headers.get('host', '')}{self.path}{query}"

    @property
    def has_body(self) -> bool:
        """Whether a body follows the headers."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"


def read_request(scope: Scope, receive: Receive, send: Send) -> Request:
    """Read everything of a request that its headers tell."""
    path = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return Request(
        method=scope["method"],
        path=path,
        query_string=query,
        segments=split_path(path),
        query=read_query(query) if query else {},
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        scheme=scope["scheme"],
        receive=receive,
        send=send,
        wire=scope.get("extensions", {}).get(EXTENSION, {}).get("wire"),
    )


def read_query(text: str) -> dict[str, str]:
    """Read a query string: names in lower case, last wins, a broken percent sign stands for itself."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {unquote_plus(name).lower(): unquote_plus(value) for name, _, value in pairs}


async def read_body(request: Request) -> bytes:
    """Read and unpack the body. Raises `Refusal` for one too large or not what it says, `Gone` if it never ends.

    The rest of a refused body is read and thrown away by the server, so that its sender can hear the answer.
    """
    if not request.has_body:
        return b""
    if int(request.headers.get("content-length", "0")) > MOST_BYTES:
        raise Refusal(deny_size(MOST_BYTES))
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk, more = message.get("body", b""), message.get("more_body", False)
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise Refusal(deny_size(MOST_BYTES))
    return unpack(chunks[0] if len(chunks) == 1 else b"".join(chunks), request.headers.get("content-encoding", ""))


def unpack(body: bytes, coding: str) -> bytes:
    """Undo a body's gzip or deflate (zlib or raw), however large it claims to be. Raises `Refusal`."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in WINDOW:
        raise Refusal(deny_coding(coding))
    windows = (WINDOW[coding], -15) if coding == "deflate" else (WINDOW[coding],)
    for window in windows:
        worker = zlib.decompressobj(window)
        try:
            plain = worker.decompress(body, MOST_BYTES + 1)
        except zlib.error:
            continue
        if len(plain) > MOST_BYTES:
            raise Refusal(deny_size(MOST_BYTES))
        if worker.eof:
            return plain
    raise Refusal(deny_coding(coding))
