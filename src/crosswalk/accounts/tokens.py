"""API tokens: made and shown once, kept as a digest, listed, rotated, revoked."""

import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_network
from random import Random
from typing import TypeAlias

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.accounts import audit
from crosswalk.accounts.accounts import CHANCE, NAME
from crosswalk.accounts.audit import COMMAND_LINE, Act
from crosswalk.accounts.errors import MoreThanAllowed, NameTaken, UnknownToken, UnusableScope, UnusableToken
from crosswalk.accounts.scopes import Scope, allows, overlaps, parse_scope, refuse_unknown_resource, respell
from crosswalk.accounts.vault import Secret
from crosswalk.insightly.wire import JSON
from crosswalk.store.accounts import FIND_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.ids import new_id
from crosswalk.store.tokens import ADD_TOKEN, FIND_TOKEN, LIST_TOKENS, REVOKE_TOKEN, ROTATE_TOKEN

log = structlog.get_logger()
PREFIX_BYTES, SECRET_BYTES = 4, 32
PREFIX_CHARACTERS = len("cw_") + 2 * PREFIX_BYTES
TOKEN = re.compile(r"cw_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
SPAN = re.compile(r"([1-9][0-9]{0,4})([hd])")
HOURS = {"h": 1, "d": 24}
LONGEST_OVERLAP = timedelta(days=30)
Network: TypeAlias = IPv4Network | IPv6Network


class Token(Struct, frozen=True, kw_only=True):
    """One token, without its secret. `accounts` holds ids; `None` is every account.

    `deny` holds scopes that it lacks whatever `scopes` says, `networks` whence it may be shown (`None`: anywhere).
    Until `old_ends_at` the text before the last rotation is taken too.
    """

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    accounts: tuple[str, ...] | None = None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    deny: tuple[str, ...] = ()
    networks: tuple[str, ...] | None = None
    rotations: int = 0
    old_ends_at: datetime | None = None


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token to be made. `accounts` holds names or ids; `expires` is `30d`, `12h` or an ISO date or time.

    `deny` takes scopes away again; `networks` are addresses such as `10.0.0.0/8` whence alone it is taken.
    """

    name: str
    scopes: tuple[str, ...]
    accounts: tuple[str, ...] | None = None
    expires: str | None = None
    deny: tuple[str, ...] = ()
    networks: tuple[str, ...] | None = None


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks: a token that was checked, and what it may do. `accounts` of `None` is every account."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    accounts: frozenset[str] | None = None
    expires_at: datetime | None = None
    deny: tuple[Scope, ...] = ()
    networks: tuple[str, ...] | None = None
    origin: str | None = None
    """The page that a widget's token is for."""

    def may(self, scope: Scope) -> bool:
        """Whether its scopes cover this one, and nothing of it is denied."""
        return allows(self.scopes, scope) and not any(overlaps(each, scope) for each in self.deny)

    def may_use(self, account: str | None) -> bool:
        """Whether it reaches this account; what has no account is only for those that reach every one."""
        return self.accounts is None or account in self.accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one database. With `caller` a method sees and does only what that token may."""

    database: Database
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE
    ip: str | None = None
    make_bytes: Callable[[int], bytes] = os.urandom

    async def create(self, draft: Draft, caller: Caller | None = None) -> tuple[Token, Secret]:
        """Make a token; its text is in the answer and nowhere else.

        Raises `UnusableToken`, `MoreThanAllowed` when it could do more than the caller, and `NameTaken`.
        """
        at = self.now()
        if not NAME.fullmatch(draft.name):
            raise UnusableToken(
                f"A token cannot be named {draft.name!r}; use letters, digits, '.', '_' and '-', at most 64"
            )
        scopes = _check_scopes(draft.scopes)
        accounts = await self._find_accounts(draft.accounts, caller)
        prefix, text = _make_text(self.make_bytes)
        token = Token(
            id=new_id(at, self.rng),
            name=draft.name,
            prefix=prefix,
            scopes=scopes,
            accounts=accounts,
            created_at=at,
            expires_at=_limit_expiry(draft.expires, at, caller),
            deny=_check_deny(draft.deny, caller),
            networks=_limit_networks(draft.networks, caller),
        )
        _refuse_stronger(token, caller)
        await self._store(token, text, self._act("token.create", token, caller))
        return token, Secret(text)

    async def rotate(
        self, key: str, overlap: timedelta = timedelta(days=1), caller: Caller | None = None
    ) -> tuple[Token, Secret]:
        """Give a token another text; the one that it had is taken for `overlap` longer.

        Raises `UnknownToken`, `UnusableToken`, and `MoreThanAllowed` when it can do more than the caller.
        """
        if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
            raise UnusableToken(f"The old text cannot hold on for {overlap}; give 0 to {LONGEST_OVERLAP.days} days")
        token = await self.find(key, caller)
        if token.revoked_at is not None:
            raise UnusableToken(f"Token {token.name} was revoked; make another")
        _refuse_stronger(token, caller)
        prefix, text = _make_text(self.make_bytes)
        values = {"new_prefix": prefix, "new_digest": digest(text), "ends_at": self.now() + overlap}
        async with self.database.begin() as connection:
            await connection.execute(ROTATE_TOKEN, {"token": token.id, "rotation": token.rotations, **values})
            await audit.append(connection, self._act("token.rotate", token, caller), at=self.now())
        found = await self.find(token.id)
        if found.prefix != prefix:
            raise NameTaken(f"Token {token.name} was rotated by somebody else at this moment. Try again")
        return found, Secret(text)

    async def list(self, caller: Caller | None = None) -> list[Token]:
        """Every token, oldest first, revoked ones too."""
        async with self.database.read() as connection:
            rows = (await connection.execute(LIST_TOKENS)).mappings()
            return [token for row in rows if _is_seen(token := _from_row(row), caller)]

    async def find(self, key: str, caller: Caller | None = None) -> Token:
        """The token of this id, or the living one of this name. Raises `UnknownToken`."""
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_TOKEN, {"key": key})).mappings().one_or_none()
        if row is None or not _is_seen(token := _from_row(row), caller):
            raise UnknownToken(f"There is no token {key!r}. `crosswalk tokens list` lists them")
        return token

    async def revoke(self, key: str, caller: Caller | None = None) -> Token:
        """End a token; revoked already, it stays so. Raises `UnknownToken`."""
        token = await self.find(key, caller)
        async with self.database.begin() as connection:
            await connection.execute(REVOKE_TOKEN, {"token": token.id, "at": self.now()})
            await audit.append(connection, self._act("token.revoke", token, caller), at=self.now())
        return await self.find(token.id)

    def _act(self, action: str, token: Token, caller: Caller | None) -> Act:
        """The line of the audit log; one who is asked by no token is the command line's user."""
        actor = COMMAND_LINE if caller is None else f"token {caller.name}"
        detail: dict[str, JSON] = {"id": token.id, "scopes": " ".join(token.scopes), "deny": " ".join(token.deny)}
        detail |= {} if token.accounts is None else {"accounts": " ".join(token.accounts)}
        return Act(actor=actor, action=action, object=token.name, ip=self.ip, detail=detail)

    async def _find_accounts(self, named: Sequence[str] | None, caller: Caller | None) -> tuple[str, ...] | None:
        if named is None:
            if caller is not None and caller.accounts is not None:
                raise MoreThanAllowed(f"Token {caller.name} reaches some accounts only; name those of the new token")
            return None
        if not named:
            raise UnusableToken("A token without any account could reach nothing; name one, or leave accounts out")
        found = []
        async with self.database.read() as connection:
            for key in named:
                row = (await connection.execute(FIND_ACCOUNT, {"key": key})).one_or_none()
                if row is None or (caller is not None and not caller.may_use(row.id)):
                    raise UnusableToken(f"There is no account {key!r}. `crosswalk accounts list` lists them")
                found.append(row.id)
        return tuple(dict.fromkeys(found))

    async def _store(self, token: Token, text: str, act: Act) -> None:
        row = {name: getattr(token, name) for name in token.__struct_fields__}
        row |= {name: None if row[name] is None else msgspec.json.encode(row[name]).decode() for name in LISTS}
        try:
            async with self.database.begin() as connection:
                await connection.execute(ADD_TOKEN, row | {"digest": digest(text)})
                await audit.append(connection, act, at=token.created_at)
        except IntegrityError as exc:
            raise NameTaken(f"There is a token named {token.name!r} already; revoke it, or choose another") from exc


LISTS = ("scopes", "accounts", "deny", "networks")
"""Columns that hold JSON arrays."""


def digest(text: str) -> bytes:
    """What is kept of a token. Its secret has 256 bits of chance, so that a slow hash would add nothing."""
    return sha256(text.encode()).digest()


def parse_expiry(text: str, now: datetime) -> datetime:
    """When `30d`, `12h` or an ISO date or time (UTC where it names no zone) is. Raises `UnusableToken`."""
    span = SPAN.fullmatch(text)
    if span:
        return now + timedelta(hours=int(span[1]) * HOURS[span[2]])
    try:
        moment = datetime.fromisoformat(text)
        at = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise UnusableToken(f"Expiry {text!r} is no 30d, 12h or date such as 2027-01-31") from exc
    if at <= now:
        raise UnusableToken(f"Expiry {text!r} has passed; name a later time")
    return at


def to_caller(row: RowMapping) -> Caller:
    """Whoever presents this token."""
    token = _from_row(row)
    return Caller(
        id=token.id,
        name=token.name,
        scopes=tuple(_read_scopes(token, token.scopes)),
        accounts=None if token.accounts is None else frozenset(token.accounts),
        expires_at=token.expires_at,
        deny=tuple(_read_scopes(token, token.deny)),
        networks=token.networks,
    )


def read_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks, or single addresses. Raises `UnusableToken`."""
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as exc:
        raise UnusableToken(f"{exc}; write a network such as 10.0.0.0/8, or one address") from exc


def _read_scopes(token: Token, texts: Sequence[str]) -> Iterator[Scope]:
    """What a kept token may do. A scope of a newer or older Crosswalk gives nothing, and the log says so."""
    for text in texts:
        try:
            yield respell(parse_scope(text))
        except UnusableScope as exc:
            log.warning("token.scope_ignored", token=token.name, why=str(exc))


def _check_scopes(texts: Sequence[str]) -> tuple[str, ...]:
    scopes = [parse_scope(text) for text in texts]
    if not scopes:
        raise UnusableToken("A token without any scope could do nothing; name one, such as delivery:read")
    for scope in scopes:
        refuse_unknown_resource(scope)
    return tuple(dict.fromkeys(str(scope) for scope in scopes))


def _check_deny(texts: Sequence[str], caller: Caller | None) -> tuple[str, ...]:
    """What is denied: as asked, and what the maker lacks."""
    for text in texts:
        refuse_unknown_resource(parse_scope(text))
    inherited = () if caller is None else caller.deny
    return tuple(dict.fromkeys(str(scope) for scope in (*map(parse_scope, texts), *inherited)))


def _limit_networks(texts: Sequence[str] | None, caller: Caller | None) -> tuple[str, ...] | None:
    """The networks that were asked for, else the caller's own."""
    if texts is None:
        return None if caller is None else caller.networks
    if not texts:
        raise UnusableToken("A token without any network could be shown from nowhere; name one, or leave them out")
    return tuple(dict.fromkeys(str(network) for network in read_networks(texts)))


def _refuse_stronger(token: Token, caller: Caller | None) -> None:
    """Raise `MoreThanAllowed` when a token can do more than whoever asks for its text."""
    if caller is None:
        return
    for scope in map(parse_scope, token.scopes):
        if not allows(caller.scopes, respell(scope)):
            raise MoreThanAllowed(f"Token {caller.name} lacks {scope}, and cannot give it to another")
    denied = {respell(parse_scope(text)) for text in token.deny}
    if not denied.issuperset(caller.deny):
        raise MoreThanAllowed(f"Token {caller.name} is denied what {token.name} is not, and cannot give it to another")
    if not _within(token.networks, caller.networks):
        raise MoreThanAllowed(
            f"Token {caller.name} is taken from {', '.join(caller.networks or ())} only; so must others"
        )
    if caller.expires_at is not None and (token.expires_at is None or token.expires_at > caller.expires_at):
        raise MoreThanAllowed(f"Token {caller.name} ends before {token.name} does, and cannot give its text out")


def _within(inner: Sequence[str] | None, outer: Sequence[str] | None) -> bool:
    if outer is None or inner is None:
        return outer is None
    around = read_networks(outer)
    return all(any(_holds(each, mine) for each in around) for mine in read_networks(inner))


def _holds(outer: Network, inner: Network) -> bool:
    """Whether one network holds another; those of two kinds never do."""
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def _limit_expiry(text: str | None, now: datetime, caller: Caller | None) -> datetime | None:
    """The end that was asked for, else the caller's own; never later than that."""
    limit = None if caller is None else caller.expires_at
    at = limit if text is None else parse_expiry(text, now)
    if limit is not None and at is not None and at > limit:
        raise MoreThanAllowed(f"The token that makes this one ends at {limit:%Y-%m-%d %H:%M} UTC; end it no later")
    return at


def _is_seen(token: Token, caller: Caller | None) -> bool:
    """A caller sees tokens that reach no account beyond its own."""
    if caller is None or caller.accounts is None:
        return True
    return token.accounts is not None and caller.accounts >= frozenset(token.accounts)


def _make_text(make_bytes: Callable[[int], bytes]) -> tuple[str, str]:
    prefix = f"cw_{make_bytes(PREFIX_BYTES).hex()}"
    secret = urlsafe_b64encode(make_bytes(SECRET_BYTES)).decode().rstrip("=")
    return prefix, f"{prefix}_{secret}"


def _from_row(row: RowMapping) -> Token:
    plain = {str(name): value for name, value in row.items()}
    plain |= {name: None if plain[name] is None else msgspec.json.decode(plain[name]) for name in LISTS}
    plain["deny"] = plain["deny"] or ()
    return msgspec.convert(plain, Token)
