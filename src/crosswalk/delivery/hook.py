"""Inbound webhooks: what others post to a secret address, kept before it is answered.

Posts that come while a commit runs share the next one, so that many a second are durable.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection
from standardwebhooks.webhooks import Webhook as Standard
from standardwebhooks.webhooks import WebhookVerificationError

from crosswalk.accounts.accounts import CHANCE
from crosswalk.accounts.vault import Vault
from crosswalk.delivery import sealed
from crosswalk.delivery.cell import JSON
from crosswalk.delivery.datasets import note
from crosswalk.delivery.errors import SignatureRefused, UnknownDataset, UnknownHook, UnusablePost, WrongState
from crosswalk.delivery.kinds import Webhook
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.pull_notices import tell_changes
from crosswalk.delivery.reading import UnusableRecord, encode_record, find_key
from crosswalk.delivery.records import Addition, append
from crosswalk.delivery.sources import hash_hook
from crosswalk.store.database import Database
from crosswalk.store.datasets import FIND_DATASET
from crosswalk.store.errors import StoreError
from crosswalk.store.sources import FIND_HOOK

GROUP = 500
"""Most posts in one commit."""
PRIVATE = frozenset({"authorization", "cookie", "proxy-authorization", "webhook-signature"})
"""Headers that are never kept in a record."""


class Hook(Struct, frozen=True, kw_only=True):
    """A webhook source as a post finds it."""

    source: str
    name: str
    dataset: str
    settings: Webhook
    sealed: bytes | None


class Post(Struct, frozen=True, kw_only=True):
    """One request: names of headers in lower case, and parameters with all their values."""

    body: bytes
    headers: Mapping[str, str]
    params: Mapping[str, Sequence[str]]


class Posted(Struct, frozen=True, kw_only=True):
    """What was kept: how many records are new, how many were known by their key, and the numbers of the new ones."""

    records: int
    known: int
    first: int | None
    last: int | None


class Parcel(Struct, frozen=True):
    """The records of one post, on their way into a commit."""

    dataset: str
    additions: list[Addition]
    cells: list[dict[str, JSON]]


Waiting: TypeAlias = tuple[Parcel, asyncio.Future[Posted]]


@dataclass(eq=False, slots=True, kw_only=True)
class Inbox:
    """Keeps what is posted to the webhooks of one database."""

    database: Database
    vault: Vault
    notices: Notices | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE
    _waiting: list[Waiting] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None

    async def find(self, secret: str) -> Hook:
        """The webhook with this secret in its address, looked for by digest. Raises `UnknownHook`, `WrongState`."""
        async with self.database.read() as connection:
            asked = {"digest": hash_hook(secret), "at": self.now()}
            row = (await connection.execute(FIND_HOOK, asked)).mappings().one_or_none()
        if row is None:
            raise UnknownHook("No webhook has this address. It was mistyped, rotated or removed")
        if row["state"] == "paused":
            raise WrongState("This webhook is paused and takes nothing; post again when it is active")
        return _hook(row)

    async def post(self, hook: Hook, post: Post) -> Posted:
        """Keep what was posted; returns when it is on disk. Raises `SignatureRefused` and `UnusablePost`."""
        self._check_signature(hook, post)
        parcel = read_post(hook, post)
        if not parcel.additions:
            return Posted(records=0, known=0, first=None, last=None)
        future: asyncio.Future[Posted] = asyncio.get_running_loop().create_future()
        self._waiting.append((parcel, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="hook inbox")
        return await future

    def _check_signature(self, hook: Hook, post: Post) -> None:
        if hook.settings.signature == "none":
            return
        if hook.sealed is None:
            raise SignatureRefused("This webhook checks signatures and has no secret to check them by")
        key = sealed.unseal(self.vault, hook.sealed, hook.source).reveal()
        if hook.settings.signature == "standard":
            check_standard(key, post)
        else:
            check_digest(key, post, hook.settings.signature_header)

    async def _write(self) -> None:
        """Commit whatever has gathered until nothing waits."""
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            try:
                answers = await self._commit([parcel for parcel, _ in group])
            except StoreError as error:
                answers = [error] * len(group)
            for (_, future), answer in zip(group, answers, strict=True):
                if future.cancelled():
                    continue
                if isinstance(answer, Posted):
                    future.set_result(answer)
                else:
                    future.set_exception(answer)

    async def _commit(self, parcels: list[Parcel]) -> list[Posted | Exception]:
        answers: dict[int, Posted | Exception] = {}
        order = sorted(range(len(parcels)), key=lambda place: parcels[place].dataset)  # one order of locks for all
        async with self.database.begin() as connection:
            for dataset in dict.fromkeys(parcels[place].dataset for place in order):
                own = [place for place in order if parcels[place].dataset == dataset]
                kept = await self._keep(connection, [parcels[place] for place in own])
                answers |= dict(zip(own, kept, strict=True))
        return [answers[place] for place in range(len(parcels))]

    async def _keep(self, connection: AsyncConnection, parcels: list[Parcel]) -> list[Posted | Exception]:
        """The posts of one dataset, in the order in which they came."""
        dataset, at = parcels[0].dataset, self.now()
        try:
            if any(key is not None for parcel in parcels for _, key in parcel.additions):
                spans = [await append(connection, dataset, parcel.additions, at=at) for parcel in parcels]
            else:
                every = [each for parcel in parcels for each in parcel.additions]
                spans = _split(await append(connection, dataset, every, at=at), parcels)
        except UnknownDataset:
            return [UnknownHook("This webhook was removed just now")] * len(parcels)
        changes = await note(
            connection, dataset, [each for parcel in parcels for each in parcel.cells], whole=False, at=at, rng=self.rng
        )
        if changes and self.notices is not None:
            owner = (await connection.execute(FIND_DATASET, {"key": dataset})).mappings().one()["account_id"]
            await tell_changes(connection, self.notices, dataset, changes, account=owner)
        return [_tell(parcel, *span) for parcel, span in zip(parcels, spans, strict=True)]


def read_post(hook: Hook, post: Post) -> Parcel:
    """The records of a post: one object is one, an array is one each. Raises `UnusablePost`."""
    extras = read_extras(hook.settings, post)
    additions: list[Addition] = []
    cells: list[dict[str, JSON]] = []
    for place, record in enumerate(_read_objects(post.body)):
        whole = record | extras
        try:
            additions.append((encode_record(whole), _find_key(hook.settings, post, whole, place)))
        except UnusableRecord as error:
            raise UnusablePost(f"Record {place} {error}. Nothing of this post was kept") from error
        cells.append(whole)
    return Parcel(hook.dataset, additions, cells)


def read_extras(settings: Webhook, post: Post) -> dict[str, JSON]:
    """Columns made of headers and of the address's parameters, where the source wants them."""
    extras: dict[str, JSON] = {}
    if settings.include_headers:
        left_out = PRIVATE | {settings.signature_header.lower()}
        shown = {name: value for name, value in post.headers.items() if name not in left_out}
        extras |= {f"header_{name.replace('-', '_')}": value for name, value in shown.items()}
    if settings.include_url_params:
        for name, values in post.params.items():
            extras[f"url_param_{name}"] = values[0] if len(values) == 1 else [*values]
    return extras


def check_standard(key: str, post: Post) -> None:
    """Check a signature by the Standard Webhooks specification. Raises `SignatureRefused`."""
    try:
        Standard(key).verify(post.body, dict(post.headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:  # a header that is no number or no base64 is a ValueError
        raise SignatureRefused(f"The signature is not this post's: {error}") from error


def check_digest(key: str, post: Post, header: str) -> None:
    """Check an HMAC-SHA256 of the body, in hex, `sha256=` before it or not. Raises `SignatureRefused`."""
    given = post.headers.get(header.lower(), "").removeprefix("sha256=").strip().lower()
    made = hmac.new(key.encode(), post.body, sha256).hexdigest()
    if not hmac.compare_digest(made.encode(), given.encode("utf-8", "surrogateescape")):
        raise SignatureRefused(f"The signature in {header} is missing or not this post's")


def _read_objects(body: bytes) -> list[dict[str, JSON]]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusablePost(f"The body cannot be read as JSON: {error}") from error
    records = value if isinstance(value, list) else [value]
    for place, record in enumerate(records):
        if not isinstance(record, dict):
            raise UnusablePost(f"Record {place} is no JSON object. Post an object, or an array of them")
    return records


def _find_key(settings: Webhook, post: Post, record: dict[str, JSON], place: int) -> str | None:
    """The record's own key; else a signed post's id, so that a post that is repeated adds nothing."""
    if settings.key is not None:
        return find_key(record, settings.key)
    return f"{post.headers['webhook-id']}:{place}" if settings.signature == "standard" else None


def _split(span: tuple[int, int], parcels: Sequence[Parcel]) -> list[tuple[int, int]]:
    spans, first = [], span[0]
    for parcel in parcels:
        spans.append((first, first + len(parcel.additions) - 1))
        first += len(parcel.additions)
    return spans


def _tell(parcel: Parcel, first: int, last: int) -> Posted:
    new = last - first + 1
    known = len(parcel.additions) - new
    return Posted(records=new, known=known, first=first if new else None, last=last if new else None)


def _hook(row: RowMapping) -> Hook:
    settings = msgspec.json.decode(row["settings"], type=Webhook)
    return Hook(source=row["id"], name=row["name"], dataset=row["dataset_id"], settings=settings, sealed=row["secret"])
