"""How rows become calls: what a person asked for, and what `settle_plan` makes of it. Values only."""

from typing import Annotated, assert_never
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from crosswalk.contract import Field
from crosswalk.delivery.custom_fields import Custom
from crosswalk.delivery.envelope import ResponseWebhook
from crosswalk.delivery.expression import Expression
from crosswalk.delivery.grouping import Grouping
from crosswalk.delivery.headers import Headers
from crosswalk.delivery.macros import Parts, Unit
from crosswalk.delivery.mapping import Lookup, Rule, Scalar
from crosswalk.delivery.references import References
from crosswalk.delivery.route import Method, Route
from crosswalk.delivery.template import Template
from crosswalk.insightly.custom_fields import CustomField


class Manual(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="manual"):
    """A call of the user's own: the complete URL with its pod, and headers beside ours; macros in both."""

    method: Method
    url: str
    headers: Headers = ()
    date_format: str = "yyyy-MM-dd"
    time_unit: Unit = "Day"


class Mirror(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Delete the records of this destination whose rows are gone, if they are no more than this share of all."""

    max_delete_share: Annotated[float, Meta(ge=0, le=1)] = 0.05


class Plan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How rows become calls, as it was asked for. With neither mapping nor short forms, columns go as they are named.

    `mapping` is (field, rule); `fields` (field, column) and `constants` (field, value) are its short forms; `exclude`
    holds columns and paths below them; `match` is the field by whose value a record is found again when the outcome
    of its creation is unknown, and of an upsert by whose value its record is found.

    `changed_only` leaves out rows that say what was last delivered; unsaid, upserts do. With `verify` nothing that is
    remembered is trusted: every upsert's record is looked for. `mirror` deletes what left the source.
    """

    call: Template | Manual
    fields: tuple[tuple[str, str], ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    exclude: tuple[str, ...] = ()
    id_column: str | None = None
    match: str | None = None
    grouping: Grouping | None = None
    mapping: tuple[tuple[str, Rule], ...] = ()
    response_webhook: ResponseWebhook | None = None
    changed_only: bool | None = None
    verify: bool = False
    mirror: Mirror | None = None

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
    """One thing that a row sends: under which name, made by which rule, as which field of the contract.

    `custom` says that it goes into CUSTOMFIELDS, `definition` what the account says about it, `without` which paths
    below it are left out. `expression` is the rule's, compiled.
    """

    name: str
    rule: Rule
    field: Field | None = None
    custom: bool = False
    definition: CustomField | None = None
    without: tuple[str, ...] = ()
    expression: Expression | None = None

    @property
    def column(self) -> str | None:
        """The column, or the path below one, that it comes from; `None` for a constant and for an expression."""
        return self.rule.column

    @property
    def constant(self) -> Scalar:
        """What is the same in every row."""
        return self.rule.constant


class SettledPlan(Struct, frozen=True, kw_only=True):
    """A plan that can work: every name is known, every macro of time is written out, every expression compiled.

    `id_column` holds the record's id where no macro does. `known` is `None`, or the columns seen so far when rows may
    bring more, which then go under their own names. `references` is `None` where no account was asked: names then stand
    for their ids. `notes` are for the user: what is sent otherwise than asked.
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
    custom: Custom = None
    references: References | None = None
    notes: tuple[str, ...] = ()
    changed_only: bool = False
    verify: bool = False
    mirror: Mirror | None = None

    @property
    def sends_custom(self) -> bool:
        """Whether any custom field is sent."""
        return any(cell.custom for cell in self.cells)

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """What is looked up in the account, so that it must be read before the first row."""
        return tuple(cell.rule.lookup for cell in self.cells if cell.rule.lookup is not None)

    @property
    def upserts(self) -> bool:
        """Whether a row's record is found by a match value, and made where there is none."""
        return self.route.action == "upsert"

    @property
    def remembered_by(self) -> str | None:
        """The field by whose value records are remembered; `None` where nothing is."""
        if self.upserts:
            return self.match
        return self.route.resource.id if self.changed_only else None

    @property
    def needs_present(self) -> tuple[str, ...]:
        """Fields that are sent only where the record has none: the lane reads the record before it writes it."""
        return tuple(cell.name for cell in self.cells if cell.rule.write == "only_if_empty")


class Rows(Struct, frozen=True):
    """What is known of the rows before the first is sent: columns, and whether every row has just these."""

    columns: tuple[str, ...]
    closed: bool = True
