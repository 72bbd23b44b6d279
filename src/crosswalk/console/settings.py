"""Settings: the password, sessions, and API tokens."""

from importlib.metadata import version
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, URLEncodedBody
from msgspec import Struct

from crosswalk.accounts.errors import AccountError
from crosswalk.accounts.scopes import APIS, VERBS
from crosswalk.accounts.tokens import Draft
from crosswalk.console.frame import ConsoleRequest, cookie_of, desk_of, go, show
from crosswalk.console.runs import name_accounts
from crosswalk.console.session import WeakPassword

HERE = "Settings"


class NewPassword(Struct, frozen=True, kw_only=True):
    """The password, typed twice."""

    password: str = ""
    again: str = ""


class NewToken(Struct, frozen=True, kw_only=True):
    """What the form for a token says: scopes and accounts are separated by spaces or commas."""

    name: str = ""
    scopes: str = ""
    accounts: str = ""
    expires: str = ""


@get("/settings")
async def show_settings(*, request: ConsoleRequest) -> Response[Any]:
    """The page."""
    return await _show(request)


@post("/settings/password")
async def set_password(*, request: ConsoleRequest, data: URLEncodedBody[NewPassword]) -> Response[Any]:
    """Set the password; every other session ends."""
    if data.password != data.again:
        return await _show(request, wrong="The two passwords differ. Type the same one twice")
    sessions = desk_of(request).sessions
    try:
        await sessions.set_password(data.password)
    except WeakPassword as exc:
        return await _show(request, wrong=str(exc))
    await sessions.end_others(cookie_of(request))
    return await _show(request, done="The password is set. Everybody else was signed out.")


@post("/settings/sign-out-others")
async def end_others(*, request: ConsoleRequest) -> Response[Any]:
    """End every session but this one."""
    ended = await desk_of(request).sessions.end_others(cookie_of(request))
    return await _show(request, done=f"{ended} other session{'' if ended == 1 else 's'} ended.")


@post("/settings/tokens")
async def create_token(*, request: ConsoleRequest, data: URLEncodedBody[NewToken]) -> Response[Any]:
    """Make a token and show it, this once."""
    draft = Draft(
        name=data.name.strip(),
        scopes=_split(data.scopes),
        accounts=_split(data.accounts) or None,
        expires=data.expires.strip() or None,
    )
    try:
        _, secret = await desk_of(request).tokens.create(draft)
    except AccountError as exc:
        return await _show(request, form=data, wrong=str(exc))
    return await _show(request, made=secret.reveal())


@post("/settings/tokens/{token:str}/revoke")
async def revoke_token(*, request: ConsoleRequest, token: FromPath[str]) -> Response[Any]:
    """End a token."""
    await desk_of(request).tokens.revoke(token)
    return go("/settings#tokens")


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


async def _show(
    request: ConsoleRequest,
    *,
    form: NewToken | None = None,
    made: str | None = None,
    done: str | None = None,
    wrong: str | None = None,
) -> Response[Any]:
    desk = desk_of(request)
    tokens = await desk.tokens.list()
    data = {
        "tokens": sorted(tokens, key=lambda token: token.revoked_at is not None),
        "names": await name_accounts(desk),
        "has_password": await desk.sessions.has_password(),
        "session": {"way": request.user.way, "created_at": request.user.created_at, "ends_at": request.user.ends_at},
        "form": form or NewToken(),
        "made": made,
        "done": done,
        "wrong": wrong,
        "apis": APIS,
        "verbs": VERBS,
        "version": version("crosswalk"),
        "database": desk.database.dialect,
    }
    return await show(request, "settings.html", data, here=HERE, status=200 if wrong is None else 422)


PAGES: tuple[HTTPRouteHandler, ...] = (show_settings, set_password, end_others, create_token, revoke_token)
