"""Edits of rows that could not be delivered: columns set, removed and renamed, fields set and left out. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.payload import Invalid, Payload, make_payload
from crosswalk.delivery.plan import Plan, Rows, SettledPlan

MOST_PLANS = 64
"""Checked plans that are kept: rows of JSON Lines may all have other columns."""
UNREAD = Invalid("the row could not be read, so it has no columns. Set every column that it should have")
Cells: TypeAlias = dict[str, Any]  # JSON; msgspec reads no recursive alias back


class Edit(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to change, in this order: columns renamed, removed, set; then fields left out, and set.

    Columns are of the source row, fields of what is sent to Insightly.
    """

    rename: dict[str, str] = {}
    remove: tuple[str, ...] = ()
    set: dict[str, Any] = {}
    leave_out: tuple[str, ...] = ()
    set_fields: dict[str, str] = {}

    @property
    def changes(self) -> bool:
        """Whether it says anything at all."""
        return self != Edit()


class Edited(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row as people have left it: its cells, `None` where only a text could be read, and what goes beyond them."""

    cells: Cells | None = None
    leave_out: tuple[str, ...] = ()
    set_fields: dict[str, str] = {}


def read_row(cells: bytes | None, edited: bytes | None) -> Edited:
    """A row as the journal has it: as it was edited, else as it was read."""
    if edited is not None:
        return msgspec.json.decode(edited, type=Edited)
    read = None if cells is None else msgspec.json.decode(cells)
    return Edited(cells=read if isinstance(read, dict) else None)


def amend(row: Edited, edit: Edit) -> Edited:
    """The row with one more edit. What it does not have is neither renamed nor removed."""
    cells = {edit.rename.get(name, name): value for name, value in (row.cells or {}).items()}
    cells = {name: value for name, value in cells.items() if name not in edit.remove} | edit.set
    left_out = tuple(sorted({*row.leave_out, *edit.leave_out} - {*edit.set_fields}))
    kept = {name: value for name, value in row.set_fields.items() if name not in edit.leave_out}
    unread = row.cells is None and not cells
    return Edited(cells=None if unread else cells, leave_out=left_out, set_fields=kept | edit.set_fields)


def amend_plan(plan: Plan, row: Edited) -> tuple[Plan, Cells]:
    """The plan and the cells that send a row as it was edited.

    A plan that names fields gets constants in their place; one that sends every column gets columns.
    """
    cells = row.cells or {}
    gone = {*row.leave_out, *row.set_fields}
    if not gone:
        return plan, cells
    if not (plan.fields or plan.constants or plan.mapping):
        return plan, {name: value for name, value in cells.items() if name not in gone} | row.set_fields
    fields = tuple(pair for pair in plan.fields if pair[0] not in gone)
    mapping = tuple(pair for pair in plan.mapping if pair[0] not in gone)
    constants = tuple(pair for pair in plan.constants if pair[0] not in gone)
    return replace(plan, mapping=mapping, fields=fields, constants=(*constants, *row.set_fields.items())), cells


@dataclass(eq=False, slots=True)
class Planner:
    """Turns rows of one run into calls, each as it was edited; `settle` checks a plan as the run's own was checked."""

    plan: Plan
    settle: Callable[[Plan, Rows], SettledPlan]
    _known: dict[tuple[bytes, tuple[str, ...]], SettledPlan | Invalid] = field(default_factory=dict)

    def make(self, row: Edited) -> Payload | Invalid:
        """The row's call, or why there can be none."""
        if row.cells is None:
            return UNREAD
        plan, cells = amend_plan(self.plan, row)
        settled = self.settled(plan, tuple(cells))
        return settled if isinstance(settled, Invalid) else make_payload(settled, cells)

    def settled(self, plan: Plan, columns: tuple[str, ...]) -> SettledPlan | Invalid:
        """A plan checked, once for rows of the same columns, or why no row could be sent by it."""
        place = (msgspec.json.encode(plan), columns)
        if place not in self._known:
            if len(self._known) == MOST_PLANS:
                self._known.clear()
            try:
                self._known[place] = self.settle(plan, Rows(columns, closed=False))
            except PlanError as error:
                self._known[place] = Invalid(str(error))
        return self._known[place]
