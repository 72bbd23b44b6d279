"""A destination's settings as a person writes them, the plan that they become, and what they make of sample rows. Pure.

Plan and settings have the same fields, but that settings name a template by its name and hold pairs as objects.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from crosswalk.contract import Contract
from crosswalk.delivery.batch import Numbered, pack
from crosswalk.delivery.custom_fields import Custom
from crosswalk.delivery.envelope import ResponseWebhook
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.grouping import Grouping
from crosswalk.delivery.macros import Unit
from crosswalk.delivery.mapping import Rule
from crosswalk.delivery.payload import Invalid, make_payload
from crosswalk.delivery.plan import Manual, Mirror, Plan, Rows, SettledPlan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.references import References
from crosswalk.delivery.route import Method
from crosswalk.delivery.template import Template, find_template

UNSEEN = Rows((), closed=False)


class Batches(Grouping, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How records are grouped into calls."""


class Settings(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What becomes of a row: a template, or a method and a URL of your own.

    `mapping` says what each field is made of; `fields` (which column goes to it) and `constants` (what is the same in
    every row) are short forms of it. With none of the three, every column goes under its own name.
    """

    template: str | None = None
    method: Method | None = None
    url: str | None = None
    headers: dict[str, str] = {}
    date_format: str = "yyyy-MM-dd"
    time_unit: Unit = "Day"
    fields: dict[str, str] = {}
    constants: dict[str, str] = {}
    mapping: dict[str, Rule] = {}
    exclude: tuple[str, ...] = ()
    id_column: str | None = None
    match: str | None = None
    grouping: Batches | None = None
    response_webhook: ResponseWebhook | None = None
    changed_only: bool | None = None
    verify: bool = False
    mirror: Mirror | None = None
    nexla: dict[str, str | int | bool] = {}
    """The portable keys that these settings were imported from, so that an export answers the same."""


class Call(Struct, frozen=True, kw_only=True):
    """One call as it would go out, its credential masked; `rows` counts from 1, `body` is the exact text."""

    rows: tuple[int, ...]
    method: str
    url: str
    headers: dict[str, str]
    body: str | None


class Refused(Struct, frozen=True):
    """A row that would become a dead letter, and why."""

    row: int
    reason: str


class Preview(Struct, frozen=True, kw_only=True):
    """What sample rows would become; nothing was called."""

    calls: list[Call]
    refused: list[Refused]
    notes: tuple[str, ...]


def make_plan(settings: Settings) -> Plan:
    """The plan that settings stand for. Raises `PlanError` and `UnknownTemplate`."""
    return Plan(
        call=_choose_call(settings),
        fields=tuple(settings.fields.items()),
        constants=tuple(settings.constants.items()),
        mapping=tuple(settings.mapping.items()),
        exclude=settings.exclude,
        id_column=settings.id_column,
        match=settings.match,
        grouping=settings.grouping,
        response_webhook=settings.response_webhook,
        changed_only=settings.changed_only,
        verify=settings.verify,
        mirror=settings.mirror,
    )


def check_settings(
    settings: Settings, contract: Contract, *, base_url: str | None, now: datetime, custom: Custom = None
) -> None:
    """Raise `PlanError` for what cannot work whatever the rows are; `custom` are the account's fields, if known."""
    settle_plan(make_plan(settings), contract, UNSEEN, base_url=base_url, now=now, custom=custom)


def preview(
    settings: Settings,
    rows: Sequence[Mapping[str, Any]],
    contract: Contract,
    *,
    base_url: str,
    now: datetime,
    custom: Custom = None,
    references: References | None = None,
) -> Preview:
    """The exact calls that rows would become; without `references`, names stand where ids will.

    Raises `PlanError` when no row could be sent.
    """
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    seen = Rows(columns, closed=False)  # samples: the rows to come may bring other columns
    plan = settle_plan(
        make_plan(settings), contract, seen, base_url=base_url, now=now, custom=custom, references=references
    )
    refused: list[Refused] = []
    parcels = list(pack(plan, _sort_out(plan, rows, refused)))
    calls = [
        Call(
            rows=each.numbers,
            method=each.method,
            url=f"{base_url}{each.path}",
            headers=_list_headers(each.headers, has_body=each.body is not None),
            body=None if each.body is None else each.body.decode(),
        )
        for each in parcels
    ]
    return Preview(calls=calls, refused=refused, notes=plan.notes)


def _choose_call(settings: Settings) -> Template | Manual:
    manual = (settings.method, settings.url)
    if settings.template is not None:
        if any(manual) or settings.headers:
            raise PlanError("Settings name a template as well as a call of their own. Leave out one of the two.")
        return find_template(settings.template)
    if settings.method is None or settings.url is None:
        raise PlanError("Settings need a template, or a method and a url.")
    return Manual(
        method=settings.method,
        url=settings.url,
        headers=tuple(settings.headers.items()),
        date_format=settings.date_format,
        time_unit=settings.time_unit,
    )


def _sort_out(plan: SettledPlan, rows: Sequence[Mapping[str, Any]], refused: list[Refused]) -> Iterator[Numbered]:
    for number, row in enumerate(rows, start=1):
        made = make_payload(plan, row)
        if isinstance(made, Invalid):
            refused.append(Refused(number, made.reason))
        else:
            yield number, made


def _list_headers(own: Sequence[tuple[str, str]], *, has_body: bool) -> dict[str, str]:
    content = {"Content-Type": "application/json; charset=utf-8"} if has_body else {}
    return {"Authorization": "***", **content, **dict(own)}


def list_differences(before: Settings, after: Settings) -> dict[str, tuple[Any, Any]]:
    """What two settings say differently: each name with the value before and after, `None` where it says nothing."""
    old, new = (msgspec.to_builtins(each) for each in (before, after))
    return {name: (old.get(name), new.get(name)) for name in sorted({*old, *new}) if old.get(name) != new.get(name)}
