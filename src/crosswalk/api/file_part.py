"""The one file of a `multipart/form-data` body, as it comes in: no more of it in memory than a block."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from litestar.exceptions import ClientException
from msgspec import Struct
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from crosswalk.delivery.errors import PlanError

MOST_PARTS = 8
HINT = "Send one file alone: curl -F file=@people.csv"
Event: TypeAlias = MultipartSegment | bytes | None
"""A part begins, a block of its content comes, or it ends."""


class FilePart(Struct, frozen=True):
    """A file of a form: its name and type as the sender says, and its content as it comes."""

    name: str
    type: str
    blocks: AsyncIterator[bytes]


@asynccontextmanager
async def open_file_part(body: AsyncIterator[bytes], boundary: str) -> AsyncIterator[FilePart]:
    """The form's file; its `blocks` go to the end of the form, so that nothing after the file goes unseen.

    Raises `PlanError` for a form without a file, with two, or with other fields, and a 400 for what is no form.
    """
    events = _parse(body, boundary)
    try:
        part = await anext(events, None)
        if not isinstance(part, MultipartSegment):
            raise PlanError(f"The form holds no file. {HINT}")
        yield FilePart(_name_of(part), part.content_type or "", _read(events))
    finally:
        await events.aclose()


async def _read(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """The blocks of the part that was begun. Raises `PlanError` when another part follows."""
    async for event in events:
        match event:
            case MultipartSegment() as part:
                raise PlanError(f"The form holds a second file, {_name_of(part)!r}; nothing was kept. {HINT}")
            case None:
                continue
            case block:
                yield bytes(block)


def _name_of(part: MultipartSegment) -> str:
    """The file's name, without the folders that some senders put before it."""
    if not part.filename:
        raise PlanError(f"The form's field {part.name!r} is no file. {HINT}")
    name: str = part.filename
    return name.replace("\\", "/").rpartition("/")[2]


async def _parse(body: AsyncIterator[bytes], boundary: str) -> AsyncGenerator[Event]:
    try:
        with PushMultipartParser(boundary, max_segment_count=MOST_PARTS) as parser:
            async for chunk in body:
                for event in parser.parse(chunk) if chunk and not parser.closed else ():
                    yield event
    except MultipartError as error:
        raise ClientException(f"The body is no whole multipart/form-data: {error}. {HINT}") from error
