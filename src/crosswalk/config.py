"""The settings, read from the environment here and nowhere else."""

import os
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

DEFAULT_HOME = "~/.local/share/crosswalk"
MASTER_KEY_BYTES = 32


class Misconfigured(Exception):
    """A setting has a value that Crosswalk cannot use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this process is set up. Times are in seconds; secrets stay out of the `repr`."""

    home: Path
    database_url: str = field(repr=False)
    embedded: bool
    master_keys: tuple[bytes, ...] = field(repr=False)
    allowed_hosts: tuple[str, ...]
    api_key: str | None = field(repr=False)
    request_timeout: float
    settle_after: float


def settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment; an empty variable counts as unset. Raises `Misconfigured` for a value of no use."""
    home = Path(environ.get("CROSSWALK_HOME") or DEFAULT_HOME).expanduser().absolute()
    server = environ.get("CROSSWALK_DATABASE_URL")
    return Settings(
        home=home,
        database_url=_server_url(server) if server else f"sqlite:///{home / 'crosswalk.db'}",
        embedded=not server,
        master_keys=tuple(_master_key(text) for text in _items(environ.get("CROSSWALK_MASTER_KEY"))),
        allowed_hosts=_items(environ.get("CROSSWALK_ALLOWED_HOSTS")),
        api_key=environ.get("CROSSWALK_API_KEY") or None,
        request_timeout=_seconds(environ, "CROSSWALK_REQUEST_TIMEOUT", 30),
        settle_after=_seconds(environ, "CROSSWALK_SETTLE_AFTER", 120),
    )


def _items(text: str | None) -> tuple[str, ...]:
    return tuple(item.strip() for item in (text or "").split(",") if item.strip())


def _server_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise Misconfigured("CROSSWALK_DATABASE_URL is no PostgreSQL address; write postgresql://USER@HOST/DATABASE")
    return text


def _master_key(text: str) -> bytes:
    """One 32-byte key from base64 or from `file:PATH`; the message never shows the value."""
    encoded = _read(Path(text.removeprefix("file:")).expanduser()) if text.startswith("file:") else text
    try:
        key = b64decode(encoded, validate=True)
    except (NotBase64, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise Misconfigured(
            "CROSSWALK_MASTER_KEY holds a key that is not base64 of 32 bytes; make one with: openssl rand -base64 32"
        )
    return key


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise Misconfigured(f"CROSSWALK_MASTER_KEY names the file {path}, which cannot be read: {exc}") from exc


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not isfinite(value) or value <= 0:
        raise Misconfigured(f"{name} is {text!r}; give a number of seconds above 0")
    return value
