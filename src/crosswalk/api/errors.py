"""Every error of the API, rendered once as a problem document (RFC 9457)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil
from traceback import format_exception
from typing import Any, Literal

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.openapi import ResponseSpec
from litestar.types import ExceptionHandlersMap
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace
from sqlalchemy.exc import DataError

from crosswalk.accounts.errors import (
    AccountError,
    CredentialRefused,
    InsightlySilent,
    KeyMissing,
    LinkEnded,
    MoreThanAllowed,
    NameTaken,
    OtherInstance,
    UnknownAccount,
    UnknownLink,
    UnknownToken,
    UnusableAccount,
    UnusableLink,
    UnusableToken,
    VaultError,
)
from crosswalk.api.arrival import shown_id_of
from crosswalk.automations.errors import (
    AutomationError,
    AutomationTaken,
    FiringRefused,
    InputChanged,
    UnknownAutomation,
    UnknownFiring,
)
from crosswalk.automations.event_errors import (
    EventError,
    HintRefused,
    UnknownEvent,
    UnknownSubscription,
    UnknownWatch,
    WatchTaken,
)
from crosswalk.delivery.errors import (
    BacklogUndecided,
    ChannelTaken,
    DeliveryError,
    DestinationTaken,
    SignatureRefused,
    SourceTaken,
    TrialRefused,
    UnfinishedRun,
    UnknownChannel,
    UnknownDataset,
    UnknownDelivery,
    UnknownDestination,
    UnknownHook,
    UnknownNotice,
    UnknownRun,
    UnknownSource,
    UploadTooLarge,
    WrongState,
)
from crosswalk.gate.tally import BudgetReserved, BudgetSpent
from crosswalk.insightly.errors import (
    Answered,
    BadAnswer,
    BadRequest,
    Forbidden,
    InsightlyError,
    InUse,
    KeyRefused,
    Later,
    LimitReached,
    NoAnswer,
    NotConnected,
    NotDone,
    NotFound,
    NotOffered,
    NotServed,
    PageOrder,
    Redirected,
    Refused,
    ResponseUnknown,
    StaleRecord,
    UnknownField,
    WrongUse,
)
from crosswalk.insightly.patience import WaitedLong
from crosswalk.outgoing.errors import EndpointTaken, OutgoingError, StillWaiting, UnknownEndpoint, UnknownMessage
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.unified import errors as unified
from crosswalk.unified.cursor import CursorInvalid
from crosswalk.unified.idempotency import KeyBusy, KeyReused
from crosswalk.unified.value import Unfit
from crosswalk.unified.writing import Ambiguous, Undecided

PROBLEM = "application/problem+json"
NAMED_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(?P<name>.+?)`")
MISSING = re.compile(r"Missing required (?:query|header|cookie) parameter '(?P<name>[^']+)'")
SECRET_PATHS = ("/hooks/", "/link/")
log = structlog.get_logger()

STATUSES: Mapping[type[Exception], HTTPStatus] = {
    UnknownAccount: HTTPStatus.NOT_FOUND,
    UnknownToken: HTTPStatus.NOT_FOUND,
    NameTaken: HTTPStatus.CONFLICT,
    MoreThanAllowed: HTTPStatus.FORBIDDEN,
    UnusableToken: HTTPStatus.BAD_REQUEST,
    UnusableAccount: HTTPStatus.BAD_REQUEST,
    CredentialRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    VaultError: HTTPStatus.FAILED_DEPENDENCY,
    InsightlySilent: HTTPStatus.BAD_GATEWAY,
    OtherInstance: HTTPStatus.CONFLICT,
    UnusableLink: HTTPStatus.BAD_REQUEST,
    UnknownLink: HTTPStatus.NOT_FOUND,
    LinkEnded: HTTPStatus.GONE,
    UnknownRun: HTTPStatus.NOT_FOUND,
    UnknownDelivery: HTTPStatus.NOT_FOUND,
    UnknownDestination: HTTPStatus.NOT_FOUND,
    DestinationTaken: HTTPStatus.CONFLICT,
    UnknownSource: HTTPStatus.NOT_FOUND,
    UnknownDataset: HTTPStatus.NOT_FOUND,
    UnknownHook: HTTPStatus.NOT_FOUND,
    SourceTaken: HTTPStatus.CONFLICT,
    SignatureRefused: HTTPStatus.UNAUTHORIZED,
    UploadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    WrongState: HTTPStatus.CONFLICT,
    BacklogUndecided: HTTPStatus.CONFLICT,
    TrialRefused: HTTPStatus.CONFLICT,
    UnfinishedRun: HTTPStatus.CONFLICT,
    UnknownNotice: HTTPStatus.NOT_FOUND,
    UnknownChannel: HTTPStatus.NOT_FOUND,
    ChannelTaken: HTTPStatus.CONFLICT,
    UnknownEndpoint: HTTPStatus.NOT_FOUND,
    EndpointTaken: HTTPStatus.CONFLICT,
    UnknownMessage: HTTPStatus.NOT_FOUND,
    StillWaiting: HTTPStatus.CONFLICT,
    OutgoingError: HTTPStatus.UNPROCESSABLE_ENTITY,
    DeliveryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownAutomation: HTTPStatus.NOT_FOUND,
    UnknownFiring: HTTPStatus.NOT_FOUND,
    AutomationTaken: HTTPStatus.CONFLICT,
    FiringRefused: HTTPStatus.CONFLICT,
    InputChanged: HTTPStatus.UNPROCESSABLE_ENTITY,
    AutomationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownEvent: HTTPStatus.NOT_FOUND,
    UnknownWatch: HTTPStatus.NOT_FOUND,
    UnknownSubscription: HTTPStatus.NOT_FOUND,
    WatchTaken: HTTPStatus.CONFLICT,
    HintRefused: HTTPStatus.UNAUTHORIZED,
    EventError: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unfit: HTTPStatus.UNPROCESSABLE_ENTITY,
    unified.UnknownNoun: HTTPStatus.NOT_FOUND,
    unified.Unservable: HTTPStatus.UNPROCESSABLE_ENTITY,
    unified.Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    unified.MappingTaken: HTTPStatus.CONFLICT,
    unified.UnknownVersion: HTTPStatus.NOT_FOUND,
    unified.MappingBroken: HTTPStatus.CONFLICT,
    CursorInvalid: HTTPStatus.BAD_REQUEST,
    Ambiguous: HTTPStatus.CONFLICT,
    Undecided: HTTPStatus.CONFLICT,
    KeyBusy: HTTPStatus.CONFLICT,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    KeyRefused: HTTPStatus.FAILED_DEPENDENCY,
    LimitReached: HTTPStatus.PAYMENT_REQUIRED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    NotServed: HTTPStatus.UNPROCESSABLE_ENTITY,
    InUse: HTTPStatus.CONFLICT,
    StaleRecord: HTTPStatus.PRECONDITION_FAILED,
    NotDone: HTTPStatus.BAD_GATEWAY,
    Redirected: HTTPStatus.BAD_GATEWAY,
    Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Later: HTTPStatus.TOO_MANY_REQUESTS,
    NotConnected: HTTPStatus.SERVICE_UNAVAILABLE,
    NoAnswer: HTTPStatus.GATEWAY_TIMEOUT,
    ResponseUnknown: HTTPStatus.FAILED_DEPENDENCY,  # many clients repeat a 409 and 502 by themselves, and would double
    BadAnswer: HTTPStatus.BAD_GATEWAY,
    PageOrder: HTTPStatus.BAD_GATEWAY,
    WrongUse: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""The status of each error of the rooms that is the caller's; the nearest class counts. Any other is our own fault."""
Source = Literal["gateway", "provider", "network"]
CODES: Mapping[type[Exception], tuple[str, Source]] = {
    unified.UnknownNoun: ("unknown_resource", "gateway"),
    unified.Unservable: ("not_offered", "gateway"),
    unified.Refused: ("invalid", "gateway"),
    unified.MappingTaken: ("mapping_taken", "gateway"),
    unified.MappingBroken: ("mapping_broken", "gateway"),
    CursorInvalid: ("cursor_invalid", "gateway"),
    Ambiguous: ("ambiguous_match", "gateway"),
    Undecided: ("outcome_unknown", "gateway"),
    KeyBusy: ("idempotency_key_busy", "gateway"),
    KeyReused: ("idempotency_key_reused", "gateway"),
    InputChanged: ("idempotency_key_reused", "gateway"),
    UnusableAccount: ("unusable_account", "gateway"),
    CredentialRefused: ("credential_refused", "provider"),
    VaultError: ("credential_sealed", "gateway"),
    KeyMissing: ("credential_missing", "gateway"),
    InsightlySilent: ("provider_unreachable", "network"),
    OtherInstance: ("other_instance", "gateway"),
    UnknownLink: ("link_unknown", "gateway"),
    LinkEnded: ("link_ended", "gateway"),
    BadRequest: ("provider_refused", "provider"),
    KeyRefused: ("credential_refused", "provider"),
    LimitReached: ("record_limit_reached", "provider"),
    Forbidden: ("plan_feature_missing", "provider"),
    NotFound: ("not_found", "provider"),
    NotServed: ("not_offered", "provider"),
    InUse: ("in_use", "provider"),
    StaleRecord: ("stale_write", "provider"),
    NotDone: ("provider_failed", "provider"),
    Redirected: ("redirected", "provider"),
    Refused: ("provider_refused", "provider"),
    Later: ("rate_limited", "provider"),
    BudgetSpent: ("budget_spent", "gateway"),
    BudgetReserved: ("budget_reserved", "gateway"),
    WaitedLong: ("waited_long", "gateway"),
    NotConnected: ("provider_unreachable", "network"),
    NoAnswer: ("provider_silent", "network"),
    ResponseUnknown: ("outcome_unknown", "network"),
    BadAnswer: ("provider_failed", "provider"),
    PageOrder: ("page_order", "provider"),
    NotOffered: ("not_offered", "gateway"),
    UnknownField: ("unknown_field", "gateway"),
    WrongUse: ("provider_refused", "gateway"),
}
"""The code of each error that has one of its own, and who is at fault; others are named by their status."""


class Fault(Struct, frozen=True):
    """One thing that is wrong with the request: a parameter's name, or a pointer into the body (RFC 6901).

    `near` are values that would do.
    """

    field: str
    detail: str
    pointer: str | None = None
    code: str | UnsetType = UNSET
    native_field: str | UnsetType = UNSET
    near: Sequence[str] | UnsetType = UNSET


class Provider(Struct, frozen=True):
    """What Insightly said: its status, none where no answer came, and its own words."""

    status: int | None
    message: str


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong: `code` for programs, `detail` for people, `retryable` for both.

    `source` is who is at fault, `remedy` what to do, `retry_after` in how many seconds.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    source: Source = "gateway"
    retryable: bool = False
    errors: Sequence[Fault] = ()
    request_id: str | UnsetType = UNSET
    retry_after: int | UnsetType = UNSET
    remedy: str | UnsetType = UNSET
    provider: Provider | UnsetType = UNSET
    hits: Sequence[str] | UnsetType = UNSET


def problem_of(status: int) -> ResponseSpec:
    """One error of a route as its OpenAPI document tells it."""
    return ResponseSpec(Problem, description=HTTPStatus(status).phrase, media_type=PROBLEM, generate_examples=False)


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors of a guarded route: those that every one has, and its own."""
    return {status: problem_of(status) for status in sorted({400, 401, 403, 500, 503, *statuses})}


def render_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer an error that has a status of its own."""
    status = HTTPStatus(error.status_code)
    faults = tuple(_rename(request, fault) for fault in _read_faults(error.extra)) or _missing(error)
    detail = error.detail if error.detail not in {"", status.phrase} else _describe(request, status)
    if isinstance(error, ValidationException) and faults:
        detail = "; ".join(f"{fault.field}: {fault.detail}" if fault.field else fault.detail for fault in faults)
    return _answer(request, _problem(status, detail, errors=faults), error.headers)


def render_unfit(request: Request[Any, Any, Any], error: InternalServerException) -> Response[Problem]:
    """Answer a value that a route cannot take, which the framework holds for our own fault.

    It does where a body's key has the name of something that it injects, as `accounts` has. What is injected here is
    never checked (`SkipValidation`), so that what fails is what was sent.
    """
    if error.status_code != HTTPStatus.INTERNAL_SERVER_ERROR:  # a 503 is one of its kind, and meant
        return render_http(request, error)
    cause = error.__cause__
    if not isinstance(cause, msgspec.ValidationError):
        return render_crash(request, error)
    message, _, where = str(cause).partition(" - at `$.")
    fault = _read_fault({"key": where.rstrip("`"), "message": message, "source": "body"})
    return _answer(request, _problem(HTTPStatus.BAD_REQUEST, f"{fault.field}: {fault.detail}", errors=[fault]))


def render_refusal(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer an error of the rooms below."""
    problem = tell(error)
    return render_crash(request, error) if problem is None else _answer(request, problem)


def tell(error: Exception) -> Problem | None:  # noqa: PLR0911 (one return a kind)
    """An error of the rooms below as a problem; `None` for one that is our own fault."""
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
    if status is None:
        return None
    problem = _problem(status, str(error))
    named = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), None)
    if named is not None:
        problem = replace(problem, code=named[0], source=named[1])
    match error:
        case unified.Refused(faults=faults):
            codes = {fault.code for fault in faults}
            code = codes.pop() if len(codes) == 1 else problem.code
            return replace(problem, code=code, errors=[_of_body(fault) for fault in faults])
        case InsightlyError():
            return _of_provider(problem, error)
        case Ambiguous(hits=hits):
            return replace(problem, hits=hits)
        case Undecided(retry_after=int(seconds)) | KeyBusy(retry_after=int(seconds)):
            return replace(problem, retryable=True, retry_after=seconds)
        case CursorInvalid(parameter=name):
            detail = f"{name} {error}"
            return replace(problem, detail=detail, errors=[Fault(name, detail)])
        case _:
            return problem


def _of_body(fault: unified.Fault) -> Fault:
    pointer, field = fault.pointer or None, fault.field or ""
    return Fault(field, fault.detail, pointer, fault.code, fault.native_field or UNSET, fault.near or UNSET)


def _of_provider(problem: Problem, error: InsightlyError) -> Problem:
    """What Insightly or the way to it is at fault for: its words, and when to try again."""
    if isinstance(error, ResponseUnknown):
        status = error.answer.status if error.answer else None
        return replace(
            problem,
            provider=Provider(status, error.cause),
            remedy="Look whether it took effect before sending it again. With an Idempotency-Key the hub looks.",
        )
    if not isinstance(error, Answered):
        return problem
    faults = [Fault(each.field, each.says, native_field=each.field) for each in error.faults]
    problem = replace(problem, remedy=error.todo, errors=faults)
    if problem.source != "gateway":
        problem = replace(problem, provider=Provider(error.status, error.says))
    if isinstance(error, Later):
        seconds = max(ceil((error.retry_at - datetime.now(UTC)).total_seconds()), 1)
        return replace(problem, retryable=True, retry_after=seconds)
    return problem


def render_silence(request: Request[Any, Any, Any], error: DatabaseUnreachable) -> Response[Problem]:
    """Answer that the database is away; where it is goes to the log, not to the caller."""
    log.error("database.unreachable", method=request.method, path=shown_path(request), why=str(error))
    return _answer(request, _problem(HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer; try again"))


def render_unstorable(request: Request[Any, Any, Any], error: DataError) -> Response[Problem]:
    """Answer that the database takes no such value, as PostgreSQL takes no NUL in a text."""
    return _answer(request, _problem(HTTPStatus.BAD_REQUEST, f"A value cannot be looked up or kept: {error.orig}"))


def render_crash(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer a fault of our own: the cause goes to the log, not to the caller."""
    # as text: a renderer's own traceback may show local variables, and those may hold secrets
    trace = "".join(format_exception(error))
    log.error("request.crashed", method=request.method, path=shown_path(request), trace=trace)
    return _answer(request, _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Crosswalk failed; its log says why"))


def shown_path(request: Request[Any, Any, Any]) -> str:
    """The path as the log shows it: what stands in the address of a webhook or of a link page is a secret."""
    path = request.url.path
    secret = next((each for each in SECRET_PATHS if path.startswith(each)), None)
    return path if secret is None else f"{secret}***"


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


def _missing(error: HTTPException) -> tuple[Fault, ...]:
    """The parameter that a request lacks; the framework tells its name in words only."""
    named = MISSING.match(error.detail) if isinstance(error, ValidationException) else None
    return () if named is None else (Fault(named["name"], "is missing"),)


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


def _answer(
    request: Request[Any, Any, Any], problem: Problem, headers: Mapping[str, str] | None = None
) -> Response[Problem]:
    name = shown_id_of(request)
    told = dict(headers or {}) | {"X-Request-Id": name}
    if isinstance(problem.retry_after, int):
        told["Retry-After"] = str(problem.retry_after)
    return Response(replace(problem, request_id=name), status_code=problem.status, media_type=PROBLEM, headers=told)


HANDLERS: ExceptionHandlersMap = {
    HTTPException: render_http,
    InternalServerException: render_unfit,
    AccountError: render_refusal,
    DeliveryError: render_refusal,
    OutgoingError: render_refusal,
    AutomationError: render_refusal,
    EventError: render_refusal,
    Unfit: render_refusal,
    unified.UnifiedError: render_refusal,
    InsightlyError: render_refusal,
    CursorInvalid: render_refusal,
    DatabaseUnreachable: render_silence,
    DataError: render_unstorable,
    Exception: render_crash,
}
