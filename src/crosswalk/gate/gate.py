"""Open a paced client for one account."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from crosswalk.gate.ledger import Ledger
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


@asynccontextmanager
async def connect(credential: Credential, limits: Limits, *, folder: Path) -> AsyncIterator[Insightly]:
    """Open a client for one account; every process that names the same `folder` keeps to one pace.

    Raises `HostRefused` for a host that is not allowed.
    """
    with Ledger(folder / _name(credential)) as ledger:
        async with Insightly(
            credential.api_key,
            base_url=credential.base_url,
            allow_hosts=credential.allow_hosts,
            pacer=AccountPacer(ledger, limits.rate, limits.daily),
            timeout=limits.timeout,
            attempts=limits.attempts,
        ) as crm:
            yield crm


def _name(credential: Credential) -> str:
    """One name for one key at one place, from which neither can be read."""
    return sha256(f"{credential.base_url}\n{credential.api_key}".encode()).hexdigest()[:32]
