"""Which columns go to which fields, each checked against rows and contract once, before the first row. Pure."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from crosswalk.contract import Field
from crosswalk.delivery.custom_fields import Custom, find_definition
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.expression import compile_expression
from crosswalk.delivery.macros import columns_of
from crosswalk.delivery.mapping import Rule, check_rule
from crosswalk.delivery.plan import Cell, Plan, Rows
from crosswalk.delivery.route import Route
from crosswalk.delivery.template import Template


def find_id_column(plan: Plan, route: Route, rows: Rows) -> str | None:
    """The column that holds the record's id; `None` where there is no such record, or the URL names it."""
    if isinstance(plan.call, Template):
        if not plan.call.names_record and plan.id_column is not None:
            raise PlanError(f"{plan.name} makes new records; --id-field has no place in it.")
        if plan.call.names_record and plan.id_column is None:
            raise PlanError(f"{plan.name} needs --id-field, the column that holds the record's id.")
        return plan.id_column
    if plan.id_column is not None:
        raise PlanError("--id-field goes with a template. Name the record in the URL, such as /Contacts/{record.id}.")
    if route.action != "update" or route.record:
        return None
    name = route.resource.id
    own = rows.columns if sends_every(plan, route) else ()
    column = next((rule.column for field, rule in list_rules(plan) if field == name), name if name in own else None)
    if column is None:
        raise PlanError(f"{plan.name} needs the record's id: end the URL with it, or --map {name}=COLUMN.")
    return column


def sends_every(plan: Plan, route: Route) -> bool:
    """Whether every column goes under its own name."""
    return route.fields is not None and not (plan.fields or plan.constants or plan.mapping)


def make_cells(plan: Plan, route: Route, rows: Rows, *, id_column: str | None, custom: Custom) -> tuple[Cell, ...]:
    """Everything that a row sends, checked by name."""
    if route.fields is None and (plan.fields or plan.constants or plan.mapping):
        raise PlanError(f"{plan.name} sends no fields. Leave out --map and --set.")
    rules = _own_names(route, rows, id_column) if sends_every(plan, route) else _without_id(plan, route, id_column)
    named = [name for name, _ in rules]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise PlanError(f"{', '.join(twice)} is given twice. Name each field once.")
    made = (make_cell(name, rule, route, exclude=plan.exclude, custom=custom) for name, rule in rules)
    return tuple(cell for cell in made if cell is not None)


def list_rules(plan: Plan) -> tuple[tuple[str, Rule], ...]:
    """The whole mapping, short forms included: each field with its rule."""
    return (
        *((name, Rule(column=column)) for name, column in plan.fields),
        *plan.mapping,
        *((name, Rule(constant=value)) for name, value in plan.constants),
    )


def _own_names(route: Route, rows: Rows, id_column: str | None) -> tuple[tuple[str, Rule], ...]:
    """Every column but the one that names the record."""
    naming = {id_column, *columns_of(route.record)}
    return tuple((column, Rule(column=column)) for column in rows.columns if column not in naming)


def _without_id(plan: Plan, route: Route, id_column: str | None) -> tuple[tuple[str, Rule], ...]:
    """The mapping, less the pair by which a URL without an id names its record."""
    rules = list_rules(plan)
    if isinstance(plan.call, Template) or id_column is None:
        return rules
    return tuple(pair for pair in rules if (pair[0], pair[1].column) != (route.resource.id, id_column))


def make_cell(name: str, rule: Rule, route: Route, *, exclude: tuple[str, ...], custom: Custom) -> Cell | None:
    """What one rule sends; `None` when its column is excluded. Raises `PlanError` when its field cannot take it."""
    assert route.fields is not None, "no cell is made for a call without a body"
    column = rule.column
    if column is not None and any(column == path or column.startswith(f"{path}.") for path in exclude):
        return None
    field = route.fields.get(name) or _find_below(name, route)
    if field is not None and not is_writable(field, route):
        raise PlanError(
            f"{name} of {route.object} cannot be written. Leave it out: --exclude it, or --map the fields you want."
        )
    folds = field is None and name.endswith("__c") and "CUSTOMFIELDS" in route.fields
    if field is None and not (folds and (custom is None or name in custom)) and route.strictness != "loose":
        raise PlanError(f"{route.object} have no field {name!r}. {_hint(name, route, custom)}")
    definition = find_definition(custom, name) if folds else None
    if definition is not None and (definition.editable is False or definition.field_type == "AUTONUMBER"):
        raise PlanError(f"{name} of {route.object} cannot be written: Insightly fills it. Leave it out.")
    below = () if column is None else tuple(path for path in exclude if path.startswith(f"{column}."))
    return Cell(
        name=name,
        rule=check_rule(name, rule),
        field=field,
        custom=folds,
        definition=definition,
        without=tuple(path.removeprefix(f"{column}.") for path in below),
        expression=None if rule.expression is None else compile_expression(rule.expression, name),
    )


def _find_below(name: str, route: Route) -> Field | None:
    """A field within an object of the body, such as `PIPELINE_STAGE_CHANGE.STAGE_ID`; its type is not checked."""
    head, dot, rest = name.partition(".")
    holder = (route.fields or {}).get(head)
    return Field(rest, "any") if dot and holder is not None and holder.type == "object" else None


def is_writable(field: Field, route: Route) -> bool:
    """Whether a row may set a field."""
    match route.strictness:
        case "record":
            allowed = field.put if route.method == "PUT" else field.post
            return allowed and not field.read_only
        case "shape":
            # The contract marks ids of other records, such as PRICEBOOK_ENTRY_ID, both read-only and required.
            return field.required or not field.read_only
        case "loose":
            return True


def _hint(name: str, route: Route, custom: Custom) -> str:
    near = get_close_matches(name.upper(), [*(route.fields or ())], n=1)
    near = near or get_close_matches(name, sorted(custom or ()), n=1)
    return f"Did you mean {near[0]}?" if near else f"`crosswalk describe {route.resource.name}` lists them."


def list_required(plan: Plan, route: Route) -> tuple[str, ...]:
    """Fields without which Insightly makes no record, and those that the template asks for."""
    asked = plan.call.required if isinstance(plan.call, Template) else ()
    return tuple(dict.fromkeys((*_required_by(route), *asked)))


def _required_by(route: Route) -> tuple[str, ...]:
    if route.method != "POST" or route.fields is None or route.strictness == "loose":
        return ()
    return tuple(name for name, field in route.fields.items() if field.required and not field.read_only)


def check_columns(asked: Iterable[str], rows: Rows) -> Iterator[str]:
    """Refuse columns that no row has; where rows may bring more, a note for each that the first has not."""
    if not rows.columns and not rows.closed:
        return
    for column in dict.fromkeys(asked):
        if column in rows.columns or column.partition(".")[0] in rows.columns:
            continue
        near = get_close_matches(column, rows.columns, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Columns: {', '.join(rows.columns)}."
        if rows.closed:
            raise PlanError(f"The file has no column {column!r}. {hint}")
        yield f"The first row has no {column!r}. {hint}"
