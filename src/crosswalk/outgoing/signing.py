"""Signatures of outgoing webhooks, by the Standard Webhooks specification, and the secrets behind them."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes

from standardwebhooks.webhooks import Webhook

from crosswalk.outgoing.errors import UnusableEndpoint

PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES, USUAL_BYTES = 24, 64, 32


@dataclass(frozen=True, slots=True)
class Seals:
    """How secrets are closed for rest and opened again: functions of whoever holds the master keys.

    Both take the secret's own id, so that a sealed secret opens in its own row only.
    """

    seal: Callable[[str, str], bytes]
    open: Callable[[bytes, str], str]


def make_secret(make_bytes: Callable[[int], bytes] = token_bytes) -> str:
    """A new secret as receivers keep it."""
    return PREFIX + b64encode(make_bytes(USUAL_BYTES)).decode()


def check_secret(secret: str) -> None:
    """Raise `UnusableEndpoint` unless a secret is base64 of 24 to 64 bytes after `whsec_`."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (NotBase64, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise UnusableEndpoint(
            f"A secret is {PREFIX} and base64 of {FEWEST_BYTES} to {MOST_BYTES} bytes. Leave it out: one is made."
        )


def sign(body: bytes, *, message: str, at: datetime, secrets: Sequence[str]) -> Mapping[str, str]:
    """The three headers; one signature for each secret, so that receivers may change theirs one after another."""
    text = body.decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message, at, text) for secret in secrets),
    }
