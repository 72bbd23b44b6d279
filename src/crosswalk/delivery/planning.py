"""A plan checked against rows, account and contract: what cannot work for any row is said before the first. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from crosswalk.contract import Contract
from crosswalk.delivery.cell import BadValue
from crosswalk.delivery.custom_fields import Custom
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.fields import check_columns, find_id_column, list_required, list_rules, make_cells, sends_every
from crosswalk.delivery.grouping import Grouping, check_grouping
from crosswalk.delivery.headers import check_headers
from crosswalk.delivery.macros import Clock, columns_of, parse_macros
from crosswalk.delivery.plan import Cell, Manual, Plan, Rows, SettledPlan
from crosswalk.delivery.references import References, list_tables
from crosswalk.delivery.route import Route, route_template, route_url
from crosswalk.delivery.template import Template
from crosswalk.delivery.value import make_value


def settle_plan(
    plan: Plan,
    contract: Contract,
    rows: Rows,
    *,
    base_url: str | None,
    now: datetime,
    custom: Custom = None,
    references: References | None = None,
) -> SettledPlan:
    """Check a plan and fill in what it leaves open.

    `base_url` is the account's, `None` when no account is asked. `now` is when the run began, in UTC: the one reading
    of the clock for all its rows. `custom` holds the account's custom fields, `None` when they are not known (any
    `X__c` is then let through), `references` what names are looked up in. Raises `PlanError` for whatever cannot work
    for any row.
    """
    settled = _settle_call(plan, contract, base_url=base_url, now=now)
    route = settled.route
    id_column = find_id_column(plan, route, rows)
    settled = replace(settled, id_column=id_column, custom=custom, references=references)
    unseen = tuple(check_columns(_columns(plan, settled), rows))
    cells = make_cells(plan, route, rows, id_column=id_column, custom=custom)
    _check_constants(cells, references)
    settled = replace(settled, cells=cells, required=list_required(plan, route))
    if sends_every(plan, route) and not rows.closed:
        settled = replace(settled, known=frozenset(rows.columns))
    else:
        _check_required(settled)
    _check_match(plan, settled)
    settled = replace(settled, match=plan.match, grouping=_settle_grouping(plan, settled))
    settled = _settle_memory(plan, settled)
    _check_present(settled)
    return replace(settled, notes=(*route.notes, *unseen, *_list_notes(plan, route), *_list_costs(settled)))


def _settle_memory(plan: Plan, settled: SettledPlan) -> SettledPlan:
    """What is remembered, and what follows from it."""
    route = settled.route
    upserts, updates = route.action == "upsert", route.action == "update" and settled.grouping is None
    if plan.changed_only and not (upserts or updates):
        raise PlanError(f"{plan.name} changes no single record, so nothing says what is unchanged. Upsert, or update.")
    if plan.verify and not upserts:
        raise PlanError(f"{plan.name} looks for no record, so there is nothing to verify. Leave out --verify.")
    if plan.mirror is not None and not upserts:
        raise PlanError(f"{plan.name} remembers no records to mirror. Choose an upsert template.")
    changed_only = upserts if plan.changed_only is None else plan.changed_only
    return replace(settled, changed_only=changed_only, verify=plan.verify, mirror=plan.mirror)


def _check_present(plan: SettledPlan) -> None:
    """Only an update of a named record has a present state to be read and left alone."""
    if plan.needs_present and (plan.route.action not in {"update", "upsert"} or plan.grouping is not None):
        first = plan.needs_present[0]
        raise PlanError(
            f"{first} is written only if empty, which reads the record first; {plan.name} updates no single record. "
            "Write it never_null, or always."
        )


def _list_costs(plan: SettledPlan) -> Iterator[str]:
    """What the mapping costs in calls beside one a row."""
    for table in list_tables(plan.lookups):
        yield f"Reads the account's {table} once before the first row: one call for every 500."
    if plan.upserts and plan.verify:
        yield f"Looks for each record by {plan.match} before it is written, and trusts no memory: two calls a row."
    elif plan.upserts:
        yield f"Looks for each record by {plan.match}: two calls a row, one where its record is remembered."
    if plan.needs_present:
        yield f"Reads each record before it writes it, for {', '.join(plan.needs_present)}: two calls a row."


def _settle_call(plan: Plan, contract: Contract, *, base_url: str | None, now: datetime) -> SettledPlan:
    match plan.call:
        case Template() as template:
            return SettledPlan(name=plan.name, route=route_template(template, contract), exclude=plan.exclude)
        case Manual() as manual:
            clock = Clock(now=now, format=manual.date_format, unit=manual.time_unit)
            check_headers(manual.headers)
            route = route_url(manual.method, manual.url, contract, base_url=base_url, clock=clock)
            headers = tuple((name, parse_macros(value, clock)) for name, value in manual.headers)
            return SettledPlan(name=plan.name, route=route, headers=headers, exclude=plan.exclude)
        case _:
            assert_never(plan.call)


def _check_constants(cells: Iterable[Cell], references: References | None) -> None:
    """What is the same in every row is checked once, before the first."""
    for cell in cells:
        if cell.column is None and cell.expression is None:
            try:
                make_value(cell, {}, references)
            except BadValue as error:
                raise PlanError(f"{error}. It would be so in every row.") from error


def _check_required(plan: SettledPlan) -> None:
    lacking = sorted(set(plan.required) - {cell.name for cell in plan.cells})
    if lacking:
        first = lacking[0]
        raise PlanError(
            f"{plan.name} needs {', '.join(lacking)}. Give it: --map {first}=COLUMN or --set {first}=VALUE."
        )


def _columns(plan: Plan, settled: SettledPlan) -> Iterator[str]:
    """Every column that the plan names."""
    if settled.id_column is not None:
        yield settled.id_column
    yield from plan.exclude
    yield from (rule.column for _, rule in list_rules(plan) if rule.column is not None)
    texts = (settled.route.head, settled.route.record, settled.route.tail, *(value for _, value in settled.headers))
    for text in texts:
        yield from columns_of(text)


def _check_match(plan: Plan, settled: SettledPlan) -> None:
    """A match finds again what a creation made: so it must be sent, differ by row, and be searchable."""
    name, route = plan.match, settled.route
    if name is None and route.action == "upsert":
        raise PlanError(f"{plan.name} needs --match, the field that names a record, such as --match EMAIL_ADDRESS.")
    if name is None:
        return
    if route.action not in {"create", "upsert"} or route.strictness != "record":
        raise PlanError(f"{plan.name} makes no records of its own collection; --match has no place in it.")
    if not route.resource.serves("GET", "/Search"):
        raise PlanError(f"Insightly has no search for {route.object}; --match cannot work there.")
    if plan.grouping is not None:
        raise PlanError("--match names one record, and a batch holds many. Leave out one of the two.")
    cell = next((cell for cell in settled.cells if cell.name == name), None)
    if cell is None and settled.known is None:
        raise PlanError(f"{name}, which --match names, is not sent. --map a column to it.")
    if cell is not None and cell.column is None and cell.expression is None:
        raise PlanError(f"{name}, which --match names, is the same in every row. --map a column to it.")


def _settle_grouping(plan: Plan, settled: SettledPlan) -> Grouping | None:
    route, grouping = settled.route, plan.grouping
    if grouping is None:
        return Grouping(algorithm="json_array", size=1) if route.listed else None
    if isinstance(plan.call, Template):
        raise PlanError(
            f"{plan.name} takes one record a call. Batches need --method and --url of a call that takes many."
        )
    if route.method == "DELETE" or route.fields is None:
        raise PlanError(f"{plan.name} sends no records, so there is nothing to batch. Leave out the grouping.")
    if route.action in {"update", "upsert"}:
        raise PlanError(f"{plan.name} names one record, and a batch holds many. Leave out the grouping.")
    _check_key(grouping, settled)
    return check_grouping(grouping)


def _check_key(grouping: Grouping, settled: SettledPlan) -> None:
    sent = {cell.name for cell in settled.cells if not cell.custom}
    if grouping.key_attribute is not None and settled.known is None and grouping.key_attribute not in sent:
        raise PlanError(f"key_attribute {grouping.key_attribute!r} is not sent. Take one of {', '.join(sorted(sent))}.")


def _list_notes(plan: Plan, route: Route) -> Iterator[str]:
    if plan.grouping is not None and not route.listed and route.strictness != "loose":
        yield f"{plan.name} takes one record a call in Insightly's documents; a batch of several will be refused."
    if plan.grouping is None and route.listed:
        yield f"{plan.name} takes a list; each row goes out as a list of one. --grouping json_array joins them."
