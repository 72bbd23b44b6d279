"""`/proxy/{path}`: any call of Insightly's, with lists in pages or, with `response_format=raw`, its own bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from urllib.parse import unquote_plus

import aiohttp
import msgspec
from litestar import asgi
from litestar.enums import ScopeType
from litestar.exceptions import (
    ClientException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ValidationException,
)
from litestar.types import HTTPScope, Receive, Scope, Send
from msgspec import Raw, Struct

from crosswalk.accounts.callers import Unidentified
from crosswalk.api.admission import Denied, NotServed, Wanted, admit, pass_on
from crosswalk.api.guard import REALM
from crosswalk.api.page import DEFAULT, MOST, read_cursor, write_cursor
from crosswalk.api.relaying import (
    JSON_TYPES,
    Redirect,
    SenderGone,
    TooLarge,
    headers_back,
    read_headers,
    read_location,
    send_on,
    send_whole,
)
from crosswalk.insightly.call import whole
from crosswalk.insightly.paths import UnsafePath, is_list
from crosswalk.insightly.relay import Relayed

PREFIX = "/proxy"
MOST_LIST = 64 * 1024 * 1024
OK = 200
OURS = frozenset({"integrated_account_id", "limit", "next_cursor", "response_format", "truto_response_format"})
FORMATS = {"": "envelope", "envelope": "envelope", "normalized": "envelope", "unified": "envelope", "raw": "raw"}
RESULT = msgspec.json.Decoder(list[Raw])


class Place(Struct, frozen=True, array_like=True):
    """Where in a list a page begins: of which call, behind how many rows."""

    call: str
    skip: int


class Asked(Struct, frozen=True, kw_only=True):
    """Our own parameters, and the rest of the query as it was written, and its names."""

    account: str
    rest: str
    names: frozenset[str]
    raw: bool
    limit: str | None
    cursor: str | None


class Turn(Struct, frozen=True, kw_only=True):
    """One page of a list: how many rows it may have, behind how many, of which call."""

    limit: int
    skip: int
    call: str


@asgi(PREFIX, is_mount=True, copy_scope=False)
async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass a call on to Insightly."""
    if scope["type"] != ScopeType.HTTP:
        raise NotFoundException
    with _explained():
        await _serve(scope, receive, send)


async def _serve(scope: HTTPScope, receive: Receive, send: Send) -> None:
    headers = read_headers(scope)
    asked = read_query(scope["query_string"].decode("latin-1"))
    path = scope["raw_path"].decode("latin-1").removeprefix(PREFIX) or "/"
    wanted = Wanted(
        account=asked.account,
        method="PUT" if scope["method"] == "PATCH" else scope["method"],  # Insightly has no PATCH; its PUT is partial
        path=path,
        query=asked.rest,
        headers=headers,
        authorization=headers.get("authorization"),
    )
    await admit(scope, wanted)
    reads = wanted.method == "GET" and not asked.raw
    turn = read_turn(asked, path) if reads else None
    if turn is not None:
        wanted = replace(wanted, query=paged(asked, turn))
    async with pass_on(scope, wanted, receive, unpack=reads) as relayed:
        if reads and await _answer_json(relayed, turn, send=send):
            return
        back = read_location(headers_back(relayed), relayed, lambda rest: f"{PREFIX}{rest}")
        await send_on(relayed, back, receive=receive, send=send)


async def _answer_json(relayed: Relayed, turn: Turn | None, *, send: Send) -> bool:
    """Answer a read that went well, a list as a page; `False` leaves what is no JSON to be streamed."""
    kind = relayed.header("Content-Type").partition(";")[0].strip().lower()
    if relayed.status != OK or kind not in JSON_TYPES:
        return False
    body = bytearray()
    try:
        async for chunk in relayed.chunks():
            body += chunk
            if len(body) > MOST_LIST:
                raise ClientException(f"The list has more than {MOST_LIST:,} bytes; ask for fewer rows with `limit`")
    except (aiohttp.ClientError, OSError) as exc:
        raise ClientException("Insightly's answer was cut in the middle; ask again", status_code=502) from exc
    back = [each for each in headers_back(relayed) if each[0] != b"content-length"]
    plain = bytes(body)
    await send_whole(relayed.status, back, envelop(plain, turn, relayed) if plain[:1] == b"[" else plain, send=send)
    return True


def envelop(body: bytes, turn: Turn | None, relayed: Relayed) -> bytes:
    """A list in its envelope; the records' bytes stay as they are."""
    try:
        count = len(RESULT.decode(body))
    except msgspec.DecodeError as exc:
        raise ClientException("Insightly's answer is no JSON, though it says so", status_code=502) from exc
    following = previous = None
    if turn is not None:
        total = whole(relayed.header("X-Total-Count"))
        end = turn.skip + count
        if (count >= turn.limit) if total is None else (count > 0 and end < total):
            following = write_cursor(Place(turn.call, end))
        if turn.skip > 0:
            previous = write_cursor(Place(turn.call, max(0, turn.skip - turn.limit)))
    tail = {"next_cursor": following, "prev_cursor": previous, "result_count": count}
    return b'{"result":' + body + b"," + msgspec.json.encode(tail)[1:]


def read_query(text: str) -> Asked:
    """Tell our parameters from Insightly's, which keep their bytes. Raises a 400 that names what is wrong."""
    ours: dict[str, str] = {}
    rest: list[str] = []
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        plain = unquote_plus(name)
        if plain not in OURS:
            rest.append(part)
        elif plain in ours:
            raise _wrong(plain, "was given twice")
        else:
            ours[plain] = unquote_plus(value)
    account = ours.get("integrated_account_id", "")
    if not account:
        raise _wrong("integrated_account_id", "is missing: whose Insightly is it? `crosswalk accounts list` lists ids")
    form = ours.get("response_format", ours.get("truto_response_format", ""))
    if form not in FORMATS:
        raise _wrong("response_format", "can be `raw`; without it lists come in pages")
    return Asked(
        account=account,
        rest="&".join(rest),
        names=frozenset(unquote_plus(part.partition("=")[0]).lower() for part in rest),
        raw=FORMATS[form] == "raw",
        limit=ours.get("limit"),
        cursor=ours.get("next_cursor") or None,
    )


def read_turn(asked: Asked, path: str) -> Turn | None:
    """The page that is asked for; `None` where the call has no pages, or pages by `top` and `skip` of its own."""
    if asked.limit is not None and not (asked.limit.isascii() and asked.limit.isdecimal()):
        raise _wrong("limit", f"is no whole number from 1 to {MOST}")
    limit = DEFAULT if asked.limit is None else int(asked.limit[:9])
    if not 1 <= limit <= MOST:
        raise _wrong("limit", f"is {limit}; it can be 1 to {MOST}")
    native = asked.names & {"top", "skip"}
    if native and (asked.limit is not None or asked.cursor is not None):
        raise _wrong(min(native), "is Insightly's paging; use it or `limit` and `next_cursor`, not both")
    if native or not (is_list(path) or asked.limit is not None or asked.cursor is not None):
        return None
    call = sha256(f"{asked.account}\n{path}\n{asked.rest}".encode()).hexdigest()[:16]
    place = read_cursor(asked.cursor, Place)
    if place is not None and (place.call != call or place.skip < 0):
        raise _wrong("next_cursor", "belongs to another account, path or query; begin that list without one")
    return Turn(limit=limit, skip=0 if place is None else place.skip, call=call)


def paged(asked: Asked, turn: Turn) -> str:
    """The query with Insightly's paging in it."""
    count = "" if "count_total" in asked.names else "&count_total=true"
    return "&".join(filter(None, (asked.rest, f"top={turn.limit}&skip={turn.skip}{count}")))


@contextmanager
def _explained() -> Iterator[None]:
    """Give the errors of passing on the statuses that the API's handlers render."""
    try:
        yield
    except Unidentified as exc:
        raise NotAuthorizedException(str(exc), headers={"WWW-Authenticate": REALM}) from exc
    except Denied as exc:
        challenge = f'{REALM}, error="insufficient_scope", scope="{exc.wanted}"'
        raise PermissionDeniedException(str(exc), headers={"WWW-Authenticate": challenge}) from exc
    except NotServed as exc:
        raise MethodNotAllowedException(str(exc)) from exc
    except UnsafePath as exc:
        raise ClientException(str(exc)) from exc
    except TooLarge as exc:
        raise ClientException(str(exc), status_code=413) from exc
    except SenderGone as exc:
        raise ClientException(str(exc), status_code=408) from exc
    except Redirect as exc:
        raise ClientException(str(exc), status_code=502) from exc


def _wrong(name: str, message: str) -> ValidationException:
    return ValidationException("Unusable parameter", extra=[{"key": name, "message": message, "source": "query"}])
