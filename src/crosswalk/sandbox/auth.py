"""Who calls: the API key in a Basic header, in every form that working programs send."""

from base64 import urlsafe_b64decode
from binascii import Error


def read_key(header: str) -> str | None:
    """Read the key from an `Authorization` header: with or without the colon, the password ignored (S4, S7, S32)."""
    scheme, _, coded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    coded = coded.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        plain = urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except (Error, ValueError):
        return None
    return plain.partition(":")[0] or None


def mask_key(key: str) -> str:
    """Show only the last four characters of a key."""
    return f"…{key[-4:]}"
