"""Sources: what fills datasets, when, and from where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from secrets import token_urlsafe

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from crosswalk.accounts.accounts import CHANCE, NAME
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.contract import load
from crosswalk.delivery import sealed
from crosswalk.delivery.errors import PlanError, SourceTaken, UnknownSource, WrongState
from crosswalk.delivery.kinds import UPLOAD, File, Http, Kind, Records, Sql, Webhook, check_kind
from crosswalk.delivery.places import Places
from crosswalk.delivery.schedule import first_time, parse_schedule
from crosswalk.store import pulls as pull_table
from crosswalk.store import sources as table
from crosswalk.store.accounts import FIND_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.datasets import ADD_DATASET
from crosswalk.store.ids import new_id
from crosswalk.store.pulls import PullState
from crosswalk.store.sources import SourceState

Reach = frozenset[str] | None
"""Ids of the accounts that whoever asks may use; `None` is every account."""
OVERLAP = timedelta(hours=24)
"""How long a webhook's old address counts after it was rotated."""
END = "~"
"""Above every id."""


class Source(Struct, frozen=True, kw_only=True):
    """One source. Name, kind, dataset and account never change; `records` is how many its dataset was given."""

    id: str
    name: str
    account_id: str | None
    dataset_id: str
    dataset: str
    state: SourceState
    settings: Kind
    has_secret: bool
    schedule: str | None
    next_at: datetime | None
    records: int
    created_at: datetime
    changed_at: datetime


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source to be made; `account` is a name or an id. `dataset` is named like the source unless said otherwise.

    `secret` is what its kind needs kept: a database's address, a signature's key, or a JSON object of headers.
    """

    name: str
    settings: Kind
    account: str | None = None
    dataset: str | None = None
    schedule: str | None = None
    secret: str | None = None


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; a schedule of null is none."""

    settings: Kind | UnsetType = UNSET
    schedule: str | UnsetType | None = UNSET
    secret: str | UnsetType | None = UNSET


class Pull(Struct, frozen=True, kw_only=True):
    """One reading of a source: the numbers that its records have, and how it ended."""

    id: str
    source_id: str
    state: PullState
    reason: str | None
    first: int | None
    last: int | None
    rows: int
    unreadable: int
    started_at: datetime
    ended_at: datetime | None


class Unread(Struct, frozen=True):
    """One row that could not be read, and why."""

    number: int
    reason: str


class Made(Struct, frozen=True, kw_only=True):
    """A source just made, or given a new address; `hook` is the secret in a webhook's address, shown this once."""

    source: Source
    hook: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sources of one database, as far as `reach` goes; `places` is what may be read."""

    database: Database
    vault: Vault
    places: Places
    who: str
    reach: Reach = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rng: Random = CHANCE

    async def create(self, draft: Draft) -> Made:
        """Make a source and the dataset that it fills. Raises `PlanError` and `SourceTaken`."""
        at = self.now()
        for name in (draft.name, draft.dataset or draft.name):
            if not NAME.fullmatch(name):
                raise PlanError(f"Nothing can be named {name!r}; use letters, digits, '.', '_' and '-', at most 64")
        account = await self._find_account(draft.account)
        settings = self._settle(draft.settings)
        self._check(settings, draft.secret, account)
        await self._check_connection(settings)
        made, filled = new_id(at, self.rng), new_id(at, self.rng)
        hook = token_urlsafe(32) if isinstance(settings, Webhook) else None
        row = {
            "id": made,
            "name": draft.name,
            "kind": kind_name(settings),
            "settings": msgspec.json.encode(settings).decode(),
            "secret": None if draft.secret is None else sealed.seal(self.vault, Secret(draft.secret), made),
            "account_id": account,
            "dataset_id": filled,
            "state": "active",
            "hook_hash": None if hook is None else hash_hook(hook),
            "created_at": at,
            "changed_at": at,
            **self._plan_times(draft.schedule, settings, at),
        }
        dataset = {"id": filled, "name": draft.dataset or draft.name, "origin": "source", "account_id": account}
        try:
            async with self.database.begin() as connection:
                await connection.execute(ADD_DATASET, dataset | {"created_at": at, "changed_at": at})
                await connection.execute(table.ADD_SOURCE, row)
        except IntegrityError as exc:
            raise SourceTaken(f"There is a source or a dataset named {draft.name!r} already; choose another") from exc
        return Made(source=await self.find(made), hook=hook)

    async def list(self, *, after: str = "", most: int | None = None) -> list[Source]:
        """Sources after one, oldest first; `most` of them, or all."""
        statement = table.LIST_SOURCES.limit(most)
        if self.reach is not None:
            statement = statement.where(table.sources.c.account_id.in_(sorted(self.reach)))
        async with self.database.read() as connection:
            return [source_from_row(row) for row in (await connection.execute(statement, {"after": after})).mappings()]

    async def find(self, key: str) -> Source:
        """The source of this name or id. Raises `UnknownSource`."""
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_SOURCE, {"key": key})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["account_id"] not in self.reach):
            raise UnknownSource(f"There is no source {key!r}. `crosswalk sources list` lists them")
        return source_from_row(row)

    async def change(self, key: str, change: Change) -> Source:
        """Write settings, schedule or secret anew; the next pull goes by them. Raises `PlanError`."""
        found, at = await self.find(key), self.now()
        settings = found.settings if change.settings is UNSET else self._settle(change.settings)
        if kind_name(settings) != kind_name(found.settings):
            raise PlanError(f"Source {found.name} is a {kind_name(found.settings)} source and stays one")
        kept = found.has_secret if change.secret is UNSET else change.secret is not None
        given = None if change.secret is UNSET else change.secret
        self._check(settings, given, found.account_id, kept=kept)
        await self._check_connection(settings)
        values: dict[str, object] = {"settings": msgspec.json.encode(settings).decode(), "changed_at": at}
        if change.secret is not UNSET:
            values["secret"] = None if given is None else sealed.seal(self.vault, Secret(given), found.id)
        if change.schedule is not UNSET:
            values |= self._plan_times(change.schedule, settings, at)
        if _place_of(settings) != _place_of(found.settings):
            values["cursor"] = None  # another place is read from its beginning
        return await self._write(found, values)

    async def activate(self, key: str) -> Source:
        """Let it be read again, from its schedule's next time on."""
        found = await self.find(key)
        if found.state == "active":
            return found
        return await self._write(found, {"state": "active", **self._plan_times(found.schedule, None, self.now())})

    async def pause(self, key: str) -> Source:
        """Read nothing more; a pull that is going on ends, a webhook refuses what is posted."""
        return await self._write(await self.find(key), {"state": "paused", "next_at": None})

    async def ask(self, key: str) -> Source:
        """Have the server read it now. Raises `WrongState` for a webhook and a paused one."""
        found = await self.find(key)
        refuse_idle(found)
        return await self._write(found, {"next_at": self.now()})

    async def rotate(self, key: str) -> Made:
        """Give a webhook a new address; the old one counts for another day. Raises `WrongState` for another kind."""
        found, at, hook = await self.find(key), self.now(), token_urlsafe(32)
        if not isinstance(found.settings, Webhook):
            raise WrongState(f"Source {found.name} is no webhook and has no address to rotate")
        async with self.database.begin() as connection:
            row = (await connection.execute(table.FIND_SOURCE, {"key": found.id})).mappings().one()
            values = {"hook_hash": hash_hook(hook), "old_hook_hash": row["hook_hash"], "old_hook_until": at + OVERLAP}
            await connection.execute(table.CHANGE_SOURCE.values(**values, changed_at=at), {"source": found.id})
        return Made(source=await self.find(found.id), hook=hook)

    async def remove(self, key: str) -> Source:
        """Forget a source and its pulls; its dataset stays. Raises `WrongState` while it is read."""
        found = await self.find(key)
        async with self.database.begin() as connection:
            if (await connection.execute(pull_table.FIND_RUNNING, {"source": found.id})).first() is not None:
                raise WrongState(f"Source {found.name} is being read; pause it and wait for the pull to end")
            await connection.execute(table.REMOVE_SOURCE, {"source": found.id})
        return found

    async def pulls(self, key: str, *, before: str = END, most: int = 100) -> Sequence[Pull]:
        """A source's pulls, newest first."""
        found = await self.find(key)
        asked = {"source": found.id, "before": before, "most": most}
        async with self.database.read() as connection:
            rows = (await connection.execute(pull_table.LIST_PULLS, asked)).mappings()
            return [pull_from_row(row) for row in rows]

    async def unreadable(self, key: str, pull: str, *, after: int = 0, most: int = 100) -> Sequence[Unread]:
        """The rows of a pull that could not be read, the first thousand of them. Raises `UnknownSource`."""
        found = await self.find(key)
        asked = {"pull": pull, "after": after, "most": most}
        async with self.database.read() as connection:
            row = (await connection.execute(pull_table.FIND_PULL, {"pull": pull})).mappings().one_or_none()
            if row is None or row["source_id"] != found.id:
                raise UnknownSource(f"Source {found.name} has no pull {pull!r}")
            rows = (await connection.execute(pull_table.LIST_UNREADABLES, asked)).all()
        return [Unread(row.number, row.reason) for row in rows]

    def _check(self, settings: Kind, secret: str | None, account: str | None, *, kept: bool = False) -> None:
        """Raise `PlanError` for what cannot work, and for what whoever asks may not read."""
        check_kind(settings, load(), account=account)
        has = kept or secret is not None
        match settings:
            case File(path=path):
                if not self.places.is_remote(path):
                    self.places.find_file(path)
                _refuse_secret(has, "A file source")
            case Sql(connection=named):
                self._check_sql(named, secret, has=has)
            case Webhook(signature=signature):
                if (signature != "none") != has:
                    raise PlanError("A webhook needs a secret exactly when its signature is to be checked")
                if secret is not None:
                    sealed.check_signing_key(signature, secret)
            case Http():
                if secret is not None:
                    sealed.read_headers(secret)
            case Records():
                _refuse_secret(has, "An insightly source")

    def _settle(self, settings: Kind) -> Kind:
        """The settings as they are kept: whole paths, held to what whoever asks may read."""
        if not isinstance(settings, File):
            return settings
        path, free = settings.path, self.places.folders is None
        local = free and not path.startswith(UPLOAD) and not self.places.is_remote(path)
        return replace(settings, path=str(Path(path).absolute()) if local else path, bounded=not free)

    def _check_sql(self, named: str | None, secret: str | None, *, has: bool) -> None:
        if self.places.folders is not None and has:
            raise PlanError("Over HTTP a SQL source names a connection that the operator defined, never an address")
        if (named is None) == (not has):
            raise PlanError("A SQL source needs a connection's name or a database's address, one of the two")
        if secret is not None:
            self.places.check_database(secret)

    async def _check_connection(self, settings: Kind) -> None:
        """Raise `PlanError` for a query of a connection that is not there."""
        if not isinstance(settings, Sql) or settings.connection is None:
            return
        async with self.database.read() as connection:
            row = (await connection.execute(table.FIND_CONNECTION, {"key": settings.connection})).first()
        if row is None:
            todo = "`crosswalk sources connections` lists them"
            raise PlanError(f"There is no connection {settings.connection!r}. {todo}")

    def _plan_times(self, text: str | None, settings: Kind | None, at: datetime) -> dict[str, object]:
        if text is None:
            return {"schedule": None, "next_at": None}
        if isinstance(settings, Webhook):
            raise PlanError("A webhook is filled by whoever posts to it and takes no schedule")
        due = first_time(parse_schedule(text), at)
        if settings is not None and due is None:
            raise PlanError(f"The schedule {text!r} is never due: it is over")
        return {"schedule": text, "next_at": due}

    async def _find_account(self, key: str | None) -> str | None:
        if key is None:
            if self.reach is not None:
                raise PlanError("Name the account that these records belong to: one that your token reaches")
            return None
        async with self.database.read() as connection:
            row = (await connection.execute(FIND_ACCOUNT, {"key": key})).mappings().one_or_none()
        if row is None or (self.reach is not None and row["id"] not in self.reach):
            raise PlanError(f"There is no account {key!r}. `crosswalk accounts list` lists them")
        return str(row["id"])

    async def _write(self, found: Source, values: dict[str, object]) -> Source:
        values = {"changed_at": self.now()} | values
        async with self.database.begin() as connection:
            await connection.execute(table.CHANGE_SOURCE.values(**values), {"source": found.id})
        return await self.find(found.id)


def kind_name(settings: Kind) -> str:
    """The name of a source's kind, as its settings say it."""
    return str(settings.__struct_config__.tag)


def hash_hook(hook: str) -> str:
    """What is kept of the secret in a webhook's address."""
    return sha256(hook.encode()).hexdigest()


def refuse_idle(found: Source) -> None:
    """Raise `WrongState` for a source that cannot be read now."""
    if isinstance(found.settings, Webhook):
        raise WrongState(f"Source {found.name} is a webhook: others post to it, there is nothing to read")
    if found.state == "paused":
        raise WrongState(f"Source {found.name} is paused; activate it first")


def _place_of(settings: Kind) -> object:
    match settings:
        case File(path=path):
            return path
        case Sql():
            return settings.query, settings.connection, settings.cursor_column
        case Http():
            return settings.url, settings.paging
        case Webhook():
            return None
        case Records():
            return settings.resource, settings.full


def _refuse_secret(has: bool, what: str) -> None:  # noqa: FBT001 (one flag, two callers)
    if has:
        raise PlanError(f"{what} takes no secret")


def pull_from_row(row: RowMapping) -> Pull:
    """A pull as its table has it."""
    return msgspec.convert({str(name): value for name, value in row.items()}, Pull)


def source_from_row(row: RowMapping) -> Source:
    """A source as its table has it."""
    plain = {str(name): value for name, value in row.items()}
    settings = msgspec.json.decode(row["settings"], type=Kind)
    return msgspec.convert(
        plain | {"settings": msgspec.to_builtins(settings), "has_secret": bool(row["secret"])}, Source
    )
