"""Files as rows in constant memory: one file, packed or not, a folder, or a pattern such as `data/*.csv`."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TypeAlias

from msgspec.structs import replace

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.folder import digest_of, is_many, list_files, open_many
from crosswalk.delivery.read_csv import read_csv
from crosswalk.delivery.read_json import read_json, read_json_lines
from crosswalk.delivery.row import Batch, Content, Options, Row, Source, Unreadable

__all__ = ["Batch", "Content", "Options", "Row", "Source", "Unreadable", "open_source", "read_content"]

Reader: TypeAlias = Callable[[Path, IO[bytes], Options], Source]
TEXT = frozenset({"delimiter", "encoding", "header"})


def _read_parquet(path: Path, file: IO[bytes], options: Options) -> Source:
    from crosswalk.delivery.read_parquet import read_parquet

    return read_parquet(path, file, options)


def _read_excel(path: Path, file: IO[bytes], options: Options) -> Source:
    from crosswalk.delivery.read_excel import read_excel

    return read_excel(path, file, options)


READERS: dict[str, tuple[Reader, frozenset[str]]] = {
    "csv": (read_csv, TEXT),
    "tsv": (read_csv, TEXT),
    "txt": (read_csv, TEXT),
    "json": (read_json, frozenset({"encoding", "path"})),
    "jsonl": (read_json_lines, frozenset({"encoding"})),
    "ndjson": (read_json_lines, frozenset({"encoding"})),
    "parquet": (_read_parquet, frozenset()),
    "xlsx": (_read_excel, frozenset({"sheet", "header"})),
    "xlsm": (_read_excel, frozenset({"sheet", "header"})),
    "xls": (_read_excel, frozenset({"sheet", "header"})),
    "ods": (_read_excel, frozenset({"sheet", "header"})),
    "xlsb": (_read_excel, frozenset({"sheet", "header"})),
}
"""Formats by their ending: who reads them, and which options they take."""
PACKED = frozenset({"csv", "tsv", "txt", "json", "jsonl", "ndjson"})
ENDINGS = (*(f".{name}" for name in READERS), *(f".{name}.gz" for name in READERS if name in PACKED))


def read_content(path: Path) -> Content:
    """Name a file, folder or pattern by its content. Raises `SourceError` when it cannot be read."""
    if is_many(path):
        return digest_of(list_files(path, ENDINGS)[0], read_content)
    sha, lines = hashlib.sha256(), 0
    with _open(path) as file:
        while block := file.read(1 << 20):
            sha.update(block)
            lines += block.count(b"\n")
    return Content(sha.hexdigest(), lines)


@contextmanager
def open_source(path: Path, options: Options = Options()) -> Iterator[Source]:
    """Open a file by its ending or `options.format`, or many files as one. Raises `SourceError`."""
    if is_many(path):
        files, notes = list_files(path, ENDINGS)
        _check_options(path, options, [_format_of(each, options) for each in files])
        yield open_many(path, files, notes, partial(_open_one, options=options))
        return
    _check_options(path, options, [_format_of(path, options)])
    with _open_one(path, options) as source:
        yield source


@contextmanager
def _open_one(path: Path, options: Options) -> Iterator[Source]:
    read, _ = READERS[_format_of(path, options)]
    with _open(path) as file:
        before = _stamp(file)
        source = read(path, file, options)
        yield replace(source, rows=_watched(path, source.rows, before))


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}. Check the path and its permissions.") from error
    with file:
        yield file


def _format_of(path: Path, options: Options) -> str:
    """The format that the options name, or the ending, below a `.gz`."""
    if options.format is not None:
        name = options.format.lower().removeprefix(".")
    else:
        plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
        name = plain.suffix.lower().removeprefix(".")
    if name not in READERS or (path.suffix.lower() == ".gz" and name not in PACKED):
        shown = "".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix
        asked = f"the format {options.format}" if options.format is not None else f"the ending {shown or 'none'}"
        raise SourceError(f"{path} has {asked}. Crosswalk reads {', '.join(ENDINGS)}.")
    return name


def _check_options(path: Path, options: Options, formats: list[str]) -> None:
    """Refuse an option that no file takes, rather than leave it without effect."""
    given = {name for name in options.__struct_fields__ if getattr(options, name) is not None} - {"format"}
    taken = frozenset[str]().union(*(READERS[each][1] for each in formats))
    for name in sorted(given - taken):
        raise SourceError(f"{path} takes no {name}: it is read as {formats[0]}. Leave that option out.")


def _watched(path: Path, rows: Iterator[Row | Unreadable], before: tuple[int, int]) -> Iterator[Row | Unreadable]:
    """The rows, and at their end whether the file is still what it was."""
    number = 0
    for row in rows:
        number = row.number
        yield row
    try:
        after = _stamp(path)
    except OSError:
        return  # removed while open: what was read is what it held
    if after != before:
        yield Unreadable(number + 1, f"{path.name} was changed while it was read; send it again", rest=True)


def _stamp(file: IO[bytes] | Path) -> tuple[int, int]:
    about = file.stat() if isinstance(file, Path) else os.fstat(file.fileno())
    return about.st_size, about.st_mtime_ns
