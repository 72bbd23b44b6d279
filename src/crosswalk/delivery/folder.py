"""A folder or a pattern as one source: files in the order of their names, rows numbered through."""

import glob
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.row import Content, Row, Source, Unreadable

Open = Callable[[Path], AbstractContextManager[Source]]
TOLD = 5
"""Files named in one note."""


def is_many(path: Path) -> bool:
    """Whether a path stands for several files."""
    return path.is_dir() or (glob.has_magic(str(path)) and not path.exists())


def list_files(path: Path, endings: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """The readable files of a folder or pattern by name, and what was left out. Raises `SourceError` for none."""
    names = path.iterdir() if path.is_dir() else _match(path)
    found = sorted(each for each in names if each.is_file() and not each.name.startswith("."))
    files = [each for each in found if each.name.lower().endswith(tuple(endings))]
    left = [each.name for each in found if each not in files]
    if not files:
        raise SourceError(f"{path} holds no file that can be read. Crosswalk reads {', '.join(endings)}.")
    more = f" and {len(left) - TOLD} more" if len(left) > TOLD else ""
    return files, (f"Left out: {', '.join(left[:TOLD])}{more}",) if left else ()


def _match(path: Path) -> Iterator[Path]:
    return map(Path, glob.iglob(str(path), recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)


def digest_of(files: Sequence[Path], read: Callable[[Path], Content]) -> Content:
    """The content of several files: their names and contents in order."""
    sha, lines = hashlib.sha256(), 0
    for each in files:
        content = read(each)
        sha.update(f"{each.name}\0{content.digest}\n".encode())
        lines += content.lines
    return Content(sha.hexdigest(), lines)


def open_many(path: Path, files: Sequence[Path], notes: tuple[str, ...], open_one: Open) -> Source:
    """One stream of the rows of all files. Raises `SourceError` when one of them cannot be used."""
    heads = []
    for each in files:
        with open_one(each) as source:
            heads.append((each, source))
    columns = tuple(dict.fromkeys(column for _, source in heads for column in source.columns))
    told = [f"{each.name}: {note}" for each, source in heads for note in source.notes]
    different = [each.name for each, source in heads if set(source.columns) != set(columns)]
    if different:
        more = f" and {len(different) - TOLD} more" if len(different) > TOLD else ""
        told.append(f"Not every file has the same columns; some are missing in {', '.join(different[:TOLD])}{more}")
    closed = not different and all(source.closed for _, source in heads)
    return Source(columns, _rows(path, files, open_one), closed=closed, notes=(*notes, *told))


def _rows(path: Path, files: Sequence[Path], open_one: Open) -> Iterator[Row | Unreadable]:
    number = 0
    for each in files:
        shown = str(each.relative_to(path)) if path.is_dir() else str(each)
        try:
            with open_one(each) as source:
                for row in source.rows:
                    number += 1
                    yield _renumbered(row, number, shown, last=each is files[-1])
        except SourceError as error:
            number += 1
            yield Unreadable(number, str(error), rest=each is files[-1], file=shown)


def _renumbered(row: Row | Unreadable, number: int, file: str, *, last: bool) -> Row | Unreadable:
    if isinstance(row, Row):
        return Row(number, row.cells, file)
    return msgspec.structs.replace(row, number=number, rest=row.rest and last, file=file)
