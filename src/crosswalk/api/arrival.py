"""What is said of every request that arrives: its id on each line of the log and on the answer, and its span."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from random import SystemRandom
from typing import Any
from urllib.parse import parse_qs

import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from crosswalk.accounts.tokens import Caller
from crosswalk.store.ids import new_id
from crosswalk.tracing import Kind, Timed, following, span

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
HEADER = b"x-request-id"
OURS, SHOWN = "crosswalk_request", "crosswalk_shown"
"""Keys of the scope: the id that we gave, and the one that the answer shows."""
UNTOUCHED = "/insightly/"
"""What is Insightly's byte for byte gets no header of ours."""
SERVER_ERROR = 500
CHANCE = SystemRandom()
log = structlog.get_logger()


def arrive(app: ASGIApp) -> ASGIApp:
    """Give every request that a route takes an id and a span."""

    async def arrived(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        given = _header(scope, HEADER)
        own = new_id(datetime.now(UTC), CHANCE)
        shown = given if given and REQUEST_ID.fullmatch(given) else own
        state: dict[str, Any] = scope  # type: ignore[assignment]  # ASGI lets servers and applications add keys
        state[OURS], state[SHOWN] = own, shown
        more = {} if shown == own else {"given": shown}
        with bound_contextvars(request=own, **more), following(_header(scope, b"traceparent")):
            await _serve(app, scope, receive, send)

    return arrived


async def _serve(app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
    status = 0
    bare = scope["raw_path"].startswith(UNTOUCHED.encode())

    async def sending(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            if not bare and all(name.lower() != HEADER for name, _ in message["headers"]):
                message["headers"] = [*message["headers"], (HEADER, shown_id(scope).encode())]
        await send(message)

    with span("request", Kind.SERVER) as told:
        try:
            await app(scope, receive, sending)
        finally:
            if told.heard:
                _tell(told, scope, status)
    log.debug("request.served", method=scope["method"], route=route_of(scope), status=status)


def _tell(told: Timed, scope: HTTPScope, status: int) -> None:
    user = scope.get("user")
    told.rename(f"{scope['method']} {route_of(scope)}")
    told.say(
        {
            "http.request.method": scope["method"],
            "http.route": route_of(scope),
            "http.response.status_code": status or None,
            "crosswalk.request": own_id(scope),
            "crosswalk.account": _account(scope),
            "crosswalk.token": user.id if isinstance(user, Caller) else None,
        }
    )
    if status >= SERVER_ERROR or not status:
        told.fail(str(status) if status else "no answer")


def own_id(scope: Any) -> str:  # any kind of scope, as the framework has several
    """The id that we gave a request; a new one where it came past this middleware."""
    found: str = scope.get(OURS) or new_id(datetime.now(UTC), CHANCE)
    return found


def shown_id(scope: Any) -> str:  # the same
    """The id that the answer shows: the caller's own where it gave one of use, else ours."""
    found: str = scope.get(SHOWN) or own_id(scope)
    return found


def shown_id_of(request: Request[Any, Any, Any]) -> str:
    """The id that the answer of a request shows, also of one that no route took."""
    given = request.headers.get("x-request-id", "")
    return request.scope.get(SHOWN) or (given if REQUEST_ID.fullmatch(given) else own_id(request.scope))  # type: ignore[return-value]  # a key of ours


def route_of(scope: HTTPScope) -> str:
    """The route that took a request, as it was written; `other` where none did."""
    handler = scope.get("route_handler")
    mounts: Iterable[str] = getattr(handler, "paths", ())  # what takes all paths below its own has no template
    return scope.get("path_template") or next((f"{path}/*" for path in sorted(mounts)), "other")


def _account(scope: HTTPScope) -> str | None:
    """The account that a request names, where that can be an id; whether there is one is not asked."""
    found = account_of(scope)
    return found if found and REQUEST_ID.fullmatch(found) else None


def account_of(scope: HTTPScope) -> str | None:
    """The account that a request names, by its address alone."""
    path = scope["raw_path"].decode("latin-1")
    if path.startswith("/insightly/"):
        return path.split("/")[2]
    return next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("integrated_account_id", ())), None)


def _header(scope: HTTPScope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
