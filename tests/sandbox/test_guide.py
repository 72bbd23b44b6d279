"""docs/sandbox.md says what there is: every switch, fault, option and control call."""

import json
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from crosswalk.cli.sandbox import sandbox as command
from crosswalk.contract import load
from crosswalk.sandbox.control import HANDLERS, Seed, UserChange
from crosswalk.sandbox.faults import Fault, Where, read_rules
from crosswalk.sandbox.log import Entry, Filter
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from crosswalk.sandbox.switches import Switches

GUIDE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
ROWS = {row.split("|")[1].strip(): row for row in GUIDE.splitlines() if row.startswith("| ")}
SCRIPTS = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("switch", msgspec.structs.fields(Switches), ids=lambda field: field.name)
def test_every_switch(switch):
    """Each switch stands in the table: its default, its other sides, and who attests which."""
    cells = [cell.strip() for cell in ROWS[f"`{switch.name}`"].split("|")[3:-1]]
    others = [f"`{side}`" for side in get_args(switch.type) if side != switch.default]
    fact = load().facts.get(switch.name)
    attested = [f"{fact.kind}: {fact.source}", *(side.source for side in fact.others)] if fact else []
    assert [f"`{switch.default}`", ", ".join(others)] == [cells[0], cells[2]]
    assert all(source in cells[1] + cells[3] for source in attested)


@pytest.mark.parametrize("fault", get_args(Fault), ids=lambda fault: fault.__name__)
def test_every_fault(fault):
    """Each fault stands in the table with its fields."""
    row = ROWS[f"`{fault.__struct_config__.tag}`"]
    assert all(f"`{name}`" in row for name in fault.__struct_fields__)


@pytest.mark.parametrize("name", Where.__struct_fields__)
def test_every_way_to_strike(name):
    """Each field that says whom a fault strikes stands in the table."""
    assert f"`{name}`" in ROWS


@pytest.mark.parametrize("call", HANDLERS, ids=" ".join)
def test_every_control_call(call):
    """Each control call stands in the guide with its verb."""
    verb, name = call
    path = f"/_sandbox/{name}".rstrip("/")
    assert any(row.startswith("| `") and f"`{verb}" in row and f"{path}`" in row for row in ROWS.values())


@pytest.mark.parametrize("struct", [Seed, UserChange, Entry, Filter], ids=lambda struct: struct.__name__)
def test_every_field_of_a_control_body(struct):
    """The fields of control bodies, log entries and filters are all named."""
    assert [] == [name for name in struct.__struct_fields__ if not re.search(rf"[`?\"]{name}[=`\"]", GUIDE)]


@pytest.mark.parametrize("option", [option for parameter in command.params for option in parameter.opts])
def test_every_option(option):
    """Each option of the command stands in the guide."""
    assert f"`{option}" in GUIDE


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_work(script):
    """Each script of faults in the guide is one that the sandbox takes."""
    assert len(json.loads(script)) == len(read_rules(script.encode()))


def test_the_key_in_the_guide():
    """The guide's key is the one that its first command prints, so that a stranger may copy each line."""
    first = Sandbox(make_recipes(sizes={"contacts": 1})).first.instance.users[0]
    assert {first.key} == set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", GUIDE))
