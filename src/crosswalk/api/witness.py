"""What is written down of requests: calls about accounts in the request log, changing acts in the audit log."""

import time
from datetime import UTC, datetime

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from crosswalk.accounts import audit
from crosswalk.accounts.audit import Act
from crosswalk.accounts.scopes import parse_scope
from crosswalk.accounts.tokens import Caller
from crosswalk.api.arrival import account_of, own_id
from crosswalk.api.guard import scopes_of
from crosswalk.gate.request_log import MOST_SHAPED, MOST_SHOWN, RequestLog, Row, Trace, traced
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable

LOGGED = ("/unified/", "/proxy/", "/insightly/")
AUDITED = ("/v1/", "/integrated-account", "/link-token")
TOLD_BY_ITSELF = ("/v1/tokens", "/v1/mappings")
"""Tokens and mappings write their lines in their own transactions."""
FAILED = 400
MOST_NAMED = 64 * 1024
log = structlog.get_logger()


class Named(msgspec.Struct):
    """What an answer calls the thing that it is about."""

    id: str | int | None = None
    name: str | None = None
    account_id: str | None = None


class Witness:
    """Writes down what passes an application."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Watch every request that a route takes."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            path = scope["raw_path"].decode("latin-1")
            requests: RequestLog | None = scope["litestar_app"].state.get("requests")
            if requests is not None and path.startswith(LOGGED):
                await _log(app, scope, _Watched(scope, receive, send, requests))
            elif path.startswith(AUDITED) and not path.startswith(TOLD_BY_ITSELF) and _changes(scope):
                await app(scope, receive, _Audited(scope, send, self._database).send)
            else:
                await app(scope, receive, send)

        return watched


class _Watched:
    """One request, with what is counted of it."""

    def __init__(self, scope: HTTPScope, receive: Receive, send: Send, requests: RequestLog) -> None:
        self.scope, self.requests = scope, requests
        self._receive, self._send = receive, send
        self.began, self.at = time.perf_counter(), datetime.now(UTC)
        self.status: int | None = None
        self.sent = self.received = 0
        self.ended = False
        self.body = self.answer = b""
        self.id = own_id(scope)
        self.account = account_of(scope)

    async def receive(self) -> Message:  # type: ignore[override, type-arg, unused-ignore]  # as ASGI has it
        message = await self._receive()
        if message["type"] == "http.request":
            self.sent += len(message["body"])
            if len(self.body) < MOST_SHAPED:
                self.body += message["body"][:MOST_SHAPED]
        return message  # type: ignore[return-value]  # what was received

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.received += len(message["body"])
            self.ended = not message["more_body"]
            if (self.status or 0) >= FAILED and len(self.answer) < MOST_SHOWN:
                self.answer += message["body"][:MOST_SHOWN]
        await self._send(message)

    def row(self) -> Row:
        user = self.scope.get("user")
        caller = user if isinstance(user, Caller) else None
        client = self.scope["client"]
        return Row(
            request=self.id,
            leg="ours",
            at=self.at,
            account_id=self.account,
            token_id=caller.id if caller else None,
            actor=caller.name if caller else None,
            ip=client[0] if client else None,
            method=self.scope["method"],
            path=self.scope["raw_path"].decode("latin-1"),
            query=self.scope["query_string"].decode("latin-1"),
            status=self.status,
            trouble=None if self.ended else "not sent to its end",
            ms=(time.perf_counter() - self.began) * 1000,
            sent=self.sent,
            received=self.received,
            body=self.body,
            answer=self.answer,
        )


async def _log(app: ASGIApp, scope: HTTPScope, watched: _Watched) -> None:
    try:
        with traced(Trace(watched.id, watched.account, watched.requests)):
            await app(scope, watched.receive, watched.send)  # type: ignore[arg-type]  # what ASGI gives and takes
    finally:
        watched.requests.put(watched.row())


def _changes(scope: HTTPScope) -> bool:
    """Whether a route changes something: it is no read, whatever its method."""
    handler = scope.get("route_handler")
    if scope["method"] in {"GET", "HEAD", "OPTIONS"} or not isinstance(handler, HTTPRouteHandler):
        return False
    return any(parse_scope(text).verb != "read" for text in scopes_of(handler))


class _Audited:
    """One changing request: its line is written when it went well, before its answer leaves."""

    def __init__(self, scope: HTTPScope, send: Send, database: Database) -> None:
        self._scope, self._send, self._database = scope, send, database
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < FAILED:
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            await self._write(message["body"] if message["type"] == "http.response.body" else b"")
            await self._send(start)
        await self._send(message)

    async def _write(self, body: bytes) -> None:
        act = _act(self._scope, _named(body))
        try:
            await audit.write(self._database, act, at=datetime.now(UTC))
        except DatabaseUnreachable as exc:
            log.error("audit.missed", action=act.action, object=act.object, actor=act.actor, why=str(exc))  # noqa: TRY400 (it says why)


def _named(body: bytes) -> Named:
    try:
        return msgspec.json.decode(body, type=Named) if len(body) <= MOST_NAMED else Named()
    except (msgspec.DecodeError, RecursionError):
        return Named()


def _act(scope: HTTPScope, named: Named) -> Act:
    """The line of the audit log: `POST /v1/destinations/people/activate` is `destination.activate`."""
    verb, _, noun = scope["route_handler"].handler_name.rpartition(".")[2].partition("_")
    user, client = scope.get("user"), scope["client"]
    about = named.name or named.id
    path = scope["raw_path"].decode("latin-1")
    return Act(
        actor=f"token {user.name}" if isinstance(user, Caller) else "nobody",
        action=f"{noun or 'api'}.{verb}",
        object=path if about is None else str(about),
        ip=client[0] if client else None,
        account_id=named.account_id,
        detail={"method": scope["method"], "path": path},
    )
