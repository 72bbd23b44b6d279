"""API tokens over HTTP: a token makes, lists, rotates and revokes others, never beyond itself; widgets' tokens."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation
from msgspec import Meta, Struct
from msgspec.structs import asdict

from crosswalk.accounts.accounts import Accounts
from crosswalk.accounts.errors import MoreThanAllowed, UnknownAccount, UnusableToken
from crosswalk.accounts.tokens import Caller, Draft, Token, Tokens
from crosswalk.accounts.widgets import Ask, mint, scopes_of
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor


class NewToken(Token, frozen=True, kw_only=True):
    """A token with its text, which is shown this once."""

    token: str


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many hours the text before is taken beside the new one."""

    overlap_hours: Annotated[int, Meta(ge=0, le=720)] = 24


class WidgetToken(Struct, frozen=True):
    """A widget's token. The page asks for another when it ends."""

    token: str
    expires_at: datetime


@get("/", summary="List tokens", security=needs("admin.tokens:read"), responses=problems(400))
async def list_tokens(
    *,
    tokens: NamedDependency[SkipValidation[Tokens]],
    caller: NamedDependency[SkipValidation[Caller]],
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Token]:
    """Every token that reaches no account beyond the caller's, oldest first, without its secret."""
    after = read_cursor(next_cursor, str) or ""
    found = [token for token in await tokens.list(caller) if token.id > after][: limit + 1]
    return cut(found, limit, lambda token: token.id)


@post("/", summary="Make a token", security=needs("admin.tokens:create"), responses=problems(400, 409))
async def create_token(
    *,
    data: JSONBody[Draft],
    tokens: NamedDependency[SkipValidation[Tokens]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> NewToken:
    """Make a token that can do no more than the caller's and ends no later; its text is shown this once."""
    token, secret = await tokens.create(data, caller)
    return NewToken(**asdict(token), token=secret.reveal())


@delete("/{token_id:str}", summary="Revoke a token", status_code=200, security=needs("admin.tokens:delete"),
        responses=problems(404))  # fmt: skip
async def revoke_token(
    *,
    token_id: FromPath[str],
    tokens: NamedDependency[SkipValidation[Tokens]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> Token:
    """End a token. Within a second every process refuses it."""
    return await tokens.revoke(token_id, caller)


@post("/{token_id:str}/rotate", summary="Rotate a token", status_code=200, security=needs("admin.tokens:update"),
      responses=problems(404, 409))  # fmt: skip
async def rotate_token(
    *,
    token_id: FromPath[str],
    data: JSONBody[Rotation],
    tokens: NamedDependency[SkipValidation[Tokens]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> NewToken:
    """Give a token another text, shown this once; the old one is taken for a while longer."""
    token, secret = await tokens.rotate(token_id, timedelta(hours=data.overlap_hours), caller)
    return NewToken(**asdict(token), token=secret.reveal())


@post("/", summary="Mint a widget's token", security=needs("accounts.widget-tokens:create"), responses=problems(404))
async def mint_widget_token(
    *,
    data: JSONBody[Ask],
    accounts: NamedDependency[SkipValidation[Accounts]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> WidgetToken:
    """Mint a token for one widget, account and page, for 15 minutes; it ends with the token that mints it."""
    if caller.origin is not None:
        raise UnusableToken("A widget's token mints no other")
    account = await accounts.find(data.account)
    if not caller.may_use(account.id):
        raise UnknownAccount(f"No account is named {data.account!r}. `crosswalk accounts list` lists them")
    for scope in scopes_of(data.widget, write=data.write):
        if not caller.may(scope):
            raise MoreThanAllowed(f"Token {caller.name} lacks {scope}, which the widget {data.widget} needs")
    ask = Ask(widget=data.widget, account=account.id, origin=data.origin, write=data.write)
    secret, ends = mint(ask, caller.id, accounts.vault, now=datetime.now(UTC))
    return WidgetToken(secret.reveal(), ends)


ROUTES = Router("/tokens", route_handlers=[list_tokens, create_token, rotate_token, revoke_token], tags=["tokens"])
WIDGET_ROUTES = Router("/widget-tokens", route_handlers=[mint_widget_token], tags=["tokens"])
