"""What one kind of record asks beyond the contract, as a value; `nouns.py` says which kind asks what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from crosswalk.sandbox.call import User
from crosswalk.sandbox.table import Row, Table

if TYPE_CHECKING:
    from crosswalk.sandbox.instance import Instance


@dataclass(slots=True)
class Draft:
    """A record while it is written: `old` is `None` for a new one, `given` names what the body set."""

    instance: "Instance"
    table: Table
    old: list[object] | None
    new: list[object]
    user: User
    now: datetime
    given: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> object:
        return self.new[self.table.schema.place[name.lower()]]

    def __setitem__(self, name: str, value: object) -> None:
        self.new[self.table.schema.place[name.lower()]] = value

    def before(self, name: str) -> object:
        """Give the field's value before this write; `None` for a new record."""
        return None if self.old is None else self.old[self.table.schema.place[name.lower()]]

    def name(self, field: str) -> str:
        """Name a field as error messages do: `apiContact.FIRST_NAME`."""
        return f"{self.table.schema.head}.{field}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kind of record asks beyond the contract.

    `defaults` fill a new record, and again where null is no value; `refers` names the table that a field's id points
    into; `prepare` checks and completes a draft, `settle` runs once it is stored, `part` before a record leaves.
    """

    defaults: Mapping[str, object] = field(default_factory=dict)
    refers: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Draft], None] | None = None
    settle: Callable[[Draft, Row], None] | None = None
    part: Callable[["Instance", Row, User], None] | None = None
