"""Notices: what happened that a person should know, and where they go."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from crosswalk.api.page import cut, read_cursor
from crosswalk.console.desk import Desk
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.console.runs import name_accounts
from crosswalk.delivery.errors import DeliveryError
from crosswalk.delivery.notices import SORTS, read_kind
from crosswalk.outgoing.errors import OutgoingError
from crosswalk.store.notices import NoticeKind

HERE = "Notices"
PAGE = 50


class NewChannel(Struct, frozen=True, kw_only=True):
    """Who is to be told: an e-mail address, or a webhook by name or URL; without kinds of what is usual."""

    where: str = ""
    kinds: tuple[str, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """What a form about channels came to: `secret` signs a new webhook's messages, and is shown this once."""

    form: NewChannel = NewChannel()
    wrong: str | None = None
    done: str | None = None
    secret: str | None = None


@get("/notices")
async def show_notices(
    *, request: ConsoleRequest, unread: FromQuery[bool] = False, next_cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """Notices, newest first."""
    return await _show(request, Told(), unread=unread, before=read_cursor(next_cursor, str))


async def _show(
    request: ConsoleRequest, told: Told, *, unread: bool = False, before: str | None = None
) -> Response[Any]:
    desk = desk_of(request)
    page = cut(await desk.notices.list(unread=unread, before=before, most=PAGE + 1), PAGE, lambda each: each.id)
    data = {
        "notices": page.result,
        "titles": {kind: sort.title for kind, sort in SORTS.items()},
        "usual": {kind: sort.usual for kind, sort in SORTS.items()},
        "names": await name_accounts(desk),
        "channels": await desk.notices.channels(),
        "emails": list(desk.office.emails),
        "can_mail": desk.office.mail is not None,
        "endpoints": [each.name for each in await desk.office.endpoints().list()],
        "unread": unread,
        "told": told,
    }
    status = 200 if told.wrong is None else 422
    shown = data | {"older": older(request, page.next_cursor)}
    return await show(request, "notices.html", shown, here=HERE, status=status)


@post("/channels/add")
async def add_channel(*, request: ConsoleRequest) -> Response[Any]:
    """Tell somebody from now on. A webhook's URL that is new makes an endpoint, whose secret is shown this once."""
    sent = await request.form()
    kinds = tuple(text for text in sent.getall("kinds", []) if isinstance(text, str))
    form = NewChannel(where=str(sent.get("where") or "").strip(), kinds=kinds)
    try:
        secret = await _add(desk_of(request), form)
    except (DeliveryError, OutgoingError) as exc:
        return await _show(request, Told(form=form, wrong=str(exc)))
    return await _show(request, Told(done=f"{form.where} is told from now on.", secret=secret))


async def _add(desk: Desk, form: NewChannel) -> str | None:
    """Add the channel; answers the secret of an endpoint that was made for it."""
    kinds: list[NoticeKind] = [read_kind(name) for name in form.kinds]
    if "@" in form.where and "://" not in form.where:
        await desk.notices.add_email(form.where, kinds)
        return None
    endpoints = desk.office.endpoints()
    if "://" in form.where:
        endpoint, secret = await endpoints.ensure_told(form.where)
    else:
        endpoint, secret = await endpoints.find(form.where), None
    await desk.notices.add_endpoint(endpoint, kinds)
    return secret


@post("/channels/{channel:str}/test")
async def test_channel(*, request: ConsoleRequest, channel: FromPath[str]) -> Response[Any]:
    """Send a test there."""
    found = await desk_of(request).notices.test(channel)
    where = found.address or found.endpoint
    return await _show(request, Told(done=f"A test is on its way to {where}."))


@post("/channels/{channel:str}/remove")
async def remove_channel(*, request: ConsoleRequest, channel: FromPath[str]) -> Response[Any]:
    """Tell somebody no more."""
    await desk_of(request).notices.remove(channel)
    return go("/notices#channels")


@post("/notices/read")
async def read_all(*, request: ConsoleRequest) -> Response[Any]:
    """Mark every notice as read."""
    await desk_of(request).notices.mark_read()
    return go("/notices")


@post("/notices/{notice:str}/read")
async def read_notice(*, request: ConsoleRequest, notice: FromPath[str]) -> Response[Any]:
    """Mark one notice as read."""
    await desk_of(request).notices.mark_read(notice)
    return go("/notices")


PAGES: tuple[HTTPRouteHandler, ...] = (
    show_notices,
    read_all,
    read_notice,
    add_channel,
    test_channel,
    remove_channel,
)
