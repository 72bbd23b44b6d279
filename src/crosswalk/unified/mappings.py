"""Saved overrides: kept in versions, held in memory, laid over the nouns. What they mean is in `overrides`.

No read of a record waits for a statement about them: their count is asked for every `POLL_SECONDS` beside the requests,
and by a request itself when the last answer is older than `FRESH_SECONDS`. So what one process saves every other serves
within a second, and the one that saved it at once.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.insightly.custom_fields import FieldTypes
from crosswalk.store.database import Database
from crosswalk.store.errors import DatabaseUnreachable
from crosswalk.store.ids import new_id
from crosswalk.store.mappings import ADD_MAPPING, COUNT_MAPPINGS, FIND_VERSION, LIST_PRESENT, LIST_VERSIONS
from crosswalk.unified.errors import MappingBroken, MappingTaken, Refused, UnknownVersion
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Evaluate
from crosswalk.unified.nouns import MAPPED, find_noun
from crosswalk.unified.overrides import LAYERS, Layer, Layers, Override, Overrides, check_overrides, overlay

POLL_SECONDS = 0.4
FRESH_SECONDS = 1.0
NEWEST = 2**31 - 1
CHANCE = SystemRandom()
log = structlog.get_logger()


class Whose(Struct, frozen=True):
    """Whose records are mapped: an account's, of a tenant's environment."""

    account: str
    tenant: str | None = None


class Spot(Struct, frozen=True):
    """One place for overrides: the layer, whose it is (a tenant's or an account's id; nothing for base), what of."""

    layer: Layer
    subject: str
    resource: str


class Version(Struct, frozen=True, kw_only=True):
    """Overrides as they were saved once. The number 0 is that of a spot where nothing was saved yet."""

    spot: Spot
    number: int = 0
    overrides: Overrides = {}
    made_by: str | None = None
    made_at: datetime | None = None
    broken: str | None = None
    """Why this Crosswalk cannot read it."""


class Draft(Struct, frozen=True, kw_only=True):
    """Overrides to be saved by somebody, who saw the version `seen` (`None`: does not say).

    `whose` says which wider layers lie beneath an account's; `custom` are the custom fields, where they are known.
    """

    spot: Spot
    overrides: Overrides
    by: str
    seen: int | None = None
    whose: Whose | None = None
    custom: FieldTypes | None = None


Also = Callable[[AsyncConnection, Version], Awaitable[None]]
"""What goes into the same transaction, such as a line of the audit log."""


@dataclass(eq=False, slots=True, kw_only=True)
class Mappings:
    """The overrides of one database. `evaluate` evaluates expressions, `check` raises `ValueError` for a wrong one.

    Open with `open_mappings` where requests are served.
    """

    database: Database
    evaluate: Evaluate
    check: Callable[[str], object]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    rng: Random = CHANCE
    _present: Mapping[Spot, Version] = field(default_factory=dict)
    _made: dict[tuple[tuple[Spot, int], ...], Noun] = field(default_factory=dict)
    _count: tuple[object, ...] | None = None
    _refreshed: float = float("-inf")
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def noun(self, resource: str, whose: Whose) -> Noun:
        """The resource as an account has it. Raises `MappingBroken` where what was saved works no longer."""
        return self._lay(resource, await self.layers(resource, whose))

    async def layers(self, resource: str, whose: Whose) -> Sequence[Version]:
        """The present version of every layer that lies over a resource of an account, widest first."""
        await self._keep_fresh()
        return [self._present.get(spot, Version(spot=spot)) for spot in _spots(resource, whose)]

    async def tried(self, draft: Draft, whose: Whose) -> tuple[Noun, Noun, Layers]:
        """A resource as an account has it, as it would have it with a draft, and the layers then.

        Raises `Refused` and `MappingBroken`.
        """
        saved = await self.layers(draft.spot.resource, whose)
        self._refuse_wrong(draft, saved)
        drafted = [_drafted(draft) if each.spot == draft.spot else each for each in saved]
        layers = merged(drafted)
        plain = find_noun(draft.spot.resource, MAPPED)
        return self._lay(draft.spot.resource, saved), overlay(plain, layers, self.evaluate), layers

    async def present(self) -> Sequence[Version]:
        """The present version of every spot where something was saved, by resource, layer and subject."""
        await self._keep_fresh()
        spots = sorted(self._present, key=lambda each: (each.resource, LAYERS.index(each.layer), each.subject))
        return [self._present[spot] for spot in spots]

    async def find(self, spot: Spot) -> Version:
        """What is saved at a spot now."""
        await self._keep_fresh()
        return self._present.get(spot, Version(spot=spot))

    async def versions(self, spot: Spot, *, before: int = NEWEST, most: int = 100) -> Sequence[Version]:
        """Versions of a spot, newest first; `before` a number, at most so many."""
        asked = _asked(spot) | {"before": before, "most": most}
        async with self.database.read() as connection:
            return [_from_row(row) for row in (await connection.execute(LIST_VERSIONS, asked)).mappings()]

    async def save(self, draft: Draft, also: Also | None = None) -> Version:
        """Save overrides as the next version; those that are saved already make no other.

        Raises `Refused` for what cannot be, `MappingTaken` where somebody else saved since the version that was seen.
        """
        saved = await self._beneath(draft)
        self._refuse_wrong(draft, saved)
        try:
            async with self.database.begin() as connection:
                asked = _asked(draft.spot) | {"before": NEWEST, "most": 1}
                row = (await connection.execute(LIST_VERSIONS, asked)).mappings().one_or_none()
                newest = Version(spot=draft.spot) if row is None else _from_row(row)
                if draft.seen is not None and draft.seen != newest.number:
                    raise _taken(newest)
                if newest.broken is None and dict(newest.overrides) == dict(draft.overrides):
                    return newest
                version = msgspec.structs.replace(
                    _drafted(draft), number=newest.number + 1, made_by=draft.by, made_at=self.now()
                )
                await connection.execute(ADD_MAPPING, self._to_row(version))
                if also is not None:
                    await also(connection, version)
        except IntegrityError as exc:
            raise MappingTaken("Somebody else saved this mapping at this moment. Read it again, then decide") from exc
        await self.refresh()
        return version

    async def roll_back(self, draft: Draft, number: int, also: Also | None = None) -> Version:
        """Save what a version held as the newest; the draft says where and by whom. Raises `UnknownVersion` too."""
        async with self.database.read() as connection:
            found = await connection.execute(FIND_VERSION, _asked(draft.spot) | {"of_version": number})
            row = found.mappings().one_or_none()
        if row is None:
            raise UnknownVersion(f"The {draft.spot.layer} layer of {draft.spot.resource} has no version {number}")
        version = _from_row(row)
        if version.broken is not None:
            raise _broken(version, version.broken)
        return await self.save(msgspec.structs.replace(draft, overrides=version.overrides), also)

    async def refresh(self) -> None:
        """Learn what was saved."""
        async with self._turn:
            at = self.clock()
            async with self.database.read() as connection:
                count = tuple((await connection.execute(COUNT_MAPPINGS)).one())
                if count != self._count:
                    rows = (await connection.execute(LIST_PRESENT)).mappings()
                    self._present = {each.spot: each for each in map(_from_row, rows)}
                    self._count, self._made = count, {}
            self._refreshed = at

    async def follow(self) -> None:
        """Keep up with the database until cancelled; says once that it fails, and once that it is back."""
        failing = False
        while True:
            try:
                await self.refresh()
            except DatabaseUnreachable as exc:
                if not failing:
                    log.warning("mappings.stale", why=str(exc))
                failing = True
            else:
                if failing:
                    log.info("mappings.fresh")
                failing = False
            await asyncio.sleep(POLL_SECONDS)

    async def _keep_fresh(self) -> None:
        if self.clock() - self._refreshed >= FRESH_SECONDS:
            await self.refresh()

    async def _beneath(self, draft: Draft) -> Sequence[Version]:
        """The present versions that a draft lies among."""
        if draft.whose is not None:
            return await self.layers(draft.spot.resource, draft.whose)
        await self._keep_fresh()
        base = Spot("base", "", draft.spot.resource)
        return [self._present.get(spot, Version(spot=spot)) for spot in dict.fromkeys((base, draft.spot))]

    def _refuse_wrong(self, draft: Draft, saved: Sequence[Version]) -> None:
        """Raise `Refused` for a draft that cannot be; what wider layers add a narrower one may take away."""
        width = LAYERS.index(draft.spot.layer)
        wider = {name for each in saved if LAYERS.index(each.spot.layer) < width for name in each.overrides}
        noun = find_noun(draft.spot.resource, MAPPED)
        check_overrides(noun, draft.overrides, draft.custom, self.check, wider=wider)

    def _lay(self, resource: str, saved: Sequence[Version]) -> Noun:
        noun = find_noun(resource, MAPPED)
        used = [each for each in saved if each.overrides or each.broken is not None]
        if not used:
            return noun
        key = tuple((each.spot, each.number) for each in used)
        if key not in self._made:
            self._made[key] = overlay(noun, self._checked(noun, used), self.evaluate)
        return self._made[key]

    def _checked(self, noun: Noun, used: Sequence[Version]) -> Layers:
        """What was saved, if it can be yet: a newer or older Crosswalk may know other fields."""
        wider: set[str] = set()
        for each in used:
            if each.broken is not None:
                raise _broken(each, each.broken)
            try:
                check_overrides(noun, each.overrides, None, self.check, wider=wider)
            except Refused as error:
                raise _broken(each, str(error)) from error
            wider |= set(each.overrides)
        return merged(used)

    def _to_row(self, version: Version) -> Mapping[str, object]:
        return {
            "id": new_id(self.now(), self.rng),
            "layer": version.spot.layer,
            "subject": version.spot.subject,
            "resource": version.spot.resource,
            "version": version.number,
            "overrides": msgspec.json.encode(version.overrides).decode(),
            "made_by": version.made_by,
            "made_at": version.made_at,
        }


@asynccontextmanager
async def open_mappings(mappings: Mappings) -> AsyncIterator[Mappings]:
    """Saved overrides, kept fresh while the block runs."""
    following = asyncio.create_task(mappings.follow(), name="mappings")
    try:
        yield mappings
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


def merged(versions: Sequence[Version]) -> Layers:
    """Versions of several layers as the overrides of each."""
    return {each.spot.layer: each.overrides for each in versions}


def _spots(resource: str, whose: Whose) -> Sequence[Spot]:
    """Where the overrides of an account's resource are, widest first; an account without a tenant is in none."""
    environment = () if whose.tenant is None else (Spot("environment", whose.tenant, resource),)
    return (Spot("base", "", resource), *environment, Spot("account", whose.account, resource))


def _drafted(draft: Draft) -> Version:
    return Version(spot=draft.spot, overrides=draft.overrides)


def _asked(spot: Spot) -> dict[str, object]:
    return {"of_layer": spot.layer, "of_subject": spot.subject, "of_resource": spot.resource}


def _from_row(row: RowMapping) -> Version:
    """A version as it was kept. What a newer Crosswalk wrote, and this one cannot read, is told when it is used."""
    overrides: dict[str, Override] = {}
    broken: str | None = None
    try:
        overrides = msgspec.json.decode(row["overrides"], type=dict[str, Override])
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        broken = str(error)
    return Version(
        spot=Spot(row["layer"], row["subject"], row["resource"]),
        number=row["version"],
        overrides=overrides,
        made_by=row["made_by"],
        made_at=row["made_at"],
        broken=broken,
    )


def _taken(newest: Version) -> MappingTaken:
    what = f"The {newest.spot.layer} layer of {newest.spot.resource} is at version {newest.number}"
    by = f", saved by {newest.made_by}" if newest.made_by else ""
    return MappingTaken(f"{what}{by}. Read it again, then decide")


def _broken(version: Version, why: str) -> MappingBroken:
    return MappingBroken(
        f"The {version.spot.layer} layer of {version.spot.resource}, version {version.number}, cannot be used: {why}. "
        f"Nothing is read or written by it: save another, or roll it back"
    )
