"""Records of an Insightly resource: all of them first, afterwards each version once that is newer."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.row import Batch
from crosswalk.insightly import Insightly
from crosswalk.insightly.changes import Mark
from crosswalk.insightly.errors import NotOffered

BATCH = 500
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


async def pull_insightly(
    crm: Insightly,
    resource: str,
    *,
    updated_after: datetime | None = None,
    after: str | None = None,
    full: bool = False,
    batch: int = BATCH,
) -> AsyncIterator[Batch]:
    """Read a resource's records as Insightly sends them; `after` is the cursor of an earlier pull.

    Where Insightly searches by time, the last batch's cursor says how far the reading came: the next pull brings what
    changed since, a change within the same second included, and no version twice. Where it does not, or with `full`,
    every pull reads all and has no cursor. Raises `SourceError` for a cursor of another kind, and what `crm` raises.
    """
    found = crm.resource(resource)
    if not full and after is None and updated_after is None and not found.about.serves("GET", "/Search"):
        full = True
    if full:
        async for page in found.pages():
            yield Batch([record.raw for record in page])
        return
    since = _decode(after) if after is not None else Mark(updated_after or BEGINNING)
    try:
        changes = found.changes(since)
    except NotOffered as error:
        raise SourceError(f"{resource} cannot be read by time: {error} Read it in full") from error
    kept: list[dict[str, Any]] = []
    async for record in changes:
        kept.append(record.raw)
        if len(kept) >= batch:
            yield Batch(kept, after)
            kept = []
    yield Batch(kept, msgspec.json.encode(changes.mark).decode())


def _decode(after: str) -> Mark:
    try:
        return msgspec.json.decode(after, type=Mark)
    except msgspec.DecodeError as error:
        raise SourceError(f"{after[:60]!r} is no cursor of an Insightly source. Begin again without one") from error
