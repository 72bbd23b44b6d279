"""Uploaded files: kept in the home under the digest of their content, whole or not at all."""

import asyncio
import os
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from msgspec import Struct

from crosswalk.delivery.errors import PlanError, SourceError, UploadTooLarge
from crosswalk.delivery.kinds import UPLOAD
from crosswalk.delivery.places import Places
from crosswalk.delivery.source import ENDINGS


class Upload(Struct, frozen=True, kw_only=True):
    """A kept file: the path by which a file source names it."""

    path: str
    digest: str
    bytes: int


TYPES = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".ndjson",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
}
"""Media types, and the ending of a file whose name has none."""


def ending_of(name: str, kind: str = "") -> str:
    """The ending by which a file is read: its name's, else its media type's. Raises `PlanError` where nothing does."""
    lower = name.lower()
    found = [ending for ending in ENDINGS if lower.endswith(ending)]
    if found:
        return max(found, key=len)
    known = TYPES.get(kind.partition(";")[0].strip().lower())
    if known is None:
        raise PlanError(f"{name!r} has no ending that Crosswalk reads; they are {', '.join(ENDINGS)}")
    return known


async def keep_upload(blocks: AsyncIterator[bytes], name: str, *, places: Places, kind: str = "") -> Upload:
    """Keep a file of a name and media type as it comes in.

    Raises `PlanError` for one that nothing reads, `UploadTooLarge`, and `SourceError` where the disk refuses.
    """
    ending = ending_of(name, kind)
    folder = places.uploads
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = mkstemp(dir=folder)
        try:
            digest, size = await _write(handle, blocks, places.largest_upload)
            path = places.upload_path(digest, ending)
            _place(draft, path)
        finally:
            _forget(draft)
    except OSError as error:
        raise SourceError(f"The upload cannot be kept: {error.strerror}. Make room in {folder}") from error
    return Upload(path=f"{UPLOAD}{path.name}", digest=digest, bytes=size)


async def _write(handle: int, blocks: AsyncIterator[bytes], most: int) -> tuple[str, int]:
    sha, size = sha256(), 0
    with os.fdopen(handle, "wb") as file:
        async for block in blocks:
            size += len(block)
            if size > most:
                raise UploadTooLarge(
                    f"The upload is larger than {most:,} bytes; CROSSWALK_LARGEST_UPLOAD says how many"
                )
            sha.update(block)
            await asyncio.to_thread(file.write, block)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    return sha.hexdigest(), size


def _place(draft: str, path: Path) -> None:
    Path(draft).replace(path)


def _forget(draft: str) -> None:
    Path(draft).unlink(missing_ok=True)
