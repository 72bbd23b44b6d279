"""Where an account's key may be sent: a pod's host, or a host that the caller allows by name."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from crosswalk.insightly.errors import HostRefused

VERSION = "/v3.1"
_POD = re.compile(r"[a-z0-9-]{1,32}")
_HOST = re.compile(r"api(\.[a-z0-9-]{1,32})?\.insightly\.com")
PORTS = {"https": 443, "http": 80}


def base_url(*, pod: str | None = None, whole: str | None = None, allow_hosts: Collection[str] = ()) -> str:
    """The base URL of a pod such as `na1`, or a whole one checked. Raises `HostRefused`.

    Keys go to `https://api.<pod>.insightly.com/v3.1` and, beyond that, only to a `host:port` in `allow_hosts`, over
    https; a loopback host that is allowed may be plain http.
    """
    match pod, whole:
        case None, None:
            raise HostRefused("No pod is given. Take it from the API URL in Insightly's user settings, such as na1.")
        case str(), None:
            return _of_pod(pod)
        case None, str():
            return _checked(whole, frozenset(host.lower() for host in allow_hosts))
        case _:
            raise HostRefused(f"Both pod {pod!r} and base URL {whole!r} are given. Give one.")


def _of_pod(pod: str) -> str:
    if not _POD.fullmatch(pod):
        raise HostRefused(f"{pod!r} is no pod. A pod is short, such as na1, eu1 or au1.")
    return f"https://api.{pod}.insightly.com{VERSION}"


def _checked(whole: str, allowed: frozenset[str]) -> str:
    try:
        parts = urlsplit(whole.rstrip("/"))
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as exc:
        raise HostRefused(f"The base URL cannot be read: {exc}.") from exc
    if parts.username is not None or parts.query or parts.fragment or not host:
        raise HostRefused(f"{_shown(parts)} is no base URL. Give scheme, host and path, nothing else.")
    listed = _listed(parts, allowed)
    if parts.scheme == "https" and _HOST.fullmatch(host) and port in {None, 443} and not listed:
        if parts.path != VERSION:
            raise HostRefused(f"{_shown(parts)} is no base URL of Insightly's: its path must be {VERSION}.")
        return f"https://{host}{VERSION}"
    if not listed:
        raise HostRefused(
            f"Keys are sent to https://api.<pod>.insightly.com{VERSION} only, not to {_shown(parts)}. "
            f"Allow the host {parts.netloc.rpartition('@')[2]!r} by name if you trust it."
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise HostRefused(f"{_shown(parts)} would send the key unencrypted. Use https.")
    return parts.geturl()


def _listed(parts: SplitResult, allowed: frozenset[str]) -> bool:
    """Whether `host:port` is allowed by name; a name without a port means the scheme's own."""
    host, usual = (parts.hostname or "").lower(), PORTS.get(parts.scheme)
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parts.port or usual}" in allowed or (parts.port in {None, usual} and shown in allowed)


def this_machine(whole: str | None) -> tuple[str, ...]:
    """The `host:port` of a base URL that names this machine, for callers who allow what a person typed."""
    try:
        parts = urlsplit(whole or "")
        local = parts.hostname is not None and is_loopback(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return ()
    return (parts.netloc,) if local else ()


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(parts: SplitResult) -> str:
    """A URL without the name and password that it may carry."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl() or "an empty text"
