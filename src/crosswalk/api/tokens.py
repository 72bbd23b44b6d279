"""API tokens over HTTP: a token makes, lists and revokes others, never beyond itself."""

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation
from msgspec.structs import asdict

from crosswalk.accounts.tokens import Caller, Draft, Token, Tokens
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor


class NewToken(Token, frozen=True, kw_only=True):
    """A token with its text, which is shown this once."""

    token: str


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


ROUTES = Router("/tokens", route_handlers=[list_tokens, create_token, revoke_token], tags=["tokens"])
