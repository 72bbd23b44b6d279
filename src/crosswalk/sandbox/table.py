"""Records of one kind: rows by id, in ascending order of id."""

from bisect import bisect_left
from collections.abc import Iterator

from crosswalk.sandbox.schema import Schema


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


class Table:
    """All records of one kind. `next_id` is what the next record gets, `private` are those not visible to everyone."""

    __slots__ = ("next_id", "order", "private", "rows", "schema")

    def __init__(self, schema: Schema, *, first_id: int) -> None:
        self.schema = schema
        self.rows: dict[int, Row] = {}
        self.order: list[int] = []
        self.next_id = first_id
        self.private: set[int] = set()

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

    def replace(self, row: Row, values: list[object], *, version: int) -> None:
        """Give a record new values."""
        row.values = values
        row.version = version
        row.json = None
        self._note_visibility(row)

    def drop(self, row: Row) -> None:
        """Forget a record; its id is never given again."""
        del self.rows[row.id]
        del self.order[bisect_left(self.order, row.id)]
        self.private.discard(row.id)

    def _note_visibility(self, row: Row) -> None:
        if self.schema.visible_to is None:
            return
        if row.values[self.schema.visible_to] in ("OWNER", "TEAM"):
            self.private.add(row.id)
        else:
            self.private.discard(row.id)

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
