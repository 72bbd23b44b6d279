"""What sources and connections keep sealed: a database's address, a signature's key, headers."""

from base64 import b64decode
from binascii import Error as NotBase64

import msgspec

from crosswalk.accounts.vault import Place, Sealed, Secret, Vault
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.kinds import TOKEN, Signature

FIELD = "source"
FEWEST_CHARACTERS = 16
PREFIX = "whsec_"


def seal(vault: Vault, secret: Secret, owner: str) -> bytes:
    """Close a secret for one source or connection, as one value of its row."""
    made = vault.seal(secret, Place(account_id=owner, field=FIELD))
    return msgspec.msgpack.encode((made.key_id, made.nonce, made.sealed))


def unseal(vault: Vault, value: bytes, owner: str) -> Secret:
    """Open what `seal` closed. Raises `MasterKeyMissing` or `SealBroken`."""
    key_id, nonce, closed = msgspec.msgpack.decode(value, type=tuple[str, bytes, bytes])
    return vault.open(Sealed(key_id, nonce, closed), Place(account_id=owner, field=FIELD))


def read_headers(secret: str) -> dict[str, str]:
    """The headers that an HTTP source sends. Raises `PlanError`."""
    try:
        headers = msgspec.json.decode(secret, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise PlanError('An HTTP source keeps its headers as JSON: {"Authorization": "Bearer …"}') from error
    for name, value in headers.items():
        if not TOKEN.fullmatch(name) or not value.isprintable():
            raise PlanError(f"{name!r} cannot be a header with this value")
    return headers


def check_signing_key(signature: Signature, secret: str) -> None:
    """Raise `PlanError` for a key that no signature could be checked by."""
    if signature == "standard":
        try:
            key = b64decode(secret.removeprefix(PREFIX), validate=True)
        except (NotBase64, ValueError):
            key = b""
        if not key:
            raise PlanError("A Standard Webhooks secret is whsec_ and base64")
    elif len(secret) < FEWEST_CHARACTERS:
        raise PlanError(f"The secret of a signature needs at least {FEWEST_CHARACTERS} characters")
