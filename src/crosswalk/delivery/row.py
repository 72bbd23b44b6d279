"""What every reader gives: rows that were read, rows that could not be, and what is known of them all. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from crosswalk.delivery.cell import JSON

MOST_SHOWN = 4000
"""Characters that are kept of a row that cannot be read."""


class Row(Struct, frozen=True):
    """One row that was read: its number in the source, counted from 1, its cells, and its file where there are many."""

    number: int
    cells: dict[str, JSON]
    file: str | None = None


class Unreadable(Struct, frozen=True):
    """One row that could not be read, and why. `rest` says that nothing after it could be read either.

    `text` is what stood there, where that much could be read.
    """

    number: int
    reason: str
    rest: bool = False
    text: str | None = None
    file: str | None = None


class Source(Struct, frozen=True):
    """An open source: the columns it names, its rows, whether every row has just these, and what was guessed."""

    columns: tuple[str, ...]
    rows: Iterator[Row | Unreadable]
    closed: bool = True
    notes: tuple[str, ...] = ()


class Content(Struct, frozen=True):
    """A source's content by name: SHA-256 in hex, and about how many rows it holds."""

    digest: str
    lines: int


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How to read a file; what is `None` is found out.

    `format` stands in for the file's ending, `path` is the dotted path of the array inside a JSON document.
    """

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    sheet: str | None = None
    path: str | None = None


class Batch(Struct, frozen=True):
    """Records that a pull brought, and where to go on once they are kept; `None`: from where this pull began."""

    records: list[dict[str, JSON]]
    cursor: str | None = None
    unreadable: tuple[Unreadable, ...] = ()
