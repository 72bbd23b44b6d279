"""The master keys kept in a home's own file, one a line, newest first; for its owner alone."""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp

from crosswalk.accounts.errors import VaultError
from crosswalk.accounts.vault import KEY_BYTES, name_key
from crosswalk.store.lock import hold

KEY_FILE = "master.key"
KEYS_LOCK = "keys.lock"
"""The file in a home that whoever changes its keys holds."""


def read_home_keys(home: Path) -> tuple[bytes, ...]:
    """The master keys of a home, newest first; none when none was made. Raises `VaultError` for a damaged file."""
    path = home / KEY_FILE
    return _read_keys(path) if path.exists() else ()


def make_home_key(home: Path, make_key: Callable[[int], bytes] = os.urandom) -> bytes:
    """Make a home's first master key; the first of two makers wins. Raises `VaultError` when it cannot be written."""
    path = home / KEY_FILE
    with _explained(path):
        draft = _write_draft(home, [make_key(KEY_BYTES)])
        with suppress(FileExistsError):  # another process was first; its key is the home's
            path.hardlink_to(draft)
        draft.unlink()
    return _read_keys(path)[0]


def add_home_key(home: Path, make_key: Callable[[int], bytes] = os.urandom) -> tuple[bytes, ...]:
    """Put a new key before those of a home. Raises `VaultError`; `Held` while another process changes them."""
    with hold(home / KEYS_LOCK, f"process {os.getpid()} (crosswalk keys)"):
        keys = (make_key(KEY_BYTES), *read_home_keys(home))
        _replace(home, keys)
    return keys


def drop_home_key(home: Path, key_id: str) -> tuple[bytes, ...]:
    """Take a key that is not the newest out of a home's file. Raises `VaultError` and `Held`."""
    with hold(home / KEYS_LOCK, f"process {os.getpid()} (crosswalk keys)"):
        keys = read_home_keys(home)
        kept = tuple(key for key in keys if name_key(key) != key_id)
        if len(kept) == len(keys):
            raise VaultError(f"{home / KEY_FILE} has no key {key_id}. `crosswalk keys list` lists them")
        if name_key(keys[0]) == key_id:
            raise VaultError(f"Key {key_id} is the newest; `crosswalk keys rotate` makes another first")
        _replace(home, kept)
    return kept


def _replace(home: Path, keys: Sequence[bytes]) -> None:
    """Write the file whole, or not at all."""
    path = home / KEY_FILE
    with _explained(path):
        _write_draft(home, keys).replace(path)
        handle = os.open(home, os.O_RDONLY)
        try:
            os.fsync(handle)  # the name is on disk before anything is sealed with the new key
        finally:
            os.close(handle)


def _write_draft(home: Path, keys: Sequence[bytes]) -> Path:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = mkstemp(dir=home)  # mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return Path(draft)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise VaultError(f"Cannot write the master key {path}: {exc.strerror}. Correct CROSSWALK_HOME") from exc


def _read_keys(path: Path) -> tuple[bytes, ...]:
    try:
        lines = path.read_text(encoding="ascii").split()
        keys = tuple(b64decode(line, validate=True) for line in lines)
    except (OSError, ValueError) as exc:
        raise VaultError(f"The master key {path} cannot be read: {exc}. Put its backup back") from exc
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise VaultError(f"The master key {path} is not base64 of {KEY_BYTES} bytes. Put its backup back")
    return keys
