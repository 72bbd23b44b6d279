"""Every error of the API, rendered once as a problem document (RFC 9457)."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from traceback import format_exception
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec
from litestar.types import ExceptionHandlersMap
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.exc import DataError

from crosswalk.accounts.errors import (
    AccountError,
    MoreThanAllowed,
    NameTaken,
    UnknownAccount,
    UnknownToken,
    UnusableAccount,
    UnusableToken,
)
from crosswalk.delivery.errors import (
    DeliveryError,
    DestinationTaken,
    UnfinishedRun,
    UnknownDelivery,
    UnknownDestination,
    UnknownRun,
    WrongState,
)
from crosswalk.store.errors import DatabaseUnreachable

PROBLEM = "application/problem+json"
NAMED_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(?P<name>.+?)`")
log = structlog.get_logger()

STATUSES: Mapping[type[Exception], HTTPStatus] = {
    UnknownAccount: HTTPStatus.NOT_FOUND,
    UnknownToken: HTTPStatus.NOT_FOUND,
    NameTaken: HTTPStatus.CONFLICT,
    MoreThanAllowed: HTTPStatus.FORBIDDEN,
    UnusableToken: HTTPStatus.BAD_REQUEST,
    UnusableAccount: HTTPStatus.BAD_REQUEST,
    UnknownRun: HTTPStatus.NOT_FOUND,
    UnknownDelivery: HTTPStatus.NOT_FOUND,
    UnknownDestination: HTTPStatus.NOT_FOUND,
    DestinationTaken: HTTPStatus.CONFLICT,
    WrongState: HTTPStatus.CONFLICT,
    UnfinishedRun: HTTPStatus.CONFLICT,
    DeliveryError: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""The status of each error of the rooms that is the caller's; the nearest class counts. Any other is our own fault."""


class Fault(Struct, frozen=True):
    """One thing that is wrong with the request: a parameter's name, or a pointer into the body (RFC 6901)."""

    field: str
    detail: str
    pointer: str | None = None


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


def problem_of(status: int) -> ResponseSpec:
    """One error of a route as its OpenAPI document tells it."""
    return ResponseSpec(Problem, description=HTTPStatus(status).phrase, media_type=PROBLEM, generate_examples=False)


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors of a guarded route: those that every one has, and its own."""
    return {status: problem_of(status) for status in sorted({400, 401, 403, 500, 503, *statuses})}


def render_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer an error that has a status of its own."""
    status = HTTPStatus(error.status_code)
    faults = tuple(_rename(request, fault) for fault in _read_faults(error.extra))
    detail = error.detail if error.detail not in {"", status.phrase} else _describe(request, status)
    if isinstance(error, ValidationException) and faults:
        detail = "; ".join(f"{fault.field}: {fault.detail}" if fault.field else fault.detail for fault in faults)
    return _answer(_problem(status, detail, errors=faults), error.headers)


def render_refusal(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer an error of the rooms below."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return _answer(_problem(STATUSES[kind], str(error)))
    return render_crash(request, error)


def render_silence(request: Request[Any, Any, Any], error: DatabaseUnreachable) -> Response[Problem]:
    """Answer that the database is away; where it is goes to the log, not to the caller."""
    log.error("database.unreachable", method=request.method, path=request.url.path, why=str(error))
    return _answer(_problem(HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer; try again"))


def render_unstorable(request: Request[Any, Any, Any], error: DataError) -> Response[Problem]:
    """Answer that the database takes no such value, as PostgreSQL takes no NUL in a text."""
    return _answer(_problem(HTTPStatus.BAD_REQUEST, f"A value cannot be looked up or kept: {error.orig}"))


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
    """Litestar's list of `{"key", "message", "source"}`, where it gives one."""
    return tuple(_read_fault(entry) for entry in extra) if isinstance(extra, list) else ()


def _rename(request: Request[Any, Any, Any], fault: Fault) -> Fault:
    """The parameter by the name that callers know: one that the framework keeps for itself has another in the code."""
    known = request.route_handler.parsed_fn_signature.parameters.get(fault.field)
    name = getattr(known and known.kwarg_definition, "name", None)
    return replace(fault, field=name) if name else fault


def _read_fault(entry: Mapping[str, str]) -> Fault:
    key, message = entry.get("key", ""), entry.get("message", "")
    if entry.get("source") != "body":
        return Fault(key, message)
    # msgspec tells a field that is unknown or missing in its words only: `Object contains unknown field `x``
    named = NAMED_FIELD.search(message)
    parts = [part for part in re.split(r"[.\[\]]+", key) if part not in {"", "data"}]
    parts += [named["name"]] if named else []
    escaped = [part.replace("~", "~0").replace("/", "~1") for part in parts]
    return Fault(".".join(parts), message, "".join(f"/{part}" for part in escaped))


def _answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    return Response(problem, status_code=problem.status, media_type=PROBLEM, headers=headers)


HANDLERS: ExceptionHandlersMap = {
    HTTPException: render_http,
    AccountError: render_refusal,
    DeliveryError: render_refusal,
    DatabaseUnreachable: render_silence,
    DataError: render_unstorable,
    Exception: render_crash,
}
