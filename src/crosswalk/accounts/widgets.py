"""Widget tokens: for one widget, account and origin, for a quarter of an hour. They are sealed, and kept nowhere.

A widget token lives no longer than the token that made it: revoking that one ends all of its widgets.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from crosswalk.accounts.errors import UnusableToken, VaultError
from crosswalk.accounts.scopes import Scope, parse_scope
from crosswalk.accounts.vault import Place, Sealed, Secret, Vault

Widget: TypeAlias = Literal["deal-board", "contact-card", "field-mapper"]


def _reading(*resources: str) -> tuple[str, ...]:
    return tuple(f"unified.crm.{name}:read" for name in resources)


LASTS = timedelta(minutes=15)
PREFIX = "cww_"
MOST_CHARACTERS = 2000
PLACE = Place(account_id="", field="widget token")
MAPPED = ("contacts", "accounts", "leads", "opportunities", "projects", "tasks", "notes")
READS: dict[Widget, tuple[str, ...]] = {
    "deal-board": _reading("opportunities", "pipelines", "stages", "accounts", "contacts", "users"),
    "contact-card": _reading("lookup", "contacts", "accounts", "opportunities", "projects", "notes", "tasks", "users"),
    "field-mapper": ("unified.mappings:read", *_reading("fields", *MAPPED)),
}
WRITES: dict[Widget, tuple[str, ...]] = {
    "deal-board": ("unified.crm.opportunities:update",),
    "contact-card": ("unified.crm.contacts:update", "unified.crm.notes:create", "unified.crm.tasks:create"),
    "field-mapper": ("unified.mappings:update",),
}
"""What each widget may do, reading and, where it was minted so, writing."""


class Ask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A widget token to be minted. `origin` is the page's, such as `https://app.example.com`."""

    widget: Widget
    account: str
    origin: str
    write: bool = False


class Grant(Struct, frozen=True, kw_only=True):
    """What a widget token says of itself."""

    parent: str
    widget: Widget
    account: str
    origin: str
    write: bool
    ends: float

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What it may do."""
        return scopes_of(self.widget, write=self.write)


def scopes_of(widget: Widget, *, write: bool) -> tuple[Scope, ...]:
    """The routes of a widget."""
    return tuple(parse_scope(text) for text in READS[widget] + (WRITES[widget] if write else ()))


def mint(ask: Ask, parent: str, vault: Vault, *, now: datetime) -> tuple[Secret, datetime]:
    """A widget token's text and when it ends. Raises `UnusableToken`."""
    ends = now + LASTS
    grant = Grant(
        parent=parent,
        widget=ask.widget,
        account=ask.account,
        origin=check_origin(ask.origin),
        write=ask.write,
        ends=ends.timestamp(),
    )
    sealed = vault.seal(Secret(msgspec.json.encode(grant).decode()), PLACE)
    return Secret(PREFIX + urlsafe_b64encode(msgspec.json.encode(sealed)).decode().rstrip("=")), ends


def read_grant(text: str, vault: Vault) -> Grant | None:
    """What a widget token says; `None` when it is none of ours."""
    if not text.startswith(PREFIX) or len(text) > MOST_CHARACTERS:
        return None
    coded = text.removeprefix(PREFIX)
    try:
        sealed = msgspec.json.decode(urlsafe_b64decode(coded + "=" * (-len(coded) % 4)), type=Sealed)
        return msgspec.json.decode(vault.open(sealed, PLACE).reveal(), type=Grant)
    except (ValueError, VaultError):  # what cannot be decoded is a `ValueError` too
        return None


def check_origin(text: str) -> str:
    """An origin as browsers send it. Raises `UnusableToken`."""
    try:
        parts = urlsplit(text)
        written = f"{parts.scheme}://{parts.netloc}"
        usable = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.username is None
        loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        _ = parts.port
    except ValueError:
        usable = loopback = False
        written = ""
    if not usable or written != text or text != text.lower() or (parts.scheme == "http" and not loopback):
        raise UnusableToken(f"{text[:200]!r} is no origin; write https://HOST, without a path, in lower case")
    return text


WIDGETS: tuple[str, ...] = get_args(Widget)
