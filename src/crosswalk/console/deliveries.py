"""Deliveries: searched, and one row's whole story with what a person may do about it."""

import json
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, PathParameter, QueryParameter, URLEncodedBody
from msgspec import Struct
from msgspec.structs import replace

from crosswalk.api.page import read_cursor, write_cursor
from crosswalk.console.dead_letters import EditForm, read_edit
from crosswalk.console.desk import Desk
from crosswalk.console.frame import ConsoleRequest, desk_of, go, older, show
from crosswalk.delivery.edit import Edit, Edited
from crosswalk.delivery.errors import DeliveryError, PlanError
from crosswalk.delivery.history import DeliveryFilter, Place, find_delivery
from crosswalk.delivery.search import search_deliveries
from crosswalk.delivery.workbench import Decision, Selection, Verdict, look_for
from crosswalk.store.deliveries import RecordState

HERE = "Deliveries"
PAGE = 50
Id = FromPath[str]
Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
State = Annotated[str, QueryParameter(name="state")]


class Row(EditForm, frozen=True, kw_only=True):
    """What is to become of a dead row: the row as JSON, its fields, and the button that was pressed."""

    row: str = ""
    act: str = "edit"
    why: str = ""


class Judgement(Struct, frozen=True, kw_only=True):
    """What a person says of a held row."""

    verdict: Verdict
    remote_id: str = ""
    why: str = ""
    decided: int = 0


@get("/deliveries")
async def show_deliveries(
    *,
    request: ConsoleRequest,
    text: FromQuery[str] = "",
    key: FromQuery[str] = "",
    remote_id: FromQuery[str] = "",
    run: FromQuery[str] = "",
    status: FromQuery[str] = "",
    record_state: State = "",
    next_cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """Deliveries, newest first, as the form narrows them."""
    asked = {"text": text, "key": key, "remote_id": remote_id, "run": run, "state": record_state, "status": status}
    wanted = DeliveryFilter(
        text=text or None,
        key=key or None,
        remote_id=remote_id or None,
        run=run or None,
        state=read_state(record_state),
        status=int(status) if status.isdecimal() else None,
        before=read_cursor(next_cursor, Place),
    )
    desk = desk_of(request)
    found = await search_deliveries(desk.database, wanted, most=PAGE)
    data = {"deliveries": found.deliveries, "asked": asked, "narrowed": any(asked.values()), "looked": found.looked}
    on = None if found.on is None else write_cursor(found.on)
    return await show(request, "deliveries.html", data | {"older": older(request, on)}, here=HERE)


def read_state(text: str) -> RecordState | None:
    """A state by name; `None` for any other text."""
    match text:
        case "delivered" | "unchanged" | "superseded" | "skipped" | "cancelled" | "dead" | "pending" | "held":
            return text
        case _:
            return None


@get("/deliveries/{run_id:str}/{number:int}")
async def show_delivery(*, request: ConsoleRequest, run_id: Id, number: Number) -> Response[Any]:
    """One row's biography."""
    return await _show_one(request, Place(run_id, number))


@post("/deliveries/{run_id:str}/{number:int}/edit")
async def edit_row(*, request: ConsoleRequest, run_id: Id, number: Number, data: URLEncodedBody[Row]) -> Response[Any]:
    """Preview, keep, replay or discard one dead row."""
    desk, place = desk_of(request), Place(run_id, number)
    rows = Selection(run=run_id, number=number)
    try:
        edit = await _read_row(desk, place, data)
        match data.act:
            case "preview":
                return await _show_one(request, place, form=data, previews=await desk.bench.preview(rows, edit))
            case "replay":
                await desk.bench.replay(rows, edit)
            case "discard":
                await desk.bench.discard(rows, data.why)
            case _:
                await desk.bench.edit(rows, edit)
    except DeliveryError as exc:
        return await _show_one(request, place, form=data, wrong=str(exc))
    return go(f"/deliveries/{run_id}/{number}")


@post("/deliveries/{run_id:str}/{number:int}/decide")
async def decide_row(
    *, request: ConsoleRequest, run_id: Id, number: Number, data: URLEncodedBody[Judgement]
) -> Response[Any]:
    """Say what became of a held row."""
    desk, place = desk_of(request), Place(run_id, number)

    async def exists(account: str, path: str) -> bool:
        return await look_for(desk.accounts, account, path)

    decision = Decision(
        verdict=data.verdict,
        remote_id=data.remote_id.strip() or None if data.verdict == "adopt" else None,
        reason=data.why.strip() or None,
        decided=data.decided,
    )
    try:
        await desk.bench.decide(place, decision, exists=exists)
    except DeliveryError as exc:
        return await _show_one(request, place, wrong=str(exc))
    return go(f"/deliveries/{run_id}/{number}")


async def _show_one(
    request: ConsoleRequest, place: Place, *, form: Row | None = None, previews: Any = (), wrong: str | None = None
) -> Response[Any]:
    delivery = await find_delivery(desk_of(request).database, place)
    cells = delivery.row if isinstance(delivery.row, dict) else {}
    edited = delivery.edited or Edited(cells=cells)
    data = {
        "delivery": delivery,
        "cells": pretty(edited.cells or {}),
        "call": show_call(delivery.call),
        "row": pretty(delivery.row),
        "form": form or Row(),
        "previews": previews,
        "wrong": wrong,
    }
    return await show(request, "delivery.html", data, here=HERE, status=200 if wrong is None else 422)


async def _read_row(desk: Desk, place: Place, form: Row) -> Edit:
    """The edit that turns the row as it stands into the row of the form. Raises `PlanError` for no JSON object."""
    try:
        wanted = msgspec.json.decode(form.row, type=dict[str, Any])
    except msgspec.DecodeError as exc:
        raise PlanError(f"The row is no JSON object of columns: {exc}") from exc
    delivery = await find_delivery(desk.database, place)
    cells = delivery.edited.cells if delivery.edited else delivery.row
    have: dict[str, Any] = cells if isinstance(cells, dict) else {}
    changed = {name: value for name, value in wanted.items() if name not in have or have[name] != value}
    return replace(read_edit(form), set=changed, remove=tuple(name for name in have if name not in wanted))


def show_call(call: Any) -> str | None:
    """The planned call as it would be read off the wire: method, path, headers of its own, body."""
    if call is None:
        return None
    lines = [f"{call['method']} {call['path']}", *(f"{name}: {value}" for name, value in call.get("headers") or ())]
    body = pretty(call.get("body"))
    return "\n".join(lines) + ("" if body is None else f"\n\n{body}")


def pretty(value: Any) -> str | None:
    """JSON for people; a text stays as it is."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False)


PAGES: tuple[HTTPRouteHandler, ...] = (show_deliveries, show_delivery, edit_row, decide_row)
