"""Templates: what they name, and what a slip of the pen is answered."""

from datetime import UTC, datetime

import pytest

from crosswalk.contract import load
from crosswalk.delivery.errors import UnknownTemplate
from crosswalk.delivery.payload import make_payload
from crosswalk.delivery.plan import Plan, Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.template import TEMPLATES, find_template

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEED = ("create-contact", "create-opportunity", "update-contact", "delete-contact", "update-opportunity")


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda t: t.name)
def test_templates_name_what_insightly_serves(template):
    """Every template's call is an operation of the contract, and its required fields are fields of its body."""
    resource = load().resources[template.resource]
    operation = next(op for op in resource.operations if (op.verb, op.path) == (template.method, template.path))
    fields = {field.name for field in load().shape(operation.body)} if operation.body else set()
    assert set(template.required) <= fields


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda t: t.name)
def test_templates_become_their_own_call(template):
    """What a template says of its path is the path of its calls, with the id of the row's record in it."""
    writable = ("BACKGROUND", "PHONE", "DETAILS", "OPPORTUNITY_DETAILS", "PROJECT_DETAILS", "TITLE")
    known = {field.name for field in load().resources[template.resource].fields}
    names = template.required or tuple(name for name in writable if name in known)[:1]
    fields = () if template.method == "DELETE" and not template.required else tuple((name, name) for name in names)
    row = dict.fromkeys(names, "7") | {name: "2026-01-31" for name in names if "DATE" in name} | {"id": "5"}
    row |= {"STATUS": "IN PROGRESS"} if "STATUS" in names else {}
    match = names[0] if template.action == "upsert" else None
    plan = Plan(call=template, fields=fields, id_column="id" if template.names_record else None, match=match)
    made = make_payload(settle_plan(plan, load(), Rows((*row,)), base_url=None, now=NOW), row)
    assert (template.method, template.path.replace("{id}", "5")) == (made.method, made.path)


@pytest.mark.parametrize("name", SEED)
def test_templates_by_name(name):
    """A template is found by its name."""
    assert name == find_template(name).name


def test_unknown_template():
    """A name that is nearly right is answered with the right one."""
    with pytest.raises(UnknownTemplate, match="Did you mean create-contact"):
        find_template("creat-contact")
