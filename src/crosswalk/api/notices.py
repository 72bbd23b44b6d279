"""Notices over HTTP: read, marked as read, and where they go."""

from collections.abc import Sequence

from litestar import Router, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody, SkipValidation
from msgspec import Struct

from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.notices import Channel, Notice, Notices
from crosswalk.outgoing.office import Office
from crosswalk.store.notices import NoticeKind

READ = needs("delivery.notices:read")
CREATE = needs("delivery.notices:create")
UPDATE = needs("delivery.notices:update")
DELETE = needs("delivery.notices:delete")

Known = NamedDependency[SkipValidation[Notices]]
At = NamedDependency[SkipValidation[Office]]
Who = NamedDependency[SkipValidation[Caller]]


class NewChannel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An e-mail address, or an endpoint by name or id; without kinds, all that are usual."""

    email: str | None = None
    endpoint: str | None = None
    kinds: tuple[NoticeKind, ...] = ()


class Read(Struct, frozen=True):
    """How many notices were marked as read."""

    read: int


def provide_notices(office: At, caller: Who) -> Notices:
    """The notices of the accounts that the token reaches."""
    return Notices(
        database=office.database, emails=office.emails, can_mail=office.mail is not None, reach=caller.accounts
    )


@get("/", summary="List notices", security=READ, responses=problems())
async def show_notices(
    *,
    notices: Known,
    unread: FromQuery[bool] = False,
    kind: FromQuery[NoticeKind | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Notice]:
    """Notices, newest first."""
    before = read_cursor(next_cursor, str)
    found = await notices.list(unread=unread, kind=kind, before=before, most=limit + 1)
    return cut(found, limit, lambda notice: notice.id)


@post("/read", summary="Mark every notice as read", status_code=200, security=UPDATE, responses=problems())
async def read_all(*, notices: Known) -> Read:
    """Mark every notice as read."""
    return Read(await notices.mark_read())


@post("/{notice:str}/read", summary="Mark a notice as read", status_code=200, security=UPDATE,
      responses=problems(404))  # fmt: skip
async def read_notice(*, notice: FromPath[str], notices: Known) -> Read:
    """Mark one notice as read; 0 when it was."""
    return Read(await notices.mark_read(notice))


@get("/channels", summary="List where notices go", security=READ, responses=problems())
async def show_channels(*, notices: Known, caller: Who) -> Page[Channel]:
    """Every channel. Only a token that reaches every account may ask."""
    return Page(await _whole(caller, notices).channels(), None)


@post("/channels", summary="Tell somebody", security=CREATE, responses=problems(404, 409, 422))
async def add_channel(*, data: JSONBody[NewChannel], notices: Known, office: At, caller: Who) -> Channel:
    """Send notices to an e-mail address or an endpoint. Only a token that reaches every account may ask."""
    kinds: Sequence[NoticeKind] = data.kinds
    match data:
        case NewChannel(email=str(address), endpoint=None):
            return await _whole(caller, notices).add_email(address, kinds)
        case NewChannel(email=None, endpoint=str(name)):
            return await _whole(caller, notices).add_endpoint(await office.endpoints().find(name), kinds)
        case _:
            raise PlanError("Give an email or an endpoint, one of the two.")


@delete("/channels/{channel:str}", summary="Tell somebody no more", status_code=200, security=DELETE,
        responses=problems(404))  # fmt: skip
async def remove_channel(*, channel: FromPath[str], notices: Known, caller: Who) -> Channel:
    """Remove a channel by id, address or the name of its endpoint."""
    return await _whole(caller, notices).remove(channel)


@post("/channels/{channel:str}/test", summary="Test a channel", status_code=200, security=UPDATE,
      responses=problems(404))  # fmt: skip
async def test_channel(*, channel: FromPath[str], notices: Known, caller: Who) -> Channel:
    """Put a test into the outbox for one channel."""
    return await _whole(caller, notices).test(channel)


def _whole(caller: Caller, notices: Notices) -> Notices:
    """The notices, for callers who reach every account: a channel hears of all of them."""
    if caller.accounts is not None:
        raise PermissionDeniedException("Channels hear of every account, and this token reaches some only")
    return notices


ROUTES = Router(
    "/notices",
    route_handlers=[
        show_notices,
        read_all,
        read_notice,
        show_channels,
        add_channel,
        remove_channel,
        test_channel,
    ],
    dependencies={"notices": Provide(provide_notices, sync_to_thread=False)},
    tags=["notices"],
)
