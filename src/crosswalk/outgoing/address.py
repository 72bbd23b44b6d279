"""Where webhooks may go: a URL taken apart in one way only, and the addresses that are refused. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

from crosswalk.outgoing.errors import UnusableAddress

Address = IPv4Address | IPv6Address
PORTS = {"https": 443, "http": 80}
MOST_CHARACTERS = 2048
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBER = re.compile(r"\d+|0x[0-9a-f]*")  # an address in disguise: 2130706433, 0x7f.1, 0177.0.0.1 (WHATWG URL, 3.5)
NEVER = re.compile(r'[\x00-\x20\x7f\\<>"`{}|^]')
SAFE = "%/:@!$&'()*+,;=~-._?"
REFUSED = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # the host of a virtual machine on Azure; public, and answers to guests only
        "192.0.0.0/24",  # special purposes, some of which Python calls global (RFC 6890)
        "192.88.99.0/24",  # relays from IPv6 to anywhere (RFC 7526)
        "::/96",  # IPv4 inside IPv6, old form (RFC 4291)
        "64:ff9b::/96",  # translated to IPv4 (RFC 6052)
        "64:ff9b:1::/48",  # the same, of a network's own (RFC 8215)
        "2001::/23",  # tunnels and other special purposes (RFC 2928, RFC 4380)
        "2002::/16",  # IPv4 inside IPv6 (RFC 3056)
        "fec0::/10",  # once private (RFC 3879)
    )
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where one request goes. `listed` says that the operator named this host: private addresses are allowed."""

    scheme: str
    host: str
    port: int
    path: str
    query: str
    listed: bool

    @property
    def shown(self) -> str:
        """Scheme, host and port; path and query may be secret."""
        usual = self.port == PORTS[self.scheme]
        return f"{self.scheme}://{self.place if not usual else _bracketed(self.host)}"

    @property
    def place(self) -> str:
        """`host:port`."""
        return f"{_bracketed(self.host)}:{self.port}"


def read_url(text: str, listed: Collection[str] = ()) -> Target:
    """Take a URL apart. Raises `UnusableAddress` for whatever two readers could read in two ways."""
    if len(text) > MOST_CHARACTERS:
        raise UnusableAddress(f"A URL of {len(text):,} characters is too long; {MOST_CHARACTERS:,} is the most.")
    if NEVER.search(text):
        raise UnusableAddress("The URL holds a blank, a backslash or another character that no URL has. Encode it.")
    try:
        parts = urlsplit(text)
        written, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise UnusableAddress(f"The URL cannot be read: {exc}.") from exc
    if "@" in parts.netloc:
        raise UnusableAddress("The URL holds a user name or password. Leave it out: messages are signed instead.")
    if parts.scheme not in PORTS or not written or port == 0 or parts.netloc.endswith(":"):
        raise UnusableAddress("Give a whole URL such as https://example.com/hooks.")
    if parts.fragment:
        raise UnusableAddress("The URL holds a '#' and something after it, which is never sent. Leave it out.")
    host = read_host(written)
    chosen = port or PORTS[parts.scheme]
    known = _is_listed(host, chosen, listed)
    if parts.scheme == "http" and not (known and _is_loopback_name(host)):
        raise UnusableAddress(
            f"http://{_bracketed(host)} would be called unencrypted. Use https; plain http only goes to a loopback "
            "host that CROSSWALK_WEBHOOK_HOSTS lists."
        )
    path = quote(parts.path or "/", safe=SAFE)
    target = Target(parts.scheme, host, chosen, path, quote(parts.query, safe=SAFE), known)
    literal = _literal(host)
    if literal is not None:
        check_address(literal, target)
    return target


def read_host(written: str) -> str:
    """A host as it is looked up: ASCII, lower case, no dot at its end; an address in its one spelling."""
    if "%" in written:
        raise UnusableAddress(f"The host {written!r} holds a '%'. Write it plainly.")
    try:
        host = written.encode("idna").decode("ascii").lower() if not written.isascii() else written.lower()
    except UnicodeError as exc:
        raise UnusableAddress(f"The host {written!r} is no host name: {exc}.") from exc
    host = host.removesuffix(".")
    literal = _literal(host)
    if literal is not None:
        return str(literal)
    labels = host.split(".")
    if NUMBER.fullmatch(labels[-1]):
        raise UnusableAddress(f"The host {written!r} is a number in disguise. Write an address as 203.0.113.7.")
    if not all(LABEL.fullmatch(label) for label in labels) or len(host) > 253:  # noqa: PLR2004 (RFC 1035, 2.3.4)
        raise UnusableAddress(f"The host {written!r} is no host name.")
    return host


def check_address(address: Address, target: Target) -> None:
    """Raise `UnusableAddress` unless this address may be connected to."""
    if is_public(address) or target.listed:
        return
    what = f"{target.host} is {address}, which" if str(address) != target.host else target.host
    raise UnusableAddress(
        f"{what} is not on the public internet. If you trust it, list {target.place} in CROSSWALK_WEBHOOK_HOSTS."
    )


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and to one machine there."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.scope_id is not None:
            return False
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    inside = any(address in network for network in REFUSED if network.version == address.version)
    return address.is_global and not special and not inside


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_listed(host: str, port: int, listed: Collection[str]) -> bool:
    """Whether the operator names this host, with this port or with none."""
    names = {each.lower() for each in listed}
    return f"{_bracketed(host)}:{port}" in names or _bracketed(host) in names or host in names


def _is_loopback_name(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" if literal is None else literal.is_loopback


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
