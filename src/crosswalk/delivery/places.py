"""Where sources may read: which files, which databases. Crosswalk's own home and database never."""

import re
import socket
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.kinds import UPLOAD

UPLOADS = "files"
"""The folder of a home that uploaded files lie in."""
DIGEST = re.compile(r"[0-9a-f]{64}\.[a-z0-9.]{1,16}")
PATTERN = re.compile(r"[*?\[]")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
REMOTE = ("s3://", "gs://", "sftp://")
PORTS = {"postgresql": 5432}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What sources may read: `folders` that the operator listed, or `None` where any path is free.

    `home` and `database_url` are Crosswalk's own, and refused wherever they are named. `largest_upload` is in bytes.
    """

    home: Path
    database_url: str
    folders: tuple[Path, ...] | None = ()
    largest_upload: int = 1_000_000_000

    def find_file(self, text: str) -> Path:
        """The file, folder or pattern that a path means, links followed. Raises `PlanError` where it may not be read.

        Asked again right before each reading, since links and folders change.
        """
        if text.startswith(UPLOAD):
            return self._find_upload(text.removeprefix(UPLOAD))
        if "\0" in text:
            raise PlanError("A path cannot hold a NUL")
        if ADDRESS.match(text):
            raise PlanError(f"{text} is no path of this machine")
        path = Path(text)
        if self.folders is None:
            return self._refuse_own(path.absolute(), text)
        if not path.is_absolute() or ".." in path.parts:
            raise PlanError(f"{text} is no whole path; write one from / on, without `..`")
        found = self._refuse_own(path, text)
        if not any(found.is_relative_to(folder.resolve()) for folder in self.folders):
            listed = ", ".join(map(str, self.folders)) or "none is"
            raise PlanError(
                f"{text} lies in no folder that the operator listed in CROSSWALK_FILES; {listed}. Upload it"
            )
        return found

    def is_remote(self, text: str) -> bool:
        """Whether a path is an address elsewhere, such as s3://bucket/key, which only the command line may name."""
        return self.folders is None and text.startswith(REMOTE)

    def check_file(self, path: Path) -> None:
        """Raise `PlanError` unless one file of a pattern or a folder, links followed, may be read."""
        found = self._refuse_own(path, str(path))
        if self.folders is not None and not any(found.is_relative_to(folder.resolve()) for folder in self.folders):
            raise PlanError(f"{path} leads out of the folders that the operator listed in CROSSWALK_FILES")

    def check_database(self, address: str) -> URL:
        """The address of a database to read. Raises `PlanError` for Crosswalk's own, and for one that is none."""
        try:
            asked = make_url(address)
        except (ArgumentError, ValueError):
            raise PlanError("The database's address cannot be read; write postgresql://USER@HOST/DATABASE") from None
        own = make_url(self.database_url)
        if asked.get_backend_name() == "sqlite":
            name = asked.database or ""
            if asked.query or name.startswith("file:"):
                raise PlanError("Write the path of the SQLite file plainly: sqlite:////data/crm.db")
            self._refuse_own(Path(name).absolute(), name)
        elif _kind(asked) == _kind(own) and _same_server(asked, own):
            raise PlanError("This is Crosswalk's own database; a source cannot read it")
        return asked

    @property
    def uploads(self) -> Path:
        """The folder of uploaded files."""
        return self.home / UPLOADS

    def upload_path(self, digest: str, suffix: str) -> Path:
        """Where an uploaded file of this content lies."""
        return self.uploads / f"{digest}{suffix}"

    def _find_upload(self, name: str) -> Path:
        if not DIGEST.fullmatch(name):
            raise PlanError(f"{UPLOAD}{name} names no upload; write it as the upload's answer has it")
        path = self.uploads / name
        if not path.is_file() or path.is_symlink():
            raise PlanError(f"The upload {name} is not there any more; upload the file again")
        return path

    def _refuse_own(self, path: Path, text: str) -> Path:
        found = _resolve(path)
        home = self.home.resolve()
        if found.is_relative_to(home) or (found.is_dir() and home.is_relative_to(found)):
            raise PlanError(f"{text} lies in, or above, Crosswalk's own home; a source cannot read it")
        kept = (home / name for name in ("crosswalk.db", "crosswalk.db-wal", "master.key"))
        if found.is_file() and any(own.exists() and own.samefile(found) for own in kept):
            raise PlanError(f"{text} is a file of Crosswalk's own; a source cannot read it")
        return found


def _resolve(path: Path) -> Path:
    """The path with links followed, as far as it has no wildcard."""
    parts = path.parts
    plain = next((place for place, part in enumerate(parts) if PATTERN.search(part)), len(parts))
    whole = path.exists()
    try:
        if whole or plain == len(parts):
            return path.resolve()
        return Path(*parts[:plain]).resolve().joinpath(*parts[plain:])
    except (OSError, RuntimeError) as error:
        raise PlanError(f"{path} cannot be followed: {error}") from error


def _kind(url: URL) -> str:
    name = url.get_backend_name()
    return "postgresql" if name == "postgres" else name


def _same_server(one: URL, other: URL) -> bool:
    return _database(one) == _database(other) and bool(_hosts(one) & _hosts(other))


def _database(url: URL) -> tuple[str, int]:
    name = url.query.get("dbname", url.database) or url.username or ""
    port = url.query.get("port", url.port) or PORTS.get(_kind(url), 0)
    return str(name), int(str(port))


def _hosts(url: URL) -> set[str]:
    """Every address that a server's name means; a socket's folder, or none, is this machine."""
    names = url.query.get("host", url.host) or "localhost"
    found: set[str] = set()
    for name in names.split(",") if isinstance(names, str) else names:
        plain = "localhost" if name.startswith("/") else name
        try:
            found |= {str(entry[4][0]) for entry in socket.getaddrinfo(plain, None)}
        except OSError:
            found.add(plain.lower())
    return {"localhost" if address.startswith("127.") or address == "::1" else address for address in found}
