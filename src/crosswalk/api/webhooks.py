"""Outgoing webhooks over HTTP: endpoints, their secrets, what they were told, and telling it once more."""

from datetime import datetime, timedelta
from typing import Annotated, assert_never

from litestar import Router, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, SkipValidation
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.outgoing.endpoints import Draft, Endpoint, Endpoints, Revealed
from crosswalk.outgoing.message import Message
from crosswalk.outgoing.office import Office
from crosswalk.outgoing.outbox import Outbox
from crosswalk.outgoing.result import Answered, Refused, Result, Silent
from crosswalk.store.outbox import MessageState

READ = needs("webhooks.endpoints:read")
CREATE = needs("webhooks.endpoints:create")
UPDATE = needs("webhooks.endpoints:update")
DELETE = needs("webhooks.endpoints:delete")

Place = FromPath[str]
Known = NamedDependency[SkipValidation[Endpoints]]
Told = NamedDependency[SkipValidation[Outbox]]


class Move(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to send from now on."""

    url: str


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many hours the secrets before sign beside the new one; a secret of your own, if you have one."""

    overlap_hours: Annotated[int, Meta(ge=0, le=720)] = 24
    secret: str | None = None


class Span(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages of a time; without `state` dead ones, with null any that ended."""

    since: Annotated[datetime, Meta(tz=True)]
    until: Annotated[datetime, Meta(tz=True)] | None = None
    state: MessageState | None = "dead"


class Replayed(Struct, frozen=True):
    """How many messages are sent once more."""

    replayed: int


class Trial(Struct, frozen=True, kw_only=True):
    """What came of a test: `delivered` says that the endpoint took it, `reason` why it did not."""

    delivered: bool
    status: int | None
    elapsed_ms: int | None = None
    reason: str | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """One message as it stands; `body` is shown for one alone."""

    id: str
    topic: str
    order_key: str | None
    created_at: datetime
    state: MessageState
    attempts: int
    due_at: datetime | None
    settled_at: datetime | None
    status: int | None
    reason: str | None
    body: Raw | UnsetType = UNSET


def provide_endpoints(
    office: NamedDependency[SkipValidation[Office]], caller: NamedDependency[SkipValidation[Caller]]
) -> Endpoints:
    """The endpoints that the token reaches."""
    return office.endpoints(caller.accounts)


def provide_outbox(
    office: NamedDependency[SkipValidation[Office]], caller: NamedDependency[SkipValidation[Caller]]
) -> Outbox:
    """The messages that the token reaches."""
    return office.outbox(caller.accounts)


@get("/", summary="List endpoints", security=READ, responses=problems())
async def show_endpoints(*, endpoints: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None) -> Page[Endpoint]:
    """Endpoints, oldest first, without their secrets."""
    after = read_cursor(next_cursor, str) or ""
    return cut(await endpoints.list(after=after, most=limit + 1), limit, lambda found: found.id)


@post("/", summary="Make an endpoint", security=CREATE, responses=problems(409, 422))
async def create_endpoint(*, data: JSONBody[Draft], endpoints: Known) -> Revealed:
    """Make an endpoint; its secret is in this answer and in no other."""
    return await endpoints.create(data)


@get("/{place:str}", summary="Show an endpoint", security=READ, responses=problems(404))
async def show_endpoint(*, place: Place, endpoints: Known) -> Endpoint:
    """One endpoint by name or id."""
    return await endpoints.find(place)


@patch("/{place:str}", summary="Move an endpoint", security=UPDATE, responses=problems(404, 422))
async def move_endpoint(*, place: Place, data: JSONBody[Move], endpoints: Known) -> Endpoint:
    """Send to another URL, what waits included."""
    return await endpoints.move(place, data.url)


@delete("/{place:str}", summary="Remove an endpoint", status_code=200, security=DELETE, responses=problems(404))
async def remove_endpoint(*, place: Place, endpoints: Known) -> Endpoint:
    """Forget an endpoint and its secrets; what waits for it ends as dead."""
    return await endpoints.remove(place)


@post("/{place:str}/rotate", summary="Rotate the secret", status_code=200, security=UPDATE,
      responses=problems(404, 422))  # fmt: skip
async def rotate_secret(*, place: Place, data: JSONBody[Rotation], endpoints: Known) -> Revealed:
    """Sign with a new secret, which is in this answer alone; the old ones sign beside it for a while."""
    overlap = timedelta(hours=data.overlap_hours)
    return await endpoints.rotate(place, overlap=overlap, secret=data.secret)


@post("/{place:str}/enable", summary="Enable an endpoint", status_code=200, security=UPDATE, responses=problems(404))
async def enable_endpoint(*, place: Place, endpoints: Known) -> Endpoint:
    """Send again, what waited included."""
    return await endpoints.enable(place)


@post("/{place:str}/disable", summary="Disable an endpoint", status_code=200, security=UPDATE,
      responses=problems(404))  # fmt: skip
async def disable_endpoint(*, place: Place, endpoints: Known) -> Endpoint:
    """Send nothing; messages wait, at most three days."""
    return await endpoints.disable(place)


@post("/{place:str}/test", summary="Test an endpoint", status_code=200, security=UPDATE, responses=problems(404))
async def test_endpoint(*, place: Place, endpoints: Known) -> Trial:
    """Send a signed message of type `test` at once and tell what came of it."""
    return read_trial(await endpoints.test(place))


@get("/{place:str}/messages", summary="List what an endpoint was told", security=READ, responses=problems(404))
async def show_messages(
    *,
    place: Place,
    endpoints: Known,
    outbox: Told,
    of_state: FromQuery[MessageState | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Entry]:
    """Messages, newest first. Those that arrived are kept for 7 days, dead ones for 30."""
    before = read_cursor(next_cursor, int)
    found = await endpoints.find(place)
    messages = await outbox.list(target=found.id, state=of_state, before=before, most=limit + 1)
    page = cut(messages, limit, lambda message: message.number)
    return Page([describe(each) for each in page.result], page.next_cursor)


@post("/{place:str}/replay", summary="Replay messages of a time", status_code=200, security=UPDATE,
      responses=problems(404))  # fmt: skip
async def replay_messages(*, place: Place, data: JSONBody[Span], endpoints: Known, outbox: Told) -> Replayed:
    """Send once more what ended, under the ids that it had."""
    found = await endpoints.find(place)
    return Replayed(await outbox.replay_range(found.id, since=data.since, until=data.until, state=data.state))


@get("/messages/{message:str}", summary="Show a message", security=READ, responses=problems(404))
async def show_message(*, message: FromPath[str], outbox: Told) -> Entry:
    """One message with its body."""
    return describe(await outbox.find(message), whole=True)


@post("/messages/{message:str}/replay", summary="Replay a message", status_code=200, security=UPDATE,
      responses=problems(404, 409))  # fmt: skip
async def replay_message(*, message: FromPath[str], outbox: Told) -> Entry:
    """Send one that ended once more, under the id that it had."""
    return describe(await outbox.replay(message))


def describe(message: Message, *, whole: bool = False) -> Entry:
    """A message as readers see it."""
    names = [name for name in Entry.__struct_fields__ if name != "body"]
    values = {name: getattr(message, name) for name in names}
    return Entry(**values, body=Raw(message.body) if whole else UNSET)


def read_trial(result: Result) -> Trial:
    """What came of a test."""
    match result:
        case Answered(status=status, elapsed_ms=took) if 200 <= status < 300:  # noqa: PLR2004 (the statuses of success)
            return Trial(delivered=True, status=status, elapsed_ms=took)
        case Answered(status=status, elapsed_ms=took):
            return Trial(delivered=False, status=status, elapsed_ms=took, reason=f"it answered {status}")
        case Refused(reason) | Silent(reason):
            return Trial(delivered=False, status=None, reason=reason)
        case _:
            assert_never(result)


ROUTES = Router(
    "/webhooks",
    route_handlers=[
        show_endpoints,
        create_endpoint,
        show_endpoint,
        move_endpoint,
        remove_endpoint,
        rotate_secret,
        enable_endpoint,
        disable_endpoint,
        test_endpoint,
        show_messages,
        replay_messages,
        show_message,
        replay_message,
    ],
    dependencies={
        "endpoints": Provide(provide_endpoints, sync_to_thread=False),
        "outbox": Provide(provide_outbox, sync_to_thread=False),
    },
    tags=["webhooks"],
)
