"""`/insightly/{integrated_account_id}/v3.1/{path}`: Insightly itself, byte for byte, for programs that know only it.

Such a program changes its base URL and its key: a token of ours stands where the key stood. What we refuse ourselves
looks as Insightly would refuse it, and `X-Crosswalk-Source: gateway` tells the difference.
"""

from base64 import urlsafe_b64decode
from typing import NamedTuple

import msgspec
from litestar import asgi
from litestar.enums import ScopeType
from litestar.exceptions import NotFoundException
from litestar.types import HTTPScope, Receive, Scope, Send

from crosswalk.accounts.callers import Unidentified
from crosswalk.accounts.errors import AccountError, UnknownAccount
from crosswalk.api.admission import Denied, NotServed, Wanted, admit, pass_on
from crosswalk.api.relaying import Redirect, SenderGone, TooLarge, headers_back, read_headers, read_location, send_on
from crosswalk.gate import BudgetReserved, BudgetSpent
from crosswalk.insightly.errors import InsightlyError, NoAnswer
from crosswalk.insightly.paths import UnsafePath
from crosswalk.insightly.patience import WaitedLong
from crosswalk.store.errors import DatabaseUnreachable

PREFIX = "/insightly"
VERSION = "v3.1"
JSON, TEXT = b"application/json; charset=utf-8", b"text/plain; charset=utf-8"
ERRORS = (
    Unidentified,
    Denied,
    NotServed,
    UnsafePath,
    TooLarge,
    SenderGone,
    Redirect,
    AccountError,
    InsightlyError,
    DatabaseUnreachable,
)


class Refusal(NamedTuple):
    """An answer of our own in Insightly's shape."""

    status: int
    body: bytes
    type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Place(NamedTuple):
    """Whose Insightly, and the path below its version."""

    account: str
    path: str


@asgi(PREFIX, is_mount=True, copy_scope=False)
async def transparent(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass a call on as it is."""
    if scope["type"] != ScopeType.HTTP:
        raise NotFoundException
    started = False

    async def watched(message: object) -> None:
        nonlocal started
        started = True
        await send(message)  # type: ignore[arg-type]  # a message as it was given

    try:
        await _serve(scope, receive, watched)
    except ERRORS as exc:
        if started:  # what began cannot be refused any more: it ends without its end
            return
        await _refuse(refusal_of(exc, scope), str(exc), send)


async def _serve(scope: HTTPScope, receive: Receive, send: Send) -> None:
    headers = read_headers(scope)
    place = read_place(scope["raw_path"].decode("latin-1"))
    wanted = Wanted(
        account=place.account,
        method=scope["method"],
        path=place.path,
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        authorization=read_authorization(headers.get("authorization", "")),
    )
    await admit(scope, wanted)
    async with pass_on(scope, wanted, receive) as relayed:
        prefix = f"{PREFIX}/{place.account}/{VERSION}"
        back = read_location(headers_back(relayed), relayed, lambda rest: prefix + rest)
        await send_on(relayed, back, receive=receive, send=send)


def read_place(path: str) -> Place:
    """The account and the path below `/v3.1`. Raises `UnsafePath`."""
    account, _, rest = path.removeprefix(PREFIX).lstrip("/").partition("/")
    version, slash, below = rest.partition("/")
    if not account or version.lower() != VERSION:
        raise UnsafePath(f"Nothing is here: the base URL is {PREFIX}/ACCOUNT/{VERSION}")
    return Place(account, f"{slash}{below}")


def read_authorization(header: str) -> str | None:
    """The header with the token as a bearer's: it may be the user name of Basic, with or without the colon."""
    scheme, _, coded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return header or None
    coded = coded.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        plain = urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("ascii")
    except ValueError:
        return None
    return f"Bearer {plain.partition(':')[0]}"


def refusal_of(exc: Exception, scope: HTTPScope) -> Refusal:  # noqa: C901, PLR0911 (a table)
    """How Insightly would say it."""
    match exc:
        case Unidentified():
            return Refusal(401, _message("Authorization has been denied for this request."))
        case Denied(wanted=wanted):
            return Refusal(403, f"API User does not have access to {wanted.path[0]}.".encode(), TEXT)
        case NotServed():
            return Refusal(405, _message(f"The requested resource does not support http method '{scope['method']}'."))
        case UnsafePath() | UnknownAccount():
            where = scope["raw_path"].decode("latin-1")
            return Refusal(404, _message(f"No HTTP resource was found that matches the request URI '{where}'."))
        case WaitedLong():
            return Refusal(429, b"API rate limit exceeded.", TEXT, ((b"retry-after", b"1"),))
        case BudgetSpent() | BudgetReserved():
            spent = ((b"x-ratelimit-remaining", b"0"),)
            return Refusal(429, b"API daily limit of calls exceeded.", TEXT, spent)
        case TooLarge():
            return Refusal(413, _message("Maximum request length exceeded."))
        case SenderGone():
            return Refusal(408, _message("The request was not whole in time."))
        case NoAnswer():
            return Refusal(504, _message("Insightly did not answer in time."))
        case InsightlyError() | Redirect():
            return Refusal(502, _message("Insightly could not be reached, or its answer was cut."))
        case DatabaseUnreachable():
            return Refusal(503, _message("The service is unavailable."))
        case _:
            return Refusal(500, _message("An error has occurred."))


def _message(text: str) -> bytes:
    return msgspec.json.encode({"Message": text})


async def _refuse(refusal: Refusal, why: str, send: Send) -> None:
    told = " ".join(why.split()).encode("ascii", "replace")[:500]
    headers = [
        (b"content-type", refusal.type),
        (b"content-length", str(len(refusal.body)).encode()),
        (b"x-crosswalk-source", b"gateway"),
        (b"x-crosswalk-detail", told),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body, "more_body": False})
