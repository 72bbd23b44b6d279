"""What a stream of records looks like: types, nulls, examples by column, and what changed since. Pure.

A `Survey` looks at records as they pass: every record's columns are counted, and values are looked at closely in the
first thousand and in one of ten afterwards, so that reading stays quick.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.delivery.cell import JSON

Type: TypeAlias = Literal[
    "null", "boolean", "integer", "number", "date", "datetime", "email", "string", "array", "object", "mixed"
]
EXAMPLES, SHOWN = 3, 100
CLOSELY, EVERY = 1000, 10
DISTINCT = 100
"""Different values that are counted; beyond these a column has many."""
SURE = 1000
"""Values of which none is empty that make a column one without empty values."""
COLUMNS = 1000
"""Columns that are described; records that are maps of ids would name millions."""
TEXT = re.compile(
    r"""(?P<boolean>(?i:true|false))|(?P<integer>[+-]?(?:0|[1-9]\d{0,17}))|(?P<number>[+-]?\d+\.\d+(?:[eE][+-]?\d+)?)
    |(?P<date>\d{4}-[01]\d-[0-3]\d)|(?P<datetime>\d{4}-[01]\d-[0-3]\d[T\ ][0-2]\d:[0-5]\d.{0,24})
    |(?P<email>[^@\s]+@[^@\s]+\.[^@\s]+)""",
    re.VERBOSE,
)
WIDER: dict[frozenset[str], Type] = {
    frozenset({"integer", "number"}): "number",
    frozenset({"date", "datetime"}): "datetime",
}
"""Types that one type can hold together."""


class Column(Struct, frozen=True, kw_only=True):
    """One column: its JSON type, what its texts look like, and what was counted where it was looked at.

    `rows` is how many records had it at all, `seen` how many of its values were looked at, `nulls` those that were
    null or empty. `distinct` is `None` when there are too many to count.
    """

    name: str
    type: Type
    looks: Type
    nullable: bool
    rows: int
    seen: int
    nulls: int
    longest: int = 0
    distinct: int | None = 0
    examples: tuple[Any, ...] = ()

    @property
    def null_share(self) -> float:
        """The share of values without content."""
        return self.nulls / self.seen if self.seen else 0.0


class Schema(Struct, frozen=True):
    """The columns of a stream, in the order of their appearance, and how many records it was read from."""

    rows: int = 0
    columns: tuple[Column, ...] = ()

    def column(self, name: str) -> Column | None:
        """One column by name."""
        return next((each for each in self.columns if each.name == name), None)


class ColumnAdded(Struct, frozen=True, tag_field="change", tag="column_added"):
    """A column that was not there before."""

    column: str
    type: Type


class ColumnGone(Struct, frozen=True, tag_field="change", tag="column_gone"):
    """A column that no record has any longer."""

    column: str
    type: Type


class TypeChanged(Struct, frozen=True, tag_field="change", tag="type_changed"):
    """A column whose values are, or look, of another type."""

    column: str
    before: Type
    after: Type


class NullabilityChanged(Struct, frozen=True, tag_field="change", tag="nullability_changed"):
    """A column that now has empty values, or has none any longer."""

    column: str
    nullable: bool


Change: TypeAlias = ColumnAdded | ColumnGone | TypeChanged | NullabilityChanged


def describe(change: Change) -> str:
    """A change in one sentence."""
    match change:
        case ColumnAdded(column, kind):
            return f"Column {column!r} ({kind}) is new"
        case ColumnGone(column, kind):
            return f"Column {column!r} ({kind}) is gone"
        case TypeChanged(column, before, after):
            return f"Column {column!r} was {before} and is {after}"
        case NullabilityChanged(column, True):
            return f"Column {column!r} has empty values now"
        case NullabilityChanged(column, _):
            return f"Column {column!r} has no empty values any longer"


class _Tally:
    """What is known of one column so far."""

    __slots__ = ("examples", "hollow", "longest", "looks", "nulls", "rows", "seen", "type", "values")

    def __init__(self) -> None:
        self.rows = self.seen = self.nulls = self.longest = 0
        self.hollow = False
        self.type: Type = "null"
        self.looks: Type = "null"
        self.values: set[str | int | float] | None = set()
        self.examples: list[JSON] = []

    def note(self, value: JSON) -> None:
        self.seen += 1
        if value is None or value == "":
            self.nulls += 1
            if value == "":
                self.type = widest(self.type, "string")
            return
        kind = type_of(value)
        self.type = widest(self.type, kind)
        looks = looks_like(value) if isinstance(value, str) else kind
        if looks != self.looks:
            self.looks = _widest_look(self.type, self.looks, looks)
        self._count(value)

    def _count(self, value: JSON) -> None:
        if isinstance(value, str):
            self.longest = max(self.longest, len(value))
        key = value if isinstance(value, str | int | float) else repr(value)
        if self.values is None or key in self.values:
            return
        self.values.add(key)
        if len(self.examples) < EXAMPLES:
            self.examples.append(_short(value))
        if len(self.values) > DISTINCT:
            self.values = None


class Survey:
    """Looks at records as they pass."""

    def __init__(self) -> None:
        self.rows = 0
        self._tallies: dict[str, _Tally] = {}

    def note(self, record: Mapping[str, JSON]) -> None:
        """Take one record into account."""
        self.rows += 1
        closely = self.rows <= CLOSELY or self.rows % EVERY == 0
        tallies = self._tallies
        for name, value in record.items():
            tally = tallies.get(name)
            if tally is None:
                if len(tallies) >= COLUMNS:
                    continue
                tally = tallies[name] = _Tally()
            tally.rows += 1
            if closely or tally.seen < EXAMPLES:
                tally.note(value)
            elif value is None or value == "":
                tally.hollow = True

    def note_all(self, records: Iterable[Mapping[str, JSON]]) -> None:
        """Take many records into account."""
        for record in records:
            self.note(record)

    @property
    def schema(self) -> Schema:
        """What is known now."""
        return Schema(self.rows, tuple(_column(name, tally, self.rows) for name, tally in self._tallies.items()))


def _column(name: str, tally: _Tally, rows: int) -> Column:
    return Column(
        name=name,
        type=tally.type,
        looks=tally.looks if tally.looks != "null" else tally.type,
        nullable=tally.nulls > 0 or tally.hollow or tally.rows < rows,
        rows=tally.rows,
        seen=tally.seen,
        nulls=tally.nulls,
        longest=tally.longest,
        distinct=None if tally.values is None else len(tally.values),
        examples=tuple(tally.examples),
    )


def type_of(value: JSON) -> Type:  # noqa: PLR0911 (a table of types, one line each)
    """The JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def looks_like(text: str) -> Type:
    """What a text would be if it were typed. `007` stays text: as a number it would lose its zeros."""
    found = TEXT.fullmatch(text)
    name = found.lastgroup if found else None
    match name:
        case "boolean" | "integer" | "number" | "date" | "datetime" | "email":
            return name
        case _:
            return "string"


def widest(one: Type, other: Type) -> Type:
    """The type that holds values of both."""
    if other in (one, "null"):
        return one
    if one == "null":
        return other
    texts = {"date", "datetime", "email", "string"}
    both = frozenset({one, other})
    return WIDER.get(both) or ("string" if both <= texts else "mixed")


def _widest_look(kind: Type, one: Type, other: Type) -> Type:
    """What texts look like together: where they look different they are just texts."""
    both = widest(one, other)
    return "string" if both == "mixed" and kind == "string" else both


def merge(older: Schema, newer: Schema) -> Schema:
    """One schema of two readings: columns in the older order, then the new ones."""
    rows = older.rows + newer.rows
    names = dict.fromkeys(each.name for each in (*older.columns, *newer.columns))
    return Schema(rows, tuple(_both(older.column(name), newer.column(name), rows) for name in names))


def _both(one: Column | None, other: Column | None, rows: int) -> Column:
    if one is None or other is None:
        only = one or other
        assert only is not None, "a name comes from one of the two"
        return replace(only, nullable=only.nullable or only.rows < rows)
    many = one.distinct is None or other.distinct is None
    examples = [*one.examples, *(each for each in other.examples if each not in one.examples)]
    return Column(
        name=one.name,
        type=widest(one.type, other.type),
        looks=_widest_look(widest(one.type, other.type), one.looks, other.looks),
        nullable=one.nullable or other.nullable or one.rows + other.rows < rows,
        rows=one.rows + other.rows,
        seen=one.seen + other.seen,
        nulls=one.nulls + other.nulls,
        longest=max(one.longest, other.longest),
        distinct=None if many else max(one.distinct or 0, other.distinct or 0, len(examples)),
        examples=tuple(examples[:EXAMPLES]),
    )


def differ(old: Schema, new: Schema) -> tuple[Change, ...]:
    """What a reading shows that an earlier one did not; no rows, or a column without values, say nothing."""
    if not (old.rows and new.rows):
        return ()
    before = {each.name: each for each in old.columns}
    after = {each.name: each for each in new.columns}
    changes: list[Change] = [ColumnAdded(each.name, each.looks) for name, each in after.items() if name not in before]
    changes += [ColumnGone(each.name, each.looks) for name, each in before.items() if name not in after]
    for name, column in after.items():
        if name in before:
            changes += _compare(before[name], column)
    return tuple(changes)


def _compare(old: Column, new: Column) -> list[Change]:
    changes: list[Change] = []
    kind = widest(old.type, new.type)
    looks = _widest_look(kind, old.looks, new.looks)
    for before, after, wider in ((old.looks, new.looks, looks), (old.type, new.type, kind)):
        if "null" not in (before, after) and wider != before and not changes:
            changes.append(TypeChanged(old.name, before, wider))
    if new.nullable and not old.nullable:
        changes.append(NullabilityChanged(old.name, nullable=True))
    elif old.nullable and not new.nullable and min(old.seen, new.seen) >= SURE:
        changes.append(NullabilityChanged(old.name, nullable=False))
    return changes


def _short(value: JSON) -> JSON:
    """An example that is not too long to show."""
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[:SHOWN] + "…"
    text = repr(value)
    return value if len(text) <= SHOWN else text[:SHOWN] + "…"
