"""Every error of the API, rendered once as a problem document (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from traceback import format_exception
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from msgspec import Struct

PROBLEM = "application/problem+json"
log = structlog.get_logger()


class Fault(Struct, frozen=True):
    """One thing that is wrong with the request, and where."""

    field: str
    detail: str


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong: `code` for programs, `detail` for people, `retryable` for both."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    source: str = "gateway"
    retryable: bool = False
    errors: Sequence[Fault] = ()


def render_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer an error that has a status of its own."""
    status = HTTPStatus(error.status_code)
    detail = error.detail if error.detail not in {"", status.phrase} else _describe(request, status)
    return _answer(_problem(status, detail, errors=_read_faults(error.extra)), error.headers)


def render_crash(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer a fault of our own: the cause goes to the log, not to the caller."""
    # as text: a renderer's own traceback may show local variables, and those may hold secrets
    trace = "".join(format_exception(error))
    log.error("request.crashed", method=request.method, path=request.url.path, trace=trace)
    return _answer(_problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Crosswalk failed; its log says why"))


def _describe(request: Request[Any, Any, Any], status: HTTPStatus) -> str:
    match status:
        case HTTPStatus.NOT_FOUND:
            return f"Nothing is served at {request.url.path}; /openapi.json lists what is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return f"{request.url.path} takes no {request.method}"
        case _:
            return status.description or status.phrase


def _problem(status: HTTPStatus, detail: str, *, errors: Sequence[Fault] = ()) -> Problem:
    return Problem(
        title=status.phrase,
        status=status,
        detail=detail,
        code=status.name.lower(),
        retryable=status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS},
        errors=errors,
    )


def _read_faults(extra: object) -> tuple[Fault, ...]:
    """Litestar's list of `{"key", "message"}`, where it gives one."""
    entries = extra if isinstance(extra, list) else []
    return tuple(Fault(str(entry.get("key", "")), str(entry.get("message", ""))) for entry in entries)


def _answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    return Response(problem, status_code=problem.status, media_type=PROBLEM, headers=headers)


HANDLERS: ExceptionHandlersMap = {HTTPException: render_http, Exception: render_crash}
