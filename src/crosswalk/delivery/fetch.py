"""Pages of an HTTP source, by the one sender of everything that goes out: checked addresses, no redirects."""

from collections.abc import Mapping
from dataclasses import dataclass

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.pull_http import Fetched
from crosswalk.outgoing.result import Answered, Refused, Request, Silent
from crosswalk.outgoing.sender import Sender

LARGEST_PAGE = 16 << 20
"""Bytes of one answer."""
ACCEPT = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Gets pages."""

    sender: Sender

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """One answer. Raises `SourceError` where none came, or none that is read."""
        asked = Request(url=url, method="GET", headers={**ACCEPT, **headers}, kept=LARGEST_PAGE)
        match await self.sender.send(asked):
            case Answered(cut=True):
                raise SourceError(f"A page is larger than {LARGEST_PAGE:,} bytes; ask for smaller ones")
            case Answered(status=status, headers=given, body=body):
                return Fetched(status, given, body)
            case Refused(reason) | Silent(reason):
                raise SourceError(f"The source's address gives nothing: {reason}")
