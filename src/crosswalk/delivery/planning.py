"""A plan checked against rows, account and contract: what cannot work for any row is said before the first. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from crosswalk.contract import Contract
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.fields import check_columns, find_id_column, list_required, make_cells, sends_every
from crosswalk.delivery.grouping import Grouping, check_grouping
from crosswalk.delivery.headers import check_headers
from crosswalk.delivery.macros import Clock, columns_of, parse_macros
from crosswalk.delivery.plan import Manual, Plan, Rows, SettledPlan
from crosswalk.delivery.route import Route, route_template, route_url
from crosswalk.delivery.template import Template


def settle_plan(
    plan: Plan,
    contract: Contract,
    rows: Rows,
    *,
    base_url: str | None,
    now: datetime,
    custom: frozenset[str] | None = None,
) -> SettledPlan:
    """Check a plan and fill in what it leaves open.

    `base_url` is the account's, `None` when no account is asked. `now` is when the run began, in UTC: the one reading
    of the clock for all its rows. `custom` holds the account's custom field names, `None` when they are not known (any
    `X__c` is then let through). Raises `PlanError` for whatever cannot work for any row.
    """
    settled = _settle_call(plan, contract, base_url=base_url, now=now)
    route = settled.route
    id_column = find_id_column(plan, route, rows)
    settled = replace(settled, id_column=id_column, custom=custom)
    unseen = tuple(check_columns(_columns(plan, settled), rows))
    cells = make_cells(plan, route, rows, id_column=id_column, custom=custom)
    settled = replace(settled, cells=cells, required=list_required(route))
    if sends_every(plan, route) and not rows.closed:
        settled = replace(settled, known=frozenset(rows.columns))
    else:
        _check_required(settled)
    _check_match(plan, settled)
    settled = replace(settled, match=plan.match, grouping=_settle_grouping(plan, settled))
    return replace(settled, notes=(*route.notes, *unseen, *_list_notes(plan, route)))


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
    yield from (column for _, column in plan.fields)
    texts = (settled.route.head, settled.route.record, settled.route.tail, *(value for _, value in settled.headers))
    for text in texts:
        yield from columns_of(text)


def _check_match(plan: Plan, settled: SettledPlan) -> None:
    """A match finds again what a creation made: so it must be sent, differ by row, and be searchable."""
    name, route = plan.match, settled.route
    if name is None:
        return
    if route.action != "create" or route.strictness != "record":
        raise PlanError(f"{plan.name} makes no records of its own collection; --match has no place in it.")
    if not route.resource.serves("GET", "/Search"):
        raise PlanError(f"Insightly has no search for {route.object}; --match cannot work there.")
    if plan.grouping is not None:
        raise PlanError("--match names one record, and a batch holds many. Leave out one of the two.")
    cell = next((cell for cell in settled.cells if cell.name == name), None)
    if cell is None and settled.known is None:
        raise PlanError(f"{name}, which --match names, is not sent. --map a column to it.")
    if cell is not None and cell.constant is not None:
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
    if route.action == "update":
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
