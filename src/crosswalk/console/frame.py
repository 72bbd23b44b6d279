"""The frame around every page: who is signed in, where one is, what waits; and the same data as JSON.

`show` answers a page, or its data when the request asks for JSON (`Accept: application/json`, or `?as=json`).
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import State
from litestar.exceptions import PermissionDeniedException
from litestar.response import Redirect
from msgspec import Struct

from crosswalk.console.desk import Desk
from crosswalk.console.pages import headers, render
from crosswalk.console.session import Session
from crosswalk.store.history import COUNT_TROUBLED
from crosswalk.store.notices import COUNT_UNREAD

COOKIE, SAFE_COOKIE = "cw_session", "__Host-cw_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SEE_OTHER: Literal[303] = 303
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
SIGN_IN = "/sign-in"


class ConsoleRequest(Request[Session, Any, State]):
    """A request of somebody who is signed in."""


class Place(Struct, frozen=True):
    """One line of the navigation; `count` is what waits there."""

    name: str
    path: str
    count: int = 0


class Waiting(NamedTuple):
    """What waits for a person."""

    dead: int
    held: int
    unread: int


def cookie_of(request: Request[Any, Any, Any]) -> str:
    """The secret of the session's cookie; empty without one."""
    return request.cookies.get(cookie_name(request), "")


def cookie_name(request: Request[Any, Any, Any]) -> str:
    """The cookie's name: over https one that no other host and no plain page can set."""
    return SAFE_COOKIE if request.url.scheme == "https" else COOKIE


async def require_session(request: Request[Any, Any, Any]) -> Response[Any] | None:
    """Let in whoever is signed in, and take forms only from our own pages; others go to the sign-in page."""
    desk = desk_of(request)
    refuse_strangers(request)
    session = await desk.sessions.find(cookie_of(request))
    if session is None:
        return _send_to_sign_in(request)
    if request.method not in SAFE_METHODS and await _given_token(request) != session.csrf:
        raise PermissionDeniedException("This form is of another session. Load the page again, then repeat it")
    request.scope["user"] = session
    return None


def refuse_strangers(request: Request[Any, Any, Any]) -> None:
    """Raise a 403 for what another site makes a browser send."""
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # without a referrer a form's origin is `null` (Fetch standard, 3.2.2); where it came from stands in the other
    known = {None, "null"} if site in {None, "same-origin"} else set()
    ours = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if site not in {None, "same-origin", "none"} or not (ours or origin in known):
        raise PermissionDeniedException("This form was sent from another site")


async def _given_token(request: Request[Any, Any, Any]) -> str | None:
    given = request.headers.get("x-csrf-token")
    if given is None and request.content_type[0] in FORMS:
        value = (await request.form()).get("token")
        return value if isinstance(value, str) else None
    return given


def _send_to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    if wants_json(request) or request.method not in SAFE_METHODS:
        problem = {"title": "Unauthorized", "status": 401, "detail": "Your session has ended. Sign in again"}
        return Response(problem, status_code=401, media_type="application/problem+json", headers=headers())
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Redirect(SIGN_IN if path == "/" else f"{SIGN_IN}?next={quote(path, safe='')}", headers=headers())


def wants_json(request: Request[Any, Any, Any]) -> bool:
    """Whether the page's data is asked for rather than the page."""
    accept = request.headers.get("accept", "")
    return request.query_params.get("as") == "json" or ("application/json" in accept and "text/html" not in accept)


def desk_of(request: Request[Any, Any, Any]) -> Desk:
    """What the page reads and does."""
    desk: Desk = request.app.state.desk
    return desk


def older(request: Request[Any, Any, Any], cursor: str | None) -> str | None:
    """The address of a list's next page: the same filters, from the cursor on."""
    if cursor is None:
        return None
    kept = [(name, text) for name, text in request.query_params.multi_items() if name != "next_cursor" and text]
    return f"{request.url.path}?{urlencode([*kept, ('next_cursor', cursor)])}"


async def show(
    request: ConsoleRequest, template: str, data: Mapping[str, Any], *, here: str, status: int = 200
) -> Response[Any]:
    """A page inside the frame, or its data as JSON. `here` is the name of the place in the navigation."""
    if wants_json(request):
        return Response(msgspec.json.encode(data), status_code=status, media_type=MediaType.JSON, headers=headers())
    desk = desk_of(request)
    frame = {
        "csrf": request.user.csrf,
        "here": here,
        "now": desk.now(),
        "places": list_places(await count_waiting(desk)),
        "path": request.url.path,
        "query": request.url.query,
    }
    return render(template, frame | dict(data), status=status)


def go(path: str) -> Response[Any]:
    """After a form: on to the page that shows what became of it."""
    return Redirect(path, status_code=SEE_OTHER, headers=headers())


async def count_waiting(desk: Desk) -> Waiting:
    """How many dead letters, held rows and unread notices there are."""
    async with desk.database.read() as connection:
        found = {each[0]: each[1] for each in await connection.execute(COUNT_TROUBLED)}
        unread = await connection.scalar(COUNT_UNREAD)
    return Waiting(found.get("dead", 0), found.get("held", 0), unread or 0)


def list_places(waiting: Waiting) -> tuple[Place, ...]:
    """The navigation."""
    return (
        Place("Home", "/"),
        Place("Flows", "/flows"),
        Place("Runs", "/runs"),
        Place("Deliveries", "/deliveries"),
        Place("Dead letters", "/dead-letters", waiting.dead + waiting.held),
        Place("Sources", "/sources"),
        Place("Destinations", "/destinations"),
        Place("Accounts", "/accounts"),
        Place("Field mapper", "/mapper"),
        Place("Explorer", "/explorer"),
        Place("Notices", "/notices", waiting.unread),
        Place("Settings", "/settings"),
    )
