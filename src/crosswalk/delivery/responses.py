"""The response webhook: each call's answer becomes messages of the outbox, in the commit that journals its outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts.accounts import CHANCE
from crosswalk.delivery.datasets import note
from crosswalk.delivery.envelope import Came, Envelope, ResponseWebhook, Sent, Told, split_body
from crosswalk.delivery.errors import PlanError, UnknownDataset
from crosswalk.delivery.records import append
from crosswalk.outgoing.endpoints import Endpoints
from crosswalk.outgoing.errors import OutgoingError
from crosswalk.outgoing.message import Message, Row, write_message
from crosswalk.store.database import Database
from crosswalk.store.datasets import ADD_DATASET, FIND_DATASET
from crosswalk.store.destinations import FIND_DESTINATION
from crosswalk.store.ids import new_id
from crosswalk.store.outbox import MessageKind

TOPIC = "response"
UNNAMED = "send"
"""What the dataset of a run without a destination is named for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows that one call carried: their numbers, the key of the first, and which attempt it was."""

    numbers: tuple[int, ...]
    key: str | None
    attempt: int
    batch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """The response webhook of one run: writes the messages that tell of its calls. Touches no database."""

    run: str
    destination: str | None
    test: bool
    base_url: str
    targets: tuple[tuple[MessageKind, str], ...]
    whole: bool
    rng: Random

    def write(
        self, rows: Rows, sent: Sent, came: Came, *, outcome: Told, remote_id: str | None, at: datetime
    ) -> tuple[Row, ...]:
        """The messages of one call, for the commit that journals it; none where there is nothing to say."""
        body = self._say(rows, sent, came, outcome=outcome, remote_id=remote_id, at=at)
        if body is None:
            return ()
        key = f"{self.destination or self.run} {rows.key or f'{self.run}/{rows.numbers[0]}'}"
        return tuple(
            write_message(kind, target, TOPIC, body=body, at=at, rng=self.rng, order_key=key)
            for kind, target in self.targets
        )

    def _say(
        self, rows: Rows, sent: Sent, came: Came, *, outcome: Told, remote_id: str | None, at: datetime
    ) -> bytes | None:
        if not self.whole:
            return bytes(came.body) if isinstance(came.body, msgspec.Raw) else None
        envelope = Envelope(
            delivery_id=f"{self.run}/{rows.numbers[0]}",
            destination_id=self.destination,
            run_id=self.run,
            record_key=rows.key,
            attempt=rows.attempt,
            batch_index=0 if rows.batch else None,
            rows=rows.numbers if rows.batch else msgspec.UNSET,
            request=sent,
            response=came,
            outcome=outcome,
            remote_id=remote_id,
            test=self.test,
            at=at,
        )
        return msgspec.json.encode(envelope)


async def add_responses(
    connection: AsyncConnection, dataset: str, messages: Sequence[Message], at: datetime
) -> str | None:
    """Add messages to their dataset in the courier's transaction; why that cannot be, or `None`.

    A body that is an array becomes one record each. The key is the message's, so that none is added twice. What they
    show of the dataset's columns is learned with them.
    """
    records = [
        (record, f"{message.id}/{place}")
        for message in messages
        for place, record in enumerate(split_body(message.body), start=1)
    ]
    try:
        first, last = await append(connection, dataset, records, at=at)
    except UnknownDataset as exc:
        return str(exc)
    if first <= last:
        cells = [msgspec.json.decode(record, type=dict[str, Any]) for record, _ in records]
        await note(connection, dataset, cells, whole=False, at=at, rng=CHANCE)
    return None


async def open_responses(
    database: Database,
    endpoints: Endpoints,
    webhook: ResponseWebhook,
    *,
    run: str,
    account: str,
    base_url: str,
    destination: str | None,
    test: bool,
    now: datetime,
    rng: Random,
) -> Responses:
    """Make what a response webhook needs, once a run: its dataset, and its endpoint. Raises `PlanError`."""
    targets: list[tuple[MessageKind, str]] = []
    if webhook.dataset is not None or webhook.url is None:
        name = webhook.dataset or f"{await _name_destination(database, destination)}-responses"
        targets.append(("record", await _find_dataset(database, name, account=account, now=now, rng=rng)))
    if webhook.url is not None:
        try:
            targets.append(("post", (await endpoints.ensure(webhook.url, account)).id))
        except OutgoingError as exc:
            raise PlanError(f"The response webhook cannot go to its URL: {exc}") from exc
    return Responses(
        run=run,
        destination=destination,
        test=test,
        base_url=base_url,
        targets=tuple(targets),
        whole=webhook.whole,
        rng=rng,
    )


async def _name_destination(database: Database, destination: str | None) -> str:
    async with database.read() as connection:
        row = (await connection.execute(FIND_DESTINATION, {"key": destination})).first() if destination else None
    return UNNAMED if row is None else str(row.name)


async def _find_dataset(database: Database, name: str, *, account: str, now: datetime, rng: Random) -> str:
    """The id of a dataset for responses; made where there is none."""
    async with database.read() as connection:
        row = (await connection.execute(FIND_DATASET, {"key": name})).one_or_none()
    if row is not None:
        if row.origin != "responses":
            raise PlanError(f"Dataset {name!r} is filled by a source. Name another for the responses.")
        return str(row.id)
    made = new_id(now, rng)
    values = {"id": made, "name": name, "origin": "responses", "account_id": account}
    try:
        async with database.begin() as connection:
            await connection.execute(ADD_DATASET, values | {"created_at": now, "changed_at": now})
    except IntegrityError:  # another run was quicker
        return await _find_dataset(database, name, account=account, now=now, rng=rng)
    return made
