"""Notices: what a person should hear of, told once for each change, to the log and to the channels they chose."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom
from typing import Any, get_args

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.errors import ChannelTaken, NoMailServer, UnknownChannel, UnknownNotice
from crosswalk.outgoing.endpoints import Endpoint
from crosswalk.outgoing.mail import Letter, check_email
from crosswalk.outgoing.message import Row, write_message
from crosswalk.store import notices as table
from crosswalk.store.database import Database
from crosswalk.store.events import append, write_event
from crosswalk.store.ids import new_id
from crosswalk.store.notices import ChannelKind, Level, NoticeKind
from crosswalk.store.outbox import ADD_MESSAGES

CHANCE = SystemRandom()
log = structlog.get_logger()


class Sort(Struct, frozen=True, kw_only=True):
    """How one kind of notice behaves. One that `lasts` is told once until what `ends` it is told."""

    level: Level
    title: str
    lasts: bool = False
    ends: tuple[NoticeKind, ...] = ()
    usual: bool = True


EVENTS: frozenset[NoticeKind] = frozenset({"run.finished", "run.stopped", "lane.paused", "lane.resumed"})
"""Notices that are events of their own, too: `run:finished` and so on."""
OF_RUN: tuple[NoticeKind, ...] = ("lane.paused", "dead_letters.new", "record.held")
SORTS: Mapping[NoticeKind, Sort] = {
    "lane.paused": Sort(level="warning", title="A lane paused", lasts=True),
    "lane.resumed": Sort(level="info", title="A lane goes on", ends=("lane.paused",)),
    "dead_letters.new": Sort(level="error", title="New dead letters", lasts=True),
    "record.held": Sort(level="error", title="A record is held", lasts=True),
    "run.finished": Sort(level="info", title="A run finished", ends=OF_RUN, usual=False),
    "run.stopped": Sort(level="error", title="A run stopped", ends=OF_RUN),
    "budget.spent": Sort(level="warning", title="The day's calls are spent", lasts=True),
    "budget.foreign_use": Sort(level="warning", title="Another client uses the account", lasts=True),
    "endpoint.disabled": Sort(level="error", title="A webhook endpoint is disabled", lasts=True),
    "source.failed": Sort(level="error", title="A source failed", lasts=True),
    "source.empty": Sort(level="warning", title="A source is empty", lasts=True),
    "schema.changed": Sort(level="info", title="A dataset's columns changed"),
    "deletions.held": Sort(level="error", title="Deletions are held", lasts=True),
    "automation.stuck": Sort(level="error", title="An automation is stuck", lasts=True),
}
"""Every kind of notice. A channel without kinds hears of all that are `usual`."""


class Notice(Struct, frozen=True, kw_only=True):
    """One notice. `subject` is the id of what it is about; `over_at` is null while what it tells lasts."""

    id: str
    kind: NoticeKind
    level: Level
    subject: str
    account_id: str | None
    message: str
    created_at: datetime
    over_at: datetime | None = None
    read_at: datetime | None = None


class Channel(Struct, frozen=True, kw_only=True):
    """Where notices go: an e-mail address, or an endpoint. Without `kinds`, all that are usual."""

    id: str
    kind: ChannelKind
    address: str | None = None
    endpoint_id: str | None = None
    endpoint: str | None = None
    url: str | None = None
    kinds: tuple[NoticeKind, ...] | None = None
    created_at: datetime

    def carries(self, kind: NoticeKind) -> bool:
        """Whether notices of a kind go there."""
        return kind in self.kinds if self.kinds is not None else SORTS[kind].usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """The notices of one database, as far as `reach` goes. `emails` are told of what is usual by configuration."""

    database: Database
    emails: Collection[str] = ()
    can_mail: bool = False
    reach: frozenset[str] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = field(default=CHANCE)
    _soon: set[asyncio.Task[Notice | None]] = field(default_factory=set)

    async def tell(self, kind: NoticeKind, subject: str, message: str, *, account: str | None = None) -> Notice | None:
        """Tell of a change in a transaction of its own; `None` where it is told already and lasts."""
        try:
            async with self.database.begin() as connection:
                return await self.write(connection, kind, subject, message, account=account)
        except IntegrityError:  # another process was quicker, or the account is gone
            return None

    async def write(
        self, connection: AsyncConnection, kind: NoticeKind, subject: str, message: str, *, account: str | None = None
    ) -> Notice | None:
        """Tell of a change in the caller's transaction."""
        sort, at = SORTS[kind], self.now()
        await self._end(connection, subject, sort.ends, at)
        if sort.lasts:
            asked = {"of_kind": kind, "of_subject": subject}
            if (await connection.execute(table.FIND_LASTING, asked)).first() is not None:
                return None
        notice = Notice(
            id=new_id(at, self.rng),
            kind=kind,
            level=sort.level,
            subject=subject,
            account_id=account,
            message=message,
            created_at=at,
            over_at=None if sort.lasts else at,
        )
        await connection.execute(table.ADD_NOTICE, _as_row(notice))
        messages = self._address(notice, await _list_channels(connection))
        if messages:
            await connection.execute(ADD_MESSAGES, [*messages])
        if kind in EVENTS:
            data = msgspec.json.encode({"run_id": subject, "message": message})
            event = write_event(kind.replace(".", ":"), at=at, rng=self.rng, data=data, account=account)
            await append(connection, [event])
        getattr(log, sort.level)(kind, subject=subject, account=account, message=message)
        return notice

    def soon(self, kind: NoticeKind, subject: str, message: str, *, account: str | None = None) -> None:
        """Tell of a change without waiting; `flush` waits."""
        task = asyncio.create_task(self.tell(kind, subject, message, account=account), name=f"notice {kind}")
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    async def flush(self) -> None:
        """Return when everything that was to be told soon is told."""
        if self._soon:
            await asyncio.gather(*self._soon)

    async def end(self, subject: str, *kinds: NoticeKind) -> None:
        """Say that what was told of a subject lasts no more, so that it is told again when it comes back."""
        async with self.database.begin() as connection:
            await self.end_in(connection, subject, *kinds)

    async def end_in(self, connection: AsyncConnection, subject: str, *kinds: NoticeKind) -> None:
        """Say so in the caller's transaction."""
        await self._end(connection, subject, kinds, self.now())

    async def tell_disabled(self, endpoint: Endpoint, reason: str) -> None:
        """Tell that an endpoint was disabled."""
        message = f"Endpoint {endpoint.name} is disabled: {reason}. Then: crosswalk webhooks enable {endpoint.name}"
        await self.tell("endpoint.disabled", endpoint.id, message, account=endpoint.account_id)

    async def list(
        self, *, unread: bool = False, kind: NoticeKind | None = None, before: str | None = None, most: int = 100
    ) -> Sequence[Notice]:
        """Notices, newest first, before one."""
        statement = table.LIST_NOTICES
        if self.reach is not None:
            statement = statement.where(table.notices.c.account_id.in_(sorted(self.reach)))
        if unread:
            statement = statement.where(table.notices.c.read_at.is_(None))
        if kind is not None:
            statement = statement.where(table.notices.c.kind == kind)
        if before is not None:
            statement = statement.where(table.notices.c.id < before)
        async with self.database.read() as connection:
            return [_notice_of(row) for row in (await connection.execute(statement, {"most": most})).mappings()]

    async def mark_read(self, notice: str | None = None) -> int:
        """Mark one notice as read, or all; answers how many were unread. Raises `UnknownNotice`."""
        statement = table.MARK_READ
        if self.reach is not None:
            statement = statement.where(table.notices.c.account_id.in_(sorted(self.reach)))
        if notice is not None:
            await self._find(notice)
            statement = statement.where(table.notices.c.id == notice)
        async with self.database.begin() as connection:
            return (await connection.execute(statement, {"at": self.now()})).rowcount

    async def add_email(self, address: str, kinds: Sequence[NoticeKind] = ()) -> Channel:
        """Tell an e-mail address. Raises `UnusableAddress`, `NoMailServer` and `ChannelTaken`."""
        check_email(address)
        if not self.can_mail:
            raise NoMailServer("No mail server is set. Set CROSSWALK_SMTP_URL=smtp://USER:PASSWORD@HOST:587 first.")
        return await self._add({"kind": "email", "address": address}, kinds)

    async def add_endpoint(self, endpoint: Endpoint, kinds: Sequence[NoticeKind] = ()) -> Channel:
        """Tell an endpoint. Raises `ChannelTaken`."""
        return await self._add({"kind": "webhook", "endpoint_id": endpoint.id}, kinds)

    async def channels(self) -> Sequence[Channel]:
        """Every channel, oldest first."""
        async with self.database.read() as connection:
            return await _list_channels(connection)

    async def remove(self, channel: str) -> Channel:
        """Tell a channel no more, by id, address, or name or URL of its endpoint. Raises `UnknownChannel`."""
        found = await self._find_channel(channel)
        async with self.database.begin() as connection:
            await connection.execute(table.REMOVE_CHANNEL, {"channel": found.id})
        return found

    async def test(self, channel: str) -> Channel:
        """Put a notice that says it is a test into the outbox, for one channel whatever its kinds."""
        found, at = await self._find_channel(channel), self.now()
        message = "This is a test. Nothing happened."
        notice = Notice(
            id=new_id(at, self.rng),
            kind="run.finished",
            level="info",
            subject="test",
            account_id=None,
            message=message,
            created_at=at,
        )
        async with self.database.begin() as connection:
            await connection.execute(ADD_MESSAGES, [self._message(notice, found, topic="test")])
        return found

    def _address(self, notice: Notice, channels: Sequence[Channel]) -> Sequence[Row]:
        """One message for each channel that carries the notice; a disabled endpoint does not hear of itself."""
        chosen = [each for each in channels if each.carries(notice.kind) and each.endpoint_id != notice.subject]
        known = {each.address for each in channels}
        chosen += [
            Channel(id="", kind="email", address=address, created_at=notice.created_at)
            for address in self.emails
            if address not in known and SORTS[notice.kind].usual
        ]
        return [self._message(notice, channel, topic=notice.kind) for channel in chosen]

    def _message(self, notice: Notice, channel: Channel, *, topic: str) -> Row:
        at, key = notice.created_at, f"notice {notice.subject}"
        if channel.address is not None:
            title = "A test" if topic == "test" else SORTS[notice.kind].title
            text = f"{notice.message}\n\n{topic}, {notice.level}, {at:%Y-%m-%d %H:%M:%S} UTC, about {notice.subject}\n"
            body = msgspec.json.encode(Letter(f"[Crosswalk] {title}", text))
            return write_message("mail", channel.address, topic, body=body, at=at, rng=self.rng, order_key=key)
        data = {"id": notice.id, "level": notice.level, "subject": notice.subject, "message": notice.message}
        event = {"type": topic, "timestamp": at, "data": data | {"account_id": notice.account_id}}
        body, target = msgspec.json.encode(event), channel.endpoint_id or ""
        return write_message("post", target, topic, body=body, at=at, rng=self.rng, order_key=key)

    async def _end(self, connection: AsyncConnection, subject: str, kinds: Sequence[NoticeKind], at: datetime) -> None:
        if kinds:
            await connection.execute(table.END_NOTICES, {"of_subject": subject, "kinds": list(kinds), "at": at})

    async def _add(self, place: dict[str, str], kinds: Sequence[NoticeKind]) -> Channel:
        at = self.now()
        names = msgspec.json.encode(kinds).decode() if kinds else None
        row = {"id": new_id(at, self.rng), "kinds": names, "created_at": at, **place}
        try:
            async with self.database.begin() as connection:
                await connection.execute(table.ADD_CHANNEL, row)
        except IntegrityError as exc:
            raise ChannelTaken("Notices go there already. Remove the channel first to choose other kinds.") from exc
        return await self._find_channel(str(row["id"]))

    async def _find(self, notice: str) -> Notice:
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_NOTICE, {"notice": notice})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["account_id"] not in self.reach):
            raise UnknownNotice(f"There is no notice {notice!r}. `crosswalk notices list` lists them.")
        return _notice_of(row)

    async def _find_channel(self, key: str) -> Channel:
        for each in await self.channels():
            if key in {each.id, each.address, each.endpoint, each.endpoint_id, each.url}:
                return each
        raise UnknownChannel(f"Notices do not go to {key!r}. `crosswalk notices channels` lists where they go.")


def read_kind(text: str) -> NoticeKind:
    """The kind of this name. Raises `UnknownNotice` with the names that there are."""
    for kind in get_args(NoticeKind):
        if kind == text:
            found: NoticeKind = kind
            return found
    raise UnknownNotice(f"There is no kind of notice {text!r}. Kinds: {', '.join(get_args(NoticeKind))}.")


async def _list_channels(connection: AsyncConnection) -> list[Channel]:
    rows = (await connection.execute(table.LIST_CHANNELS)).mappings()
    return [msgspec.convert(_plain(row), Channel) for row in rows]


def _plain(row: RowMapping) -> dict[str, Any]:
    plain: dict[str, Any] = {str(name): value for name, value in row.items()}
    return plain | {"kinds": None if plain["kinds"] is None else msgspec.json.decode(plain["kinds"])}


def _notice_of(row: RowMapping) -> Notice:
    return msgspec.convert({str(name): value for name, value in row.items()}, Notice)


def _as_row(notice: Notice) -> dict[str, object]:
    return {name: getattr(notice, name) for name in notice.__struct_fields__}
