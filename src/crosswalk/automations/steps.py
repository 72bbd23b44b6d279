"""The calls of a firing: planned once with places for ids that are not known yet, filled when they go out. Pure.

A creation whose outcome is unknown is found again by its mark: a short text at the end of a field, as no other record
has it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from crosswalk.unified.known import JSON, Wire
from crosswalk.unified.mapping import Noun
from crosswalk.unified.plan import WritePlan

PLACES = 1_733_000_000_000_000
"""Ids from here on are places: `PLACES + n` is the record that step `n` makes. Insightly's are far smaller."""
MOST_STEPS = 10_000
PLACE = re.compile(r"\b17330000000(\d{5})\b")
DETAILS: Mapping[str, tuple[str, int | None]] = {
    "Project": ("PROJECT_DETAILS", 4000),
    "Task": ("DETAILS", 4000),
    "Lead": ("LEAD_DESCRIPTION", None),
    "Note": ("BODY", None),
}
"""The field of each kind of record that carries the mark, and how many characters it holds."""
PARENT = "PROJECT_ID"
Settling = Literal["repeat", "marked", "linked", "titled", "assigned"]
"""How it is found out whether a call took effect: by doing it again, by the mark, by the link, by a title below a
parent, by the tasks and events below a parent."""


class Step(Struct, frozen=True, kw_only=True):
    """One call. `named` is what later steps and people call the record that it makes."""

    name: str
    method: str
    path: str
    body: dict[str, JSON] | None = None
    named: str | None = None
    object: str | None = None
    id_field: str | None = None
    settling: Settling = "repeat"
    find: tuple[str, str] | None = None
    undo: str | None = None


def place_of(number: int) -> int:
    """The id that stands for what a step makes, until it is made."""
    return PLACES + number


def steps_of(plan: WritePlan, noun: Noun, *, first: int, named: str, mark: str) -> list[Step]:
    """The steps of one record's creation, numbered from `first`; its record is called `named`."""
    made: list[Step] = []
    own = str(place_of(first)) if plan.id is None else plan.id
    for each in plan.steps:
        path, body = each.path.replace("{id}", own), dict(each.body) if each.body is not None else None
        if not made and plan.id is None:
            field, most = DETAILS[noun.object]
            body = (body or {}) | {field: sign((body or {}).get(field), mark, most=most, html=noun.object == "Note")}
            made.append(
                Step(
                    name=each.name,
                    method=each.method,
                    path=path,
                    body=body,
                    named=named,
                    object=noun.object,
                    id_field=plan.id_field,
                    settling="marked",
                    find=_find(noun, body),
                    undo=f"{noun.resource.path}/{{id}}",
                )
            )
            continue
        settling: Settling = "linked" if each.method == "POST" and path.endswith("/Links") else "repeat"
        kind = str((body or {}).get("LINK_OBJECT_NAME")) if settling == "linked" else None
        made.append(
            Step(name=f"{named}: {each.name}", method=each.method, path=path, body=body, settling=settling, object=kind)
        )
    return made


def steps_of_update(plan: WritePlan, named: str) -> list[Step]:
    """The steps of a change of a record that is there."""
    return [
        Step(
            name=f"{named}: {each.name}",
            method=each.method,
            path=each.path.replace("{id}", plan.id or ""),
            body=None if each.body is None else dict(each.body),
            settling="linked" if each.method == "POST" and each.path.endswith("/Links") else "repeat",
            object=None if each.body is None else str(each.body.get("LINK_OBJECT_NAME")),
        )
        for each in plan.steps
    ]


def sign(text: JSON, mark: str, *, most: int | None, html: bool) -> str:
    """A text with the mark at its end, cut so that both fit."""
    words = text if isinstance(text, str) else ""
    end = f"<p>{escape(mark)}</p>" if html else f"\n\n{mark}" if words else mark
    return (words if most is None else words[: most - len(end)]) + end


def _find(noun: Noun, body: Wire) -> tuple[str, str] | None:
    """One field whose equality finds few records, ours among them."""
    names = (PARENT, "TITLE") if noun.object == "Task" else ("EMAIL", "PROJECT_NAME", "TITLE", "LAST_NAME")
    return next(((name, str(body[name])) for name in names if body.get(name) is not None), None)


def fill(value: JSON, ids: Mapping[int, str]) -> JSON:
    """A body with the ids of what was made; texts stay as they are. Raises `KeyError` where a step was not done."""
    return _map(value, lambda number: int(ids[number]))


def fill_step(step: Step, ids: Mapping[int, str]) -> Step:
    """A step as it goes out. Raises `KeyError` where a step that it names was not done."""
    find = step.find
    if find is not None and find[0] == PARENT:
        find = (PARENT, fill_path(find[1], ids))
    body = None if step.body is None else {name: fill(each, ids) for name, each in step.body.items()}
    undo = None if step.undo is None else fill_path(step.undo, ids)
    name, path = fill_path(step.name, ids), fill_path(step.path, ids)
    return replace(step, name=name, path=path, body=body, find=find, undo=undo)


def fill_path(path: str, ids: Mapping[int, str]) -> str:
    """A path with the ids of what was made."""
    return PLACE.sub(lambda found: ids[int(found[1])], path)


def show(step: Step, steps: Sequence[Step]) -> Step:
    """A step for people to read: places are named, `<project>`."""

    def tell(number: int) -> str:
        return f"<{steps[number].named or steps[number].name}>"

    body = None if step.body is None else {name: _map(each, tell) for name, each in step.body.items()}
    path = PLACE.sub(lambda found: tell(int(found[1])), step.path)
    name = PLACE.sub(lambda found: tell(int(found[1])), step.name)
    return replace(step, name=name, path=path, body=body)


def _map(value: JSON, told: Callable[[int], JSON]) -> JSON:
    """A body with something in the place of its places."""
    match value:
        case bool():
            return value
        case int() if PLACES <= value < PLACES + MOST_STEPS:
            return told(value - PLACES)
        case list():
            return [_map(each, told) for each in value]
        case dict():
            return {name: _map(each, told) for name, each in value.items()}
        case _:
            return value
