"""A backup: one packed file that holds every row and every uploaded file, and never the master key.

It is a gzipped tar of `manifest.json`, `tables/NAME` and `files/…`. A table is a row of column names and then its rows,
each as MessagePack behind its length in four bytes. The manifest says at which revision the tables stood and what their
rows add up to, so that a restored database is proved equal before anything of it is used.
"""

import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from struct import Struct as Layout
from tempfile import TemporaryDirectory
from typing import IO

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Table

from crosswalk.store.errors import StoreError
from crosswalk.store.transfer import Row, Sum, Tally, add_up, find_tables, read_rows, write_rows

FORMAT = 1
LENGTH = Layout(">I")
MANIFEST, TABLES, FILES = "manifest.json", "tables/", "files/"


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup says of itself. `keys` are the ids of the master keys that its secrets are sealed with."""

    format: int
    crosswalk: str
    revision: str
    made_at: datetime
    dialect: str
    keys: tuple[str, ...]
    tables: dict[str, Sum]
    files: int


class Broken(StoreError):
    """The file is no backup, or not whole."""


def write_backup(connection: Connection, path: Path, uploads: Path, about: Manifest) -> Manifest:
    """Write all rows and uploaded files into one new file, which appears only when it is whole."""
    draft = path.with_name(f".{path.name}.part")
    sums: dict[str, Sum] = {}
    try:
        with TemporaryDirectory(dir=path.parent, prefix=".backup-") as room:
            for table in find_tables(connection):
                sums[table.name] = _write_table(connection, table, Path(room) / table.name)
            files = sorted(each for each in uploads.rglob("*") if each.is_file()) if uploads.is_dir() else []
            manifest = msgspec.structs.replace(about, tables=sums, files=len(files))
            with _create(draft) as raw, tarfile.open(fileobj=raw, mode="w:gz") as pack:
                _add_bytes(pack, MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
                for name in sums:
                    pack.add(Path(room) / name, f"{TABLES}{name}")
                for each in files:
                    pack.add(each, f"{FILES}{each.relative_to(uploads)}")
                pack.close()
                raw.flush()
                os.fsync(raw.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """What a backup says of itself. Raises `Broken`."""
    with _opened(path) as pack:
        return _read_manifest(pack, path)


def restore_rows(connection: Connection, path: Path) -> None:
    """Put a backup's rows into empty tables of its own revision. Raises `Broken` unless they add up."""
    tables = {table.name: table for table in find_tables(connection)}
    with _opened(path) as pack:
        manifest = _read_manifest(pack, path)
        lacking = sorted(set(manifest.tables) - set(tables))
        if lacking:
            raise Broken(f"{path} holds tables that revision {manifest.revision} does not have: {', '.join(lacking)}")
        members = {member.name: member for member in pack.getmembers()}
        for name, table in tables.items():
            if name in manifest.tables:
                _restore_table(connection, pack, members.get(f"{TABLES}{name}"), table)
    for name, want in manifest.tables.items():
        if add_up(connection, tables[name]) != want:
            raise Broken(f"{path}: table {name} does not add up to what the backup says; it is damaged")


def restore_files(path: Path, uploads: Path) -> int:
    """Put a backup's uploaded files back; answers how many."""
    count = 0
    with _opened(path) as pack:
        for member in pack.getmembers():
            if member.isfile() and member.name.startswith(FILES):
                place = uploads / member.name.removeprefix(FILES)
                if not place.resolve().is_relative_to(uploads.resolve()):
                    raise Broken(f"{path} names the file {member.name}, which leads out of its folder")
                source = pack.extractfile(member)
                assert source is not None, "a file has content"
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with _create(place) as target:
                    shutil.copyfileobj(source, target)
                count += 1
    return count


def _write_table(connection: Connection, table: Table, path: Path) -> Sum:
    columns = [str(column.name) for column in table.columns]  # SQLAlchemy's own kind of text else
    tally = Tally(columns)
    with _create(path) as file:
        _put(file, columns)
        for row in read_rows(connection, table):
            tally.add(row)
            _put(file, row)
    return tally.sum


def _restore_table(connection: Connection, pack: tarfile.TarFile, member: tarfile.TarInfo | None, table: Table) -> None:
    file = None if member is None else pack.extractfile(member)
    if file is None:
        raise Broken(f"The backup lacks table {table.name}; it is not whole")
    with file:
        rows = _rows(file, table.name)
        columns = next(rows, None)
        if columns is None:
            raise Broken(f"The backup's table {table.name} has no columns; it is damaged")
        write_rows(connection, table, [str(name) for name in columns], rows)


def _put(file: IO[bytes], row: object) -> None:
    raw = msgspec.msgpack.encode(row)
    file.write(LENGTH.pack(len(raw)))
    file.write(raw)


def _rows(file: IO[bytes], name: str) -> Iterator[Row]:
    while head := file.read(LENGTH.size):
        raw = file.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
        try:
            yield tuple(msgspec.msgpack.decode(raw, type=list))
        except msgspec.DecodeError as exc:
            raise Broken(f"The backup's table {name} cannot be read: {exc}") from exc


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """A backup to be read; whatever is wrong with the file is said as `Broken`."""
    try:
        with tarfile.open(path, "r:gz") as pack:
            yield pack
    except (OSError, EOFError, zlib.error, tarfile.TarError) as exc:
        raise Broken(f"{path} is no backup that can be read whole: {exc}") from exc


def _read_manifest(pack: tarfile.TarFile, path: Path) -> Manifest:
    try:
        file = pack.extractfile(MANIFEST)
        assert file is not None, "a manifest is a file"
        manifest = msgspec.json.decode(file.read(), type=Manifest)
    except (KeyError, msgspec.DecodeError) as exc:
        raise Broken(f"{path} is no backup of Crosswalk: {exc}") from exc
    if manifest.format != FORMAT:
        raise Broken(f"{path} has format {manifest.format}; this Crosswalk reads format {FORMAT}")
    return manifest


def _add_bytes(pack: tarfile.TarFile, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mode = len(content), 0o600
    pack.addfile(about, BytesIO(content))


def _create(path: Path) -> IO[bytes]:
    """A new file for its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
