"""Where a customer's Insightly is: read from what a person pastes, or the places to look at in turn."""

from collections.abc import Collection
from urllib.parse import urlsplit

from crosswalk.accounts.errors import UnusableAccount
from crosswalk.insightly.errors import HostRefused
from crosswalk.insightly.pods import VERSION, base_url

KNOWN_PODS = ("na1", "na2", "eu1", "au1")
PLACES = (f"https://api.insightly.com{VERSION}", *(base_url(pod=pod) for pod in KNOWN_PODS))
"""Where a key is tried when nobody says where it belongs: the name without a pod, then the pods that are known."""
LONGEST = 300
WAY_OUT = "Copy the API URL from Insightly's user settings, such as https://api.na1.insightly.com/v3.1/"


def read_place(text: str, allow_hosts: Collection[str] = ()) -> str:
    """The base URL that a pasted API URL, host or pod means. Raises `UnusableAccount`; a key is sent nowhere else."""
    given = text.strip()
    if len(given) > LONGEST:
        raise UnusableAccount(f"This is too long for an API URL. {WAY_OUT}")
    try:
        if "." not in given and ":" not in given and "/" not in given:
            return base_url(pod=given.lower())
        whole = given if "://" in given else f"https://{given}"
        parts = urlsplit(whole)
        if parts.hostname and parts.hostname.lower().endswith(".insightly.com") and not parts.query:
            parts = parts._replace(scheme="https", path=VERSION)  # whatever version the page that was copied shows
        return base_url(whole=parts.geturl(), allow_hosts=allow_hosts)
    except (HostRefused, ValueError) as exc:
        raise UnusableAccount(f"{given[:80]!r} is no API URL of Insightly's. {WAY_OUT}") from exc


def pod_of(base: str) -> str | None:
    """The pod of a base URL; `None` where its host names none."""
    host = urlsplit(base).hostname or ""
    name = host.removeprefix("api.").removesuffix(".insightly.com")
    return name if host == f"api.{name}.insightly.com" else None
