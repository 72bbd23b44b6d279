"""The settings, read from the environment here and nowhere else."""

import os
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from crosswalk.logs import Format, Level
    from crosswalk.outgoing.mail import Server

DEFAULT_HOME = "~/.local/share/crosswalk"
MASTER_KEY_BYTES = 32
KEPT_DAYS = 90
REQUEST_DAYS, NOTICE_DAYS, MESSAGE_DAYS = 7, 90, 30
MOST_DAYS = 36_500
T = TypeVar("T", bound=str)
LEASE, SHORTEST_LEASE, LONGEST_LEASE = 12.0, 5.0, 300.0
LARGEST_UPLOAD = 1_000_000_000


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
    retention: timedelta | None
    webhook_hosts: tuple[str, ...] = ()
    mail: "Server | None" = None
    notice_emails: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    largest_upload: int = LARGEST_UPLOAD
    trusted_proxies: tuple[str, ...] = ()
    workers: bool = False
    """Whether `crosswalk serve` leaves sending to workers."""
    lease: float = LEASE
    """Seconds for which a process owns an account's lane unless it keeps it: what a dead one delays a run."""
    day_resets: int | None = None
    """The second of the UTC day at which Insightly's day begins; learned when it is `None`."""
    keep_requests: timedelta | None = timedelta(days=REQUEST_DAYS)
    keep_notices: timedelta | None = timedelta(days=NOTICE_DAYS)
    keep_messages: timedelta | None = timedelta(days=MESSAGE_DAYS)
    """How long each is kept; `None` for ever."""
    log_format: "Format | None" = None
    log_level: "Level | None" = None
    """The least that is logged; `None` is `info` for what serves and `warning` for commands."""
    traces: bool = False
    """Whether spans are sent away by OTLP."""


def settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment; an empty variable counts as unset. Raises `Misconfigured` for a value of no use."""
    home = Path(environ.get("CROSSWALK_HOME") or DEFAULT_HOME).expanduser().absolute()
    server = environ.get("CROSSWALK_DATABASE_URL")
    return Settings(
        home=home,
        database_url=_server_url(server) if server else f"sqlite:///{home / 'crosswalk.db'}",
        embedded=not server,
        master_keys=read_master_keys(environ),
        allowed_hosts=_items(environ.get("CROSSWALK_ALLOWED_HOSTS")),
        api_key=environ.get("CROSSWALK_API_KEY") or None,
        request_timeout=_seconds(environ, "CROSSWALK_REQUEST_TIMEOUT", 30),
        settle_after=_seconds(environ, "CROSSWALK_SETTLE_AFTER", 120),
        retention=_days(environ, "CROSSWALK_RETENTION", KEPT_DAYS),
        keep_requests=_days(environ, "CROSSWALK_KEEP_REQUESTS", REQUEST_DAYS),
        keep_notices=_days(environ, "CROSSWALK_KEEP_NOTICES", NOTICE_DAYS),
        keep_messages=_days(environ, "CROSSWALK_KEEP_MESSAGES", MESSAGE_DAYS),
        webhook_hosts=_items(environ.get("CROSSWALK_WEBHOOK_HOSTS")),
        mail=_mail_server(environ),
        notice_emails=_emails(environ),
        files=tuple(_folder(text) for text in _items(environ.get("CROSSWALK_FILES"))),
        largest_upload=int(_seconds(environ, "CROSSWALK_LARGEST_UPLOAD", LARGEST_UPLOAD, of="bytes")),
        trusted_proxies=tuple(_proxy(text) for text in _items(environ.get("CROSSWALK_TRUSTED_PROXIES"))),
        workers=_has_workers(environ.get("CROSSWALK_ENGINE"), server),
        lease=_lease(environ),
        day_resets=_day_resets(environ.get("CROSSWALK_DAY_RESETS")),
        log_format=_one_of(environ, "CROSSWALK_LOG_FORMAT", ("json", "text")),
        log_level=_one_of(environ, "CROSSWALK_LOG_LEVEL", ("debug", "info", "warning", "error")),
        traces=_one_of(environ, "CROSSWALK_TRACES", ("otlp", "off")) == "otlp",
    )


def _items(text: str | None) -> tuple[str, ...]:
    return tuple(item.strip() for item in (text or "").split(",") if item.strip())


def _one_of(environ: Mapping[str, str], name: str, words: tuple[T, ...]) -> T | None:
    text = environ.get(name)
    if not text:
        return None
    found = next((word for word in words if word == text), None)
    if found is None:
        raise Misconfigured(f"{name} is {text!r}; give one of {', '.join(words)}")
    return found


def _lease(environ: Mapping[str, str]) -> float:
    seconds = _seconds(environ, "CROSSWALK_LEASE", LEASE)
    if not SHORTEST_LEASE <= seconds <= LONGEST_LEASE:
        raise Misconfigured(f"CROSSWALK_LEASE is {seconds:g}; give {SHORTEST_LEASE:g} to {LONGEST_LEASE:g} seconds")
    return seconds


def _has_workers(text: str | None, server: str | None) -> bool:
    if text not in {None, "", "serve", "workers"}:
        raise Misconfigured(f"CROSSWALK_ENGINE is {text!r}; give serve or workers")
    if text == "workers" and not server:
        raise Misconfigured("CROSSWALK_ENGINE=workers needs PostgreSQL; set CROSSWALK_DATABASE_URL, or leave it out")
    return text == "workers"


def _day_resets(text: str | None) -> int | None:
    if not text:
        return None
    try:
        at = datetime.strptime(text.strip(), "%H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise Misconfigured(f"CROSSWALK_DAY_RESETS is {text!r}; give a time of UTC such as 05:00") from None
    return at.hour * 3600 + at.minute * 60


def _proxy(text: str) -> str:
    try:
        return str(ip_network(text) if "/" in text else ip_address(text))
    except ValueError:
        raise Misconfigured(
            f"CROSSWALK_TRUSTED_PROXIES names {text!r}; write addresses or networks, such as 10.0.0.5"
        ) from None


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise Misconfigured(f"CROSSWALK_FILES names {text!r}; write whole paths of folders, such as /data/in")
    return path


def _mail_server(environ: Mapping[str, str]) -> "Server | None":
    url = environ.get("CROSSWALK_SMTP_URL")
    if not url:
        return None
    from crosswalk.outgoing.errors import UnusableAddress
    from crosswalk.outgoing.mail import read_server

    try:
        return read_server(url, environ.get("CROSSWALK_NOTICE_FROM"))
    except UnusableAddress as exc:
        raise Misconfigured(str(exc)) from exc


def _emails(environ: Mapping[str, str]) -> tuple[str, ...]:
    given = _items(environ.get("CROSSWALK_NOTICE_EMAIL"))
    if not given:
        return ()
    from crosswalk.outgoing.errors import UnusableAddress
    from crosswalk.outgoing.mail import check_email

    if not environ.get("CROSSWALK_SMTP_URL"):
        raise Misconfigured("CROSSWALK_NOTICE_EMAIL needs CROSSWALK_SMTP_URL, such as smtp://USER:PASSWORD@HOST:587")
    try:
        return tuple(check_email(each) for each in given)
    except UnusableAddress as exc:
        raise Misconfigured(f"CROSSWALK_NOTICE_EMAIL: {exc}") from exc


def _server_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise Misconfigured("CROSSWALK_DATABASE_URL is no PostgreSQL address; write postgresql://USER@HOST/DATABASE")
    return text


def read_master_keys(environ: Mapping[str, str] = os.environ) -> tuple[bytes, ...]:
    """The master keys given, newest first; files are read anew each time. Raises `Misconfigured`."""
    texts = _items(environ.get("CROSSWALK_MASTER_KEY"))
    keys = tuple(key for text in texts for key in _master_keys(text))
    if texts and not keys:
        raise Misconfigured("CROSSWALK_MASTER_KEY names files without any key; make one with: openssl rand -base64 32")
    return keys


def _master_keys(text: str) -> tuple[bytes, ...]:
    """A key as base64, or those of `file:PATH`, one a line; the message never shows a value."""
    lines = _read(Path(text.removeprefix("file:")).expanduser()).split() if text.startswith("file:") else [text]
    return tuple(_master_key(line) for line in lines)


def _master_key(encoded: str) -> bytes:
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


def _days(environ: Mapping[str, str], name: str, default: int) -> timedelta | None:
    """How long something is kept: days, or `off` for always."""
    text = environ.get(name)
    if text == "off":
        return None
    days = text or str(default)
    if not days.isascii() or not days.isdigit() or not 0 < int(days) <= MOST_DAYS:
        raise Misconfigured(f"{name} is {text!r}; give a number of days, 1 to {MOST_DAYS:,}, or off")
    return timedelta(days=int(days))


def _seconds(environ: Mapping[str, str], name: str, default: float, *, of: str = "seconds") -> float:
    text = environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not isfinite(value) or value <= 0:
        raise Misconfigured(f"{name} is {text!r}; give a number of {of} above 0")
    return value
