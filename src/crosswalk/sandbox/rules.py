"""What one kind of record asks beyond the contract, as values; `nouns.py` says which kind asks what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from crosswalk.sandbox.call import Call, User
from crosswalk.sandbox.table import Row, Table
from crosswalk.sandbox.values import format_moment

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

    def changes(self, name: str) -> bool:
        """Whether this write gives the field another value."""
        return self[name] != self.before(name)

    def name(self, field: str) -> str:
        """Name a field as error messages do: `apiContact.FIRST_NAME`."""
        return f"{self.table.schema.head}.{field}"

    def save(self, row: Row) -> None:
        """Keep the changed record, updated now."""
        if "date_updated_utc" in self.table.schema.place:
            self["DATE_UPDATED_UTC"] = format_moment(self.now)
        self.table.replace(row, self.new, version=self.instance.next_version())


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kind of record asks beyond the contract.

    `defaults` fill a new record, and again where null is no value; `refers` names the table that a field's id points
    into; `prepare` checks and completes a draft, `settle` runs once it is stored, `part` before a record leaves;
    `administrators` alone may write it.
    """

    defaults: Mapping[str, object] = field(default_factory=dict)
    refers: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Draft], None] | None = None
    settle: Callable[[Draft, Row], None] | None = None
    part: Callable[["Instance", Row, User], None] | None = None
    administrators: bool = False


PLAIN = Rules()


def open_draft(instance: "Instance", call: Call, table: Table, *, row: Row) -> Draft:
    """Start a change of a stored record."""
    return Draft(instance, table, row.values, list(row.values), call.user, call.now)


def change(instance: "Instance", call: Call, table: Table, *, row: Row, values: Mapping[str, object]) -> None:
    """Give some fields of a record new values, updated now, without the checks of a body."""
    draft = open_draft(instance, call, table, row=row)
    for name, value in values.items():
        draft[name] = value
    draft.save(row)
