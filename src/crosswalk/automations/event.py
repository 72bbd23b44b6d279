"""Events as values: what their types are, what they say, and which of them somebody wants. Pure."""

from datetime import datetime
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Raw, Struct

from crosswalk.automations.event_errors import UnknownType
from crosswalk.unified.nouns import CRM

RecordType: TypeAlias = Literal["record:created", "record:updated", "record:deleted"]
AccountType: TypeAlias = Literal[
    "integrated_account:linked",
    "integrated_account:relinked",
    "integrated_account:needs_reauth",
    "integrated_account:active",
    "integrated_account:removed",
]
WorkType: TypeAlias = Literal["run:finished", "run:stopped", "lane:paused", "lane:resumed"]
EventType: TypeAlias = RecordType | AccountType | WorkType
TYPES: tuple[str, ...] = (*get_args(RecordType), *get_args(AccountType), *get_args(WorkType))
FoundBy: TypeAlias = Literal["poll", "hint", "sweep"]


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field's value before and after; a field that was not there is `None`."""

    field: str
    before: Any  # JSON; msgspec decodes no recursive alias
    after: Any


class Seen(Struct, frozen=True, kw_only=True):
    """Between which two looks a change was made, by Insightly's clock. All that happened in between is told as one.

    `after` is null for a record that was never seen before.
    """

    after: datetime | None
    until: datetime


class RecordChange(Struct, frozen=True, kw_only=True):
    """The `data` of a `record:` event.

    `record` is the record in the unified model: as it is now, or as it was last seen where it is deleted. `changes` are
    its unified fields, `remote_changes` those of Insightly's, also such as the unified model does not show.
    `found_by` says what found it. `appeared` marks a record that is older than the watch: it was restored, or became
    visible to the account's user.
    """

    id: str
    integrated_account_id: str
    resource: str
    record: dict[str, Any]
    changes: list[FieldChange]
    remote_changes: list[FieldChange]
    seen: Seen
    found_by: FoundBy
    appeared: bool = False


class Event(Struct, frozen=True, kw_only=True):
    """One event. `number` is its place in the order of all, `data` its JSON, `resource` and `record_id` of a record."""

    number: int
    id: str
    type: str
    account_id: str | None
    resource: str | None
    record_id: str | None
    at: datetime
    data: Raw

    @property
    def change(self) -> RecordChange:
        """What a `record:` event says. Raises `msgspec.ValidationError` for another one."""
        return msgspec.json.decode(self.data, type=RecordChange)

    @property
    def key(self) -> str:
        """What events keep their order about: the record, or whatever else they tell of."""
        about = f"{self.resource} {self.record_id}" if self.resource else self.type.partition(":")[0]
        return f"event {self.account_id} {about}"


class Filter(Struct, frozen=True, kw_only=True):
    """Which events somebody wants; an unset part is any. Asking for resources leaves out what is about no record."""

    types: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    account: str | None = None

    def takes(self, event: Event) -> bool:
        """Whether it wants an event."""
        return (
            (self.types is None or any(covers(each, event.type) for each in self.types))
            and (self.resources is None or event.resource in self.resources)
            and (self.account is None or event.account_id == self.account)
        )


def covers(wanted: str, kind: str) -> bool:
    """Whether a type, or a family such as `record:*`, covers an event's type."""
    return wanted == kind or (wanted.endswith(":*") and kind.startswith(wanted[:-1]))


def check_types(types: tuple[str, ...]) -> None:
    """Raise `UnknownType` for a type or family that no event has."""
    families = {f"{each.partition(':')[0]}:*" for each in TYPES}
    for each in types:
        if each not in TYPES and each not in families:
            near = get_close_matches(each, [*TYPES, *families], n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(TYPES)}."
            raise UnknownType(f"There is no event type {each!r}. {hint}")


def check_resources(resources: tuple[str, ...]) -> None:
    """Raise `UnknownType` for a resource that the unified model has not."""
    for each in resources:
        if each not in CRM:
            raise UnknownType(f"There is no unified resource {each!r}. There are {', '.join(CRM)}.")


def write_body(event: Event) -> bytes:
    """An event as endpoints and streams are told it."""
    body: dict[str, Any] = {"type": event.type, "timestamp": event.at, "id": event.id, "number": event.number}
    return msgspec.json.encode(body | {"integrated_account_id": event.account_id, "data": event.data})
