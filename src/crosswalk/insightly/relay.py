"""Calls passed through unread: bytes go out and come back as they are, once, without repeats or redirects."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

MOST_ERROR = 1024 * 1024
"""Bytes of an error answer that are held, so that the key can be looked for in it."""
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One request as it goes out. `path` is below the base URL, checked and escaped, with its query.

    With `unpack` a packed answer is unpacked on its way.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | AsyncIterable[bytes] | None = None
    unpack: bool = False

    @property
    def streams(self) -> bool:
        """Whether the body comes in pieces, at its sender's pace."""
        return not isinstance(self.body, bytes | None)


@dataclass(frozen=True, slots=True)
class Relayed:
    """An answer that has begun. `whole` is its body where it was held back, as that of an error is."""

    response: aiohttp.ClientResponse
    base: str
    headers: Sequence[tuple[str, str]]
    whole: bytes | None = None

    @property
    def status(self) -> int:
        """Insightly's status."""
        return self.response.status

    @property
    def url(self) -> str:
        """What was asked."""
        return str(self.response.url)

    def header(self, name: str) -> str:
        """One header, empty when there is none."""
        return self.response.headers.get(name, "")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come; it raises what breaks the connection."""
        if self.whole is not None:
            yield self.whole
            return
        async for chunk in self.response.content.iter_any():
            yield chunk

    @property
    def ended(self) -> bool:
        """Whether its last byte has been read."""
        return self.whole is not None or self.response.content.at_eof()

    def cut(self) -> None:
        """Close the connection now: nobody reads on."""
        self.response.close()


def mask(body: bytes, packing: str, secrets: Sequence[str]) -> bytes | None:
    """An error's body without the key; `None` when the key is not in it, and it can pass as it came."""
    plain = _unpack(body) if packing in {"gzip", "deflate"} else body
    masked = plain
    for secret in secrets:
        masked = masked.replace(secret.encode(), b"***")
    return None if masked == plain else masked


def _unpack(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(GZIP_OR_ZLIB).decompress(body, MOST_ERROR)
    except zlib.error:
        return body
