"""How rows become calls: what a person asked for, and what `settle_plan` makes of it. Values only."""

from typing import assert_never
from urllib.parse import urlsplit

from msgspec import Struct

from crosswalk.contract import Field
from crosswalk.delivery.grouping import Grouping
from crosswalk.delivery.headers import Headers
from crosswalk.delivery.macros import Parts, Unit
from crosswalk.delivery.route import Method, Route
from crosswalk.delivery.template import Template


class Manual(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="manual"):
    """A call of the user's own: the complete URL with its pod, and headers beside ours; macros in both."""

    method: Method
    url: str
    headers: Headers = ()
    date_format: str = "yyyy-MM-dd"
    time_unit: Unit = "Day"


class Plan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How rows become calls, as it was asked for. With no `fields` and no `constants`, columns go as they are named.

    `fields` is (field, column), `constants` (field, value); `exclude` holds columns and paths below them; `match` is
    the field by whose value a record is found again when the outcome of its creation is unknown.
    """

    call: Template | Manual
    fields: tuple[tuple[str, str], ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    exclude: tuple[str, ...] = ()
    id_column: str | None = None
    match: str | None = None
    grouping: Grouping | None = None

    @property
    def name(self) -> str:
        """The template's name, or method and path."""
        match self.call:
            case Template(name=name):
                return name
            case Manual(method=method, url=url):
                return f"{method} {urlsplit(url).path}"
            case _:
                assert_never(self.call)


class Cell(Struct, frozen=True, kw_only=True):
    """One thing that a row sends: under which name, from which column or constant, as which field of the contract.

    `custom` says that it goes into CUSTOMFIELDS, `without` which paths below it are left out.
    """

    name: str
    column: str | None = None
    constant: str | None = None
    field: Field | None = None
    custom: bool = False
    without: tuple[str, ...] = ()


class SettledPlan(Struct, frozen=True, kw_only=True):
    """A plan that can work: every name is known, every macro of time is written out.

    `id_column` holds the record's id where no macro does. `known` is `None`, or the columns seen so far when rows may
    bring more, which then go under their own names. `notes` are for the user: what is sent otherwise than asked.
    """

    name: str
    route: Route
    cells: tuple[Cell, ...] = ()
    required: tuple[str, ...] = ()
    headers: tuple[tuple[str, Parts], ...] = ()
    exclude: tuple[str, ...] = ()
    id_column: str | None = None
    match: str | None = None
    grouping: Grouping | None = None
    known: frozenset[str] | None = None
    custom: frozenset[str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def sends_custom(self) -> bool:
        """Whether any custom field is sent."""
        return any(cell.custom for cell in self.cells)


class Rows(Struct, frozen=True):
    """What is known of the rows before the first is sent: columns, and whether every row has just these."""

    columns: tuple[str, ...]
    closed: bool = True
