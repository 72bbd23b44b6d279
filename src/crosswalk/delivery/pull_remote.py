"""Files of object stores and other hosts: copied to a file of this machine, then read as any other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from crosswalk.delivery.errors import SourceError

SCHEMES = ("s3", "gs", "sftp", "memory", "file")
BLOCK = 1 << 20
LARGEST = 64 * 1024**3
"""Bytes of one copied file."""


def is_remote(place: str) -> bool:
    """Whether a place is an address that is read through fsspec."""
    return urlsplit(place).scheme in SCHEMES and "://" in place


@contextmanager
def pull_remote(url: str, *, storage: dict[str, Any] | None = None, home: Path | None = None) -> Iterator[Path]:
    """Copy the file, or the files of a pattern, and give the local path for `open_source`; removed at the end.

    `storage` is what fsspec's file system takes, such as a key. Raises `SourceError`.
    """
    with TemporaryDirectory(prefix="crosswalk-", dir=home) as folder:
        yield _copy(url, Path(folder), storage or {})


def _copy(url: str, folder: Path, storage: dict[str, Any]) -> Path:
    if not is_remote(url):
        raise SourceError(f"{_shown(url)} cannot be read. Addresses begin with {'://, '.join(SCHEMES)}://")
    try:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # fsspec ships no types

        files, path = url_to_fs(url, **storage)
    except ImportError as error:
        raise SourceError(
            f"{_shown(url)} needs a library that is not installed: pip install crosswalk[files]"
        ) from error
    try:
        found = _copy_all(files, path, folder)
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 (every store raises errors of its own kinds)
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        said = said.replace(urlsplit(url).password or "\0", "***")
        raise SourceError(f"{_shown(url)} cannot be read: {said}. Check the address and the credentials") from None
    if found is None:
        raise SourceError(f"{_shown(url)} cannot be read: no file is there. Check the address")
    return found


def _copy_all(files: Any, path: str, folder: Path) -> Path | None:
    """One file under its own name; those of a pattern or a folder in a folder, in the order of their names."""
    if not any(mark in path for mark in "*?[") and not files.isdir(path):
        return _copy_one(files, path, folder / PurePosixPath(path).name)
    names = sorted(files.glob(path) if any(mark in path for mark in "*?[") else files.find(path, maxdepth=1))
    if not names:
        return None
    for number, name in enumerate(names):
        _copy_one(files, name, folder / f"{number:06}-{PurePosixPath(name).name}")
    return folder


def _copy_one(files: Any, path: str, target: Path) -> Path:
    copied = 0
    with files.open(path, "rb") as remote, target.open("wb") as local:
        while block := remote.read(BLOCK):
            copied += len(block)
            if copied > LARGEST:
                raise SourceError(f"{PurePosixPath(path).name} is larger than {LARGEST:,} bytes")
            local.write(block)
    return target


def _shown(url: str) -> str:
    """An address without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
