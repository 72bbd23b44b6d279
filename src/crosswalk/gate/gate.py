"""Open a paced client for one account."""

from collections.abc import Collection
from dataclasses import dataclass, field

from crosswalk.gate.pacer import AccountPacer
from crosswalk.insightly import Insightly
from crosswalk.insightly.client import ATTEMPTS
from crosswalk.insightly.transport import TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A key and where it may be sent. The key stays out of the `repr`."""

    base_url: str
    api_key: str = field(repr=False)
    allow_hosts: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How an account's calls are paced.

    `rate` calls in a second (`None` is Insightly's ten, 0 no limit), `daily` calls in a day (`None` no limit of our
    own), `timeout` seconds for one request, and at most `attempts` of a call that may be repeated.
    """

    rate: int | None = None
    daily: int | None = None
    timeout: float = TIMEOUT
    attempts: int = ATTEMPTS


def connect(credential: Credential, limits: Limits) -> Insightly:
    """A client for one account, to be opened with `async with`. Raises `HostRefused` for a host that is not allowed."""
    return Insightly(
        credential.api_key,
        base_url=credential.base_url,
        allow_hosts=credential.allow_hosts,
        pacer=AccountPacer(limits.rate, limits.daily),
        timeout=limits.timeout,
        attempts=limits.attempts,
    )
