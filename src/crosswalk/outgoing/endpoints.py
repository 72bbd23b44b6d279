"""Endpoints: where webhooks go, with the secrets that sign them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random, SystemRandom

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.outgoing.errors import EndpointTaken, UnknownEndpoint, UnusableEndpoint
from crosswalk.outgoing.result import Request, Result
from crosswalk.outgoing.sender import Sender
from crosswalk.outgoing.signing import Seals, check_secret, make_secret, sign
from crosswalk.store import endpoints as table
from crosswalk.store.database import Database
from crosswalk.store.endpoints import EndpointState
from crosswalk.store.ids import new_id
from crosswalk.store.outbox import END_OF_TARGET
from crosswalk.tracing import traceparent

CHANCE = SystemRandom()
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
OVERLAP = timedelta(days=1)
"""How long a secret signs beside the one that replaced it."""
MOST_SECRETS = 5
JSON_BODY = {"Content-Type": "application/json"}


class Endpoint(Struct, frozen=True, kw_only=True):
    """One endpoint. `failing_since` is the first failure after the last success."""

    id: str
    name: str
    url: str
    account_id: str | None
    state: EndpointState
    reason: str | None
    failing_since: datetime | None
    created_at: datetime
    changed_at: datetime


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint to be made. Without a secret one is made; `account_id` keeps it to one account."""

    name: str
    url: str
    secret: str | None = None
    account_id: str | None = None


class Revealed(Struct, frozen=True, kw_only=True):
    """An endpoint with its newest secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The endpoints of one database, as far as `reach` goes (`None`: all of them)."""

    database: Database
    sender: Sender
    seals: Seals
    reach: frozenset[str] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = field(default=CHANCE)

    async def create(self, draft: Draft) -> Revealed:
        """Make an endpoint. Raises `UnusableEndpoint`, `UnusableAddress` and `EndpointTaken`."""
        if not NAME.fullmatch(draft.name):
            raise UnusableEndpoint(
                f"An endpoint cannot be named {draft.name!r}; use letters, digits, '.', '_' and '-', at most 64."
            )
        if self.reach is not None and draft.account_id not in self.reach:
            raise UnusableEndpoint("This token reaches some accounts only: give the account_id of one of them.")
        self.sender.check(draft.url)
        secret = draft.secret or make_secret()
        check_secret(secret)
        at = self.now()
        row = {"id": new_id(at, self.rng), "name": draft.name, "url": draft.url, "account_id": draft.account_id}
        try:
            async with self.database.begin() as connection:
                state = {"state": "active", "created_at": at, "changed_at": at}
                await connection.execute(table.ADD_ENDPOINT, row | state)
                await connection.execute(table.ADD_SECRET, self._seal(str(row["id"]), secret, at))
        except IntegrityError as exc:
            if draft.account_id is not None and not await self._is_taken(draft.name):
                raise UnusableEndpoint(f"There is no account {draft.account_id!r}.") from exc
            raise EndpointTaken(f"There is an endpoint named {draft.name!r} already. Choose another name.") from exc
        return Revealed(endpoint=await self.find(str(row["id"])), secret=secret)

    async def ensure(self, url: str, account: str | None) -> Endpoint:
        """The endpoint of this URL for an account; made when there is none, named by the URL's digest."""
        async with self.database.read() as connection:
            asked = {"address": url, "account": account}
            row = (await connection.execute(table.FIND_BY_URL, asked)).mappings().one_or_none()
        if row is not None:
            return _from_row(row)
        name = f"url-{sha256(f'{account} {url}'.encode()).hexdigest()[:12]}"
        try:
            return (await self.create(Draft(name=name, url=url, account_id=account))).endpoint
        except EndpointTaken:  # another was quicker, or it was moved to another URL since
            return await self.find(name)

    async def ensure_told(self, url: str) -> tuple[Endpoint, str | None]:
        """The endpoint of this URL that notices of every account go to, and its secret if it was made now."""
        for each in await self.list():
            if each.url == url:
                return each, None
        made = await self.create(Draft(name=f"notices-{sha256(url.encode()).hexdigest()[:8]}", url=url))
        return made.endpoint, made.secret

    async def list(self, *, after: str = "", most: int | None = None) -> list[Endpoint]:
        """Endpoints after one, oldest first."""
        statement = table.LIST_ENDPOINTS.limit(most)
        if self.reach is not None:
            statement = statement.where(table.endpoints.c.account_id.in_(sorted(self.reach)))
        async with self.database.read() as connection:
            return [_from_row(row) for row in (await connection.execute(statement, {"after": after})).mappings()]

    async def find(self, key: str) -> Endpoint:
        """The endpoint of this name or id. Raises `UnknownEndpoint`."""
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_ENDPOINT, {"key": key})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["account_id"] not in self.reach):
            raise UnknownEndpoint(f"There is no endpoint {key!r}. `crosswalk webhooks list` lists them.")
        return _from_row(row)

    async def move(self, key: str, url: str) -> Endpoint:
        """Send to another URL from now on, what waits included."""
        found = await self.find(key)
        self.sender.check(url)
        return await self._change(found, {"url": url})

    async def enable(self, key: str) -> Endpoint:
        """Send again, what waited included. Enabling an active one changes nothing."""
        found = await self.find(key)
        if found.state == "active":
            return found
        return await self._change(found, {"state": "active", "reason": None, "failing_since": None})

    async def disable(self, key: str, reason: str = "disabled by hand") -> Endpoint:
        """Send nothing more; messages wait, at most three days."""
        found = await self.find(key)
        async with self.database.begin() as connection:
            values = {"endpoint": found.id, "why": reason, "at": self.now()}
            await connection.execute(table.DISABLE_ENDPOINT, values)
        return await self.find(found.id)

    async def remove(self, key: str) -> Endpoint:
        """Forget an endpoint and its secrets; what waits for it ends as dead."""
        found = await self.find(key)
        async with self.database.begin() as connection:
            why = f"its endpoint {found.name} was removed"
            await connection.execute(END_OF_TARGET, {"endpoint": found.id, "at": self.now(), "why": why})
            await connection.execute(table.REMOVE_ENDPOINT, {"endpoint": found.id})
        return found

    async def rotate(self, key: str, *, overlap: timedelta = OVERLAP, secret: str | None = None) -> Revealed:
        """Sign with a new secret; the ones before sign beside it until the overlap is over."""
        found = await self.find(key)
        at = self.now()
        made = secret or make_secret()
        check_secret(made)
        async with self.database.begin() as connection:
            await connection.execute(table.PRUNE_SECRETS, {"endpoint": found.id, "at": at})
            await connection.execute(table.END_SECRETS, {"endpoint": found.id, "at": at + overlap})
            asked = {"endpoint": found.id, "now": at}
            if len((await connection.execute(table.LIST_SECRETS, asked)).all()) >= MOST_SECRETS:
                raise UnusableEndpoint(f"Endpoint {found.name} has {MOST_SECRETS} secrets that sign still. Wait.")
            await connection.execute(table.ADD_SECRET, self._seal(found.id, made, at))
        return Revealed(endpoint=found, secret=made)

    async def secrets_of(self, endpoint: str) -> Sequence[str]:
        """The secrets that sign now, newest first."""
        async with self.database.read() as connection:
            rows = (await connection.execute(table.LIST_SECRETS, {"endpoint": endpoint, "now": self.now()})).all()
        return [self.seals.open(row.sealed, row.id) for row in rows]

    async def post(self, endpoint: Endpoint, message: str, body: bytes) -> Result:
        """Send one message, signed, once."""
        signed = sign(body, message=message, at=self.now(), secrets=await self.secrets_of(endpoint.id))
        trace = traceparent()
        more = {} if trace is None else {"traceparent": trace}
        return await self.sender.send(Request(url=endpoint.url, headers={**JSON_BODY, **signed, **more}, body=body))

    async def test(self, key: str) -> Result:
        """Send a message of topic `test` at once, past the outbox, and answer what came of it."""
        found = await self.find(key)
        at = self.now()
        body = msgspec.json.encode({"type": "test", "timestamp": at, "data": {"endpoint": found.name}})
        return await self.post(found, f"msg_{new_id(at, self.rng)}", body)

    def _seal(self, endpoint: str, secret: str, at: datetime) -> dict[str, object]:
        own = new_id(at, self.rng)
        return {"id": own, "endpoint_id": endpoint, "sealed": self.seals.seal(secret, own), "created_at": at}

    async def _change(self, found: Endpoint, values: dict[str, object]) -> Endpoint:
        async with self.database.begin() as connection:
            statement = table.CHANGE_ENDPOINT.values(**values, changed_at=self.now())
            await connection.execute(statement, {"endpoint": found.id})
        return await self.find(found.id)

    async def _is_taken(self, name: str) -> bool:
        async with self.database.read() as connection:
            return (await connection.execute(table.FIND_ENDPOINT, {"key": name})).first() is not None


def _from_row(row: RowMapping) -> Endpoint:
    return msgspec.convert({str(name): value for name, value in row.items()}, Endpoint)
