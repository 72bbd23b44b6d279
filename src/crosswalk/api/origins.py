"""Which pages of other sites may read answers: those that a widget's token names, where widgets read, and no other.

A browser asks first, without the token: that answer gives nothing away. The real answer is readable only by the page of
the origin that the token was minted for; cookies never count.
"""

from collections.abc import Callable

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from crosswalk.accounts.callers import read_bearer
from crosswalk.accounts.vault import Vault
from crosswalk.accounts.widgets import PREFIX, read_grant

BELOW = ("/unified/", "/v1/mappings/")
NO_CONTENT = 204
METHODS = "GET, POST, PATCH, PUT"
ASKED = "Authorization, Content-Type, Idempotency-Key, If-Match"
SHOWN = "ETag, Retry-After, X-Request-Id"
SECONDS = "600"


def allow_origins(vault: Vault) -> Callable[[ASGIApp], ASGIApp]:
    """Middleware that lets the pages of widgets read their answers."""

    def middleware(app: ASGIApp) -> ASGIApp:
        async def allowing(scope: Scope, receive: Receive, send: Send) -> None:
            origin = _origin(scope)
            if origin is None:
                await app(scope, receive, send)
            elif _asks_first(scope):
                await _answer_first(origin, send)
            else:
                await app(scope, receive, _readable(send, origin, is_theirs=_is_theirs(scope, origin, vault)))

        return allowing

    return middleware


def _origin(scope: Scope) -> str | None:
    """Whose page asks for something that widgets may read; `None` for anything else."""
    if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(BELOW):
        return None
    return Headers.from_scope(scope).get("origin")


def _asks_first(scope: Scope) -> bool:
    headers = Headers.from_scope(scope)
    return (
        scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS" and "access-control-request-method" in headers
    )


async def _answer_first(origin: str, send: Send) -> None:
    given = {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": ASKED,
        "access-control-max-age": SECONDS,
        "vary": "Origin",
    }
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    await send({"type": "http.response.start", "status": NO_CONTENT, "headers": raw})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_theirs(scope: Scope, origin: str, vault: Vault) -> bool:
    """Whether the request's token is of a widget on this page, be it one that has ended."""
    text = read_bearer(Headers.from_scope(scope).get("authorization"))
    if text is None or not text.startswith(PREFIX):
        return False
    grant = read_grant(text, vault)
    return grant is not None and grant.origin == origin


def _readable(send: Send, origin: str, *, is_theirs: bool) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            headers.extend_header_value("vary", "Origin")
            if is_theirs:
                headers["access-control-allow-origin"] = origin
                headers["access-control-expose-headers"] = SHOWN
        await send(message)

    return sending
