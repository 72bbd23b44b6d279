"""Records of one kind: rows by id, in ascending order of id, and by value where somebody searches."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet

from crosswalk.sandbox.schema import Schema

Read = Callable[[list[object]], object]
NOBODY: AbstractSet[int] = frozenset()


class Row:
    """One record: values in the order of its schema, and its JSON once somebody has read it.

    `values` is never changed in place: a write replaces the list. `version` moves with every change of what is read.
    """

    __slots__ = ("born", "id", "json", "values", "version")

    def __init__(self, number: int, values: list[object], *, version: int, born: float) -> None:
        self.id = number
        self.values = values
        self.version = version
        self.born = born
        self.json: bytes | None = None


class Index:
    """Ids by the value of one field, text in lower case: made by the first search for it, kept up by every write."""

    __slots__ = ("ids", "read")

    def __init__(self, read: Read, rows: Iterable[Row]) -> None:
        self.read = read
        self.ids: dict[object, set[int]] = {}
        for row in rows:
            self.add(row.id, row.values)

    def add(self, number: int, values: list[object]) -> None:
        """File a record under its value."""
        value = self.read(values)
        if value is not None:
            self.ids.setdefault(value.lower() if isinstance(value, str) else value, set()).add(number)

    def drop(self, number: int, values: list[object]) -> None:
        """Take a record from under its old value."""
        value = self.read(values)
        if value is not None:
            self.ids[value.lower() if isinstance(value, str) else value].discard(number)

    def find(self, value: object) -> AbstractSet[int]:
        """Give the ids that stand under a value."""
        return self.ids.get(value, NOBODY)


class Table:
    """All records of one kind. `next_id` is what the next record gets, `private` are those not visible to everyone."""

    __slots__ = ("indexes", "next_id", "order", "private", "rows", "schema")

    def __init__(self, schema: Schema, *, first_id: int) -> None:
        self.schema = schema
        self.rows: dict[int, Row] = {}
        self.order: list[int] = []
        self.next_id = first_id
        self.private: set[int] = set()
        self.indexes: dict[str, Index] = {}

    def add(self, values: list[object], *, version: int, born: float) -> Row:
        """Keep a new record under the next id."""
        row = Row(self.next_id, values, version=version, born=born)
        if self.schema.numbered:
            values[self.schema.place[str(self.schema.id).lower()]] = row.id
        self.keep(row)
        self.next_id += 1
        return row

    def keep(self, row: Row) -> None:
        """File a record whose id is greater than every other here."""
        self.rows[row.id] = row
        self.order.append(row.id)
        self._note_visibility(row)
        for index in self.indexes.values():
            index.add(row.id, row.values)

    def replace(self, row: Row, values: list[object], *, version: int) -> None:
        """Give a record new values."""
        for index in self.indexes.values():
            index.drop(row.id, row.values)
            index.add(row.id, values)
        row.values = values
        row.version = version
        row.json = None
        self._note_visibility(row)

    def amend(self, row: Row, name: str, *, value: object) -> None:
        """Complete a record with one more value."""
        values = list(row.values)
        values[self.schema.place[name.lower()]] = value
        self.replace(row, values, version=row.version)

    def drop(self, row: Row) -> None:
        """Forget a record; its id is never given again."""
        del self.rows[row.id]
        del self.order[bisect_left(self.order, row.id)]
        self.private.discard(row.id)
        for index in self.indexes.values():
            index.drop(row.id, row.values)

    def _note_visibility(self, row: Row) -> None:
        if self.schema.visible_to is None:
            return
        if row.values[self.schema.visible_to] in ("OWNER", "TEAM"):
            self.private.add(row.id)
        else:
            self.private.discard(row.id)

    def index(self, name: str, read: Read) -> Index:
        """Give the index of a field, made now if nobody asked for it before."""
        found = self.indexes.get(name)
        if found is None:
            found = self.indexes[name] = Index(read, self.all())
        return found

    def get(self, row: Row, name: str) -> object:
        """Read one field of a record by its name."""
        return row.values[self.schema.place[name.lower()]]

    def where(self, name: str, value: object) -> Iterator[Row]:
        """Yield the records whose field has this value, in order of id."""
        place = self.schema.place[name.lower()]
        return (row for row in self.all() if row.values[place] == value)

    def all(self) -> Iterator[Row]:
        """Yield every record in order of id."""
        return map(self.rows.__getitem__, tuple(self.order))

    def __len__(self) -> int:
        return len(self.rows)
