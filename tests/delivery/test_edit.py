"""Edits of rows: what a person says is what is sent, whatever was edited before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.contract import load
from crosswalk.delivery.edit import Edit, Edited, Planner, amend, amend_plan, read_row
from crosswalk.delivery.payload import Invalid
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.template import find_template
from fixtures.history import BASE, NOW

CREATE = find_template("create-contact")
NAMED = Plan(call=CREATE, fields=(("FIRST_NAME", "first"), ("PHONE", "phone")))
EVERY = Plan(call=CREATE)
NAMES = st.sampled_from(["a", "b", "c", "d"])


def planner(plan: Plan) -> Planner:
    """A planner as the engine makes one."""
    return Planner(plan, lambda plan, rows: settle_plan(plan, load(), rows, base_url=BASE, now=NOW))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit(), {"a": "1", "b": "2"}),
        (Edit(set={"a": "9"}), {"a": "9", "b": "2"}),
        (Edit(set={"c": None}), {"a": "1", "b": "2", "c": None}),
        (Edit(remove=("a", "z")), {"b": "2"}),
        (Edit(rename={"a": "c"}), {"c": "1", "b": "2"}),
        (Edit(rename={"a": "b"}), {"b": "2"}),
        (Edit(rename={"a": "c"}, remove=("c",), set={"d": "3"}), {"b": "2", "d": "3"}),
    ],
)
def test_cells(edit: Edit, expected: dict[str, str]):
    """Columns are renamed, then removed, then set; a column that is not there is left alone."""
    assert expected == amend(Edited(cells={"a": "1", "b": "2"}), edit).cells


@given(st.dictionaries(NAMES, st.text()), st.dictionaries(NAMES, st.text()), st.sets(NAMES))
def test_same_edit_twice(cells: dict[str, str], put: dict[str, str], gone: set[str]):
    """Setting and removing is the same done once or twice, and the row that was read never changes."""
    edit = Edit(set=put, remove=tuple(gone))
    read = Edited(cells=dict(cells))
    once = amend(read, edit)
    assert (once, cells) == (amend(once, edit), read.cells)


@pytest.mark.parametrize(
    ("plan", "cells"), [(NAMED, {"first": "Ann", "phone": "1"}), (EVERY, {"FIRST_NAME": "Ann", "PHONE": "1"})]
)
def test_fields(plan: Plan, cells: dict[str, str]):
    """A field that is set, or left out, is so whether the plan names fields or sends every column."""
    row = amend(Edited(cells=cells), Edit(set_fields={"FIRST_NAME": "Bo"}, leave_out=("PHONE",)))
    made = planner(plan).make(row)
    assert {"FIRST_NAME": "Bo"} == made.body


def test_field_set_after_it_was_left_out():
    """The later word on a field counts."""
    row = amend(Edited(cells={"first": "Ann"}), Edit(leave_out=("PHONE",)))
    row = amend(row, Edit(set_fields={"PHONE": "1"}))
    assert {"FIRST_NAME": "Ann", "PHONE": "1"} == planner(NAMED).make(row).body


def test_unedited_plan_is_the_same():
    """A row without edits of fields goes by the run's own plan."""
    assert (NAMED, {"first": "Ann"}) == amend_plan(NAMED, Edited(cells={"first": "Ann"}))


@pytest.mark.parametrize(
    ("cells", "says"), [(None, "could not be read"), ({"first": ""}, "FIRST_NAME is required"), ({}, "FIRST_NAME")]
)
def test_still_dead(cells: dict[str, str] | None, says: str):
    """A row that still has no call says why."""
    made = planner(NAMED).make(Edited(cells=cells))
    assert isinstance(made, Invalid)
    assert says in made.reason


def test_unknown_field():
    """A field that the contract does not have is refused by name."""
    made = planner(NAMED).make(Edited(cells={"first": "Ann"}, set_fields={"FRIST_NAME": "Bo"}))
    assert isinstance(made, Invalid)
    assert "FIRST_NAME" in made.reason


@pytest.mark.parametrize(
    ("cells", "edited", "expected"),
    [
        (b'{"a":1}', None, {"a": 1}),
        (b'"only text"', None, None),
        (None, None, None),
        (b'"only text"', b'{"cells":{"a":2}}', {"a": 2}),
    ],
)
def test_read_row(cells: bytes | None, edited: bytes | None, expected: dict[str, int] | None):
    """A row is as it was edited, else as it was read; a text alone has no cells."""
    assert expected == read_row(cells, edited).cells
