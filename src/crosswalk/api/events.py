"""Events over HTTP: listed, streamed, and who subscribes to them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from litestar import Router, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ValidationException
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter, SkipValidation
from litestar.response import Stream
from litestar.response.sse import ServerSentEventMessage
from msgspec import Raw, Struct

from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.page import DEFAULT, Cursor, Limit, Page, cut, read_cursor
from crosswalk.automations.event import Event, Filter, check_resources, check_types, write_body
from crosswalk.automations.event_errors import UnknownType
from crosswalk.automations.events import STEP, events_before, find_event, follow, last_number, oldest_number
from crosswalk.automations.subscription import Draft, Subscription, Subscriptions
from crosswalk.outgoing.office import Office
from crosswalk.store.database import Database

READ = needs("automations.events:read")
READ_SUBSCRIPTIONS = needs("webhooks.subscriptions:read")
CREATE_SUBSCRIPTIONS = needs("webhooks.subscriptions:create")
DELETE_SUBSCRIPTIONS = needs("webhooks.subscriptions:delete")
LONGEST = 300
"""Most seconds that one stream lasts; its reader comes back with `Last-Event-ID` and misses nothing."""
SILENCE = 15.0
"""Seconds without an event after which a comment keeps a stream open."""
RETRY = 1000

Who = NamedDependency[SkipValidation[Caller]]
Data = NamedDependency[SkipValidation[Database]]
Known = NamedDependency[SkipValidation[Subscriptions]]
Resume = Annotated[
    str | None, HeaderParameter(name="Last-Event-ID", description="The number of the last event that was read.")
]


class Entry(Struct, frozen=True, kw_only=True):
    """One event. `data` of a `record:` event is a record change; see the guide."""

    number: int
    id: str
    type: str
    integrated_account_id: str | None
    resource: str | None
    record_id: str | None
    at: datetime
    data: Raw


def provide_subscriptions(office: NamedDependency[SkipValidation[Office]], caller: Who) -> Subscriptions:
    """The subscriptions that the token reaches."""
    reach = caller.accounts
    return Subscriptions(database=office.database, endpoints=office.endpoints(reach), reach=reach)


@get("/", summary="List events", security=READ, responses=problems())
async def show_events(
    *,
    database: Data,
    caller: Who,
    types: FromQuery[str | None] = None,
    resources: FromQuery[str | None] = None,
    integrated_account_id: FromQuery[str | None] = None,
    record_id: FromQuery[str | None] = None,
    limit: Limit = DEFAULT,
    next_cursor: Cursor = None,
) -> Page[Entry]:
    """Events, newest first. Types and resources are lists with commas; `record:*` is a family. Kept for 30 days."""
    before = read_cursor(next_cursor, int)
    wanted = read_filter(types, resources, integrated_account_id)
    found = await events_before(
        database, before, most=limit + 1, wanted=wanted, record=record_id, reach=caller.accounts
    )
    page = cut(found, limit, lambda event: event.number)
    return Page([describe(each) for each in page.result], page.next_cursor)


@get("/{event:str}", summary="Show an event", security=READ, responses=problems(404))
async def show_event(*, event: FromPath[str], database: Data, caller: Who) -> Entry:
    """One event by its id."""
    return describe(await find_event(database, event, reach=caller.accounts))


@get("/stream", summary="Follow events", security=READ, responses=problems(), media_type="text/event-stream")
async def stream_events(
    *,
    database: Data,
    caller: Who,
    types: FromQuery[str | None] = None,
    resources: FromQuery[str | None] = None,
    integrated_account_id: FromQuery[str | None] = None,
    after: Annotated[int | None, QueryParameter(ge=0, le=2**62, description="The number to begin behind.")] = None,
    seconds: Annotated[int, QueryParameter(ge=0, le=LONGEST, description="How long the stream lasts.")] = LONGEST,
    last_event_id: Resume = None,
) -> Stream:
    """Server-sent events as they come, oldest first; their ids are numbers.

    Begins after `Last-Event-ID`, else after the number `after` (0 is the oldest that is kept), else now. A stream ends
    after five minutes, or the `seconds` asked for: with 0 it gives what there is. Readers come back by themselves with
    `Last-Event-ID` and miss nothing.
    """
    wanted = read_filter(types, resources, integrated_account_id)
    if last_event_id is not None:
        if not last_event_id.isdecimal() or len(last_event_id) > 18:  # noqa: PLR2004 (fits in 64 bits)
            fault = {"key": "Last-Event-ID", "message": "is no number of an event", "source": "header"}
            raise ValidationException("Last-Event-ID cannot be read", extra=[fault])
        after = int(last_event_id)
    start = await last_number(database) if after is None else after
    told = tell_stream(database, start, wanted=wanted, reach=caller.accounts, longest=seconds)
    return Stream(told, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def tell_stream(
    database: Database, after: int, *, wanted: Filter, reach: frozenset[str] | None, longest: float
) -> AsyncIterator[bytes]:
    """Events as a stream's bytes; a `stream:gap` says that events after the place asked for are kept no more."""
    clock = asyncio.get_running_loop().time
    began = quiet = clock()
    yield ServerSentEventMessage(data=None, comment="crosswalk", retry=RETRY).encode()
    oldest = await oldest_number(database)
    if after and oldest is not None and oldest > after + 1:
        yield ServerSentEventMessage(data=f'{{"after":{after},"oldest":{oldest}}}', event="stream:gap").encode()
    async for group in follow(database, after=after, stop=asyncio.Event(), wanted=wanted, reach=reach):
        for event in group:
            yield ServerSentEventMessage(data=write_body(event), event=event.type, id=event.number).encode()
        now = clock()
        if len(group) == STEP:
            continue  # there are more
        if group:
            quiet = now
        elif now - quiet >= SILENCE:
            quiet = now
            yield ServerSentEventMessage(data=None, comment="still here").encode()
        if now - began >= longest:
            return


@get("/", summary="List subscriptions", security=READ_SUBSCRIPTIONS, responses=problems())
async def show_subscriptions(
    *, subscriptions: Known, limit: Limit = DEFAULT, next_cursor: Cursor = None
) -> Page[Subscription]:
    """Subscriptions, oldest first."""
    after = read_cursor(next_cursor, str) or ""
    return cut(await subscriptions.list(after=after, most=limit + 1), limit, lambda found: found.id)


@post("/", summary="Subscribe an endpoint", security=CREATE_SUBSCRIPTIONS, responses=problems(404, 422))
async def create_subscription(*, data: JSONBody[Draft], subscriptions: Known) -> Subscription:
    """Tell an endpoint of events, all or some of them."""
    return await subscriptions.add(data)


@delete("/{subscription:str}", summary="Unsubscribe an endpoint", status_code=200, security=DELETE_SUBSCRIPTIONS,
        responses=problems(404))  # fmt: skip
async def remove_subscription(*, subscription: FromPath[str], subscriptions: Known) -> Subscription:
    """Tell of no more events; what waits is sent still."""
    return await subscriptions.remove(subscription)


def read_filter(types: str | None, resources: str | None, account: str | None) -> Filter:
    """A filter from query parameters; one that no event can pass is a 400."""
    wanted = Filter(types=_split(types), resources=_split(resources), account=account)
    try:
        check_types(wanted.types or ())
        check_resources(wanted.resources or ())
    except UnknownType as error:
        raise ValidationException(str(error)) from error
    return wanted


def describe(event: Event) -> Entry:
    """An event as readers see it."""
    return Entry(
        number=event.number,
        id=event.id,
        type=event.type,
        integrated_account_id=event.account_id,
        resource=event.resource,
        record_id=event.record_id,
        at=event.at,
        data=event.data,
    )


def _split(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


ROUTES = Router("/events", route_handlers=[show_events, show_event, stream_events], tags=["events"])
SUBSCRIPTION_ROUTES = Router(
    "/subscriptions",
    route_handlers=[show_subscriptions, create_subscription, remove_subscription],
    dependencies={"subscriptions": Provide(provide_subscriptions, sync_to_thread=False)},
    tags=["events"],
)
