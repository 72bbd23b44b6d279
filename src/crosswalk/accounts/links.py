"""Link tokens: leave for a customer to link one account, once, in a browser. Their text is kept as a digest."""

import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import RowMapping

from crosswalk.accounts.accounts import CHANCE
from crosswalk.accounts.errors import LinkEnded, MoreThanAllowed, UnknownAccount, UnknownLink, UnusableLink
from crosswalk.accounts.scopes import parse_scope
from crosswalk.accounts.tokens import Caller, digest
from crosswalk.accounts.vault import Secret
from crosswalk.insightly.pods import PORTS, is_loopback
from crosswalk.store.accounts import FIND_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id
from crosswalk.store.link_tokens import (
    ADD_LINK_TOKEN,
    COUNT_CHECK,
    FIND_LINK_TOKEN,
    MOST_CHECKS,
    PRUNE_LINK_TOKENS,
)

SECRET_BYTES = 32
TEXT = re.compile(r"cl_[A-Za-z0-9_-]{43}")
USUAL, LONGEST = 30 * 60, 7 * 24 * 3600
KEPT = timedelta(days=7)
MOST_CONTEXT = 16_384
ASKABLE = frozenset({"unified", "proxy"})
MARKS, QUERY_MARKS = frozenset(" ;,'\"\\<>*"), frozenset(";,'*")
"""What no address holds, and what of it a query may: an origin goes into a header as it is."""
LISTS = ("scopes", "context")
"""Columns that hold JSON."""

Url = Annotated[str, Meta(max_length=2000)]


class LinkToken(Struct, frozen=True, kw_only=True):
    """One link token, without its text. Either a `tenant_id`, or the `account_id` to link again."""

    id: str
    tenant_id: str | None
    account_id: str | None
    context: dict[str, Any]  # JSON of its maker's, kept and given back as it is
    scopes: tuple[str, ...]
    origin: str | None
    redirect_uri: str | None
    made_by: str
    created_at: datetime
    expires_at: datetime
    checks: int
    used_at: datetime | None


class LinkDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link token to be made: for a new account of a tenant, or for an account that wants another key.

    `origin` is the page that may frame the link page and hears the result; `redirect_uri` is where the browser goes
    with it instead; `scopes` are what you want to do with the account, for the customer to read; `expires_in` seconds.
    """

    tenant_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    integrated_account_id: str | None = None
    context: dict[str, Any] = {}
    scopes: tuple[str, ...] = ()
    origin: Url | None = None
    redirect_uri: Url | None = None
    expires_in: Annotated[int, Meta(ge=60, le=LONGEST)] = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTokens:
    """The link tokens of one database."""

    database: Database
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE
    make_bytes: Callable[[int], bytes] = os.urandom

    async def create(self, draft: LinkDraft, caller: Caller) -> tuple[LinkToken, Secret]:
        """Make a token. Raises `UnusableLink`, `UnknownAccount`, `MoreThanAllowed` and `UnusableScope`."""
        at = self.now()
        token = LinkToken(
            id=new_id(at, self.rng),
            tenant_id=draft.tenant_id,
            account_id=await self._find_account(draft, caller),
            context=_check_context(draft),
            scopes=_check_scopes(draft.scopes),
            origin=None if draft.origin is None else check_origin(draft.origin),
            redirect_uri=None if draft.redirect_uri is None else _check_redirect(draft.redirect_uri),
            made_by=caller.name,
            created_at=at,
            expires_at=at + timedelta(seconds=draft.expires_in),
            checks=0,
            used_at=None,
        )
        text = f"cl_{urlsafe_b64encode(self.make_bytes(SECRET_BYTES)).decode().rstrip('=')}"
        row = msgspec.structs.asdict(token) | {"digest": digest(text)}
        row |= {name: msgspec.json.encode(row[name]).decode() for name in LISTS}
        async with self.database.begin() as connection:
            await connection.execute(PRUNE_LINK_TOKENS, {"before": at - KEPT})
            await connection.execute(ADD_LINK_TOKEN, row)
        return token, Secret(text)

    async def find(self, text: str) -> LinkToken:
        """The token of this text, ended or not. Raises `UnknownLink`."""
        row = None
        if TEXT.fullmatch(text):
            async with self.database.read() as connection:
                found = await connection.execute(FIND_LINK_TOKEN, {"hashed": digest(text)})
                row = found.mappings().one_or_none()
        if row is None:
            raise UnknownLink("This link is not known here. Go back and start again")
        return _from_row(row)

    async def live(self, text: str) -> LinkToken:
        """The token of this text, which can be used yet. Raises `UnknownLink` and `LinkEnded`."""
        token = await self.find(text)
        if token.used_at is not None:
            raise LinkEnded("This link was used already. Go back and start again")
        if token.expires_at <= self.now():
            raise LinkEnded(f"This link ended at {token.expires_at:%Y-%m-%d %H:%M} UTC. Go back and start again")
        return token

    async def count_check(self, text: str) -> None:
        """Count one key that is tried. Raises `LinkEnded` after the last."""
        async with self.database.begin() as connection:
            counted = await connection.execute(COUNT_CHECK, {"hashed": digest(text), "at": self.now()})
        if not counted.rowcount:
            raise LinkEnded(f"This link has ended, or {MOST_CHECKS} keys were tried with it. Go back and start again")

    async def _find_account(self, draft: LinkDraft, caller: Caller) -> str | None:
        if (draft.tenant_id is None) == (draft.integrated_account_id is None):
            raise UnusableLink("Give tenant_id for a new account, or integrated_account_id to link one again")
        if draft.tenant_id is not None:
            if caller.accounts is not None:
                raise MoreThanAllowed(f"Token {caller.name} reaches some accounts only, and cannot add another")
            return None
        key = str(draft.integrated_account_id)
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_ACCOUNT, {"key": key})).one_or_none()
        if row is None or not caller.may_use(row.id):
            raise UnknownAccount(f"There is no account {key!r}. GET /integrated-account lists them")
        return str(row.id)


def check_origin(text: str) -> str:
    """An origin as browsers spell it. Raises `UnusableLink` for anything more or less, and for plain http elsewhere."""
    parts = _split(text, "origin")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise UnusableLink(f"Origin {text!r} has more than scheme, host and port; write https://app.example.com")
    return _spell_origin(text, "origin")


def _check_redirect(text: str) -> str:
    parts = _split(text, "redirect_uri")
    if parts.fragment or "#" in text:
        raise UnusableLink(f"redirect_uri {text!r} has a fragment; the result is put into the query")
    _spell_origin(text, "redirect_uri")
    return text


def _split(text: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as exc:
        raise UnusableLink(f"{name} {text!r} cannot be read: {exc}") from exc
    marks = MARKS if name == "origin" else MARKS - QUERY_MARKS
    if not text.isascii() or not text.isprintable() or set(text) & marks or "@" in parts.netloc:
        raise UnusableLink(f"{name} {text!r} holds what no address of a page has")
    return parts


def _spell_origin(text: str, name: str) -> str:
    parts = urlsplit(text)
    host = (parts.hostname or "").lower()
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise UnusableLink(f"{name} {text!r} must begin with https://; plain http is for this machine only")
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{shown}{port}"


def _check_context(draft: LinkDraft) -> dict[str, Any]:
    if draft.context and draft.tenant_id is None:
        raise UnusableLink("An account that is linked again keeps its context; PATCH /integrated-account changes it")
    return check_context(draft.context)


def check_context(context: dict[str, Any]) -> dict[str, Any]:
    """A context that an account can keep. Raises `UnusableLink`."""
    if len(msgspec.json.encode(context)) > MOST_CONTEXT:
        raise UnusableLink(f"The context is longer than {MOST_CONTEXT:,} characters of JSON")
    return context


def _check_scopes(texts: tuple[str, ...]) -> tuple[str, ...]:
    scopes = [parse_scope(text) for text in texts]
    for scope in scopes:
        if scope.api not in ASKABLE:
            raise UnusableLink(
                f"Scope {scope} asks for nothing of Insightly's; such scopes begin with unified or proxy"
            )
    return tuple(dict.fromkeys(str(scope) for scope in scopes))


def _from_row(row: RowMapping) -> LinkToken:
    plain = {str(name): value for name, value in row.items()}
    return msgspec.convert(plain | {name: msgspec.json.decode(plain[name]) for name in LISTS}, LinkToken)
