"""What people change in the console, written into the audit log when it went well."""

from datetime import UTC, datetime

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from crosswalk.accounts import audit
from crosswalk.accounts.audit import Act
from crosswalk.console.desk import WHO, Desk
from crosswalk.console.frame import SAFE_METHODS
from crosswalk.store.errors import DatabaseUnreachable

log = structlog.get_logger()
FAILED = 400
UNTOLD = ("/flow/preview", "/flow/fields", "/deliveries/", "/dead-letters/", "/notices/", "/sign-out")
"""What changes nothing, and decisions about rows, which stand in the rows' own journal."""


def witnessed(app: ASGIApp) -> ASGIApp:
    """Write a line for every form that was carried out."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] in SAFE_METHODS or scope["path"].startswith(UNTOLD):
            await app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < FAILED:
                desk: Desk = scope["litestar_app"].state.desk
                await _write(desk, act_of(scope))
            await send(message)

        await app(scope, receive, tell)

    return watched


async def _write(desk: Desk, act: Act) -> None:
    try:
        await audit.write(desk.database, act, at=datetime.now(UTC))
    except DatabaseUnreachable as exc:  # it was done already: the log says so instead
        log.error("audit.missed", action=act.action, object=act.object, why=str(exc))  # noqa: TRY400 (it says why)


def act_of(scope: HTTPScope) -> Act:
    """The line of a form: `POST /runs/7/pause` is `run.pause` of `7`."""
    noun, *rest = scope["path"].strip("/").split("/")
    verb = rest[-1] if rest else "change"
    client = scope["client"]
    return Act(
        actor=WHO,
        action=f"{noun.removesuffix('s')}.{verb}",
        object=rest[0] if len(rest) > 1 else noun,
        ip=client[0] if client else None,
        detail={"method": scope["method"], "path": scope["path"]},
    )
