"""Dead letters: grouped by what they say; a whole group edited, previewed, replayed or discarded at once."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from msgspec import Struct

from crosswalk.api.deliveries import place_of
from crosswalk.api.page import cut, read_cursor
from crosswalk.console.desk import Desk
from crosswalk.console.frame import ConsoleRequest, desk_of, older, show
from crosswalk.delivery.edit import Edit
from crosswalk.delivery.errors import DeliveryError, PlanError
from crosswalk.delivery.history import DeadGroup, DeliveryFilter, Place, group_dead, list_deliveries
from crosswalk.delivery.workbench import Changed, RunPreview, Selection

HERE = "Dead letters"
PAGE = 25
Group = FromPath[str]


class EditForm(Struct, frozen=True, kw_only=True):
    """An edit as a form gives it: columns set, one `name = value` a line; columns renamed and removed; fields set."""

    columns: str = ""
    rename: str = ""
    remove: str = ""
    fields: str = ""
    leave_out: str = ""


class Bulk(EditForm, frozen=True, kw_only=True):
    """What is to become of a group, and the button that was pressed."""

    act: str = "preview"
    why: str = ""


def read_edit(form: EditForm) -> Edit:
    """The edit that a form means. Raises `PlanError` for a line without `=`."""
    return Edit(
        rename=_read_pairs(form.rename, "Rename"),
        remove=_read_names(form.remove),
        set={name: _read_value(text) for name, text in _read_pairs(form.columns, "Set columns").items()},
        leave_out=_read_names(form.leave_out),
        set_fields=_read_pairs(form.fields, "Set fields"),
    )


def _read_pairs(text: str, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, mark, value = line.partition("=")
        if not mark or not name.strip():
            raise PlanError(f"{where}: write {line!r} as name = value")
        found[name.strip()] = value.strip()
    return found


def _read_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.replace("\n", ",").split(",") if name.strip())


def _read_value(text: str) -> Any:
    """JSON where it is JSON that is no bare number, so that `007` and `12` stay as they are typed; else text."""
    if text[:1] not in {'"', "[", "{"} and text not in {"null", "true", "false"}:
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


@get("/dead-letters")
async def show_groups(*, request: ConsoleRequest, next_cursor: FromQuery[str | None] = None) -> Response[Any]:
    """Dead letters counted by what they say, and the rows of which nobody knows whether they arrived."""
    desk = desk_of(request)
    wanted = DeliveryFilter(state="held", before=read_cursor(next_cursor, Place))
    held = cut(await list_deliveries(desk.database, wanted, most=PAGE + 1), PAGE, place_of)
    data = {"groups": await group_dead(desk.database, DeliveryFilter()), "held": held.result}
    return await show(request, "dead_letters.html", data | {"older": older(request, held.next_cursor)}, here=HERE)


@get("/dead-letters/groups/{group:str}")
async def show_group(
    *, request: ConsoleRequest, group: Group, next_cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """One group's rows, and what can be done with all of them."""
    return await _show_group(request, group, Bulk(), cursor=next_cursor)


@post("/dead-letters/groups/{group:str}")
async def change_group(*, request: ConsoleRequest, group: Group, data: URLEncodedBody[Bulk]) -> Response[Any]:
    """Preview, keep, replay or discard every row of a group."""
    desk, rows = desk_of(request), Selection(group=group)
    try:
        edit = read_edit(data)
        if data.act == "preview":
            return await _show_group(request, group, data, previews=await desk.bench.preview(rows, edit))
        changed = await _change(desk, rows, edit, data)
    except DeliveryError as exc:
        return await _show_group(request, group, data, wrong=str(exc))
    return await _show_group(request, group, Bulk(), act=data.act, changed=changed)


async def _change(desk: Desk, rows: Selection, edit: Edit, form: Bulk) -> Changed:
    match form.act:
        case "replay":
            return await desk.bench.replay(rows, edit)
        case "discard":
            return await desk.bench.discard(rows, form.why)
        case _:
            return await desk.bench.edit(rows, edit)


async def _show_group(
    request: ConsoleRequest,
    group: str,
    form: Bulk,
    *,
    cursor: str | None = None,
    previews: list[RunPreview] | None = None,
    changed: Changed | None = None,
    act: str = "",
    wrong: str | None = None,
) -> Response[Any]:
    desk = desk_of(request)
    known: DeadGroup | None = next(
        (each for each in await group_dead(desk.database, DeliveryFilter()) if each.id == group), None
    )
    wanted = DeliveryFilter(state="dead", group=group, before=read_cursor(cursor, Place))
    page = cut(await list_deliveries(desk.database, wanted, most=PAGE + 1), PAGE, place_of)
    data = {
        "group": known,
        "group_id": group,
        "rows": page.result,
        "older": older(request, page.next_cursor),
        "form": form,
        "previews": previews or [],
        "changed": changed,
        "act": act,
        "wrong": wrong,
    }
    return await show(request, "dead_group.html", data, here=HERE, status=200 if wrong is None else 422)


PAGES: tuple[HTTPRouteHandler, ...] = (show_groups, show_group, change_group)
