"""Who may call what: every route below `/v1` names one scope, and a token must cover it."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.spec import Components, SecurityRequirement, SecurityScheme

from crosswalk.accounts.callers import Callers, Shown, Unidentified
from crosswalk.accounts.scopes import parse_scope
from crosswalk.accounts.tokens import Caller

BEARER = "bearer"
REALM = 'Bearer realm="crosswalk"'
SCHEME = Components(
    security_schemes={
        BEARER: SecurityScheme(
            type="http",
            scheme="bearer",
            description="A token of `crosswalk tokens create`. Each operation names the scope that it needs.",
        )
    }
)


def needs(scope: str) -> list[SecurityRequirement]:
    """The `security` of a route: what the guard asks for and what the OpenAPI document says are this one value."""
    return [{BEARER: [str(parse_scope(scope))]}]


async def require_token(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let in whoever has a living token with the route's scope; 401 and 403 say what is missing."""
    callers: Callers = connection.app.state.callers
    try:
        caller = await callers.identify(shown_by(connection))
    except Unidentified as exc:
        raise NotAuthorizedException(str(exc), headers={"WWW-Authenticate": REALM}) from exc
    for scope in scopes_of(handler):
        if not caller.may(parse_scope(scope)):
            challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
            raise PermissionDeniedException(
                f"Token {caller.name} lacks the scope {scope}. Make one that has it",
                headers={"WWW-Authenticate": challenge},
            )
    connection.scope["user"] = caller


def shown_by(connection: ASGIConnection[Any, Any, Any, Any]) -> Shown:
    """What a request shows of whoever makes it."""
    headers, client = connection.headers, connection.scope["client"]
    return Shown(headers.get("authorization"), client[0] if client else None, headers.get("origin"))


def scopes_of(handler: BaseRouteHandler) -> list[str]:
    """The scopes that a route names; none for the OPTIONS that the framework answers."""
    if not isinstance(handler, HTTPRouteHandler):
        return []
    return [scope for requirement in handler.resolve_security() for scope in requirement[BEARER]]


def provide_caller(request: Request[Caller, Any, Any]) -> Caller:
    """Whoever the guard let in."""
    return request.user
