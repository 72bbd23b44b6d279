"""The one sender of all outgoing HTTP that does not go to Insightly: checked, pinned, bounded."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from os import strerror
from time import monotonic
from typing import Any, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from crosswalk.outgoing.address import Target, check_address, read_url
from crosswalk.outgoing.errors import UnusableAddress
from crosswalk.outgoing.result import Answered, Refused, Request, Result, Silent

SECONDS = 10.0
"""How long one request may take, from the look-up of its host to the last byte of the answer."""
OWN = {"User-Agent": "Crosswalk", "Accept-Encoding": "identity"}

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the operating system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def trust_system() -> ssl.SSLContext:
    """The certificates that this machine trusts; read once, for that takes longer than a request."""
    return ssl.create_default_context()


class Pinned(AbstractResolver):
    """Answers the addresses that were checked, and no others: what is connected to is what was allowed."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The pinned addresses, whatever the host."""
        return [_entry(host, port, address) for address in self._addresses]

    async def close(self) -> None:
        """Nothing is held."""


def _entry(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004 (its name)
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends to public https addresses, and to hosts that the operator listed. Follows no redirect, uses no proxy."""

    listed: Collection[str] = ()
    resolve: Resolve = look_up
    seconds: float = SECONDS
    make_tls: Callable[[], ssl.SSLContext] = trust_system

    def check(self, url: str) -> Target:
        """The URL taken apart, before anything is looked up. Raises `UnusableAddress`."""
        return read_url(url, self.listed)

    async def send(self, request: Request) -> Result:
        """Send once; every way to fail is a value."""
        try:
            async with asyncio.timeout(self.seconds):
                target = self.check(request.url)
                return await self._exchange(request, target, await self._pin(target))
        except UnusableAddress as exc:
            return Refused(str(exc))
        except TimeoutError:
            return Silent(f"no whole answer within {self.seconds:g} s")
        except aiohttp.ClientConnectorCertificateError as exc:
            return Silent(f"its certificate is not one for this host: {exc.certificate_error}")
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            return Silent(_cause(exc))

    async def _pin(self, target: Target) -> Sequence[str]:
        """Addresses of the target, all of them checked: one that is refused refuses the host."""
        try:
            addresses = [target.host] if _is_literal(target.host) else await self.resolve(target.host, target.port)
        except OSError as exc:
            raise aiohttp.ClientConnectionError(f"{target.host} cannot be looked up: {exc.strerror or exc}") from exc
        if not addresses:
            raise aiohttp.ClientConnectionError(f"{target.host} has no address")
        for each in addresses:
            check_address(ip_address(each), target)
        return addresses

    async def _exchange(self, request: Request, target: Target, addresses: Sequence[str]) -> Answered:
        url = URL.build(
            scheme=target.scheme,
            host=target.host,
            port=target.port,
            path=target.path,
            query_string=target.query,
            encoded=True,
        )
        began = monotonic()
        connector = aiohttp.TCPConnector(
            resolver=Pinned(addresses), ssl=self.make_tls(), force_close=True, use_dns_cache=False
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=self.seconds),
            ) as session,
            session.request(
                request.method, url, data=request.body, headers={**OWN, **request.headers}, allow_redirects=False
            ) as response,
        ):
            body = await _read(response.content, request.kept)
            return Answered(
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=body[: request.kept],
                cut=len(body) > request.kept,
                elapsed_ms=round((monotonic() - began) * 1000),
            )


async def _read(stream: aiohttp.StreamReader, most: int) -> bytes:
    """The beginning of a body, one byte more than wanted where there is more."""
    parts: list[bytes] = []
    left = most + 1
    while left > 0 and (part := await stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _cause(error: Exception) -> str:
    inner: Any = getattr(error, "os_error", None)
    if isinstance(inner, OSError):  # its text repeats the address; its number says what happened
        return strerror(inner.errno) if inner.errno else str(inner)
    return str(error) or type(error).__name__
