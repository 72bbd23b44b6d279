"""A file's bytes, unpacked where it is gzip, and its text by lines: both bounded."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.sniff import Encoding, find_encoding

LONGEST_LINE = 64 * 1024 * 1024
"""Characters of one line; a longer one is no row of a table."""
LARGEST_UNPACKED = 64 * 1024**3
"""Bytes that one packed file may become."""
SAMPLE = 64 * 1024
SEARCHED = 64 * 1024 * 1024
"""Bytes looked through for the first that is not ASCII."""
BLOCK = 1 << 20
BROKEN = (OSError, EOFError, zlib.error)
"""What reading a damaged or truncated packed file raises."""


class Overlong(Exception):
    """A line, or a whole unpacked file, is longer than any table's."""


def open_bytes(path: Path, file: IO[bytes]) -> IO[bytes]:
    """The file itself, or what it holds when it is gzip."""
    if path.suffix.lower() != ".gz":
        return file
    return io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=file)), BLOCK)


class _Bounded(io.RawIOBase):
    """A stream that ends in `Overlong` rather than fill the disk or the day."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file, self._left = file, LARGEST_UNPACKED

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._left = LARGEST_UNPACKED  # only the start is ever gone back to
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # io hands over a buffer, typeshed has no name for it on 3.11
        block = self._file.read1(len(view))
        self._left -= len(block)
        if self._left < 0:
            raise Overlong(f"the file unpacks to more than {LARGEST_UNPACKED:,} bytes")
        view[: len(block)] = block
        return len(block)


def read_sample(file: IO[bytes]) -> tuple[bytes, bytes]:
    """The file's beginning, and beside it the first lines that are not ASCII; leaves the file at its start."""
    head = beyond = b""
    try:
        head = file.read(SAMPLE)
        block, seen = head, len(head)
        while block and block.isascii() and seen < SEARCHED:
            block = file.read(BLOCK)
            seen += len(block)
        if not block.isascii():
            beyond = block[:SAMPLE] if block is head else _around(block)
    except (Overlong, *BROKEN):
        pass  # the reader meets the same damage, and says after which row
    file.seek(0)
    return head, beyond


def _around(block: bytes) -> bytes:
    """A piece of a block that begins at the line of its first byte beyond ASCII."""
    low, high = 0, len(block)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if block[:middle].isascii() else (low, middle)
    start = block.rfind(b"\n", 0, low) + 1
    return block[start : start + SAMPLE]


def find_text(path: Path, file: IO[bytes], encoding: str | None) -> tuple[Encoding, str]:
    """How the file's bytes are text, and the text of its beginning. Raises `SourceError` for an unknown encoding."""
    head, beyond = read_sample(file)
    if encoding is None:
        marked = find_encoding(head)
        found = marked if marked.name != "utf-8" or not beyond else find_encoding(beyond)
    else:
        found = Encoding(encoding)
    try:
        text = head.decode(found.name, "replace")
    except LookupError as error:
        raise SourceError(f"{path}: there is no encoding {encoding!r}. Write utf-8, windows-1252, utf-16, …") from error
    return found, text


def lines_of(file: IO[bytes], encoding: str) -> Iterator[str]:
    """Lines with their ends. Bytes that the encoding has not become surrogates, by which a reader finds their cell.

    Raises `Overlong`.
    """
    text = io.TextIOWrapper(file, encoding, "surrogateescape", newline="")
    try:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise Overlong(f"a line is longer than {LONGEST_LINE:,} characters")
            yield line
    finally:
        with suppress(ValueError):  # closed already
            text.detach()  # whoever opened the file closes it
