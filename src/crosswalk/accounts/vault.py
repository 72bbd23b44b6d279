"""Seal credentials with AES-256-GCM, so that a sealed row opens only where it was sealed for."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crosswalk.accounts.errors import MasterKeyMissing, SealBroken

NONCE_BYTES = 12
KEY_BYTES = 32


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
    """A ring of master keys, newest first: the newest seals, all of them open.

    `reread` gives the ring as it is kept now, or nothing: it is asked before sealing and where a key is missing, so
    that a process learns of a rotation while it runs.
    """

    def __init__(
        self,
        keys: tuple[bytes, ...],
        *,
        make_nonce: Callable[[int], bytes] = os.urandom,
        reread: Callable[[], tuple[bytes, ...]] = tuple,
    ) -> None:
        self._take(keys)
        self._reread = reread
        self._seed = keys[0]
        self._make_nonce = make_nonce

    def derive(self, purpose: str) -> bytes:
        """A key of its own for one purpose, from the newest master key (RFC 5869)."""
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"crosswalk {purpose}".encode()).derive(self._seed)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the keys, newest first."""
        return tuple(self._ring)

    def _take(self, keys: tuple[bytes, ...]) -> None:
        self._ring: Mapping[str, AESGCM] = {name_key(key): AESGCM(key) for key in keys}
        self._newest = name_key(keys[0])

    def refresh(self) -> None:
        """Take the ring as it is kept now. Raises `VaultError` when that cannot be read."""
        if kept := self._reread():
            self._take(kept)

    def reseal(self, sealed: Sealed, place: Place) -> Sealed | None:
        """A secret under the newest key; `None` when it is already. Raises as `open` does."""
        return None if sealed.key_id == self._newest else self.seal(self.open(sealed, place), place)

    def seal(self, secret: Secret, place: Place) -> Sealed:
        """Close a secret with the newest key, for one place."""
        self.refresh()
        nonce = self._make_nonce(NONCE_BYTES)
        sealed = self._ring[self._newest].encrypt(nonce, secret.reveal().encode(), _bind(self._newest, place))
        return Sealed(self._newest, nonce, sealed)

    def open(self, sealed: Sealed, place: Place) -> Secret:
        """Open a secret in its place. Raises `MasterKeyMissing` or `SealBroken`."""
        if sealed.key_id not in self._ring:
            self.refresh()
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


def _bind(key_id: str, place: Place) -> bytes:
    return msgspec.json.encode([key_id, place.account_id, place.field])
