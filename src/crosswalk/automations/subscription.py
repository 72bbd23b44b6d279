"""Subscriptions: which events an endpoint is told, and the step that puts them into the outbox, once each, in order."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random, SystemRandom

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping, select

from crosswalk.automations.event import Event, Filter, check_resources, check_types, write_body
from crosswalk.automations.event_errors import UnknownSubscription, UnusableSubscription
from crosswalk.automations.events import last_number, narrow, read_event
from crosswalk.outgoing.endpoints import Endpoints
from crosswalk.outgoing.message import write_message
from crosswalk.store import events as table
from crosswalk.store.database import Database
from crosswalk.store.errors import StoreError
from crosswalk.store.ids import new_id
from crosswalk.store.outbox import ADD_MESSAGES, outbox

CHANCE = SystemRandom()
STEP = 200
"""Events put into the outbox in one transaction."""
LOOK_EVERY = 0.5
KEPT = timedelta(days=30)
"""How long events are kept."""
TIDY = timedelta(hours=1)


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subscription to be made. Unset parts are any; `after` begins behind that event's number, 0 with the oldest."""

    endpoint: str
    types: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    integrated_account_id: str | None = None
    after: int | None = None


class Subscription(Struct, frozen=True, kw_only=True):
    """One subscription. `told` is the number of the last event that was looked at for it."""

    id: str
    endpoint_id: str
    endpoint: str
    account_id: str | None
    types: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    told: int
    created_at: datetime

    @property
    def wanted(self) -> Filter:
        """The events that it takes."""
        return Filter(types=self.types, resources=self.resources, account=self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriptions:
    """The subscriptions of one database; `endpoints` are those that may be told, `reach` the accounts to tell of."""

    database: Database
    endpoints: Endpoints
    reach: frozenset[str] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = field(default=CHANCE)

    async def add(self, draft: Draft) -> Subscription:
        """Tell an endpoint of events from now on, or from an earlier place.

        An endpoint of one account hears of that account alone. Raises `UnknownEndpoint`, `UnknownType`,
        and `UnusableSubscription`.
        """
        check_types(draft.types or ())
        check_resources(draft.resources or ())
        endpoint = await self.endpoints.find(draft.endpoint)
        account = endpoint.account_id or draft.integrated_account_id
        if self.reach is not None and account not in self.reach:
            raise UnusableSubscription("This token reaches some accounts only: name the integrated_account_id of one.")
        if endpoint.account_id is not None and draft.integrated_account_id not in {None, endpoint.account_id}:
            raise UnusableSubscription(f"Endpoint {endpoint.name} is of another account and hears of that alone.")
        at = self.now()
        row = {
            "id": new_id(at, self.rng),
            "endpoint_id": endpoint.id,
            "account_id": account,
            "types": _names(draft.types),
            "resources": _names(draft.resources),
            "told": await last_number(self.database) if draft.after is None else draft.after,
            "created_at": at,
        }
        async with self.database.begin() as connection:
            await connection.execute(table.ADD_SUBSCRIPTION, row)
        return await self.find(str(row["id"]))

    async def list(self, *, after: str = "", most: int | None = None) -> list[Subscription]:
        """Subscriptions, oldest first."""
        statement = table.LIST_SUBSCRIPTIONS.where(table.subscriptions.c.id > after).limit(most)
        if self.reach is not None:
            statement = statement.where(table.subscriptions.c.account_id.in_(sorted(self.reach)))
        async with self.database.read() as connection:
            return [_read(row) for row in (await connection.execute(statement)).mappings()]

    async def find(self, subscription: str) -> Subscription:
        """One subscription. Raises `UnknownSubscription`."""
        found = next((each for each in await self.list() if each.id == subscription), None)
        if found is None:
            raise UnknownSubscription(f"There is no subscription {subscription!r}. List them first.")
        return found

    async def remove(self, subscription: str) -> Subscription:
        """Tell of no more events; what waits in the outbox is sent still. Raises `UnknownSubscription`."""
        found = await self.find(subscription)
        async with self.database.begin() as connection:
            await connection.execute(table.REMOVE_SUBSCRIPTION, {"subscription": found.id})
        return found


async def address_events(database: Database, *, now: datetime, rng: Random) -> int:
    """Put events into the outbox for those who subscribe; how many messages that made.

    How far a subscription is told moves in the transaction of its messages, so each event is told it once; an endpoint
    with several subscriptions gets an event once, under one id.
    """
    async with database.read() as connection:
        behind = [_read(row) for row in (await connection.execute(table.LIST_BEHIND)).mappings()]
    return sum([await _address(database, each, now=now, rng=rng) for each in behind])


async def _address(database: Database, subscription: Subscription, *, now: datetime, rng: Random) -> int:
    async with database.begin() as connection:
        head = (await connection.execute(table.READ_HEAD)).scalar_one()
        statement = narrow(table.LIST_AFTER, subscription.wanted, None).where(table.events.c.number <= head)
        rows = (await connection.execute(statement, {"after": subscription.told, "most": STEP})).mappings()
        found = [read_event(row) for row in rows]
        to = found[-1].number if len(found) == STEP else head
        moved = {"subscription": subscription.id, "before_number": subscription.told, "to": to}
        if (await connection.execute(table.MOVE_TOLD, moved)).rowcount != 1:
            return 0  # another process was quicker
        ids = {_message_id(event, subscription): event for event in found}
        known = set((await connection.scalars(select(outbox.c.id).where(outbox.c.id.in_([*ids])))).all())
        messages = [
            write_message("post", subscription.endpoint_id, event.type, body=write_body(event), at=now, rng=rng,
                          order_key=event.key) | {"id": message}
            for message, event in ids.items()
            if message not in known
        ]  # fmt: skip
        if messages:
            await connection.execute(ADD_MESSAGES, messages)
    return len(messages)


async def work_events(database: Database, *, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Put new events into the outbox, and forget those of long ago, until stopped."""
    tidied: datetime | None = None
    while not stop.is_set():
        made = 0
        with suppress(StoreError):  # said where it is met first; the next look may find it healed
            made = await address_events(database, now=clock(), rng=CHANCE)
            if tidied is None or clock() - tidied >= TIDY:
                tidied = clock()
                await forget_events(database, now=tidied)
        if not made:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await stop.wait()


async def forget_events(database: Database, *, now: datetime) -> None:
    """Forget events of long ago."""
    async with database.begin() as connection:
        await connection.execute(table.PRUNE_EVENTS, {"before": now - KEPT})


def _message_id(event: Event, subscription: Subscription) -> str:
    """One id for one event at one endpoint."""
    return f"msg_{blake2b(f'{event.id} {subscription.endpoint_id}'.encode(), digest_size=16).hexdigest()}"


def _names(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else msgspec.json.encode(names).decode()


def _read(row: RowMapping) -> Subscription:
    plain = {str(name): value for name, value in row.items()}
    lists = {name: msgspec.json.decode(plain[name]) for name in ("types", "resources") if plain[name] is not None}
    return msgspec.convert(plain | lists, Subscription)
