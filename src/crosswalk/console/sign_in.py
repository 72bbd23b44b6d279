"""Signing in and out: by a one-time link, or by the password."""

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from crosswalk.accounts import audit
from crosswalk.accounts.audit import Act
from crosswalk.accounts.vault import Secret
from crosswalk.console.desk import WHO, Desk
from crosswalk.console.frame import (
    SEE_OTHER,
    SIGN_IN,
    ConsoleRequest,
    cookie_name,
    cookie_of,
    desk_of,
    refuse_strangers,
)
from crosswalk.console.pages import headers, render
from crosswalk.console.session import SESSION_LASTS, SignInRefused

Next = Annotated[str, QueryParameter(name="next")]


class Entry(Struct, frozen=True, kw_only=True):
    """What the sign-in form says: the secret of a link, or the password; and where to go then."""

    link: str = ""
    password: str = ""
    next: str = "/"


@get(SIGN_IN, include_in_schema=False)
async def show_sign_in(
    *, request: Request[Any, Any, Any], link: FromQuery[str] = "", next_path: Next = "/"
) -> Response[Any]:
    """The form. A link is spent only when its button is pressed: what looks at links beforehand spends nothing."""
    return await _render(request, link=link, to=next_path)


@post(SIGN_IN, include_in_schema=False)
async def enter(*, request: Request[Any, Any, Any], data: URLEncodedBody[Entry]) -> Response[Any]:
    """Begin a session and go where one was going."""
    refuse_strangers(request)
    try:
        secret = await _begin(request, data)
    except SignInRefused as exc:
        return await _render(request, link="", to=data.next, wrong=str(exc))
    await audit.write(desk_of(request).database, _entered(request, data), at=datetime.now(UTC))
    answer: Response[Any] = Redirect(own_path(data.next), status_code=SEE_OTHER, headers=headers())
    answer.set_cookie(
        cookie_name(request),
        secret.reveal(),
        max_age=int(SESSION_LASTS.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@post("/sign-out", include_in_schema=False)
async def leave(*, request: ConsoleRequest) -> Response[Any]:
    """End the session."""
    desk: Desk = request.app.state.desk
    await desk.sessions.end(cookie_of(request))
    answer: Response[Any] = Redirect(SIGN_IN, status_code=SEE_OTHER, headers=headers())
    answer.delete_cookie(cookie_name(request), path="/")
    return answer


def _entered(request: Request[Any, Any, Any], data: Entry) -> Act:
    """The line of the audit log."""
    address = request.client.host if request.client else None
    return Act(actor=WHO, action="session.begin", object="link" if data.link else "password", ip=address)


async def _begin(request: Request[Any, Any, Any], data: Entry) -> Secret:
    desk: Desk = request.app.state.desk
    if data.link:
        return await desk.sessions.enter_by_link(data.link)
    address = request.client.host if request.client else ""
    return await desk.sessions.enter_by_password(data.password, address)


async def _render(request: Request[Any, Any, Any], *, link: str, to: str, wrong: str | None = None) -> Response[Any]:
    desk: Desk = request.app.state.desk
    data = {"link": link, "next": own_path(to), "wrong": wrong, "has_password": await desk.sessions.has_password()}
    return render("sign_in.html", data, status=200 if wrong is None else 403)


def own_path(text: str) -> str:
    """A path of ours, whatever is asked for: no other host, no scheme."""
    return text if text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() else "/"
