"""Seal credentials with AES-256-GCM, so that a sealed row opens only where it was sealed for."""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crosswalk.accounts.errors import MasterKeyMissing, SealBroken, VaultError

NONCE_BYTES = 12
KEY_BYTES = 32
KEY_FILE = "master.key"


class Secret:
    """A value that never shows itself; `reveal` is the one way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored: which master key closed it, with which nonce."""

    key_id: str
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a secret belongs. It opens nowhere else."""

    account_id: str
    field: str


class Vault:
    """A ring of master keys, newest first: the newest seals, all of them open."""

    def __init__(self, keys: tuple[bytes, ...], *, make_nonce: Callable[[int], bytes] = os.urandom) -> None:
        self._ring: Mapping[str, AESGCM] = {name_key(key): AESGCM(key) for key in keys}
        self._newest = name_key(keys[0])
        self._make_nonce = make_nonce

    def seal(self, secret: Secret, place: Place) -> Sealed:
        """Close a secret with the newest key, for one place."""
        nonce = self._make_nonce(NONCE_BYTES)
        sealed = self._ring[self._newest].encrypt(nonce, secret.reveal().encode(), _bind(self._newest, place))
        return Sealed(self._newest, nonce, sealed)

    def open(self, sealed: Sealed, place: Place) -> Secret:
        """Open a secret in its place. Raises `MasterKeyMissing` or `SealBroken`."""
        cipher = self._ring.get(sealed.key_id)
        if cipher is None:
            raise MasterKeyMissing(
                f"The {place.field} of account {place.account_id} is sealed with master key {sealed.key_id}; "
                f"given are: {', '.join(self._ring)}. Add that key to CROSSWALK_MASTER_KEY, after the newest"
            )
        try:
            return Secret(cipher.decrypt(sealed.nonce, sealed.sealed, _bind(sealed.key_id, place)).decode())
        except InvalidTag as exc:
            raise SealBroken(
                f"The sealed {place.field} of account {place.account_id} was altered or belongs to another account; "
                "remove the account and add it again"
            ) from exc


def name_key(key: bytes) -> str:
    """The public id of a master key: it tells keys apart and gives nothing of them away."""
    return sha256(b"crosswalk master key" + key).hexdigest()[:12]


def read_home_key(home: Path) -> bytes | None:
    """The master key kept in the home folder; `None` when none was made. Raises `VaultError` for a damaged one."""
    path = home / KEY_FILE
    return _read_key(path) if path.exists() else None


def make_home_key(home: Path, make_key: Callable[[int], bytes] = os.urandom) -> bytes:
    """Make a master key in the home folder, readable by its owner alone; the first of two makers wins.

    Raises `VaultError` when it cannot be written.
    """
    path = home / KEY_FILE
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = mkstemp(dir=home)  # mode 0600
        with os.fdopen(handle, "wb") as file:
            file.write(b64encode(make_key(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first; its key is the home's
            path.hardlink_to(draft)
        Path(draft).unlink()
    except OSError as exc:
        raise VaultError(f"Cannot write the master key {path}: {exc.strerror}. Correct CROSSWALK_HOME") from exc
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    try:
        key = b64decode(path.read_text(encoding="ascii").strip(), validate=True)
    except (OSError, ValueError) as exc:
        raise VaultError(f"The master key {path} cannot be read: {exc}. Put its backup back") from exc
    if len(key) != KEY_BYTES:
        raise VaultError(f"The master key {path} is not base64 of {KEY_BYTES} bytes. Put its backup back")
    return key


def _bind(key_id: str, place: Place) -> bytes:
    return msgspec.json.encode([key_id, place.account_id, place.field])
