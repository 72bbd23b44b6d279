"""E-mail: plain text, through the operator's own server."""

import re
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from crosswalk.outgoing.errors import UnusableAddress

SECONDS = 30.0
PORTS = {"smtp": 587, "smtps": 465}
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
MOST_CHARACTERS = 254


class Letter(Struct, frozen=True):
    """What one e-mail says."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The operator's mail server. `encrypted` is TLS from the first byte; else STARTTLS is used where it is offered."""

    host: str
    port: int
    sender: str
    encrypted: bool = False
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def must_encrypt(self) -> bool:
        """Whether nothing goes in the clear: a password never does, but to this machine."""
        return self.user is not None and not _is_loopback(self.host)


def read_server(url: str, sender: str | None) -> Server:
    """The mail server of `smtp://USER:PASSWORD@HOST:PORT`, or `smtps://…`. Raises `UnusableAddress`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise UnusableAddress("CROSSWALK_SMTP_URL cannot be read; write smtp://USER:PASSWORD@HOST:587, or smtps://…")
    return Server(
        host=host,
        port=port or PORTS[parts.scheme],
        sender=check_email(sender or f"crosswalk@{host if '.' in host and not host[-1].isdigit() else 'localhost'}"),
        encrypted=parts.scheme == "smtps",
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def check_email(address: str) -> str:
    """The address. Raises `UnusableAddress` for one that no header or envelope may hold."""
    if len(address) > MOST_CHARACTERS or not ADDRESS.fullmatch(address):
        raise UnusableAddress(f"{address!r} is no e-mail address. Write it as name@example.com.")
    return address


async def send_letter(server: Server | None, address: str, body: bytes, message: str) -> str | None:
    """Hand one e-mail over; why it failed, or `None`."""
    if server is None:
        return "no mail server is set: CROSSWALK_SMTP_URL=smtp://USER:PASSWORD@HOST:587"
    import aiosmtplib

    letter = msgspec.json.decode(body, type=Letter)
    email = EmailMessage()
    email["From"], email["To"], email["Subject"] = server.sender, address, " ".join(letter.subject.split())
    email["Message-ID"] = f"<{message}@crosswalk.invalid>"  # the same at every attempt
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(letter.text)
    try:
        await aiosmtplib.send(
            email,
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.encrypted,
            start_tls=None if not server.must_encrypt or server.encrypted else True,
            tls_context=ssl.create_default_context(),
            timeout=SECONDS,
        )
    except (aiosmtplib.SMTPException, OSError) as exc:
        return f"{server.host}:{server.port} did not take it: {exc}"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
