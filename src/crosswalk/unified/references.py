"""The small collections of an account, fetched when they are wanted and kept for a while."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from crosswalk.contract import load
from crosswalk.insightly import Insightly
from crosswalk.insightly.custom_fields import FieldTypes
from crosswalk.unified.known import Known, Reference, Wire
from crosswalk.unified.wire_list import read_all

MAX_AGE = 300.0
"""Seconds that a reference is believed unless the caller says otherwise: pipelines and users change rarely."""

LISTS: Mapping[Reference, str] = {
    "users": "Users",
    "teams": "Teams",
    "team_members": "TeamMembers",
    "lead_sources": "LeadSources",
    "lead_statuses": "LeadStatuses",
    "opportunity_categories": "OpportunityCategories",
    "project_categories": "ProjectCategories",
    "task_categories": "TaskCategories",
    "pipelines": "Pipelines",
    "stages": "PipelineStages",
    "state_reasons": "OpportunityStateReasons",
    "currencies": "Currencies",
}
SINGLES: Mapping[Reference, str] = {"instance": "/Instance", "me": "/Users/Me"}
Key = tuple[str, str]


class Kept(Struct, frozen=True):
    """One reference of one account: its records or custom fields, and when they were fetched."""

    at: float
    records: list[Wire]
    custom: FieldTypes | None = None


class Learned(Struct, frozen=True):
    """What was found out, and the age in seconds of the oldest part of it."""

    known: Known
    age: float


def _key(account: str, name: Reference, resource: str) -> Key:
    return (account, f"custom_fields of {resource}" if name == "custom_fields" else name)


@dataclass(eq=False, slots=True)
class References:
    """The references of every account of one process. Two callers who want the same one share one fetch."""

    clock: Callable[[], float] = time.monotonic
    _kept: dict[Key, Kept] = field(default_factory=dict)
    _fetching: dict[Key, asyncio.Lock] = field(default_factory=dict)

    async def learn(
        self,
        crm: Insightly,
        account: str,
        wanted: Collection[Reference],
        *,
        resource: str,
        max_age: float = MAX_AGE,
    ) -> Learned:
        """Fetch what is wanted and not kept, or older than `max_age` seconds; `resource` has the custom fields.

        Raises what the client raises.
        """
        kept = {name: self._fresh(_key(account, name, resource), max_age) for name in wanted}
        lacking = sorted(name for name, each in kept.items() if each is None)
        if lacking:  # else no task is made
            fetched = (self._one(crm, account, name, resource, max_age) for name in lacking)
            kept |= zip(lacking, await asyncio.gather(*fetched), strict=True)
        found = {name: each for name, each in kept.items() if each is not None}
        oldest = min((each.at for each in found.values()), default=None)
        custom = found.pop("custom_fields", None)
        known = Known(
            references={name: each.records for name, each in found.items()}, custom=custom.custom if custom else None
        )
        return Learned(known, 0.0 if oldest is None else self.clock() - oldest)

    def _fresh(self, key: Key, max_age: float) -> Kept | None:
        """What is kept under a key and young enough."""
        kept = self._kept.get(key)
        return kept if kept is not None and self.clock() - kept.at <= max_age else None

    def forget(self, account: str) -> None:
        """Believe nothing of an account any more."""
        for key in [key for key in self._kept if key[0] == account]:
            del self._kept[key]

    async def _one(self, crm: Insightly, account: str, name: Reference, resource: str, max_age: float) -> Kept:
        key = _key(account, name, resource)
        kept = self._kept.get(key)
        if self._fresh(key, max_age) is not None and kept is not None:
            return kept
        async with self._fetching.setdefault(key, asyncio.Lock()):
            again = self._kept.get(key)
            if again is None or again is kept:
                again = self._kept[key] = await self._fetch(crm, name, resource)
            return again

    async def _fetch(self, crm: Insightly, name: Reference, resource: str) -> Kept:
        at = self.clock()
        if name == "custom_fields":
            return Kept(at, [], await crm.custom_fields(resource))
        if name in SINGLES:
            answer = await crm.request("GET", SINGLES[name])
            record = answer.json()
            return Kept(at, [record] if isinstance(record, dict) else [])
        return Kept(at, await read_all(crm, load().resource(LISTS[name])))
