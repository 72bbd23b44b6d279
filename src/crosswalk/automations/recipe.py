"""A recipe: what one kind of automation watches, fires for, and plans. Recipes plan; they change nothing themselves."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.automations.errors import UnusableInput
from crosswalk.automations.steps import Step, steps_of
from crosswalk.store.database import Database
from crosswalk.unified.known import JSON, Reference
from crosswalk.unified.mapping import Noun, needs_write, plan_create
from crosswalk.unified.reference import find_id
from crosswalk.unified.search import searches
from crosswalk.unified.service import Asker, Service

FIELD = re.compile(r"\{([a-z_]+(?:\.[A-Za-z0-9_]+)*)\}")


class Automation(Struct, frozen=True, kw_only=True):
    """One automation as it stands; `settings` as its kind reads them."""

    id: str
    name: str
    kind: str
    account_id: str
    settings: dict[str, Any]
    state: str
    created_at: datetime
    changed_at: datetime
    look_at: datetime
    seen_until: datetime | None = None
    turn: int = 0


class Occasion(Struct, frozen=True, kw_only=True):
    """What an automation fires for. The same `key` fires once; firings of one `subject` go one after another.

    With `skip` it is written down with the reason, and does nothing until a person replays it.
    """

    key: str
    subject: str
    input: dict[str, JSON]
    skip: str | None = None


class Planned(Struct, frozen=True, kw_only=True):
    """What a firing will do: its calls, and what is known of its result; `skip` says why it does nothing.

    `keep` writes more, in the transaction that writes the plan down, and so once.
    """

    steps: tuple[Step, ...] = ()
    result: dict[str, JSON] = {}
    skip: str | None = None
    keep: Callable[[AsyncConnection], Awaitable[None]] | None = None


@dataclass(slots=True, kw_only=True)
class Work:
    """One firing, or one look for changes, at work. `mark` begins the marks of what it makes.

    `earlier` gives the results of firings about the same; `turn` who is next of so many.
    """

    automation: Automation
    database: Database
    service: Service
    asker: Asker
    now: datetime
    mark: str = ""
    earlier: Callable[[], Awaitable[Sequence[Mapping[str, JSON]]]] | None = None
    turn: Callable[[int], Awaitable[int]] | None = None
    steps: list[Step] = field(default_factory=list)

    async def create(self, noun: Noun, body: Mapping[str, JSON], named: str) -> int:
        """Plan a record's creation in the unified model's words; answers the step's number, for `place_of`.

        Raises `Refused` with everything that Insightly would not take, and what the client raises.
        """
        first = len(self.steps)
        wanted = needs_write(noun, body, creates=True)
        known, _ = await self.service.learn(self.asker, noun, wanted, searches(noun, body))
        plan = plan_create(noun, body, known)
        self.steps += steps_of(plan, noun, first=first, named=named, mark=f"[{self.mark}.{first}]")
        return first

    def add(self, step: Step) -> int:
        """Plan any other call; answers its number."""
        self.steps.append(step)
        return len(self.steps) - 1

    async def find(self, noun: Noun, reference: Reference, value: JSON) -> int:
        """The id that a name stands for. Raises `Unfit` with near names."""
        known, _ = await self.service.learn(self.asker, noun, (reference,))
        return find_id(known, reference, value)


class Recipe(Protocol):
    """One kind of automation."""

    @property
    def settings(self) -> type[Struct]:
        """How its settings are read."""

    @property
    def watches(self) -> bool:
        """Whether it looks for changes by itself."""

    def check(self, before: Any, settings: Any) -> None:
        """Raise `UnusableSettings` for settings that cannot work, or cannot follow those before."""

    async def look(self, work: Work) -> tuple[Sequence[Occasion], datetime | None]:
        """What happened since `seen_until`, and until when that was seen."""

    async def admit(self, work: Work, given: Mapping[str, JSON], key: str | None) -> Occasion:
        """What it is to fire for, as a caller gives it. Raises `UnusableInput`."""

    async def plan(self, work: Work, given: Mapping[str, JSON]) -> Planned:
        """The calls of one firing."""


def fill_template(text: str, record: Mapping[str, JSON]) -> str:
    """A text with the fields of a record in its places: `{name}`, `{account.name}`, `{custom_fields.Size__c}`.

    Raises `UnusableInput` for a place that the record does not have; an empty field is no text.
    """

    def value(found: re.Match[str]) -> str:
        here: JSON = dict(record)
        for part in found[1].split("."):
            if isinstance(here, dict) and part in here:
                here = here[part]
            elif here is None:
                return ""
            else:
                raise UnusableInput(f"The template {text!r} names {found[0]}, which the record does not have")
        return "" if here is None else str(here)

    return FIELD.sub(value, text)
