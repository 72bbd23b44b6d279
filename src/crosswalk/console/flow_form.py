"""What the flow's wizard asks: templates, methods, groupings, macros, and the fields that a call may set. Pure.

The page and its data are made of these values; what they come to is settled by `delivery`, as for any destination.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from crosswalk.contract import Contract, Field
from crosswalk.delivery.custom_fields import list_options
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.fields import is_writable
from crosswalk.delivery.grouping import ALGORITHMS, EXAMPLES, MOST, SIZE
from crosswalk.delivery.macros import Clock
from crosswalk.delivery.mapping import LOOKUP_TABLES, Cast, Write
from crosswalk.delivery.route import Method, Route, route_template, route_url
from crosswalk.delivery.settings import Settings
from crosswalk.delivery.template import TEMPLATES, Template, find_template
from crosswalk.insightly.custom_fields import CustomField

CUSTOM = "CUSTOMFIELDS"
METHODS: Mapping[Method, str] = {
    "POST": "Create new records. The record goes as a JSON object in the body.",
    "PUT": "Change existing records. End the URL with the record's id; the fields that are sent are changed.",
    "PATCH": "Change some fields of existing records. Insightly has no PATCH: it is sent as a PUT of those fields.",
    "DELETE": "Delete records. End the URL with the record's id; there is no body.",
}
CASTS: Mapping[str, str] = {
    "text": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "date": "date",
    "datetime": "date and time",
    "list": "list",
}
WRITES: Mapping[Write, str] = {
    "never_null": "Leave the field alone",
    "always": "Clear the field",
    "only_if_empty": "Fill only empty fields",
}
ALGORITHM_SAYS: Mapping[str, tuple[str, str]] = {
    "json_array": ("JSON array", "The body is a list of the records."),
    "property_in_object": ("Property inside JSON object", "The list of records stands in a property of an object."),
    "keyed_object": ("Object keyed by an attribute", "Each record stands under the value of one of its fields."),
    "template": ("Template", "JSONata over `records` makes the body."),
}
PATHS = ("Contacts", "Leads", "Opportunities", "Organisations", "Projects", "Tasks", "Events", "Notes")
Kind = Literal["standard", "custom"]


class Choice(Struct, frozen=True):
    """One thing to choose: its name in the settings, its title, and what it means."""

    name: str
    title: str
    says: str = ""


class Grouped(Struct, frozen=True):
    """A way to group records, with the options that it alone takes."""

    name: str
    title: str
    says: str
    options: tuple[str, ...]


class Asked(Struct, frozen=True, kw_only=True):
    """All that the wizard lets one choose from, whatever the dataset and account."""

    templates: tuple[Template, ...]
    methods: tuple[Choice, ...]
    groupings: tuple[Grouped, ...]
    casts: tuple[Choice, ...]
    writes: tuple[Choice, ...]
    lookups: tuple[str, ...]
    paths: tuple[str, ...]
    examples: Mapping[str, str]
    batch_size: int
    most: int


class Target(Struct, frozen=True, kw_only=True):
    """One field that a call may set: Insightly's type of it, and whether each record needs it."""

    name: str
    label: str
    type: str
    kind: Kind
    required: bool = False
    max_length: int | None = None
    options: tuple[str, ...] = ()


def list_choices() -> Asked:
    """Everything that the wizard offers."""
    return Asked(
        templates=tuple(TEMPLATES.values()),
        methods=tuple(Choice(name, name, says) for name, says in METHODS.items()),
        groupings=tuple(Grouped(name, *ALGORITHM_SAYS[name], options) for name, options in ALGORITHMS.items()),
        casts=tuple(Choice(name, CASTS[name]) for name in get_args(Cast.__annotations__["to"])),
        writes=tuple(Choice(name, title) for name, title in WRITES.items()),
        lookups=LOOKUP_TABLES,
        paths=PATHS,
        examples=EXAMPLES,
        batch_size=SIZE,
        most=MOST,
    )


def route_of(settings: Settings, contract: Contract, *, base_url: str, now: datetime) -> Route:
    """Which operation settings mean. Raises `PlanError` and `UnknownTemplate`."""
    if settings.template is not None:
        template = find_template(settings.template)
        if template.action == "upsert":  # it makes or changes: what it may set is what making one may
            resource = contract.resources[template.resource]
            made = Template(name=template.name, action="create", resource=resource.name, says=template.says)
            return route_template(made, contract)
        return route_template(template, contract)
    if settings.method is None or not settings.url:
        raise PlanError("Choose a template, or a method and a URL.")
    clock = Clock(now=now, format=settings.date_format, unit=settings.time_unit)
    return route_url(settings.method, settings.url, contract, base_url=base_url, clock=clock)


def list_targets(
    route: Route, custom: Mapping[str, CustomField] | None, *, required: Iterable[str] = ()
) -> list[Target]:
    """The fields that a call may set: required ones first, then Insightly's own, then the account's custom fields."""
    must = frozenset(required)
    fields = route.fields or {}
    own = [_own(field, must, route) for field in fields.values() if is_writable(field, route) and field.name != CUSTOM]
    added = [_custom(field) for field in (custom or {}).values()] if CUSTOM in fields else []
    return sorted(own, key=lambda each: not each.required) + added


def takes_custom(route: Route) -> bool:
    """Whether a call may set custom fields."""
    return CUSTOM in (route.fields or {})


def list_macros(columns: Sequence[str]) -> tuple[Choice, ...]:
    """The macros that a URL or header may hold, for completion."""
    cells = tuple(Choice(f"{{record.{name}}}", name, "from each record") for name in columns)
    times = (("{now}", "now", "when the run begins"), ("{now-1}", "a day before", "in steps of the time unit"))
    return (*cells, *(Choice(*each) for each in times))


def _own(field: Field, must: frozenset[str], route: Route) -> Target:
    needed = field.name in must or (field.required and route.method == "POST")
    shown = "date" if field.format == "date-time" else field.type
    options = tuple(str(each) for each in field.values)
    return Target(
        name=field.name,
        label=field.name.replace("_", " ").capitalize(),
        type=shown,
        kind="standard",
        required=needed,
        max_length=field.max_length,
        options=options,
    )


def _custom(field: CustomField) -> Target:
    name = str(field.field_name)
    return Target(
        name=name,
        label=str(field.field_label or name),
        type=str(field.field_type or "TEXT").lower(),
        kind="custom",
        options=list_options(field),
    )
